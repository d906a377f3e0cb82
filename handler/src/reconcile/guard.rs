//! What stands in the way of acting, though there is something to do.
//!
//! It must not judge Azure: what is wanted is decided by then.

use std::time::Duration;

use time::OffsetDateTime;
use vaultbind_core::{
    decision::Decision,
    inventory::{NameState, Sighting},
    observation::Observation,
    result::Code,
};

use super::{Error, READ_LAG, error_policy::RIGHTS_SPREAD, poll::OperationFailure};
use crate::request::{Request, RetryClass};

/// How many PATCHes a request may send for operations that fail.
pub const MAX_PATCHES: u32 = 3;

/// How long a role assignment may take to have effect.
pub const ROLE_SPREADS: Duration = Duration::from_secs(3600);

/// Is it the vault that a person agreed to, where one was asked?
pub(super) fn is_agreed(request: &Request, decision: &Decision) -> bool {
    let decided = decision.vault.as_ref().map(|vault| &vault.id);
    request.agreed.is_none() || request.agreed.as_ref() == decided
}

/// Is a role that the writer needs so young that it may not have effect yet?
pub(super) fn role_is_young(decision: &Decision, now: OffsetDateTime) -> bool {
    let grants = decision.writer.as_ref();
    let youngest = grants.and_then(|grants| grants.youngest_role);
    youngest.is_some_and(|made| now.unix_timestamp() - made < ROLE_SPREADS.as_secs().cast_signed())
}

/// Does it end so only for want of a right, which may be on its way? Roles take their time to spread after a deployment.
pub(super) fn awaits_right(request: &Request, seen: &Observation, now: OffsetDateTime) -> bool {
    let age = now - request.first_seen.unwrap_or(now);
    let (reason, inventory) = (seen.decision.reason.as_ref(), &seen.inventory);
    let is_code = |code| reason.is_some_and(|reason| reason.is(code));
    let is_refused = || {
        let mut vaults = inventory.vaults.values();
        let mut names = inventory.vault_names.values();
        vaults.any(|sighting| matches!(sighting, Sighting::Forbidden))
            || names.any(|name| *name == NameState::Forbidden)
    };
    age < RIGHTS_SPREAD
        && (is_code(Code::BoundaryNotVisible)
            || is_code(Code::VaultNotReadable)
            || is_code(Code::BoundVaultNotVisible) && is_refused())
}

/// May the plan be carried out, after what this request has tried before?
pub(super) fn may_act(
    request: &Request,
    decision: &Decision,
    failure: Option<OperationFailure>,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let role_is_young = role_is_young(decision, now);
    if let Some(failure) = failure {
        return Err(Error::Operation {
            failure,
            role_is_young,
        });
    }
    let progress = &request.progress;
    // Reads lag behind writes: what this request wrote a moment ago is not written again.
    if progress
        .lasts(RetryClass::NotVisible)
        .is_some_and(|since| now - since < READ_LAG)
    {
        return Err(Error::NotVisible);
    }
    let sets_archive = decision.plan.sets_archive();
    let spreads = role_is_young && progress.lasts(RetryClass::RoleSpreads).is_some();
    let patient = spreads || progress.lasts(RetryClass::VaultUnavailable).is_some();
    if sets_archive && progress.patches >= MAX_PATCHES && !patient {
        let failure = OperationFailure::last(progress);
        return Err(Error::Operation {
            failure,
            role_is_young,
        });
    }
    // If the delivery before sent a retry, this one's is a repeat of it; if it wrote, the next look sees it.
    if request.is_redelivery {
        return Err(Error::Redelivered);
    }
    Ok(())
}
