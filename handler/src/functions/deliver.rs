//! One delivery of a request: may it begin, run it, send what comes of it, answer the host; for clusters and sweeps alike.
//!
//! It must not decide anything about a cluster, nor acknowledge a request of which nothing could be sent: neither a result nor
//! the request for later.

use std::{fmt::Display, time::Duration};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use time::OffsetDateTime;
use tokio::time::Instant;
use vaultbind_core::id::{ClusterId, VaultId};

use super::answer::Answer;
use crate::{
    admission::Permit,
    context::Context,
    deadline::Deadline,
    queue::{self, SendError},
    reconcile::{self, Action, Done, Error, error_policy::retry},
    report,
    request::{Origin, Request, Subject},
    sweep::{self, Page},
    telemetry::ErrorChain,
};

/// A delivery that is held back is answered by this time; the others add up to less.
const ANSWERED: Duration = Duration::from_secs(58);
/// What a reconcile or a page may take; then what comes of it is sent, and where a result cannot be, the request for later:
/// each has time for one call that is never answered.
const WORKING: Duration = Duration::from_secs(31);
const SENDING: Duration = Duration::from_secs(11);
/// How long a delivery is held back where neither queue takes a message, for the host delivers again at once: a hundred
/// deliveries then outlast forty minutes.
const HELD_BACK: Duration = Duration::from_secs(25);
/// How long one is held back that is to end as a dead letter: each of its deliveries asks Azure once more.
const NO_HOT_LOOP: Duration = Duration::from_secs(3);
/// How many requests one page sends at the same time.
const CONCURRENT_SENDS: usize = 8;

