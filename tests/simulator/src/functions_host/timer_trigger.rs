//! The timer trigger: what a tick and a run by hand hand over, and what they leave behind.
//! It moves no clock: a schedule is followed only as time passes.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use super::app::{Function, Trigger};
use super::envelope::{self, TimerStatus};
use super::invocation::{Host, lock};
use super::pace::pause;

/// What made a timer run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Run {
    /// Its schedule.
    Scheduled,
    /// Its schedule, while the host was down.
    PastDue,
    /// The admin API; the schedule's status stays as it is.
    ByHand,
}

/// Runs a timer function, again where it failed and has a retry.
///
/// # Errors
/// With the host's words where the run failed, or where there is no such timer.
pub(super) async fn run(host: &Host, function: &Function, run: Run) -> Result<(), String> {
    let Trigger::Timer {
        schedule,
        monitored,
    } = &function.trigger
    else {
        return Err(format!("'{}' is no timer function", function.name));
    };
    let now = host.world.clock.now();
    let last = lock(&host.timers).get(&function.name).copied();
    // A tick belongs to the present occurrence; only a run by hand looks forward to the coming one.
    let next = match run {
        Run::ByHand => schedule.after(now).unwrap_or(now),
        Run::Scheduled | Run::PastDue => now.replace_nanosecond(0).unwrap_or(now),
    };
    let status = monitored.then_some(TimerStatus { last, next });
    if run != Run::ByHand {
        // Even a failed tick counts as the last run.
        lock(&host.timers).insert(function.name.clone(), now);
    }
    let binding = function.binding.as_str();
    let (past_due, by_hand) = (run == Run::PastDue, run == Run::ByHand);
    let call = || {
        host.invoke(function, |sys| {
            envelope::timer(binding, status.as_ref(), past_due, by_hand, sys)
        })
    };
    let mut outcome = call().await;
    if let Some(retry) = function.retry {
        for _ in 0..retry.times {
            if outcome.is_ok() || !wait_until(host, host.world.clock.now() + retry.delay).await {
                break;
            }
            outcome = call().await;
        }
    }
    outcome
}

/// Waits for a time; false where the host stops before it comes.
async fn wait_until(host: &Host, due: OffsetDateTime) -> bool {
    lock(&host.awaited).insert(due);
    while host.accepts() && host.world.clock.now() < due {
        pause(LOOK_EVERY).await;
    }
    lock(&host.awaited).remove(&due);
    host.accepts()
}

/// Runs a timer function whenever its schedule says so after `from`, until the host stops.
/// A clock that was moved past several occurrences brings them all.
pub(super) async fn follow_schedule(host: Arc<Host>, function: Function, mut from: OffsetDateTime) {
    let Trigger::Timer { schedule, .. } = &function.trigger else {
        return;
    };
    while let Some(next) = schedule.after(from) {
        while host.world.clock.now() < next {
            if !host.accepts() {
                return;
            }
            pause(LOOK_EVERY).await;
        }
        // How it ended is in the record; nothing repeats a tick beyond its retries.
        let _ = run(&host, &function, Run::Scheduled).await;
        from = next;
    }
}

/// How often a look is taken at the clock, which others may move.
const LOOK_EVERY: Duration = Duration::from_millis(20);
