//! One reconcile of one cluster: poll, observe, decide, act, verify; then a result, or come back later.
//!
//! It must not remember Azure's state between reconciles, hold compute while Azure works, or know of a queue or a host.

pub mod act;
pub mod azure;
mod busy;
mod error;
pub mod error_policy;
mod guard;
mod left_behind;
mod own_roles;
pub mod poll;
pub mod result;

use std::time::Duration;

use tokio::time::timeout;
use vaultbind_core::{
    archive::ArchiveStatus,
    decision::Decision,
    id::ClusterId,
    plan::Plan,
    policy::Mode,
    result::{BindingResult, CauseKind, ChangeRecord, ChangeStatus, Code, Outcome, Reason},
};

use crate::{
    context::Context,
    request::{Chosen, Origin, Request},
};
use azure::Azure;
pub use error::Error;
pub use guard::{MAX_PATCHES, ROLE_SPREADS};
use guard::{is_agreed, may_act};
use result::Report;

/// How long a value that was just written may take to be read back.
pub const READ_LAG: Duration = Duration::from_secs(120);

/// How many candidates a request remembers: a message has its bounds.
const MOST_REMEMBERED: usize = 20;

/// When a cluster without a vault is reconciled again, in seconds: the vault may be on its way.
const UNMATCHED_STEPS: [u64; 3] = [60, 300, 900];

/// What a reconcile leads to.
#[derive(Debug)]
pub struct Done {
    /// What is to be told, where there is something.
    pub result: Option<Box<BindingResult>>,
    /// When to come back.
    pub action: Action,
    /// What was made of the request, in one line.
    pub line: String,
}

/// When to come back to a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// With the next event or sweep.
    AwaitChange,
    /// After this long.
    Requeue(Duration),
}

/// A reconcile that came to no end, and what it had seen by then.
#[derive(Debug)]
pub struct Unfinished {
    /// Why.
    pub error: Error,
    report: Report,
}

impl Done {
    /// What comes of a request for one cluster.
    pub fn of(request: &Request, result: Option<BindingResult>, action: Action) -> Self {
        let cluster = request.subject_id();
        let line = match (&result, action) {
            (Some(result), _) => result::in_one_line(result),
            (None, Action::Requeue(_)) => format!("{cluster} is not settled"),
            (None, Action::AwaitChange) => {
                format!("{cluster} is left to the request that changes it")
            }
        };
        Self {
            result: result.map(Box::new),
            ..Self::said(action, line)
        }
    }

    /// Nothing to tell the consumers of results.
    pub fn said(action: Action, line: String) -> Self {
        Self {
            result: None,
            action,
            line,
        }
    }
}

/// Reconciles a cluster once, and does what is to be done.
///
/// # Errors
/// Where it came to no end.
pub async fn reconcile(
    context: &Context,
    request: &mut Request,
    cluster: &ClusterId,
) -> Result<Done, Unfinished> {
    let mut report = Report::begin(context, cluster);
    let context = context.recorded_by(&report.calls);
    let pass = pass(&context, request, cluster, &mut report);
    let ended = match context.limit {
        Some(limit) => timeout(limit, pass).await.unwrap_or(Err(Error::OutOfTime)),
        None => pass.await,
    };
    if let Err(Error::Operation { failure, .. }) = &ended
        && failure.is_about_access()
    {
        // A platform app that was deleted and made anew has other ids than those that have the role.
        context.caches.forget_platform_principals();
    }
    let outcome = ended.as_ref().map_or(Some(Outcome::Failed), |ended| *ended);
    if let Some(outcome) = outcome {
        let progress = &request.progress;
        report.look_behind(&context, progress, outcome).await;
    }
    match ended {
        Ok(Some(outcome)) => {
            let reason = report.reason();
            let (is_told, action) = follow_up(reason.as_ref(), request);
            let result = is_told.then(|| report.result(&context, request, outcome, reason));
            Ok(Done::of(request, result, action))
        }
        Ok(None) => Ok(Done::of(request, None, Action::AwaitChange)),
        Err(error) => Err(Unfinished { error, report }),
    }
}

/// What becomes of the request after an error: it comes again as long as there is patience, then it ends.
pub fn error_policy(context: &Context, request: &mut Request, unfinished: &Unfinished) -> Done {
    if request.origin == Origin::Own {
        // It would tell of one failure twice: whoever wrote comes again, and reports.
        return Done::of(request, None, Action::AwaitChange);
    }
    if busy::is_right_in_a_sweep(request, &unfinished.error) {
        let line = format!(
            "{} is right, and busy with something else",
            request.subject_id()
        );
        return Done::said(Action::AwaitChange, line);
    }
    let (now, deadline) = (context.clock.now(), context.config.deadline);
    match error_policy::retry(&unfinished.error, request, now, deadline) {
        Ok(delay) => Done::of(request, None, Action::Requeue(delay)),
        Err(end) => {
            let report = &unfinished.report;
            let result = report.result(context, request, end.outcome, end.reason);
            Done::of(request, Some(result), Action::AwaitChange)
        }
    }
}