/// Why a delivery is given back to the host.
#[derive(Debug, thiserror::Error)]
enum Undelivered {
    /// The host delivers it again until it is a dead letter.
    #[error("the sweep cannot go on")]
    Ends(#[source] Error),
    /// What comes of it cannot be sent: no request for later, or no result at the deadline.
    #[error("what comes of the request cannot be sent")]
    Send(#[from] SendError),
}

/// Serves one delivery of a request.
pub async fn deliver(context: &Context, mut request: Request) -> Answer {
    let whole = Deadline::after(ANSWERED);
    let ran = match request.subject.clone() {
        Subject::Cluster { cluster_id, .. } => {
            Ok(run_cluster(context, &mut request, &cluster_id).await)
        }
        Subject::Sweep {
            vault_id,
            skip_token,
        } => {
            run_sweep(
                context,
                &mut request,
                vault_id.as_ref(),
                skip_token.as_deref(),
            )
            .await
        }
    };
    let mut deadline = Deadline::after(SENDING);
    let settled = match ran {
        Ok(done) => settle(context, &mut deadline, &mut request, done).await,
        Err(undelivered) => Err(undelivered),
    };
    match settled {
        Ok(line) => Answer::done(line),
        Err(undelivered) => abandon(&whole, &undelivered).await,
    }
}

/// Gives a delivery back to the host, after a while: it delivers again at once.
async fn abandon(whole: &Deadline, undelivered: &Undelivered) -> Answer {
    let error = ErrorChain(undelivered).to_string();
    if let Undelivered::Ends(_) = undelivered {
        tracing::error!(error, "its page ends as a dead letter");
        whole.hold_back(NO_HOT_LOOP).await;
    } else {
        tracing::error!(error, "the host delivers the request again");
        whole.hold_back(HELD_BACK).await;
    }
    Answer::Redeliver
}

/// One reconcile of a cluster, where there is room for it.
async fn run_cluster(context: &Context, request: &mut Request, cluster: &ClusterId) -> Done {
    // What is sent afterwards costs the subscription's quota nothing.
    let _permit = match admit(context, request, cluster) {
        Ok(permit) => permit,
        Err(wait) => {
            let action = Action::Requeue(wait);
            tell(
                context,
                request,
                &"the subscription's quota has no room",
                action,
            );
            return Done::said(
                action,
                format!("{cluster} waits for its subscription's quota"),
            );
        }
    };
    let context = context.limited_to(WORKING);
    match reconcile::reconcile(&context, request, cluster).await {
        Ok(done) => done,
        Err(unfinished) => {
            let done = reconcile::error_policy(&context, request, &unfinished);
            tell(
                &context,
                request,
                &ErrorChain(&unfinished.error),
                done.action,
            );
            done
        }
    }
}

/// May the request's cluster be reconciled now? At its deadline it is whatever is left, so that it ends.
fn admit(
    context: &Context,
    request: &Request,
    cluster: &ClusterId,
) -> Result<Option<Permit>, Duration> {
    let (now, deadline) = (context.clock.now(), context.config.deadline);
    let quota = context.arm.quota(cluster.subscription());
    let admission = &context.admission;
    match admission.admit(cluster.subscription(), quota, Instant::now()) {
        Ok(permit) => Ok(Some(permit)),
        Err(_) if request.is_due(now, deadline) => Ok(None),
        Err(wait) => Err(wait),
    }
}

/// One page of a sweep, with the requests that follow from it.
async fn run_sweep(
    context: &Context,
    request: &mut Request,
    vault: Option<&VaultId>,
    skip_token: Option<&str>,
) -> Result<Done, Undelivered> {
    let working = async {
        let page = sweep::page(context, request, vault, skip_token).await;
        let page = page.map_err(Undelivered::Ends)?;
        let line = page.to_string();
        send_page(context, page).await?;
        Ok(line)
    };
    let worked = Deadline::after(WORKING).within(working).await;
    let error = match worked.unwrap_or(Err(Undelivered::Ends(Error::OutOfTime))) {
        Ok(line) => {
            tracing::info!("{line}");
            return Ok(Done::said(Action::AwaitChange, line));
        }
        Err(Undelivered::Ends(error)) => error,
        Err(unsent) => return Err(unsent),
    };
    let now = context.clock.now();
    match retry(&error, request, now, context.config.deadline) {
        Ok(delay) => {
            let action = Action::Requeue(delay);
            tell(context, request, &ErrorChain(&error), action);
            Ok(Done::said(action, "the page is not read".to_owned()))
        }
        Err(_) => Err(Undelivered::Ends(error)),
    }
}

/// Sends the requests of a page; the next page comes last, so that none is skipped.
async fn send_page(context: &Context, page: Page) -> Result<(), SendError> {
    stream::iter(page.requests)
        .map(|request| async move { send(context, &request, page.due).await })
        .buffer_unordered(CONCURRENT_SENDS)
        .try_collect::<()>()
        .await?;
    match page.next {
        Some(next) => {
            let due = context.clock.now() + sweep::NEXT_PAGE;
            send(context, &next, Some(due)).await
        }
        None => Ok(()),
    }
}

async fn send(
    context: &Context,
    request: &Request,
    due: Option<OffsetDateTime>,
) -> Result<(), SendError> {
    queue::send_request(context, &mut Deadline::after(SENDING), request, due).await
}

/// Logs why a request came to no end, and when it comes again.
fn tell(context: &Context, request: &Request, why: &dyn Display, action: Action) {
    let now = context.clock.now();
    // The alert on old requests is about clusters.
    let age_s = match request.subject {
        Subject::Cluster { .. } => {
            let age = now - request.first_seen.unwrap_or(now);
            Some(age.whole_seconds())
        }
        Subject::Sweep { .. } => None,
    };
    match action {
        Action::Requeue(delay) => {
            tracing::info!(setback = %why, delay_s = delay.as_secs(), age_s, "to be looked at again")
        }
        Action::AwaitChange if request.origin == Origin::Own => {
            tracing::info!(setback = %why, "left to the request that wrote");
        }
        Action::AwaitChange => {}
    }
}

/// Sends the result and the request for later, whichever there is; says what was made of the request.
async fn settle(
    context: &Context,
    deadline: &mut Deadline,
    request: &mut Request,
    done: Done,
) -> Result<String, Undelivered> {
    if let Some(result) = done.result {
        if let Err(unsent) = report::send(context, deadline, request, *result).await {
            return requeue_untold(context, deadline, request, unsent).await;
        }
        request.progress.unsent = 0;
    }
    match done.action {
        Action::AwaitChange => Ok(done.line),
        Action::Requeue(delay) => {
            requeue(context, deadline, request, delay).await?;
            let (line, seconds) = (done.line, delay.as_secs());
            Ok(format!("{line}; to be looked at again in {seconds} s"))
        }
    }
}

/// Puts a request off whose result cannot be sent: what it changed is in its memory, and told later. At its deadline it is
/// left to the host, until it is a dead letter.
async fn requeue_untold(
    context: &Context,
    deadline: &mut Deadline,
    request: &mut Request,
    unsent: SendError,
) -> Result<String, Undelivered> {
    let (now, limit) = (context.clock.now(), context.config.deadline);
    let retry_after = unsent.retry_after();
    let Ok(delay) = retry(&Error::Unsent { retry_after }, request, now, limit) else {
        return Err(unsent.into());
    };
    let error = ErrorChain(&unsent).to_string();
    tracing::error!(error, "the result cannot be sent, the request is put off");
    deadline.extend(SENDING);
    requeue(context, deadline, request, delay).await?;
    let seconds = delay.as_secs();
    Ok(format!(
        "the result cannot be sent; to be looked at again in {seconds} s"
    ))
}

/// Sends a request for later, as its next attempt.
async fn requeue(
    context: &Context,
    deadline: &mut Deadline,
    request: &Request,
    delay: Duration,
) -> Result<(), SendError> {
    let due = context.clock.now() + delay;
    queue::send_request(context, deadline, &request.next_attempt(), Some(due)).await
}
