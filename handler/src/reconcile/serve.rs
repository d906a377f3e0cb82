//! One delivery of a cluster's request: a look, then a report, a later look, or both.
//!
//! It must not acknowledge a request whose report or retry could not be sent.

use std::{fmt::Display, time::Duration};

use time::OffsetDateTime;
use tokio::time::Instant;
use vaultbind_azure::http::Recorder;
use vaultbind_core::id::ClusterId;

use super::{
    Picture, Setback, Verdict,
    error_policy::{self, Next},
    look,
    report::{self, Report},
};
use crate::{
    context::Context,
    deadline::{Deadline, WAITING},
    functions::answer::Answer,
    queue::{self, SendError},
    request::{Origin, Request},
    telemetry::ErrorChain,
};

/// What looking may take; the rest of the function's 60 s is for sending, which has 15 s, and for waiting.
const LOOKING: Duration = Duration::from_secs(38);
const SENDING: Duration = Duration::from_secs(15).saturating_add(WAITING);

/// Logs why a request is looked at again, when, and for how long it has been under way.
fn tell_again(request: &Request, why: &dyn Display, delay: Duration, now: OffsetDateTime) {
    let age = now - request.first_seen.unwrap_or(now);
    tracing::info!(setback = %why, delay_s = delay.as_secs(), age_s = age.whole_seconds(), "to be looked at again");
}

/// Serves one delivery of a request for a cluster.
pub async fn serve(context: &Context, mut request: Request, cluster: &ClusterId) -> Answer {
    let began = context.clock.now();
    // At its deadline a request is looked at whatever is left, so that it ends.
    let is_due = request
        .first_seen
        .is_some_and(|seen| began - seen >= context.config.deadline);
    let quota = context.arm.quota(cluster.subscription());
    let pass = context
        .pacer
        .admit(cluster.subscription(), quota, Instant::now());
    if let (Err(wait), false) = (&pass, is_due) {
        let full = "the subscription's quota has no room";
        tell_again(&request, &full, *wait, began);
        return later(context, &request, *wait).await;
    }
    let calls = Recorder::default();
    let context = context.recorded_by(&calls);
    let mut picture = Picture::default();
    let looking = look(&context, &mut request, cluster, &mut picture);
    let looked = Deadline::after(LOOKING)
        .within(looking)
        .await
        .unwrap_or(Err(Setback::OutOfTime));

    let now = context.clock.now();
    let (verdict, again) = match looked {
        Ok(Some(verdict)) => error_policy::rest(verdict, &mut request, now),
        Ok(None) => (None, None),
        Err(setback) if request.origin == Origin::Own => {
            // It would tell of one failure twice: whoever wrote looks again, and reports.
            tracing::info!(setback = %ErrorChain(&setback), "left to the request that wrote");
            (None, None)
        }
        Err(setback) => {
            match error_policy::judge(&setback, &mut request, now, context.config.deadline) {
                Next::Requeue(delay) => {
                    tell_again(&request, &ErrorChain(&setback), delay, now);
                    (None, Some(delay))
                }
                Next::End(refusal) => (Some(Verdict::Refused(refusal)), None),
            }
        }
    };
    let mut deadline = Deadline::after(SENDING);
    let report = verdict.map(|verdict| Report {
        request: &request,
        cluster,
        picture: &picture,
        verdict,
        began,
        calls: calls.ids(),
    });
    match settle(&context, &mut deadline, &request, report, again).await {
        Ok(line) => Answer::done(line),
        Err(error) => give_back(&mut deadline, &error).await,
    }
}

/// Puts a look off that has not begun.
async fn later(context: &Context, request: &Request, delay: Duration) -> Answer {
    let mut deadline = Deadline::after(SENDING);
    match put_off(context, &mut deadline, request, delay).await {
        Ok(()) => Answer::done(format!(
            "{} waits for its subscription's quota",
            request.subject_id()
        )),
        Err(error) => give_back(&mut deadline, &error).await,
    }
}

async fn give_back(deadline: &mut Deadline, error: &SendError) -> Answer {
    tracing::error!(
        error = %ErrorChain(error),
        "neither a result nor a retry can be sent, the host delivers the request again"
    );
    deadline.use_up().await;
    Answer::Redeliver
}

/// Sends the report and the request for a later look, whichever there is; says what was made of the request.
async fn settle(
    context: &Context,
    deadline: &mut Deadline,
    request: &Request,
    report: Option<Report<'_>>,
    again: Option<Duration>,
) -> Result<String, SendError> {
    let mut line = match report {
        Some(report) => report::send(context, deadline, report).await?,
        None if again.is_none() => format!(
            "{} is left to the request that changes it",
            request.subject_id()
        ),
        None => format!("{} is not settled", request.subject_id()),
    };
    if let Some(delay) = again {
        put_off(context, deadline, request, delay).await?;
        line = format!("{line}; to be looked at again in {} s", delay.as_secs());
    }
    Ok(line)
}

/// Sends a request for later, as its next attempt.
///
/// # Errors
/// Where Service Bus does not take it.
pub async fn put_off(
    context: &Context,
    deadline: &mut Deadline,
    request: &Request,
    delay: Duration,
) -> Result<(), SendError> {
    queue::send_request(
        context,
        deadline,
        &request.next_attempt(),
        Some(context.clock.now() + delay),
    )
    .await
}
