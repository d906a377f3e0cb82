//! When a host is at rest, and how it skips the time until something is due.
//! It begins nothing itself: it looks, and moves the clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::Instant;

use super::app::Trigger;
use super::invocation::{Host, lock};
use super::process::{Handler, Launch};
use crate::event_grid::EventGrid;

/// What a host waits for; clones share the switch.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    pub(super) host: Arc<Host>,
    pub(super) event_grid: Option<EventGrid>,
    pub(super) fast_forward: Arc<AtomicBool>,
    /// How another handler is begun; none where there is no process to begin.
    pub(super) launch: Option<Launch>,
}

/// How long everything must be still to count as rest: what is under way between two parts shows within it.
const STILL: Duration = Duration::from_millis(4);

/// A handler does not see more than this skipped: the platform takes idle instances away, and what a handler keeps
/// for half a minute must not outlive the time that it believes in.
const UNFELT: time::Duration = time::Duration::seconds(30);

impl Pace {
    fn queues(&self) -> impl Iterator<Item = &str> {
        self.host
            .app
            .functions
            .iter()
            .filter_map(|function| match &function.trigger {
                Trigger::ServiceBus(source) => Some(source.queue.as_str()),
                Trigger::EventGrid | Trigger::Timer { .. } => None,
            })
    }

    /// Whether anything is under way right now.
    fn is_busy(&self) -> bool {
        !self.host.record.in_flight().is_empty()
            || self
                .queues()
                .any(|queue| self.host.broker.unsettled(queue) > 0)
            || self
                .event_grid
                .as_ref()
                .is_some_and(|grid| grid.in_flight() > 0)
    }

    /// What is under way right now, in words.
    fn pending(&self) -> Vec<String> {
        let broker = &self.host.broker;
        let in_flight = self.host.record.in_flight().into_iter();
        let mut pending: Vec<String> = in_flight.map(|f| format!("an invocation of {f}")).collect();
        for queue in self.queues() {
            let messages = broker
                .messages(queue)
                .into_iter()
                .chain(broker.locked(queue));
            pending.extend(messages.map(|m| format!("message {} in {queue}", m.message_id)));
        }
        let deliveries = self.event_grid.as_ref().map_or(0, EventGrid::in_flight);
        if deliveries > 0 {
            pending.push(format!("{deliveries} deliveries of Event Grid"));
        }
        pending
    }

    /// When the next thing is due that only time brings.
    fn next_due(&self) -> Option<OffsetDateTime> {
        let scheduled = self
            .queues()
            .filter_map(|queue| self.host.broker.next_scheduled(queue));
        let retry = self.event_grid.as_ref().and_then(EventGrid::next_retry);
        let of_timers = lock(&self.host.awaited).first().copied();
        scheduled.chain(retry).chain(of_timers).min()
    }

    /// Everything that counts what happened; equal at two looks means that nothing did.
    fn activity(&self) -> (u64, u64, u64) {
        let grid = self
            .event_grid
            .as_ref()
            .map_or(0, |grid| *grid.changes().borrow());
        let (host, broker) = (self.host.record.changes(), self.host.broker.changes());
        (*host.borrow(), *broker.borrow(), grid)
    }

    /// Waits a moment, and says whether nothing happened and nothing is under way.
    async fn is_at_rest(&self) -> bool {
        if self.is_busy() {
            pause(STILL).await;
            return false;
        }
        let before = self.activity();
        pause(STILL).await;
        !self.is_busy() && before == self.activity()
    }

    /// Skips idle time for as long as the host runs.
    pub(super) async fn skip_idle_time(self) {
        while self.host.record.is_running() {
            let rests = self.is_at_rest().await;
            let skips = rests && self.fast_forward.load(Ordering::SeqCst) && self.host.accepts();
            if let Some(due) = self.next_due().filter(|_| skips) {
                self.begin_anew(due);
                self.host.broker.jump_to(due);
            }
        }
    }

    /// Where the time to skip is long, another handler sees what comes after it.
    fn begin_anew(&self, due: OffsetDateTime) {
        let clock = &self.host.world.clock;
        let ahead = clock.offset() + (due - clock.now()).max(time::Duration::ZERO);
        if ahead - clock.felt() <= UNFELT {
            return;
        }
        clock.feel(ahead);
        let Some(launch) = self.launch.clone() else {
            return;
        };
        match Handler::launch(launch, self.host.record.clone()) {
            Ok(handler) => self.host.exchange_handler(handler).stop(),
            Err(error) => self.host.record.log(format!("no other handler: {error:#}")),
        }
    }

    /// Waits until nothing is under way and nothing is due before the deadline.
    pub(super) async fn settle(&self, deadline: Duration) -> anyhow::Result<()> {
        let end = Instant::now() + deadline;
        loop {
            if !self.host.record.is_running() {
                anyhow::bail!("the host is down: {:?}", self.host.record.host_log());
            }
            let rests = self.is_at_rest().await;
            let before = self.activity();
            let due = self.next_due().filter(|due| self.counts(*due, end));
            // Time may have been skipped since the rest was seen: then something is under way now.
            if rests && due.is_none() && !self.is_busy() && before == self.activity() {
                return Ok(());
            }
            if Instant::now() >= end {
                let mut pending = self.pending();
                pending.extend(due.map(|due| format!("something due at {due}")));
                anyhow::bail!("not settled within {deadline:?}: {}", pending.join(", "));
            }
        }
    }

    /// In real time only what comes before the end is worth waiting for.
    fn counts(&self, due: OffsetDateTime, end: Instant) -> bool {
        let left = end.saturating_duration_since(Instant::now());
        self.fast_forward.load(Ordering::SeqCst) || due <= self.host.world.clock.now() + left
    }
}

/// Lets others run for a while.
pub(super) async fn pause(time: Duration) {
    let _ = tokio::time::timeout(time, std::future::pending::<()>()).await;
}
