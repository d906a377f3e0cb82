//! What stands in the way of acting, though there is something to do.
//!
//! It must not judge Azure: what is wanted is decided by then.

use std::time::Duration;

use time::OffsetDateTime;
use vaultbind_core::decision::Decision;

use super::{Error, READ_LAG, poll::OperationFailure};
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

/// May the plan be carried out, after what this request has tried before?
pub(super) fn may_act(
    request: &Request,
    decision: &Decision,
    failure: Option<OperationFailure>,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let youngest_role = decision
        .writer
        .as_ref()
        .and_then(|grants| grants.youngest_role);
    let role_is_young = youngest_role
        .is_some_and(|made| now.unix_timestamp() - made < ROLE_SPREADS.as_secs().cast_signed());
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
    let patient = role_is_young && progress.lasts(RetryClass::RoleSpreads).is_some();
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
