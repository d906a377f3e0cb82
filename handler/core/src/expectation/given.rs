//! What a case gives: an estate, one of its clusters, and the circumstances in which it is observed.
//!
//! It must not know what is expected.

use std::{collections::BTreeSet, rc::Rc};

use time::{Date, macros::format_description};

use crate::{
    decision::{Read, Subject},
    id::{ClusterId, VaultId},
    inventory::{
        Inventory,
        file::Defaults,
        written::{self, FURNISHED, given},
    },
    observation::{Observation, Source, Unsettled, answered, observe_offline},
    policy::Policy,
    yaml::{
        Problem,
        node::{self, Node, Section},
        problem::Problems,
    },
};

/// The keys of a case that say what is given, besides those that furnish an estate.
pub(super) const KEYS: &[&str] = &["today", "cluster", "hint", "uncached"];

/// An estate and the cluster that is asked about.
#[derive(Debug, Clone)]
pub struct Given {
    /// The estate.
    pub inventory: Rc<Inventory>,
    /// The cluster that is asked about.
    pub cluster: ClusterId,
    /// The vault whose event led to the question.
    pub vault_hint: Option<VaultId>,
    /// The day for exemptions, where one is said.
    pub today: Option<Date>,
    /// Vaults that appeared a moment ago: a list that was kept lacks them.
    pub uncached: BTreeSet<VaultId>,
}

/// What holds where a case says nothing else.
pub(super) struct Shared<'a> {
    pub(super) defaults: &'a Defaults,
    pub(super) inventory: Rc<Inventory>,
    pub(super) today: Option<Date>,
}

impl Given {
    /// Reads what is given by itself: a case without a name and without an expectation.
    ///
    /// # Errors
    /// Every mistake in the text, ordered by place.
    pub fn load(text: &str, defaults: &Defaults) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::default();
        let shared = Shared {
            defaults,
            inventory: Rc::default(),
            today: None,
        };
        let given = Self::of_file(text, &shared, &mut problems);
        match (given, problems.into_sorted()) {
            (Some(given), none) if none.is_empty() => Ok(given),
            (_, problems) => Err(problems),
        }
    }

    fn of_file(text: &str, shared: &Shared<'_>, problems: &mut Problems) -> Option<Self> {
        let documents = node::parse(text, problems)?;
        let root = node::only(&documents, problems)?;
        let section = Section::read(root, "an estate", &[KEYS, FURNISHED].concat(), problems)?;
        let inventory = shared.furnished(&section, None, problems);
        shared.given(&section, inventory, problems)
    }

    /// What is asked about the cluster.
    pub fn subject<'a>(
        &'a self,
        policy: &'a Policy,
        today: Date,
        vault_suffix: &'a str,
    ) -> Subject<'a> {
        Subject {
            policy,
            cluster: &self.cluster,
            vault_hint: self.vault_hint.as_ref(),
            today: self.today.unwrap_or(today),
            vault_suffix,
        }
    }

    /// Observes the cluster.
    pub fn observe(&self, policy: &Policy, today: Date, vault_suffix: &str) -> Observation {
        observe_offline(self, &self.subject(policy, today, vault_suffix))
    }

    /// What a read brings.
    pub fn fact(&self, read: &Read) -> Inventory {
        let mut fact = self.inventory.fact(read);
        if let (Read::Vaults(_), false) = (read, self.uncached.is_empty()) {
            for listed in fact.listed.values_mut() {
                let rows = listed.vaults.all().iter();
                let kept = rows.filter(|row| !self.uncached.contains(&row.id)).cloned();
                listed.vaults = std::sync::Arc::new(kept.collect());
                listed.is_current = false;
            }
        }
        fact
    }
}

impl Source for Given {
    type Error = Unsettled;

    async fn read(&self, reads: Vec<Read>, _: &Inventory) -> Result<Inventory, Unsettled> {
        Ok(answered(&reads, |read| self.fact(read)))
    }
}

impl Shared<'_> {
    /// The day that a section says, or the shared one.
    #[expect(
        clippy::option_option,
        reason = "a key that is not there is no mistake"
    )]
    pub(super) fn today(
        &self,
        section: &Section<'_>,
        problems: &mut Problems,
    ) -> Option<Option<Date>> {
        let Some(node) = section.get("today") else {
            return Some(self.today);
        };
        let text = node.string("a date", problems)?;
        let date = Date::parse(text, format_description!("[year]-[month]-[day]"));
        if date.is_err() {
            let message = format!("`{}` is not a date", text.escape_debug());
            problems.hinted(node, message, "write a date as 2027-03-31");
        }
        date.ok().map(Some)
    }

    /// The shared estate, or another one, with what the section adds to it; roles come once the cluster is known.
    pub(super) fn furnished(
        &self,
        section: &Section<'_>,
        other: Option<Inventory>,
        problems: &mut Problems,
    ) -> Option<Inventory> {
        let mut inventory = other.unwrap_or_else(|| Inventory::clone(&self.inventory));
        written::furnish(&mut inventory, section, self.defaults, problems)?;
        Some(inventory)
    }

    /// What a section gives, where its estate could be read.
    pub(super) fn given(
        &self,
        section: &Section<'_>,
        inventory: Option<Inventory>,
        problems: &mut Problems,
    ) -> Option<Given> {
        let today = self.today(section, problems);
        let hint = "describe the cluster, or name one of the estate";
        let cluster = section.required("cluster", hint, problems);
        // What an estate that cannot be read would have held is no further mistake.
        let mut inventory = inventory?;
        let cluster = cluster.and_then(|node| self.cluster(node, &mut inventory, problems));
        let defaults = self.defaults;
        // Without the cluster its identities would be nobody's.
        let roles = cluster
            .as_ref()
            .and_then(|_| written::furnish_roles(&mut inventory, section, defaults, problems));
        let vault = |node: Node<'_>, problems: &mut Problems| {
            written::vault_named(node, &inventory, defaults, problems)
        };
        let vault_hint = match given(section, "hint") {
            None => Some(None),
            Some(node) => vault(node, problems).map(Some),
        };
        let uncached = match given(section, "uncached") {
            None => Some(Vec::new()),
            Some(node) => node.each("vaults", problems, vault),
        };
        roles?;
        Some(Given {
            inventory: Rc::new(inventory),
            cluster: cluster?,
            vault_hint: vault_hint?,
            today: today?,
            uncached: uncached?.into_iter().collect(),
        })
    }

    /// A cluster of the estate, or one that is described and enters it.
    fn cluster(
        &self,
        node: Node<'_>,
        inventory: &mut Inventory,
        problems: &mut Problems,
    ) -> Option<ClusterId> {
        let Some(name) = node.as_text() else {
            let (id, cluster) = written::cluster(node, inventory, self.defaults, problems)?;
            inventory.clusters.insert(id.clone(), cluster);
            return Some(id);
        };
        let is_meant = |id: &&ClusterId| {
            id.as_str().eq_ignore_ascii_case(name) || id.name().eq_ignore_ascii_case(name)
        };
        let named: Vec<&ClusterId> = inventory.clusters.keys().filter(is_meant).collect();
        match named.as_slice() {
            [one] => return Some((*one).clone()),
            [] => {
                let name = name.escape_debug();
                let message = format!("no cluster of the estate is called `{name}`");
                problems.at(node, message);
            }
            several => {
                let message = format!("{} clusters of the estate are called so", several.len());
                problems.hinted(node, message, "say which by its resource id");
            }
        }
        None
    }
}
