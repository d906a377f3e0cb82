//! Convergence: random estates, random events with repeats and losses, decided and acted on in memory.
//!
//! It must not know how a decision comes about; it checks what has to hold whatever comes.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it has to be"
)]

#[path = "shared/azure.rs"]
mod azure;
#[path = "convergence/random.rs"]
mod random;
#[path = "convergence/truth.rs"]
mod truth;
#[path = "convergence/world.rs"]
mod world;

use proptest::prelude::*;
use vaultbind_core::{
    id::ClusterId,
    policy::Policy,
    resource::{ProvisioningState, Vault},
};

use random::{SITES, fit_vault};
use world::{World, cluster_id, vault_id};

/// What somebody else does, or an event that reaches us.
#[derive(Debug, Clone)]
enum Step {
    Event(usize),
    TagCluster(usize, usize),
    TagVault(usize, usize),
    DeleteVault(usize),
    PutVault(usize, usize),
    TakeRoles,
    SwitchOff(usize),
    FailCluster(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_usize..3).prop_map(Step::Event),
        1 => (0_usize..3, 0_usize..3).prop_map(|(cluster, site)| Step::TagCluster(cluster, site)),
        1 => (0_usize..5, 0_usize..3).prop_map(|(vault, site)| Step::TagVault(vault, site)),
        1 => (0_usize..5).prop_map(Step::DeleteVault),
        1 => (0_usize..5, 0_usize..3).prop_map(|(vault, site)| Step::PutVault(vault, site)),
        1 => Just(Step::TakeRoles),
        1 => (0_usize..3).prop_map(Step::SwitchOff),
        1 => (0_usize..3).prop_map(Step::FailCluster),
    ]
}

impl World {
    fn play(&mut self, policy: &Policy, step: &Step) {
        match step {
            Step::Event(number) => self.reconcile(policy, &cluster_id(*number)),
            Step::TagCluster(number, site) => {
                let tags = [("site", SITES[*site])].into_iter().collect();
                self.cluster_mut(&cluster_id(*number)).tags = tags;
            }
            Step::TagVault(number, site) => {
                let tags = [("site", SITES[*site])].into_iter().collect();
                let vault = self.vaults().find(|vault| vault.id == vault_id(*number));
                if let Some(vault) = vault.cloned() {
                    self.put(Vault { tags, ..vault });
                }
            }
            Step::DeleteVault(number) => self.delete(&vault_id(*number)),
            Step::PutVault(number, site) => self.put(fit_vault(*number, *site)),
            Step::TakeRoles => self.0.roles.clear(),
            Step::SwitchOff(number) => {
                if let Some(archive) = &mut self.cluster_mut(&cluster_id(*number)).archive {
                    archive.enabled = false;
                }
            }
            Step::FailCluster(number) => {
                let cluster = self.cluster_mut(&cluster_id(*number));
                cluster.provisioning_state = ProvisioningState::Failed;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    /// Whatever happened, and whichever events were lost: after one sweep every cluster is where the policy says, or
    /// has a reason why not, and there is nothing left to do.
    #[test]
    fn one_sweep_after_the_last_event_leaves_nothing_to_do(
        policy in random::policy(), start in random::world(), steps in prop::collection::vec(step(), 0..24),
    ) {
        let mut world = start;
        for step in &steps {
            world.play(&policy, step);
        }
        let clusters: Vec<ClusterId> = world.0.clusters.keys().cloned().collect();
        let right_before: Vec<_> =
            clusters.iter().map(|id| world.right_in_place(world.cluster(id))).collect();
        for cluster in &clusters {
            world.reconcile(&policy, cluster);
        }
        for (cluster, right_before) in clusters.iter().zip(right_before) {
            let fit = world.fit_for(world.cluster(cluster));
            let decision = world.decide(&policy, cluster);
            prop_assert!(decision.wait.is_none(), "{cluster} waits: {decision:?}");
            if !decision.is_bound() {
                let reason = decision.reason.unwrap();
                prop_assert!(!reason.message.is_empty() && !reason.help.is_empty());
                let is_so = world.bears_out(decision.outcome, &policy, cluster);
                prop_assert!(is_so, "{cluster} is {} with {fit:?}", decision.outcome);
                continue;
            }
            prop_assert!(decision.plan.is_empty(), "{} is left to do", decision.plan);
            let (vault, grants) = decision.vault.zip(decision.writer).unwrap();
            // Nobody is carried from a right vault to an equal one, and nobody is given one of several.
            let meant = world.meant_for(world.cluster(cluster)).count();
            let is_due = right_before.map_or(meant == 1, |right| right == vault.id);
            prop_assert!(is_due && fit.contains(&vault.id), "{cluster} is at {} of {fit:?}", vault.id);
            prop_assert!(grants.archive.is_shown_by(world.cluster(cluster)));
            for (principal, _) in &grants.principals {
                prop_assert!(world.has_role(&vault.id, principal));
            }
        }
    }

    /// A decision is a function: the same world gives the same decision, in whatever order it was read.
    #[test]
    fn deciding_twice_decides_the_same(policy in random::policy(), world in random::world()) {
        for cluster in world.0.clusters.keys() {
            prop_assert_eq!(world.decide(&policy, cluster), world.decide(&policy, cluster));
        }
    }
}
