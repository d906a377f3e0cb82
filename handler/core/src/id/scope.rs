//! Scopes: places that can hold vaults.
//!
//! It must not take what merely begins alike for a part of a scope.

use std::{cmp::Ordering, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{IdError, ResourceId, SubscriptionId, VaultId, segments};

/// A place that can hold vaults: a subscription, a resource group or one vault.
#[derive(Debug, Clone)]
pub enum Scope {
    /// Everything in a subscription.
    Subscription(SubscriptionId),
    /// Everything in a resource group; the name is compared without regard to case.
    ResourceGroup(SubscriptionId, String),
    /// One vault.
    Vault(VaultId),
}

impl Scope {
    /// Does the scope hold this resource?
    pub fn contains(&self, id: &ResourceId) -> bool {
        match self {
            Self::Subscription(subscription) => id.subscription() == subscription,
            Self::ResourceGroup(subscription, group) => {
                id.subscription() == subscription && id.resource_group().eq_ignore_ascii_case(group)
            }
            Self::Vault(vault) => **vault == *id,
        }
    }

    /// Does the scope hold all that another one holds?
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Subscription(ours), other) => ours == other.subscription(),
            (Self::ResourceGroup(..), Self::Vault(vault)) => self.contains(vault),
            (ours, other) => ours == other,
        }
    }

    /// The subscription in which the scope lies.
    pub fn subscription(&self) -> &SubscriptionId {
        match self {
            Self::Subscription(subscription) | Self::ResourceGroup(subscription, _) => subscription,
            Self::Vault(vault) => vault.subscription(),
        }
    }

    /// The last part of it, for whoever knows the rest.
    pub fn short(&self) -> &str {
        match self {
            Self::Subscription(subscription) => subscription.as_str(),
            Self::ResourceGroup(_, group) => group,
            Self::Vault(vault) => vault.name(),
        }
    }
}

/// What tells two scopes apart: the subscription, how much of it, and the name of that.
type Key<'a> = (&'a SubscriptionId, u8, &'a str);

impl Scope {
    fn key(&self) -> Key<'_> {
        match self {
            Self::Subscription(subscription) => (subscription, 0, ""),
            Self::ResourceGroup(subscription, group) => (subscription, 1, group),
            Self::Vault(vault) => (vault.subscription(), 2, vault.as_str()),
        }
    }
}

impl Ord for Scope {
    fn cmp(&self, other: &Self) -> Ordering {
        fn lower(text: &str) -> impl Iterator<Item = u8> {
            text.bytes().map(|byte| byte.to_ascii_lowercase())
        }
        let ((ours, kind, name), (theirs, their_kind, their_name)) = (self.key(), other.key());
        let by_place = ours.cmp(theirs).then(kind.cmp(&their_kind));
        by_place.then_with(|| lower(name).cmp(lower(their_name)))
    }
}

impl PartialOrd for Scope {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Scope {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Scope {}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl FromStr for Scope {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        match segments(text)?.as_slice() {
            [subscriptions, id] if subscriptions.eq_ignore_ascii_case("subscriptions") => {
                Ok(Self::Subscription(id.parse()?))
            }
            [subscriptions, id, groups, group]
                if subscriptions.eq_ignore_ascii_case("subscriptions")
                    && groups.eq_ignore_ascii_case("resourceGroups") =>
            {
                Ok(Self::ResourceGroup(id.parse()?, (*group).to_owned()))
            }
            _ => Ok(Self::Vault(text.parse()?)),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subscription(subscription) => f.write_str(&subscription.path()),
            Self::ResourceGroup(subscription, group) => {
                write!(f, "{}/resourceGroups/{group}", subscription.path())
            }
            Self::Vault(vault) => vault.fmt(f),
        }
    }
}
