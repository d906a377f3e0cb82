//! The Service Bus trigger: peek-lock, so many calls at a time, complete on success, abandon on failure.
//! It knows neither envelopes nor answers.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::app::Function;
use super::envelope;
use super::invocation::Host;
use super::skipped_time;
use crate::service_bus::message::Received;

/// How often a listener looks for what time alone has made active.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Listens to a queue until the host stops.
pub(super) async fn listen(host: Arc<Host>, function: Function, queue: String, namespace: String) {
    let calls = Arc::new(Semaphore::new(host.app.service_bus.max_concurrent_calls));
    let mut changes = host.broker.changes();
    let mut accepts = host.accepts.subscribe();
    while host.accepts() {
        let Ok(permit) = calls.clone().acquire_owned().await else {
            return;
        };
        changes.mark_unchanged();
        let renewal = host.app.service_bus.lock_renewal;
        match host.broker.receive_held(&queue, renewal) {
            Ok(Some(mut received)) => {
                skipped_time::account_for(&mut received.message, host.world.clock.felt());
                let (host, function) = (host.clone(), function.clone());
                let (queue, namespace) = (queue.clone(), namespace.clone());
                tokio::spawn(async move {
                    handle(&host, &function, &queue, &namespace, received).await;
                    drop(permit);
                });
            }
            // The host keeps trying where the queue is missing.
            Ok(None) | Err(_) => {
                drop(permit);
                let wait = tokio::time::timeout(LOOK_EVERY, changes.changed());
                tokio::select! {
                    _ = wait => {}
                    _ = accepts.changed() => {}
                }
            }
        }
    }
}

async fn handle(
    host: &Host,
    function: &Function,
    queue: &str,
    namespace: &str,
    received: Received,
) {
    let binding = function.binding.as_str();
    let outcome = host
        .invoke(function, |sys| {
            envelope::service_bus(binding, &received, namespace, sys)
        })
        .await;
    let token = received.lock_token;
    let settled = match outcome {
        Ok(()) if host.app.service_bus.auto_complete => {
            host.broker.complete(queue, token).map(|_| ())
        }
        Ok(()) => Ok(()),
        Err(_) => host.broker.abandon(queue, token),
    };
    if let Err(why) = settled {
        // Logged and no more, as with the real one: the message comes again.
        host.record.log(format!(
            "{queue}: message {} was not settled: {why}",
            received.message.message_id
        ));
    }
}
