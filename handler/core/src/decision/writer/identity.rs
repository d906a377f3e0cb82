//! The choice among the managed identities that a cluster or a manager has.
//!
//! It must not pick among equals.

use crate::{
    id::UserAssignedIdentityId,
    plan::Writer,
    policy::{Rule, id_glob::IdGlob},
    resource::{AssociatedIdentity, Identities},
    result::{Reason, reason},
};

/// Who writes, and why: for the reasons where nobody can.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chosen {
    pub(super) writer: Writer,
    pub(super) why: &'static str,
}

/// Which identity writes. Where the rule names one it has to fit exactly one, the one in place before others; else it is the
/// one in place, the only user-assigned one, or the system-assigned one.
pub(super) fn choose_identity(
    chosen: Chosen,
    rule: &Rule,
    identities: &Identities,
    in_place: Option<&AssociatedIdentity>,
) -> Result<AssociatedIdentity, Reason> {
    let users: Vec<&UserAssignedIdentityId> = identities.user.keys().collect();
    let is_there = |identity: &&AssociatedIdentity| match identity {
        AssociatedIdentity::System => identities.system.is_some(),
        AssociatedIdentity::User(id) => identities.user.contains_key(id),
    };
    let in_place = in_place.filter(is_there);
    if identities.is_empty() {
        let Chosen { writer, why } = chosen;
        return Err(reason::writer_has_no_identity(writer, why, rule));
    }
    if let Some(glob) = &rule.identity {
        return named(glob, rule, &users, in_place);
    }
    match (in_place, users.as_slice()) {
        (Some(identity), _) => Ok(identity.clone()),
        (None, [only]) => Ok(AssociatedIdentity::User((*only).clone())),
        (None, _) if identities.system.is_some() => Ok(AssociatedIdentity::System),
        (None, _) => Err(reason::identity_ambiguous(&users, rule)),
    }
}

/// The identity that the rule names: no other may be given a role.
fn named(
    glob: &IdGlob,
    rule: &Rule,
    users: &[&UserAssignedIdentityId],
    in_place: Option<&AssociatedIdentity>,
) -> Result<AssociatedIdentity, Reason> {
    let fits = |id: &UserAssignedIdentityId| glob.matches(id.as_str());
    if let Some(identity @ AssociatedIdentity::User(id)) = in_place
        && fits(id)
    {
        return Ok(identity.clone());
    }
    let named: Vec<&UserAssignedIdentityId> = users.iter().copied().filter(|id| fits(id)).collect();
    match named.as_slice() {
        [one] => Ok(AssociatedIdentity::User((*one).clone())),
        [] => Err(reason::identity_not_named(users, rule)),
        several => Err(reason::identity_ambiguous(several, rule)),
    }
}
