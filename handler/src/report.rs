//! The report: a result as a CloudEvent on the results queue, and whether it is sent at all.
//!
//! It must not add to the result, nor know how it came about.

mod event;
mod size;

use time::OffsetDateTime;
use vaultbind_azure::service_bus::Message;
use vaultbind_core::result::{BindingResult, Outcome};

use crate::{
    context::Context,
    deadline::Deadline,
    queue::{self, SendError},
    reconcile::result::{in_one_line, rfc3339},
    request::{Request, hash},
};

pub use event::{ResultEvent, schema};

/// Sends a result unless nothing in it is worth a message.
///
/// # Errors
/// Where Service Bus does not take it.
pub async fn send(
    context: &Context,
    deadline: &mut Deadline,
    request: &Request,
    result: BindingResult,
) -> Result<(), SendError> {
    let line = in_one_line(&result);
    if !is_worth_a_message(request, &result) {
        tracing::info!(
            outcome = result.outcome.word(),
            "{line}; nothing new, no message"
        );
        return Ok(());
    }
    let mut event = event(context, request, result);
    let message = Message {
        body: size::written(&mut event, size::MOST_BYTES)?,
        content_type: "application/cloudevents+json",
        message_id: event.id.clone(),
        session_id: None,
        label: Some(event.data.outcome.word().to_owned()),
        correlation_id: request.cause.id.clone(),
        scheduled: None,
        properties: vec![
            ("outcome", event.data.outcome.word().to_owned()),
            ("clusterid", event.data.cluster.id.to_ascii_lowercase()),
        ],
    };
    queue::send(context, deadline, &context.config.results_queue, &message).await?;
    log(request, &event.data, &line);
    Ok(())
}

/// Writes the line that dashboards and alerts count: their queries read these fields by name.
fn log(request: &Request, result: &BindingResult, line: &str) {
    let outcome = result.outcome.word();
    let (changed, reason) = (result.changed, result.reason.as_ref());
    let (code, help) = (
        reason.map(|reason| &reason.code),
        reason.map(|reason| &reason.help),
    );
    let reason = reason.map(|reason| &reason.message);
    let (traceparent, arm_request_ids) = (&request.traceparent, result.request_ids.join(" "));
    macro_rules! log_at {
        ($level:ident) => {
            tracing::$level!(
                outcome,
                changed,
                code,
                reason,
                help,
                traceparent,
                arm_request_ids,
                "{line}"
            )
        };
    }
    match result.outcome {
        Outcome::Failed => log_at!(error),
        outcome if outcome.is_wrong() => log_at!(warn),
        _ => log_at!(info),
    }
}

/// A sweep, or our own write come back, tells only of what changed or may have, or is wrong.
fn is_worth_a_message(request: &Request, result: &BindingResult) -> bool {
    !request.origin.is_quiet() || result.redelivered || result.changed || result.outcome.is_wrong()
}

/// The id by which the queue recognises a repeat of this result.
fn id(request: &Request, result: &BindingResult, now: OffsetDateTime) -> String {
    let occasion = if !request.origin.is_quiet() {
        let cause = request.cause.id.clone();
        cause.unwrap_or_else(|| request.id.clone())
    } else if result.outcome.is_wrong() && !result.changed && !result.redelivered {
        // What is as wrong as before is told once a day; what was right in between has been changed since.
        format!("{} {}", now.date(), result.modified.join(" "))
    } else {
        request.id.clone()
    };
    let vault = result.vault.as_ref();
    let vault = vault.map(|vault| vault.id.to_ascii_lowercase());
    let current = result.current.as_ref();
    let current = current.and_then(|vault| vault.id.as_ref().or(vault.uri.as_ref()));
    let current = current.map(|vault| vault.to_ascii_lowercase());
    hash(&[
        &occasion,
        &result.cluster.id.to_ascii_lowercase(),
        result.outcome.word(),
        &vault.unwrap_or_default(),
        &current.unwrap_or_default(),
        &made(result),
        result.reason.as_ref().map_or("", |reason| &reason.code),
    ])
}

/// What the request is known to have changed, and when: a word that tells of more is no repeat.
fn made(result: &BindingResult) -> String {
    let made = result.changes.iter().filter(|change| change.is_made());
    let made = made.map(|change| {
        let target = change.target.to_ascii_lowercase();
        format!("{:?} {target} {}", change.kind, change.attempt)
    });
    let mut made: Vec<String> = made.collect();
    made.sort_unstable();
    made.join("\n")
}

fn event(context: &Context, request: &Request, data: BindingResult) -> ResultEvent {
    let now = context.clock.now();
    ResultEvent {
        specversion: "1.0".to_owned(),
        id: id(request, &data, now),
        source: context.config.source.clone(),
        r#type: format!("vaultbind.binding.{}", data.outcome),
        subject: data.cluster.id.clone(),
        time: rfc3339(now),
        datacontenttype: "application/json".to_owned(),
        dataschema: event::data_schema(),
        traceparent: request.traceparent.clone(),
        data,
    }
}

#[cfg(test)]
mod tests;
