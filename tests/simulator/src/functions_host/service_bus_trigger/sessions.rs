//! The trigger on a queue with sessions: so many places, each with one session and one call at a time.
//! A place is taken for the session's calls and the idle time after the last of them.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::{Listener, Moment};
use crate::service_bus::BrokerError;
use crate::service_bus::message::Session;

/// Listens to the sessions of a queue until the host stops.
pub(super) async fn listen(listener: Arc<Listener>) {
    let host = &listener.host;
    let places = host.app.service_bus.max_concurrent_sessions;
    let places = Arc::new(Semaphore::new(places));
    let mut moment = Moment::of(host);
    while host.accepts() {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        moment.begin();
        match host
            .broker
            .accept_session(&listener.source.queue, host.app.service_bus.lock_renewal)
        {
            Ok(Some(session)) => {
                let listener = listener.clone();
                tokio::spawn(async move {
                    listener.serve(session).await;
                    drop(place);
                });
            }
            nothing => {
                drop(place);
                listener.note(&nothing);
                moment.pass().await;
            }
        }
    }
}

impl Listener {
    /// Takes a session's messages one after the other, until none has come for the idle time or the session is lost.
    async fn serve(&self, session: Session) {
        let (host, queue) = (&self.host, self.source.queue.as_str());
        let options = &host.app.service_bus;
        let mut moment = Moment::of(host);
        let mut idle_since = None;
        while host.accepts() {
            // What comes after the idle time finds the session closed, however far time was skipped.
            let now = host.world.clock.now();
            if idle_since.is_some_and(|since| now - since >= options.session_idle_timeout) {
                break;
            }
            moment.begin();
            match host.broker.receive_from(queue, &session) {
                Ok(Some(received)) => {
                    self.handle(received).await;
                    idle_since = Some(host.world.clock.now());
                }
                Ok(None) => {
                    idle_since = idle_since.or(Some(now));
                    moment.pass().await;
                }
                Err(BrokerError::LockLost) => {
                    host.record.log(format!(
                        "{queue}: the lock of session {} is lost",
                        session.id
                    ));
                    return;
                }
                Err(_) => return,
            }
        }
        // A session that is lost by then is somebody else's matter.
        let _ = if host.is_dead() {
            host.broker.leave_session(queue, &session)
        } else {
            host.broker.close_session(queue, &session)
        };
    }
}
