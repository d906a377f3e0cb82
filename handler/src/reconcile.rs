//! One look at one cluster: follow, observe, decide, act, verify; then report, or come back later.
//!
//! It must not remember Azure's state between looks, nor hold compute while Azure works.

pub mod act;
pub mod error_policy;
pub mod follow;
pub mod observe;
pub mod report;
mod serve;

use std::time::Duration;

use time::OffsetDateTime;
use vaultbind_azure::Error as CallError;
use vaultbind_core::{
    decision::{Binding, Decision, Refusal, Wait},
    id::{ClusterId, VaultId},
    inventory::Cluster,
    plan::ChangeKind,
    policy::Mode,
    result::{ArchiveState, ChangeRecord, ChangeStatus},
};

use crate::{
    context::Context,
    request::{Class, Origin, Request},
};
use follow::OperationFailure;
use observe::Sight;
pub use serve::{put_off, serve};

/// How long a value that was just written may take to be read back.
pub const READ_LAG: Duration = Duration::from_secs(120);

/// How many PATCHes a request may send for operations that fail.
pub const MAX_PATCHES: u32 = 3;

/// How long a role assignment may take to have effect.
pub const ROLE_SPREADS: Duration = Duration::from_secs(3600);

/// What a look has seen: it outlives a look that is cut short.
#[derive(Debug, Default)]
pub struct Picture {
    /// The cluster as it was last read.
    pub cluster: Option<Cluster>,
    /// What the decision was, where it was to bind.
    pub binding: Option<Box<Binding>>,
    /// The vault that a person agreed to: the cluster is pointed at no other.
    pub agreed: Option<VaultId>,
}

/// What was decided in the end.
#[derive(Debug)]
pub enum Verdict {
    /// The state was read back and is right.
    Bound,
    /// Audit mode: the binding would have been made.
    Planned,
    /// Nothing was or can be done.
    Refused(Box<Refusal>),
}

/// Why a look came to no end.
#[derive(Debug, thiserror::Error)]
pub enum Setback {
    /// A call to Azure failed.
    #[error("a call to Azure failed")]
    Call(#[source] CallError),
    /// A platform app could not be found in the directory.
    #[error("cannot find the platform apps in the directory")]
    Directory(#[source] CallError),
    /// The cluster was not found.
    #[error("{0} was not found")]
    Absent(ClusterId),
    /// Something has to pass first.
    #[error("{}", .0.refusal.reason.message)]
    Wait(Box<Wait>),
    /// A change is under way.
    #[error("the change is under way")]
    UnderWay {
        /// When Azure asks to be asked again.
        retry_after: Option<Duration>,
    },
    /// The change that was under way failed.
    #[error("the change failed: {}", .failure)]
    Operation {
        /// How it failed.
        failure: OperationFailure,
        /// Is a role that the writer needs so young that it may not have effect yet?
        role_is_young: bool,
    },
    /// What was written cannot be read back yet.
    #[error("what was written cannot be read back yet")]
    NotVisible,
    /// The look took longer than an invocation may.
    #[error("the look took too long")]
    OutOfTime,
}

impl From<CallError> for Setback {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

/// Looks at a cluster once and does what is to be done; `picture` keeps what was seen.
///
/// Our own write that comes back as an event changes nothing: what is left to do is left to the request that wrote
/// (`None`), for a write that led to a write would never come to an end. While the change is under way such a look ends
/// as soon as it has read the cluster, so that only the event of its end leads to a whole look. Nor is anything changed
/// where a person agreed to another vault than the one that is now decided on.
///
/// # Errors
/// Where the look came to no end; `error_policy` says what becomes of it.
pub async fn look(
    context: &Context,
    request: &mut Request,
    cluster: &ClusterId,
    picture: &mut Picture,
) -> Result<Option<Verdict>, Setback> {
    let failure = follow::follow(context, request, cluster).await?;
    let sight = observe::observe(context, request, cluster).await?;
    if request.progress.before.is_none() {
        request.progress.before = sight.cluster().map(ArchiveState::of);
    }
    let is_own = request.origin == Origin::Own;
    let binding = match picture.take_in(&sight) {
        Ok(Ok(binding)) => binding,
        Ok(Err(verdict)) => return Ok(Some(verdict)),
        Err(Setback::Wait(_)) if is_own => return Ok(None),
        Err(setback) => return Err(setback),
    };
    if binding.plan.is_empty() {
        request.progress.confirm();
        return Ok(Some(Verdict::Bound));
    }
    let agreed = picture.agreed.as_ref();
    if is_own || agreed.is_some_and(|it| *it != binding.vault.id) {
        return Ok(None);
    }
    if !binding.left_behind.is_empty() {
        request
            .progress
            .left_behind
            .clone_from(&binding.left_behind);
    }
    if context.policy.mode == Mode::Audit {
        note_all(request, &binding, ChangeStatus::Planned);
        return Ok(Some(Verdict::Planned));
    }
    may_act(request, &binding, failure, context.clock.now())?;
    act::act(context, request, &binding.plan).await?;
    // Only a state that was read back, and leaves nothing to do, is a binding.
    let sight = observe::again(context, request, sight).await?;
    match picture.take_in(&sight)? {
        Ok(binding) if binding.plan.is_empty() => {
            request.progress.confirm();
            Ok(Some(Verdict::Bound))
        }
        Ok(_) => Err(Setback::NotVisible),
        Err(verdict) => Ok(Some(verdict)),
    }
}

impl Picture {
    /// Takes in what was seen; comes back with the binding that follows from it, or with the verdict.
    fn take_in(&mut self, sight: &Sight) -> Result<Result<Box<Binding>, Verdict>, Setback> {
        self.cluster = sight.cluster().cloned();
        match sight.decision.clone() {
            Decision::Look(_) | Decision::Absent => Err(Setback::Absent(sight.cluster_id.clone())),
            Decision::Wait(wait) => Err(Setback::Wait(wait)),
            Decision::Refuse(refusal) => Ok(Err(Verdict::Refused(refusal))),
            Decision::Bind(binding) => {
                self.binding = Some(binding.clone());
                Ok(Ok(binding))
            }
        }
    }
}

/// May the plan be carried out, after what this request has tried before?
fn may_act(
    request: &Request,
    binding: &Binding,
    failure: Option<OperationFailure>,
    now: OffsetDateTime,
) -> Result<(), Setback> {
    let role_is_young = binding
        .youngest_role
        .is_some_and(|made| now.unix_timestamp() - made < ROLE_SPREADS.as_secs().cast_signed());
    if let Some(failure) = failure {
        return Err(Setback::Operation {
            failure,
            role_is_young,
        });
    }
    let progress = &request.progress;
    // Reads lag behind writes: what this request wrote a moment ago is not written again.
    if progress
        .lasts(Class::NotVisible)
        .is_some_and(|since| now - since < READ_LAG)
    {
        return Err(Setback::NotVisible);
    }
    let sets_archive = binding
        .plan
        .changes
        .iter()
        .any(|it| it.kind() == ChangeKind::SetArchive);
    let patient = role_is_young && progress.lasts(Class::RoleSpreads).is_some();
    if sets_archive && progress.patches >= MAX_PATCHES && !patient {
        let failure = OperationFailure::last(progress);
        return Err(Setback::Operation {
            failure,
            role_is_young,
        });
    }
    Ok(())
}

fn note_all(request: &mut Request, binding: &Binding, status: ChangeStatus) {
    for change in &binding.plan.changes {
        request.progress.note(ChangeRecord::of(change, status));
    }
}

#[cfg(test)]
mod tests;
