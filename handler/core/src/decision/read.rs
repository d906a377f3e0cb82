//! Reads in words: for whoever tells what a decision asked for.
//!
//! It must not read.

use std::fmt;

use super::Read;

impl fmt::Display for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Provider => f.write_str("provider"),
            Self::Tenant => f.write_str("tenant"),
            Self::Candidates => f.write_str("candidates"),
            Self::CurrentCandidates => f.write_str("current candidates"),
            Self::Cluster(version) => write!(f, "cluster by {version}"),
            Self::Vault(id) => write!(f, "vault {}", id.name()),
            Self::VaultByHost(host) => write!(f, "vault at {host}"),
            Self::DeletedVaults(subscription) => write!(f, "deleted vaults of {subscription}"),
            Self::PlatformPrincipals => f.write_str("platform principals"),
            Self::Manager(id, _) => write!(f, "manager {}", id.name()),
            Self::Roles(vault, principal) => write!(f, "roles of {principal} on {}", vault.name()),
        }
    }
}
