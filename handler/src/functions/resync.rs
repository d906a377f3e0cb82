//! `resync`: asks for one sweep over every cluster in scope, against missed events and drift.
//!
//! It must not observe a cluster itself, and must not believe the timer's payload: its times are those of the run before.

use std::{sync::Arc, time::Duration};

use time::{OffsetDateTime, macros::format_description};
use vaultbind_core::result::{Cause, CauseKind};

use super::{Answer, Invocation};
use crate::{
    context::Context,
    deadline::Deadline,
    queue,
    request::{Origin, Request, Subject},
    telemetry::ErrorChain,
};

/// What sending may take: with the waiting at the end it stays under the 20 s of the function.
const SENDING: Duration = Duration::from_secs(14);

pub(super) async fn run(context: Arc<Context>, invocation: Invocation) -> Answer {
    let mut request = sweep(context.clock.now());
    request.traceparent = invocation.traceparent;
    let mut deadline = Deadline::after(SENDING);
    if let Err(error) = queue::send_request(&context, &mut deadline, &request, None).await {
        tracing::error!(error = %ErrorChain(&error), "the sweep cannot be asked for; the host tries again in a minute");
        deadline.wait_out().await;
        return Answer::Redeliver;
    }
    tracing::info!(
        request_id = request.id,
        "asked for a sweep over all clusters"
    );
    Answer::done("asked for a sweep over all clusters")
}

/// The sweep of this minute: two instances whose timers fire together ask for one.
fn sweep(now: OffsetDateTime) -> Request {
    let minute = format_description!("resync:[year]-[month]-[day]T[hour]:[minute]Z");
    // Formatting a UTC time by a constant description has nothing to fail on.
    let id = now
        .to_offset(time::UtcOffset::UTC)
        .format(minute)
        .unwrap_or_else(|_| "resync".to_owned());
    let cause = Cause {
        kind: CauseKind::Resync,
        id: Some(id.clone()),
        operation: None,
        subject: None,
        time: None,
    };
    Request::new(
        id,
        Subject::Sweep {
            vault_id: None,
            skip_token: None,
        },
        cause,
        Origin::Sweep,
        now,
    )
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn sweeps_of_one_minute_are_one_request() {
        let first = sweep(datetime!(2026-02-03 04:05:06.5 UTC));
        assert_eq!(first.id, "resync:2026-02-03T04:05Z");
        assert_eq!(sweep(datetime!(2026-02-03 06:05:59 +2)).id, first.id);
        assert_ne!(sweep(datetime!(2026-02-03 04:06:00 UTC)).id, first.id);
    }
}
