//! The policy: which vault a cluster belongs to, as its author meant it, ready to be asked.
//!
//! It must not know the file format (`policy::document` does) nor decide anything (`decision` does).

pub mod attributes;
pub mod document;
pub mod id_glob;
pub mod identity;
mod keywords;
pub mod pattern;
pub mod selector;

use std::collections::BTreeSet;

use time::Date;

use crate::{
    id::{ResourceId, Scope, SubscriptionId},
    resource::{Cluster, Vault},
};
use id_glob::IdGlob;
use identity::RuleIdentity;
use keywords::keywords;
use selector::Selector;

/// A policy that loaded without an error.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The version of the format, now 1.
    pub version: u32,
    /// SHA-256 of the file, in hexadecimal digits: every result names the policy that it follows.
    pub digest: String,
    /// Whether decisions are carried out.
    pub mode: Mode,
    /// The subscriptions whose clusters are reconciled; `None` means all that the identity can read.
    pub scope: Option<BTreeSet<SubscriptionId>>,
    /// The rules in their order; the first whose cluster selector matches governs.
    pub rules: Vec<Rule>,
    /// Clusters that are left alone.
    pub exemptions: Vec<Exemption>,
    /// The subscriptions in which the rules' boundaries lie.
    pub vault_subscriptions: BTreeSet<SubscriptionId>,
}

impl Policy {
    /// Does the vault lie in the boundary of any rule?
    pub fn reaches(&self, vault: &ResourceId) -> bool {
        self.rules.iter().any(|rule| rule.vaults.is_within(vault))
    }

    /// May clusters of this subscription be reconciled?
    pub fn covers(&self, subscription: &SubscriptionId) -> bool {
        self.scope
            .as_ref()
            .is_none_or(|scope| scope.contains(subscription))
    }

    /// The rule that governs the cluster.
    pub fn rule_for(&self, cluster: &Cluster) -> Option<&Rule> {
        let cluster = cluster.into();
        self.rules
            .iter()
            .find(|rule| rule.clusters.matches(&cluster, &cluster))
    }

    /// Does a rule go by this tag of a cluster?
    pub fn names_tag(&self, name: &str) -> bool {
        let tested = |rule: &Rule| {
            rule.clusters
                .tags
                .iter()
                .any(|(tag, _)| tag.eq_ignore_ascii_case(name))
        };
        let taken = |rule: &Rule| {
            let of_clusters = rule.clusters.taken_tags();
            let mut taken = of_clusters.chain(rule.vaults.selector.taken_tags());
            taken.any(|tag| tag.eq_ignore_ascii_case(name))
        };
        self.rules.iter().any(|rule| tested(rule) || taken(rule))
    }

    /// The other rules that do not let a cluster of theirs go.
    pub fn keepers<'a>(&'a self, rule: &'a Rule) -> impl Iterator<Item = &'a Rule> {
        let others = self.rules.iter().filter(|other| other.name != rule.name);
        others.filter(|other| other.rebind != Rebind::Allow)
    }

    /// The exemption that covers the cluster on this day (UTC), the last day included.
    pub fn exemption_for(&self, cluster: &ResourceId, today: Date) -> Option<&Exemption> {
        self.exemptions.iter().find(|exemption| {
            today <= exemption.until
                && exemption
                    .clusters
                    .iter()
                    .any(|glob| glob.matches(cluster.as_str()))
        })
    }
}

/// One rule: which clusters it governs, which vaults may serve them, and how they are bound.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name, unique in the policy; every result names the rule.
    pub name: String,
    /// The clusters that it governs.
    pub clusters: Selector,
    /// The vaults that may serve them.
    pub vaults: VaultSelector,
    /// Who writes the credentials.
    pub writer: WriterChoice,
    /// Which identity: where one is named, it has to fit exactly one.
    pub identity: Option<RuleIdentity>,
    /// What happens to a cluster that is bound to another vault.
    pub rebind: Rebind,
}

/// The vaults that may serve a rule's clusters, and which of them comes first.
#[derive(Debug, Clone)]
pub struct VaultSelector {
    /// The trust boundary, never empty: whoever can tag a vault elsewhere attracts nothing.
    pub within: Vec<Scope>,
    /// What is asked of the vault.
    pub selector: Selector,
    /// What ranks one fit vault before another, the first being the strongest.
    pub prefer: Vec<Preference>,
    /// What a vault needs beyond what every binding needs.
    pub require: Vec<Requirement>,
}

impl VaultSelector {
    /// Does the vault pass the tests for this cluster? Whether it lies in the trust boundary is another question.
    pub fn matches(&self, vault: &Vault, cluster: &Cluster) -> bool {
        self.selector.matches(&vault.into(), &cluster.into())
    }

    /// The subscriptions in which the trust boundary lies.
    pub fn subscriptions(&self) -> impl Iterator<Item = &SubscriptionId> {
        self.within.iter().map(Scope::subscription)
    }

    /// Does the vault lie in the trust boundary?
    pub fn is_within(&self, vault: &ResourceId) -> bool {
        self.within.iter().any(|scope| scope.contains(vault))
    }
}

keywords!(
    /// Whether decisions are carried out.
    Mode {
        /// Decisions are carried out.
        Enforce = "enforce",
        /// Decisions are reported and nothing is changed.
        Audit = "audit",
    }
);

keywords!(
    /// What ranks one vault before another.
    Preference {
        /// The vault is in the cluster's resource group.
        SameResourceGroup = "same-resource-group",
        /// The vault is in the cluster's region.
        SameLocation = "same-location",
        /// The vault is in the cluster's subscription.
        SameSubscription = "same-subscription",
    }
);

keywords!(
    /// What a rule can require of a vault.
    Requirement {
        /// Purge protection is on.
        PurgeProtection = "purge-protection",
    }
);

keywords!(
    /// Who writes the credentials, as a policy says it.
    WriterChoice {
        /// What the cluster shows decides.
        Auto = "auto",
        /// The two platform service principals write.
        PlatformApps = "platform-apps",
        /// The managed identity of the cluster manager writes.
        ClusterManager = "cluster-manager",
        /// The cluster's own identity writes.
        Cluster = "cluster",
    }
);

keywords!(
    /// What happens to a cluster that is bound to another vault.
    Rebind {
        /// It is held and reported.
        Never = "never",
        /// It moves when its vault is deleted.
        WhenOrphaned = "when-orphaned",
        /// It moves at once.
        Allow = "allow",
    }
);

/// Clusters that are left alone, by whose word, why and until when.
#[derive(Debug, Clone)]
pub struct Exemption {
    /// Ids or globs of ids.
    pub clusters: Vec<IdGlob>,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// The last day on which it counts, in UTC.
    pub until: Date,
}
