//! The policy: which vault a cluster belongs to, as its author meant it, ready to be asked.
//!
//! It must not know the file format (`policy::document` does) nor decide anything (`decision` does).

pub mod document;
pub mod pattern;

use std::{collections::BTreeSet, fmt};

use time::Date;

use crate::{
    id::{ResourceId, Scope, SubscriptionId},
    inventory::Cluster,
    tags::Tags,
};
use pattern::{IdGlob, OnlyValue, Pattern};

/// A policy that loaded without an error.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The version of the format, now 1.
    pub version: u32,
    /// SHA-256 of the file, in hexadecimal digits: every result names the policy that it follows.
    pub digest: String,
    /// Whether decisions are carried out.
    pub mode: Mode,
    /// The subscriptions that are looked at; `None` means all that the identity can read.
    pub scope: Option<BTreeSet<SubscriptionId>>,
    /// The rules in their order; the first whose cluster selector matches governs.
    pub rules: Vec<Rule>,
    /// Clusters that are left alone.
    pub exemptions: Vec<Exemption>,
}

impl Policy {
    /// May clusters of this subscription be looked at?
    pub fn covers(&self, subscription: &SubscriptionId) -> bool {
        self.scope
            .as_ref()
            .is_none_or(|scope| scope.contains(subscription))
    }

    /// The rule that governs the cluster.
    pub fn rule_for(&self, cluster: &Cluster) -> Option<&Rule> {
        self.rules
            .iter()
            .find(|rule| rule.clusters.matches(&cluster.tags, cluster))
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
    /// Which user-assigned identity, where there are several.
    pub identity: Option<IdGlob>,
    /// What happens to a cluster that is bound to another vault.
    pub rebind: Rebind,
}

/// Tests on tags, all of which must hold.
#[derive(Debug, Clone, Default)]
pub struct Selector {
    /// Tag name and what is asked of it.
    pub tags: Vec<(String, TagTest)>,
}

impl Selector {
    /// Do the tags pass every test? Templates take their values from `cluster`.
    pub fn matches(&self, tags: &Tags, cluster: &Cluster) -> bool {
        self.tags
            .iter()
            .all(|(name, test)| test.holds(tags.get(name), cluster))
    }
}

impl Selector {
    /// The tests that only a few values pass: tag name and those values, for one cluster.
    pub fn exact_tests(&self, cluster: &Cluster) -> Vec<(&str, Vec<String>)> {
        self.tags
            .iter()
            .filter_map(|(name, test)| Some((name.as_str(), test.only_values(cluster)?)))
            .collect()
    }
}

/// What is asked of one tag.
#[derive(Debug, Clone)]
pub enum TagTest {
    /// It is there and one of the patterns matches its value.
    AnyOf(Vec<Pattern>),
    /// It is not there.
    Absent,
}

impl TagTest {
    /// The values that pass, where they can be listed.
    fn only_values(&self, cluster: &Cluster) -> Option<Vec<String>> {
        let Self::AnyOf(patterns) = self else {
            return None;
        };
        let values = patterns.iter().map(|pattern| pattern.only_value(cluster));
        values
            .filter(|value| *value != OnlyValue::Nothing)
            .map(|value| match value {
                OnlyValue::One(value) => Some(value),
                OnlyValue::Nothing | OnlyValue::Many => None,
            })
            .collect()
    }

    fn holds(&self, value: Option<&str>, cluster: &Cluster) -> bool {
        match (self, value) {
            (Self::Absent, value) => value.is_none(),
            (Self::AnyOf(_), None) => false,
            (Self::AnyOf(patterns), Some(value)) => patterns
                .iter()
                .any(|pattern| pattern.matches(value, cluster)),
        }
    }
}

/// The vaults that may serve a rule's clusters, and which of them comes first.
#[derive(Debug, Clone)]
pub struct VaultSelector {
    /// The trust boundary, never empty: whoever can tag a vault elsewhere attracts nothing.
    pub within: Vec<Scope>,
    /// Tests on the vault's tags.
    pub selector: Selector,
    /// What ranks one fit vault before another, the first being the strongest.
    pub prefer: Vec<Preference>,
    /// What a vault needs beyond what every binding needs.
    pub require: Vec<Requirement>,
}

impl VaultSelector {
    /// Does the vault lie in the trust boundary?
    pub fn is_within(&self, vault: &ResourceId) -> bool {
        self.within.iter().any(|scope| scope.contains(vault))
    }
}

/// Declares an enum of keywords: each variant with the word that a policy spells it with.
macro_rules! keywords {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// Every variant with its word in a policy.
            pub const WORDS: &[(&'static str, Self)] = &[$(($word, Self::$variant),)+];

            /// The word in a policy.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

keywords!(
    /// Whether decisions are carried out.
    Mode {
        /// They are.
        Enforce = "enforce",
        /// They are reported only: nothing is changed.
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
        /// The two platform service principals.
        PlatformApps = "platform-apps",
        /// The managed identity of the cluster manager.
        ClusterManager = "cluster-manager",
        /// The cluster's own identity.
        Cluster = "cluster",
    }
);

keywords!(
    /// What happens to a cluster that is bound to another vault.
    Rebind {
        /// Nothing: it is held and reported.
        Never = "never",
        /// It moves when its vault is deleted.
        WhenOrphaned = "when-orphaned",
        /// It moves.
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
