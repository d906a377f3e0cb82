//! One delivery of a cluster's request: a look, then a report, a later look, or both.
//!
//! It must not acknowledge a request whose report or retry could not be sent.

use std::time::Duration;

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
    request::Request,
    telemetry::ErrorChain,
};

/// What looking may take; the rest of the function's 60 s is for sending, which has 15 s, and for waiting.
const LOOKING: Duration = Duration::from_secs(38);
const SENDING: Duration = Duration::from_secs(15).saturating_add(WAITING);

/// Serves one delivery of a request for a cluster.
pub async fn serve(context: &Context, mut request: Request, cluster: &ClusterId) -> Answer {
    let calls = Recorder::default();
    let context = context.recorded_by(&calls);
    let began = context.clock.now();
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
        Err(setback) => {
            match error_policy::judge(&setback, &mut request, now, context.config.deadline) {
                Next::Requeue(delay) => {
                    tracing::info!(setback = %ErrorChain(&setback), delay_s = delay.as_secs(), "to be looked at again");
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
        Err(error) => {
            tracing::error!(error = %ErrorChain(&error), "neither a result nor a retry can be sent, the host delivers the request again");
            deadline.use_up().await;
            Answer::Redeliver
        }
    }
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
