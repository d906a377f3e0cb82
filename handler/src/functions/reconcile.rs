//! `reconcile`: takes a request from the queue.
//!
//! It must not acknowledge a request that it could neither finish nor put off.

use std::sync::Arc;

use super::{Answer, Invocation, deliver};
use crate::{
    context::Context,
    request::{Request, Subject},
    telemetry::ErrorChain,
};

pub(super) async fn run(context: Arc<Context>, invocation: Invocation) -> Answer {
    let is_redelivery = invocation.is_redelivery;
    let request = match invocation.text() {
        Ok(text) => Request::from_json(&text).map_err(|error| ErrorChain(&error).to_string()),
        Err(error) => Err(ErrorChain(&error).to_string()),
    };
    let mut request = match request {
        Ok(request) => request,
        Err(error) => {
            // Each delivery is the same: one line will do.
            if !is_redelivery {
                tracing::error!(
                    error,
                    "the message is no request of ours; it ends as a dead letter"
                );
            }
            return Answer::Redeliver;
        }
    };
    request.arrive(context.clock.now());
    request.is_redelivery = is_redelivery;
    request.progress.redelivered |= is_redelivery;
    let span = tracing::Span::current();
    span.record("request_id", request.id.as_str());
    match &request.subject {
        Subject::Cluster { cluster_id, .. } => span.record("cluster_id", cluster_id.as_str()),
        Subject::Sweep { vault_id, .. } => {
            span.record("vault_id", vault_id.as_ref().map(|id| id.as_str()))
        }
    };
    deliver::deliver(&context, request).await
}
