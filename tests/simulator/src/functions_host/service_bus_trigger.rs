//! The Service Bus trigger: peek-lock, so many calls at a time, complete on success, abandon on failure.
//! It knows neither envelopes nor answers.

mod sessions;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};

use super::app::{Function, QueueTrigger};
use super::envelope;
use super::invocation::Host;
use super::skipped_time;
use crate::service_bus::BrokerError;
use crate::service_bus::message::Received;

/// How often a listener looks for what time alone has made active.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A function that listens to a queue.
struct Listener {
    host: Arc<Host>,
    function: Function,
    source: QueueTrigger,
}

/// Listens to a queue until the host stops.
pub(super) async fn listen(host: Arc<Host>, function: Function, source: QueueTrigger) {
    let listener = Arc::new(Listener {
        host,
        function,
        source,
    });
    if listener.source.sessions {
        sessions::listen(listener).await;
    } else {
        listener.take_messages().await;
    }
}

impl Listener {
    async fn take_messages(self: Arc<Self>) {
        let options = &self.host.app.service_bus;
        let calls = Arc::new(Semaphore::new(options.max_concurrent_calls));
        let mut moment = Moment::of(&self.host);
        while self.host.accepts() {
            let Ok(permit) = calls.clone().acquire_owned().await else {
                return;
            };
            moment.begin();
            let queue = &self.source.queue;
            match self.host.broker.receive_held(queue, options.lock_renewal) {
                Ok(Some(received)) => {
                    let listener = self.clone();
                    tokio::spawn(async move {
                        listener.handle(received).await;
                        drop(permit);
                    });
                }
                nothing => {
                    drop(permit);
                    self.note(&nothing);
                    moment.pass().await;
                }
            }
        }
    }

    /// The host keeps trying where it may not listen, and says why not.
    fn note<T>(&self, received: &Result<T, BrokerError>) {
        if let Err(why) = received {
            let queue = &self.source.queue;
            self.host.record.log_once(format!(
                "Message processing error (Action=Receive, EntityPath={queue}): {why}"
            ));
        }
    }

    async fn handle(&self, mut received: Received) {
        let (host, queue) = (&self.host, self.source.queue.as_str());
        skipped_time::account_for(&mut received.message, host.world.clock.ahead());
        let binding = self.function.binding.as_str();
        let outcome = host
            .invoke(&self.function, |sys| {
                envelope::service_bus(binding, &received, &self.source.namespace, sys)
            })
            .await;
        if host.is_dead() {
            return;
        }
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
}

/// A wait for the next change of the queues, of the host, or of what time alone brings.
struct Moment {
    changes: watch::Receiver<u64>,
    accepts: watch::Receiver<bool>,
}

impl Moment {
    fn of(host: &Host) -> Self {
        Self {
            changes: host.broker.changes(),
            accepts: host.accepts.subscribe(),
        }
    }

    /// What changes from here on ends the wait.
    fn begin(&mut self) {
        self.changes.mark_unchanged();
    }

    async fn pass(&mut self) {
        tokio::select! {
            _ = tokio::time::timeout(LOOK_EVERY, self.changes.changed()) => {}
            _ = self.accepts.changed() => {}
        }
    }
}
