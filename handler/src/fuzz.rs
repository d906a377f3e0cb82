//! Hostile calls, events and requests: whatever is taken names sound resources, is bounded, and survives being sent on.
//!
//! It must not repeat what the unit tests say of single inputs.

use axum::{body::Body, http::Request as HttpRequest};
use serde_json::{Value, json};
use vaultbind_core::id::ResourceId;
use vaultbind_fuzz::fuzz;

use crate::{
    event::{self, Concern, EventError},
    functions::{FUNCTIONS, Function, invocation::Invocation},
    request::{Request, Subject},
    telemetry::ErrorChain,
};

fn call(runtime: &tokio::runtime::Runtime, function: Function, body: &[u8]) -> Invocation {
    let http = HttpRequest::new(Body::from(body.to_vec()));
    runtime.block_on(Invocation::read(function, http))
}

#[test]
fn a_call_is_read_as_what_it_carries_and_its_metadata_is_not_believed() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    fuzz("envelope", |input| {
        // What nests too deep for this is none the less a call, whose payload is refused.
        let envelope = serde_json::from_slice::<Value>(input).ok();
        let count = |value: &Value| {
            value
                .pointer("/Metadata/DeliveryCount")?
                .as_str()?
                .parse::<u32>()
                .ok()
        };
        let may_repeat = envelope.is_none_or(|value| count(&value).is_some_and(|times| times > 1));
        let mut is_taken = false;
        for function in FUNCTIONS {
            let read = || call(&runtime, function, input);
            assert!(
                may_repeat || !read().is_redelivery,
                "a count that is no count"
            );
            let (events, text) = (read().events(), read().text());
            assert!(
                events.is_err() || text.is_ok(),
                "what has events has a text"
            );
            if let Ok(text) = text {
                is_taken = true;
                // As the host writes a message: text within text.
                let again = json!({ "Data": { function.binding: json!(text).to_string() } });
                let again = call(&runtime, function, again.to_string().as_bytes());
                assert_eq!(again.text().unwrap(), text);
            }
        }
        is_taken
    });
}

#[test]
fn an_event_that_is_taken_concerns_the_resource_of_its_subject() {
    fuzz("event", |input| {
        let Ok(value) = serde_json::from_slice::<Value>(input) else {
            return false;
        };
        let event = match event::read(&value) {
            Ok(event) => event,
            Err(error) => {
                is_one_line(&error);
                return false;
            }
        };
        let id: &ResourceId = match &event.concern {
            Concern::Cluster(cluster, _) => cluster,
            Concern::Vault(vault) | Concern::VaultRole(vault) => vault,
        };
        let subject = event.cause.subject.as_deref().unwrap_or_default();
        assert!(
            subject.to_ascii_lowercase().starts_with(id.key()),
            "{subject} is not {id}"
        );
        let told = [
            &event.cause.id,
            &event.cause.operation,
            &event.cause.subject,
            &event.cause.time,
        ];
        for text in told.into_iter().flatten() {
            assert!(
                text.len() <= 2048 && !text.chars().any(char::is_control),
                "{text:?}"
            );
        }
        true
    });
}

fn is_one_line(error: &EventError) {
    let told = ErrorChain(error).to_string();
    assert!(
        told.len() < 2048 && !told.chars().any(char::is_control),
        "{told:?}"
    );
}

#[test]
fn a_request_that_is_taken_names_sound_resources_and_is_sent_on_as_it_is() {
    fuzz("request", |input| {
        let Ok(text) = str::from_utf8(input) else {
            return false;
        };
        let Ok(request) = Request::from_json(text) else {
            return false;
        };
        let again = serde_json::to_string(&request).unwrap();
        assert_eq!(Request::from_json(&again).unwrap(), request);
        match &request.subject {
            Subject::Cluster { cluster_id, .. } => {
                assert!(cluster_id.as_str().parse::<ResourceId>().is_ok())
            }
            Subject::Sweep { .. } => (),
        }
        let next = request.next_attempt();
        assert!(next.attempt > request.attempt || request.attempt == u32::MAX);
        assert!(
            next.message_id().len() <= 128,
            "Service Bus takes no longer id: {}",
            next.message_id()
        );
        assert!(!next.message_id().chars().any(char::is_control));
        true
    });
}
