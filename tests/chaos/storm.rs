//! The storm: what people, Azure, Event Grid and the platform do, one thing after the other, by chance.
//!
//! It must not wait for the handler to be done before the next thing happens, but now and then.

mod weather;

use std::{fmt, ops::AddAssign, time::Duration};

use serde_json::json;
use vaultbind_simulator::{
    event_grid::{Chance, Mischief},
    functions_host::FunctionsHost,
};

use crate::{
    estate::{Land, SITES, TIERS, vault_id},
    town::{SOON, Town, WEST, write_event},
};

/// The host gives up at the third crash within half an hour.
const MOST_KILLS: usize = 2;
/// Where neither queue takes a message, each of a few deliveries is held back in real time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(240);
/// How long something may take to happen that is waited for now and then.
const A_MOMENT: Duration = Duration::from_millis(300);

/// What a run has been through.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    changes: usize,
    faults: usize,
    kills: usize,
    overlaps: usize,
    calls: usize,
    results: usize,
}

impl Tally {
    /// Counts what the town has seen.
    pub(crate) fn add(&mut self, town: &Town) {
        self.calls += town.simulator.world.journal.entries().len();
        self.results += town.results().len();
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.changes += other.changes;
        self.faults += other.faults;
        self.kills += other.kills;
        self.overlaps += other.overlaps;
        self.calls += other.calls;
        self.results += other.results;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            changes,
            faults,
            kills,
            overlaps,
            calls,
            results,
        } = self;
        write!(
            f,
            "{changes} changes, {faults} faults, {kills} kills, {overlaps} overlapping handlers, {calls} calls, {results} results"
        )
    }
}

/// A storm over a town, and the people in it.
struct Storm<'a> {
    town: &'a Town,
    land: &'a mut Land,
    chance: &'a mut Chance,
    tally: Tally,
    /// A second instance of the app, as the platform adds one under load.
    second: Option<FunctionsHost>,
}

/// Lets it rage for a while.
pub(crate) async fn rage(town: &Town, land: &mut Land, chance: &mut Chance) -> Tally {
    town.grid.set_mischief(Mischief {
        seed: chance.draw(),
        duplicate: 20,
        drop: 15,
        reorder: 20,
    });
    let mut storm = Storm {
        town,
        land,
        chance,
        tally: Tally::default(),
        second: None,
    };
    storm.azure_is_as_it_is();
    if storm.chance.happens(25) {
        storm.second = Some(town.another_host().await);
        storm.tally.overlaps += 1;
    }
    for _ in 0..10 + storm.chance.below(10) {
        storm.gust().await;
        storm.lull().await;
    }
    storm.tally
}

