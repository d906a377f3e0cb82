//! `resource-event`: turns an event into a request for what it is about.
//!
//! It must not read Azure, and acts on nothing that an event claims.

use std::{sync::Arc, time::Duration};

use serde_json::Value;

use super::{Answer, Invocation};
use crate::{
    context::Context,
    deadline::Deadline,
    event::{self, Concern, Event, EventError},
    queue::{self, SendError},
    request::{self, Bucket, Origin, Request, Subject},
    telemetry::ErrorChain,
};

/// What sending may take: with the waiting at the end it stays under the 20 s of the function.
const SENDING: Duration = Duration::from_secs(14);

pub(super) async fn run(context: Arc<Context>, invocation: Invocation) -> Answer {
    let traceparent = invocation.traceparent.clone();
    let events = match invocation.events() {
        Ok(events) => events,
        Err(error) => {
            tracing::error!(error = %ErrorChain(&error), "the event cannot be understood");
            return Answer::done("not understood: it is no event");
        }
    };
    let mut deadline = Deadline::after(SENDING);
    let mut lines = Vec::new();
    for event in &events {
        match take(&context, &mut deadline, event, traceparent.as_deref()).await {
            Ok(line) => lines.push(line),
            Err(error) => {
                tracing::error!(error = %ErrorChain(&error), "the request cannot be sent, the host delivers the event again");
                deadline.wait_out().await;
                return Answer::Redeliver;
            }
        }
    }
    Answer::Done(lines)
}

/// Deals with one event and says what was made of it.
async fn take(
    context: &Context,
    deadline: &mut Deadline,
    event: &Value,
    traceparent: Option<&str>,
) -> Result<String, SendError> {
    let event = match event::read(event) {
        Ok(event) => event,
        Err(error) => return Ok(refuse(event, &error)),
    };
    let mut request = match request_for(context, &event) {
        Ok(request) => request,
        Err(why) => {
            let subject = event.cause.subject.as_deref().unwrap_or_default();
            tracing::info!(
                subject,
                event_id = event.cause.id,
                why,
                "the event is dropped"
            );
            return Ok(format!("dropped: {} {why}", subject.escape_debug()));
        }
    };
    request.traceparent = traceparent.map(ToOwned::to_owned);
    let bucket = Bucket::at(context.clock.now(), context.config.coalesce_seconds);
    queue::send_request(context, deadline, &request, bucket.map(Bucket::due)).await?;
    tracing::info!(
        event_id = request.cause.id,
        request_id = request.id,
        subject = request.subject_id(),
        origin = ?request.origin,
        "the event became a request"
    );
    Ok(format!("requested a look at {}", request.subject_id()))
}

fn refuse(event: &Value, error: &EventError) -> String {
    let event_id = event.get("id").and_then(Value::as_str);
    let chain = ErrorChain(error).to_string();
    match error {
        EventError::Ignored(_) => tracing::info!(event_id, "{chain}"),
        EventError::Malformed(_) => {
            tracing::warn!(event_id, error = chain, "the event cannot be understood")
        }
        EventError::BadId(_) => {
            tracing::error!(event_id, error = chain, "the event names no sound resource")
        }
    }
    format!("not acted on: {}", chain.escape_debug())
}

/// The request that an event asks for, or why it asks for none.
fn request_for(context: &Context, event: &Event) -> Result<Request, &'static str> {
    const OUT_OF_SCOPE: &str = "is outside the policy's scope";
    let (policy, now) = (&context.policy, context.clock.now());
    let bucket = Bucket::at(now, context.config.coalesce_seconds);
    let cause = event.cause.clone();
    let cause_id = cause.id.clone().unwrap_or_default();
    let ours = context.config.client_id.as_deref();
    let is_ours = (event.actor.as_deref().zip(ours))
        .is_some_and(|(actor, we)| actor.eq_ignore_ascii_case(we));
    match &event.concern {
        Concern::Cluster(cluster, _) if !policy.covers(cluster.subscription()) => Err(OUT_OF_SCOPE),
        Concern::Cluster(cluster, origin) => {
            let origin = if is_ours && *origin == Origin::Write {
                Origin::Own
            } else {
                *origin
            };
            let id = request::cluster_request_id(cluster, None, origin, bucket, &cause_id);
            let subject = Subject::Cluster {
                cluster_id: cluster.clone(),
                vault_hint: None,
            };
            Ok(Request::new(id, subject, cause, origin, now))
        }
        // The request that made it reads it back; a sweep would reconcile every cluster of the vault for nothing.
        Concern::VaultRole(_) if is_ours => Err("is a role assignment of our own"),
        Concern::Vault(vault) | Concern::VaultRole(vault) => {
            if !policy.reaches(vault) && !policy.covers(vault.subscription()) {
                return Err(OUT_OF_SCOPE);
            }
            let id = request::sweep_request_id(vault, bucket, &cause_id);
            let subject = Subject::Sweep {
                vault_id: Some(vault.clone()),
                skip_token: None,
            };
            Ok(Request::new(id, subject, cause, Origin::Sweep, now))
        }
    }
}