/// Is what was decided told, and when is the cluster reconciled again? An event may come too early for its vault; a
/// later reconcile tells only of another outcome.
fn follow_up(reason: Option<&Reason>, request: &mut Request) -> (bool, Action) {
    let lacks_vault = |reason: &Reason| reason.is(Code::NoVault) || reason.is(Code::OutsideWithin);
    let lacks_vault = reason.is_some_and(lacks_vault);
    let by_event = request.cause.kind == CauseKind::Event
        && matches!(request.origin, Origin::Write | Origin::Notified);
    if !lacks_vault || !by_event {
        return (true, Action::AwaitChange);
    }
    let is_untold = request.progress.unsent > 0;
    // What could not be told did not use up a look.
    let looks = request.progress.unmatched;
    let looks = looks.saturating_add(u32::from(!is_untold || looks == 0));
    request.progress.unmatched = looks;
    let again = UNMATCHED_STEPS.get(looks as usize - 1);
    let again = again.map(|seconds| Action::Requeue(Duration::from_secs(*seconds)));
    let is_told = looks == 1 || request.progress.redelivered || is_untold;
    (is_told, again.unwrap_or(Action::AwaitChange))
}

/// The way of one reconcile; `report` keeps what was seen and decided.
///
/// Our own write that comes back as an event changes nothing: what is left to do is left to the request that wrote
/// (`None`), for a write that led to a write would never come to an end. While the change is under way such a reconcile
/// ends as soon as it has read the cluster, so that only the event of its end leads to a whole one. Nor is anything
/// changed where a person agreed to another vault than the one that is now decided on.
async fn pass(
    context: &Context,
    request: &mut Request,
    cluster: &ClusterId,
    report: &mut Report,
) -> Result<Option<Outcome>, Error> {
    let (failure, under_way) = match poll::poll(context, request, cluster).await {
        Ok(failure) => (failure, None),
        // What is right at the deadline is bound, whatever goes on.
        Err(error @ Error::UnderWay { .. })
            if request.is_due(context.clock.now(), context.config.deadline) =>
        {
            (None, Some(error))
        }
        Err(error) => return Err(error),
    };
    request.note_made_anew(context.clock.now(), READ_LAG);
    let seen = Azure::new(context, request, cluster).observe().await?;
    let now = context.clock.now();
    request
        .progress
        .note_boundaries(&seen.inventory.listed, now);
    if request.progress.before.is_none() {
        request.progress.before = seen.cluster().map(ArchiveStatus::of);
    }
    own_roles::recognise(request, &seen.decision);
    let decision = report.take_in(&seen);
    if guard::awaits_right(request, &seen, now) {
        return Err(Error::NotAllowed(Box::new(seen.decision)));
    }
    let decision = decision.map_err(|error| busy::still_running(request, error, now))?;
    if is_settled(request, &decision) {
        return Ok(Some(decision.outcome));
    }
    if let Some(under_way) = under_way {
        return Err(under_way);
    }
    if request.origin == Origin::Own || !is_agreed(request, &decision) {
        return Ok(None);
    }
    remember(request, &decision);
    if context.policy.mode == Mode::Audit {
        note_all(request, &decision.plan, ChangeStatus::Planned);
        return Ok(Some(Outcome::Planned));
    }
    let failure = failure.or_else(|| poll::unshown(request, now));
    may_act(request, &decision, failure, now)?;
    act::act(context, request, &seen).await?;
    // Only a state that was read back, and leaves nothing to do, is a binding.
    let azure = Azure::new(context, request, cluster);
    let seen = azure.observe_again(seen).await?;
    let decision = report.take_in(&seen)?;
    if is_settled(request, &decision) {
        return Ok(Some(decision.outcome));
    }
    Err(Error::NotVisible)
}

/// Keeps what only this decision knows: once the cluster is pointed elsewhere, it is as if it had always been so.
fn remember(request: &mut Request, decision: &Decision) {
    let progress = &mut request.progress;
    let grants = decision.writer.as_ref();
    let left_behind = grants.map(|grants| &grants.left_behind.roles);
    if let Some(left_behind) = left_behind.filter(|rows| !rows.is_empty()) {
        progress.left_behind.clone_from(left_behind);
    }
    if let Some(vault) = decision
        .vault
        .as_ref()
        .filter(|_| decision.plan.sets_archive())
    {
        let considered = decision.candidates.iter().take(MOST_REMEMBERED);
        progress.chosen = Some(Chosen {
            vault: vault.id.clone(),
            candidates: considered.cloned().collect(),
            is_cut: decision.candidates.len() > MOST_REMEMBERED,
            warnings: decision.warnings.clone(),
        });
    }
}

/// Is there nothing to do? Where the cluster is bound, what it shows of the changes is known.
fn is_settled(request: &mut Request, decision: &Decision) -> bool {
    let is_right = decision.is_bound() && decision.plan.is_empty();
    if is_right {
        let is_shown = |change: &ChangeRecord| result::is_shown(decision, change);
        request.progress.confirm(is_shown);
    }
    is_right || !decision.is_bound()
}

fn note_all(request: &mut Request, plan: &Plan, status: ChangeStatus) {
    for change in &plan.changes {
        let record = ChangeRecord::of(change, status, request.attempts());
        request.progress.note(record);
    }
}

#[cfg(test)]
mod tests;
