//! Which managed identity a rule names: by its name, a glob over names, its id, or as the system-assigned one.
//!
//! It must not tell upper from lower case: ARM does not either.

use super::pattern::Pattern;
use crate::{id::UserAssignedIdentityId, resource::AssociatedIdentity};

/// The identity that a rule names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleIdentity {
    /// The system-assigned one.
    SystemAssigned,
    /// A user-assigned one, wherever another of its name lies.
    Id(UserAssignedIdentityId),
    /// Those user-assigned ones whose names match.
    Name(Pattern),
}

impl RuleIdentity {
    /// What stands for the system-assigned one; a user-assigned one of this name has to be given by its id.
    pub const SYSTEM_ASSIGNED: &str = "system-assigned";

    /// Is it this one?
    pub fn fits(&self, identity: &AssociatedIdentity) -> bool {
        match (self, identity) {
            (Self::SystemAssigned, AssociatedIdentity::System) => true,
            (Self::Id(named), AssociatedIdentity::User(id)) => named == id,
            (Self::Name(pattern), AssociatedIdentity::User(id)) => pattern.matches_text(id.name()),
            (Self::SystemAssigned, AssociatedIdentity::User(_))
            | (Self::Id(_) | Self::Name(_), AssociatedIdentity::System) => false,
        }
    }
}
