//! The choice among the managed identities that a cluster or a manager has.
//!
//! It must not pick among equals.

use crate::{
    policy::Rule,
    resource::{AssociatedIdentity, Identities},
    result::{Reason, reason},
};

/// Which identity writes: the one in place, the only one, the one that the rule names, or the system-assigned one.
pub(super) fn choose_identity(
    rule: &Rule,
    identities: &Identities,
    in_place: Option<&AssociatedIdentity>,
) -> Result<AssociatedIdentity, Reason> {
    let still_there = |identity: &&AssociatedIdentity| match identity {
        AssociatedIdentity::System => identities.system.is_some(),
        AssociatedIdentity::User(id) => identities.user.contains_key(id),
    };
    if let Some(identity) = in_place.filter(still_there) {
        return Ok(identity.clone());
    }
    let users: Vec<_> = identities.user.keys().collect();
    let named: Vec<_> = match &rule.identity {
        Some(glob) => users
            .iter()
            .filter(|id| glob.matches(id.as_str()))
            .collect(),
        None => Vec::new(),
    };
    match (users.as_slice(), named.as_slice()) {
        ([only], _) => Ok(AssociatedIdentity::User((*only).clone())),
        (_, [named]) => Ok(AssociatedIdentity::User((**named).clone())),
        (_, [_, _, ..]) => Err(reason::identity_ambiguous(&users, rule)),
        _ if identities.system.is_some() => Ok(AssociatedIdentity::System),
        ([], _) => Err(reason::writer_has_no_identity(rule)),
        _ => Err(reason::identity_ambiguous(&users, rule)),
    }
}
