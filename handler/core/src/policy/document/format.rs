//! The keys of the format: their names, what they mean, and which of them cannot be left out.
//!
//! It must not know what stands behind a key; the reader and the published schema both take the keys from here.

use crate::{
    policy::attributes::Attribute,
    yaml::{
        node::{Node, Section},
        problem::Problems,
    },
};

/// The version of the format.
pub(super) const VERSION_READ: u32 = 1;
/// What names of rules are made of, as a regular expression.
pub(super) const RULE_NAME: &str = "^[A-Za-z0-9_-]+$";

/// A key of a mapping.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub(super) name: &'static str,
    /// What it means, for whoever writes a policy.
    pub(super) help: &'static str,
    /// What to say where it is missing; none where it may be left out.
    pub(super) missing: Option<&'static str>,
}

impl Key {
    const fn optional(name: &'static str, help: &'static str) -> Self {
        Self {
            name,
            help,
            missing: None,
        }
    }

    const fn required(name: &'static str, help: &'static str, missing: &'static str) -> Self {
        Self {
            name,
            help,
            missing: Some(missing),
        }
    }

    /// The value of the key; a required one that is missing is a problem.
    pub(super) fn of<'a>(
        &self,
        section: &Section<'a>,
        problems: &mut Problems,
    ) -> Option<Node<'a>> {
        match self.missing {
            Some(hint) => section.required(self.name, hint, problems),
            None => section.get(self.name),
        }
    }
}

/// Reads a mapping with these keys.
pub(super) fn section<'a>(
    node: Node<'a>,
    what: &'static str,
    keys: &[Key],
    problems: &mut Problems,
) -> Option<Section<'a>> {
    let names: Vec<&str> = keys.iter().map(|key| key.name).collect();
    Section::read(node, what, &names, problems)
}

pub(super) const NO_RULES: &str = "a policy without rules governs no cluster";
pub(super) const NO_SCOPE: &str =
    "leave out `scope` to look at every subscription that can be read";
const EXEMPTION_SAYS: &str =
    "an exemption says which clusters, whose word it is, why, and until when";

pub(super) const VERSION: Key = Key::required(
    "version",
    "The version of the format.",
    "write `version: 1`",
);
pub(super) const MODE: Key = Key::optional(
    "mode",
    "Whether decisions are carried out. Where left out: enforce.",
);
pub(super) const SCOPE: Key = Key::optional(
    "scope",
    "Nothing outside is read or touched. Where left out: everything that the identity can read.",
);
pub(super) const RULES: Key = Key::required(
    "rules",
    "The first rule whose `clusters` match governs a cluster.",
    NO_RULES,
);
pub(super) const EXEMPTIONS: Key =
    Key::optional("exemptions", "Clusters that are left alone until a day.");
pub(super) const POLICY: &[Key] = &[VERSION, MODE, SCOPE, RULES, EXEMPTIONS];

pub(super) const SUBSCRIPTIONS: Key = Key::required(
    "subscriptions",
    "Ids of subscriptions: their clusters are looked at.",
    NO_SCOPE,
);
pub(super) const IN_SCOPE: &[Key] = &[SUBSCRIPTIONS];

pub(super) const NAME: Key = Key::required(
    "name",
    "The rule's name, unique in the policy; every result names its rule.",
    "every result names its rule",
);
pub(super) const CLUSTERS: Key = Key::optional(
    "clusters",
    "The clusters that the rule governs; all tests must hold. Where left out: every cluster.",
);
pub(super) const VAULTS: Key = Key::required(
    "vaults",
    "The vaults that may serve the rule's clusters; all tests must hold.",
    "say which vaults may serve the clusters, with `within` at least",
);
pub(super) const WRITER: Key = Key::optional(
    "writer",
    "Who writes the credentials. Where left out: auto.",
);
pub(super) const IDENTITY: Key = Key::optional(
    "identity",
    "Which identity writes: the name of a user-assigned one, a glob such as `id-nexus-*` over names, an id, or `system-assigned`. It has to fit exactly one; where it fits none, nobody is given the role.",
);
pub(super) const REBIND: Key = Key::optional(
    "rebind",
    "What happens to a cluster that is bound to another vault. Where left out: never.",
);
pub(super) const RULE: &[Key] = &[NAME, CLUSTERS, VAULTS, WRITER, IDENTITY, REBIND];

pub(super) const TAGS: Key =
    Key::optional("tags", "Tests on tags. Names ignore case, values do not.");
const LOCATION: Key = Key::optional(
    Attribute::Location.word(),
    "Tests on the region; case and blanks do not count.",
);
const RESOURCE_GROUP: Key = Key::optional(
    Attribute::ResourceGroup.word(),
    "Tests on the name of the resource group; case does not count.",
);
const SUBSCRIPTION: Key = Key::optional(
    Attribute::Subscription.word(),
    "Tests on the id of the subscription.",
);
/// The attributes that a selector can ask for.
pub(super) const ATTRIBUTES: &[(Key, Attribute)] = &[
    (LOCATION, Attribute::Location),
    (RESOURCE_GROUP, Attribute::ResourceGroup),
    (SUBSCRIPTION, Attribute::Subscription),
];
pub(super) const OF_CLUSTERS: &[Key] = &[TAGS, LOCATION, RESOURCE_GROUP, SUBSCRIPTION];

pub(super) const WITHIN: Key = Key::required(
    "within",
    "The trust boundary: ids of subscriptions, resource groups or vaults. Nothing elsewhere is ever chosen.",
    "it is the trust boundary: without it whoever can tag a vault attracts credentials",
);
pub(super) const PREFER: Key = Key::optional(
    "prefer",
    "Ranks the vaults that are fit, the first being the strongest; two that rank equal are reported, never guessed between.",
);
pub(super) const REQUIRE: Key = Key::optional(
    "require",
    "What a vault needs beyond what every binding needs.",
);
pub(super) const OF_VAULTS: &[Key] = &[
    WITHIN,
    TAGS,
    LOCATION,
    RESOURCE_GROUP,
    SUBSCRIPTION,
    PREFER,
    REQUIRE,
];

pub(super) const NOT: Key = Key::required(
    "not",
    "None of these values. What has no such tag passes too.",
    "a test that is a mapping is a negation: {not: <value or list of values>}",
);
pub(super) const NEGATION: &[Key] = &[NOT];

pub(super) const EXEMPT: Key = Key::required(
    "clusters",
    "Ids of clusters, or globs that fit the whole id, such as `**/clusters/lab-*`: `*` stays within a segment, `**` crosses segments, case does not count.",
    EXEMPTION_SAYS,
);
pub(super) const OWNER: Key = Key::required("owner", "Who answers for it.", EXEMPTION_SAYS);
pub(super) const REASON: Key = Key::required("reason", "Why.", EXEMPTION_SAYS);
pub(super) const UNTIL: Key = Key::required(
    "until",
    "The last day on which it counts, in UTC, such as 2027-03-31.",
    EXEMPTION_SAYS,
);
pub(super) const EXEMPTION: &[Key] = &[EXEMPT, OWNER, REASON, UNTIL];
