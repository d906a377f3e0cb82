//! Sending to the two queues, with a short patience: what cannot be sent in it is for the caller to put off or give back.
//!
//! It must not give up in silence: a send that fails comes back as an error.

use std::time::Duration;

use time::OffsetDateTime;
use vaultbind_azure::{Error, service_bus::Message};

use crate::{context::Context, deadline::Deadline, request::Request};

/// A message that could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Service Bus did not take it.
    #[error("cannot send to the queue `{queue}`")]
    Refused {
        /// The queue or topic.
        queue: String,
        /// What Service Bus said.
        #[source]
        cause: Error,
    },
    /// It cannot be written as JSON.
    #[error("cannot write the message")]
    Encode(#[from] serde_json::Error),
}

impl SendError {
    /// When the queue asks to be asked again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { cause, .. } => cause.retry_after(),
            Self::Encode(_) => None,
        }
    }
}

/// Sends a request, now or for later.
///
/// # Errors
/// Where Service Bus does not take it within the patience of the invocation.
pub async fn send_request(
    context: &Context,
    deadline: &mut Deadline,
    request: &Request,
    due: Option<OffsetDateTime>,
) -> Result<(), SendError> {
    let message = Message {
        body: serde_json::to_string(request)?,
        content_type: "application/json",
        message_id: request.message_id(),
        session_id: Some(request.session_id()),
        label: None,
        correlation_id: request.cause.id.clone(),
        scheduled: due,
        properties: Vec::new(),
    };
    send(context, deadline, &context.config.requests_queue, &message).await
}

/// Sends a message, again after a short wait where the failure may pass.
///
/// # Errors
/// Where Service Bus does not take it within the patience of the invocation.
pub async fn send(
    context: &Context,
    deadline: &mut Deadline,
    queue: &str,
    message: &Message,
) -> Result<(), SendError> {
    let mut wait = Duration::from_millis(200);
    loop {
        let cause = match try_send(context, deadline, queue, message).await {
            Ok(()) => return Ok(()),
            Err(cause) => cause,
        };
        let asked = cause.retry_after().unwrap_or_default();
        if !cause.is_transient() || !deadline.pause(wait.max(asked)).await {
            return Err(SendError::Refused {
                queue: queue.to_owned(),
                cause,
            });
        }
        wait *= 2;
    }
}

async fn try_send(
    context: &Context,
    deadline: &Deadline,
    queue: &str,
    message: &Message,
) -> Result<(), Error> {
    let sending = async {
        let _permit = context.sends.acquire().await;
        context.service_bus.send(queue, message).await
    };
    deadline
        .within(sending)
        .await
        .unwrap_or_else(|| Err(Error::timed_out("send a message", queue)))
}
