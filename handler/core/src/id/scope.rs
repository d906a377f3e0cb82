//! Scopes: places that can hold vaults.
//!
//! It must not take what merely begins alike for a part of a scope.

use std::{fmt, str::FromStr};

use super::{IdError, ResourceId, SubscriptionId, VaultId, segments};

/// A place that can hold vaults: a subscription, a resource group or one vault.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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

    /// The subscription in which the scope lies.
    pub fn subscription(&self) -> &SubscriptionId {
        match self {
            Self::Subscription(subscription) | Self::ResourceGroup(subscription, _) => subscription,
            Self::Vault(vault) => vault.subscription(),
        }
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
