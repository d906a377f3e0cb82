//! Ids that can only be of one resource type.
//!
//! It must not be possible to make one but through the parser of `id`.

use std::{fmt, str::FromStr};

use super::{IdError, ResourceId};
use crate::text::as_text;

/// Declares an id that can only be of one resource type.
macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident, $resource_type:literal, $accepts:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(ResourceId);

        impl $name {
            /// Namespace and type of these resources.
            pub const RESOURCE_TYPE: &'static str = $resource_type;
        }

        impl std::ops::Deref for $name {
            type Target = ResourceId;

            fn deref(&self) -> &ResourceId {
                &self.0
            }
        }

        impl TryFrom<ResourceId> for $name {
            type Error = IdError;

            fn try_from(id: ResourceId) -> Result<Self, IdError> {
                if !id.is_type($resource_type) {
                    return Err(IdError::WrongType {
                        expected: $resource_type,
                        found: id.resource_type().to_owned(),
                    });
                }
                let accepts: fn(&str) -> bool = $accepts;
                if accepts(id.name()) {
                    Ok(Self(id))
                } else {
                    Err(IdError::Malformed(concat!("not a name of a ", $resource_type)))
                }
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                text.parse::<ResourceId>()?.try_into()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        as_text!($name);
    };
}

typed_id!(
    /// The id of a Nexus cluster; its name has 2 to 30 characters (Microsoft.NetworkCloud specification).
    ClusterId,
    "Microsoft.NetworkCloud/clusters",
    is_network_cloud_name
);
typed_id!(
    /// The id of a Nexus cluster manager, whose identity may be the writer of credentials.
    ClusterManagerId,
    "Microsoft.NetworkCloud/clusterManagers",
    is_network_cloud_name
);
typed_id!(
    /// The id of a key vault; its name has 3 to 24 letters, digits and dashes (Key Vault's naming rules).
    VaultId,
    "Microsoft.KeyVault/vaults",
    |name| (3..=24).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
);
typed_id!(
    /// The id of a user-assigned managed identity.
    UserAssignedIdentityId,
    "Microsoft.ManagedIdentity/userAssignedIdentities",
    |name| name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
);

fn is_network_cloud_name(name: &str) -> bool {
    let ends_well = |byte: Option<u8>| byte.is_some_and(|byte: u8| byte.is_ascii_alphanumeric());
    (2..=30).contains(&name.len())
        && ends_well(name.bytes().next())
        && ends_well(name.bytes().next_back())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}
