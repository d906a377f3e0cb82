//! The choice among the managed identities that a cluster or a manager has.
//!
//! It must not pick among equals.

use crate::{
    plan::Writer,
    policy::{Rule, identity::RuleIdentity},
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
    let all = all(identities);
    let in_place = in_place.filter(|identity| all.contains(identity));
    if all.is_empty() {
        let Chosen { writer, why } = chosen;
        return Err(reason::writer_has_no_identity(writer, why, rule));
    }
    if let Some(named) = &rule.identity {
        return fitting(named, rule, &all, in_place);
    }
    let is_user = |identity: &&AssociatedIdentity| matches!(identity, AssociatedIdentity::User(_));
    let users: Vec<&AssociatedIdentity> = all.iter().filter(is_user).collect();
    match (in_place, users.as_slice()) {
        (Some(identity), _) => Ok(identity.clone()),
        (None, [only]) => Ok((*only).clone()),
        (None, _) if identities.system.is_some() => Ok(AssociatedIdentity::System),
        (None, _) => Err(reason::identity_ambiguous(&users, rule)),
    }
}

fn all(identities: &Identities) -> Vec<AssociatedIdentity> {
    let system = identities.system.iter();
    let system = system.map(|_| AssociatedIdentity::System);
    let users = identities.user.keys().cloned();
    system.chain(users.map(AssociatedIdentity::User)).collect()
}

/// The identity that the rule names: no other may be given a role.
fn fitting(
    named: &RuleIdentity,
    rule: &Rule,
    all: &[AssociatedIdentity],
    in_place: Option<&AssociatedIdentity>,
) -> Result<AssociatedIdentity, Reason> {
    if let Some(identity) = in_place.filter(|identity| named.fits(identity)) {
        return Ok(identity.clone());
    }
    let fitting: Vec<&AssociatedIdentity> =
        all.iter().filter(|identity| named.fits(identity)).collect();
    match fitting.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(reason::identity_not_named(all, rule)),
        several => Err(reason::identity_ambiguous(several, rule)),
    }
}