impl Storm<'_> {
    /// One thing happens.
    async fn gust(&mut self) {
        match self.chance.below(20) {
            0..=2 => self.tag_a_cluster(),
            3 | 4 => self.tag_a_vault(),
            5 => self.a_vault_comes(),
            6 => self.a_vault_goes(),
            7 => self.a_role_goes(),
            8 => self.a_cluster_comes(),
            9 => self.a_cluster_goes().await,
            10 => self.somebody_points_a_cluster_elsewhere(),
            11 => self.a_cluster_is_busy().await,
            12 => self.an_old_event_comes_again(),
            13 => self.the_timer_ticks().await,
            14 => self.the_index_lags(),
            15 => self.changes_go_wrong(),
            16 => self.the_handler_ends().await,
            _ => self.a_call_fails(),
        }
    }

    /// Now and then all of it comes to its end, now and then a call, mostly nothing.
    async fn lull(&mut self) {
        match self.chance.below(6) {
            0 => self.town.settle_within(PATIENCE).await,
            1 | 2 => self.a_moment().await,
            _ => {}
        }
    }

    /// Until one more call of a function has ended; where none does, it was quiet.
    async fn a_moment(&self) {
        let before = self.town.host.invocations().len();
        let more = |host: &FunctionsHost| host.invocations().len() > before;
        let _ = self.town.host.wait_until(A_MOMENT, more).await;
    }

    fn ids(&self, kind: &str) -> Vec<String> {
        let azure = self.town.simulator.world.azure();
        let all = azure.resources_of(kind);
        all.filter_map(|it| it["id"].as_str().map(ToOwned::to_owned))
            .collect()
    }

    /// One of the resources of this kind, where there are any.
    fn one(&mut self, kind: &str) -> Option<String> {
        let all = self.ids(kind);
        (!all.is_empty()).then(|| self.chance.pick(&all))
    }

    fn a_cluster(&mut self) -> Option<String> {
        self.one("Microsoft.NetworkCloud/clusters")
    }

    fn a_vault(&mut self) -> Option<String> {
        self.one("Microsoft.KeyVault/vaults")
    }

    fn tag_a_cluster(&mut self) {
        let Some(id) = self.a_cluster() else { return };
        let (name, value) = if self.chance.happens(70) {
            ("site", self.chance.pick(&SITES))
        } else {
            ("tier", self.chance.pick(&TIERS).0)
        };
        let value = (!self.chance.happens(10)).then_some(value);
        self.tally.changes += 1;
        self.town.simulator.world.azure().set_tag(&id, name, value);
    }

    fn tag_a_vault(&mut self) {
        let Some(id) = self.a_vault() else { return };
        let (name, value) = if self.chance.happens(70) {
            ("site", Some(self.chance.pick(&SITES)))
        } else {
            (
                "purpose",
                self.chance.happens(60).then_some("nexus-credentials"),
            )
        };
        self.tally.changes += 1;
        self.town.simulator.world.azure().set_tag(&id, name, value);
    }

    fn a_vault_comes(&mut self) {
        let spec = self.land.draw_vault(self.chance);
        self.tally.changes += 1;
        self.town.simulator.world.azure().put_vault(WEST, &spec);
    }

    fn a_vault_goes(&mut self) {
        let Some(id) = self.a_vault() else { return };
        let is_purged = self.chance.happens(30);
        self.tally.changes += 1;
        let mut azure = self.town.simulator.world.azure();
        if is_purged {
            azure.delete(&id);
        } else {
            azure.soft_delete_vault(&id);
        }
    }

    fn a_role_goes(&mut self) {
        let azure = self.town.simulator.world.azure();
        let all: Vec<String> = azure.role_assignments().map(|it| it.id.clone()).collect();
        drop(azure);
        if all.is_empty() {
            return;
        }
        let id = self.chance.pick(&all);
        self.tally.changes += 1;
        self.town.simulator.world.azure().remove_assignment(&id);
    }

    fn a_cluster_comes(&mut self) {
        let (name, made) = self.land.draw_cluster(self.chance);
        self.tally.changes += 1;
        self.town
            .simulator
            .world
            .azure()
            .put_cluster(WEST, &made.spec);
        self.land.add(self.town, name, made);
    }

    async fn a_cluster_goes(&mut self) {
        let Some(id) = self.a_cluster() else { return };
        self.tally.changes += 1;
        let world = &self.town.simulator.world;
        world.azure().set_detailed_status(&id, "Deleting");
        self.a_moment().await;
        world.azure().delete(&id);
    }

    /// A person sets the older property; where the newer one is set, that has no effect.
    fn somebody_points_a_cluster_elsewhere(&mut self) {
        let Some(id) = self.a_cluster() else { return };
        let vault = vault_id(&format!("kv-{}", 1 + self.chance.below(9)));
        let is_on = if self.chance.happens(80) {
            "True"
        } else {
            "False"
        };
        let archive = json!({ "keyVaultId": vault, "useKeyVault": is_on });
        self.tally.changes += 1;
        self.town
            .simulator
            .world
            .azure()
            .set_property(&id, "secretArchive", archive);
    }

    async fn a_cluster_is_busy(&mut self) {
        let Some(id) = self.a_cluster() else { return };
        let state = |id: &str| {
            let azure = self.town.simulator.world.azure();
            azure
                .resource(id)
                .map(|it| it["properties"]["provisioningState"].clone())
        };
        // A change of ours that is under way is not cut short.
        if state(&id) != Some(json!("Succeeded")) {
            return;
        }
        let world = &self.town.simulator.world;
        world.azure().set_provisioning_state(&id, "Updating");
        self.a_moment().await;
        world.azure().set_provisioning_state(&id, "Succeeded");
        self.tally.changes += 1;
    }

    fn an_old_event_comes_again(&mut self) {
        let Some(id) = self.a_cluster() else { return };
        let event = write_event(
            &format!("old-{}", self.chance.below(3)),
            &id,
            "Microsoft.NetworkCloud/clusters/write",
        );
        self.town.grid.publish(&event);
    }

    /// A tick that fails is one that the next makes up for.
    async fn the_timer_ticks(&self) {
        let _ = self.town.host.tick("resync").await;
    }

    fn the_index_lags(&mut self) {
        let kind = self.chance.pick(&[
            "Microsoft.KeyVault/vaults",
            "Microsoft.NetworkCloud/clusters",
        ]);
        let Some(id) = self.one(kind) else { return };
        let is_hidden = self.chance.happens(50);
        let mut azure = self.town.simulator.world.azure();
        if is_hidden {
            azure.resource_graph.hide(&id);
        } else {
            azure.lag(&id);
        }
    }

    /// Killed, or replaced by another that starts before it is gone.
    async fn the_handler_ends(&mut self) {
        if self.tally.kills < MOST_KILLS && self.chance.happens(60) {
            // One that is dead already needs no killing.
            self.tally.kills += usize::from(self.town.host.kill_handler().is_ok());
        } else {
            self.town.host.restart(SOON).await.unwrap();
            self.tally.overlaps += 1;
        }
    }
}
