//! The time that one invocation has: a deadline for its work and a small allowance for waiting.
//!
//! It must not let anything sleep beyond that allowance: longer waits are scheduled messages.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, timeout_at};

/// What all waits of one invocation may add up to.
pub const WAITING: Duration = Duration::from_secs(3);

/// The time that is left to one invocation.
#[derive(Debug)]
pub struct Deadline {
    ends: Instant,
    waiting: Duration,
}

impl Deadline {
    /// A deadline this far from now.
    pub fn after(limit: Duration) -> Self {
        Self {
            ends: Instant::now() + limit,
            waiting: WAITING,
        }
    }

    /// Runs a future up to the deadline; `None` where it was cut off.
    pub async fn within<F: Future>(&self, future: F) -> Option<F::Output> {
        timeout_at(self.ends, future).await.ok()
    }

    /// Waits for this long out of the allowance; `false`, at once, where too little of it is left.
    pub async fn pause(&mut self, wait: Duration) -> bool {
        if wait > self.waiting || Instant::now() + wait > self.ends {
            return false;
        }
        self.waiting -= wait;
        sleep(wait).await;
        true
    }

    /// Goes on until this far from now, with what is left of the allowance.
    pub fn extend(&mut self, limit: Duration) {
        self.ends = Instant::now() + limit;
    }

    /// Waits for what is left of the allowance: whoever asks for a redelivery gets it at once otherwise.
    pub async fn wait_out(&mut self) {
        sleep(std::mem::take(&mut self.waiting)).await;
    }

    /// Waits for this long, up to the deadline: there is no queue left in which a message could wait.
    pub async fn hold_back(&self, wait: Duration) {
        sleep(wait.min(self.ends - Instant::now())).await;
    }
}

/// Waits as long as it takes: for commands that a person started, never for an invocation.
pub async fn wait_for(time: Duration) {
    sleep(time).await;
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that waits, within the allowance"
)]
async fn sleep(wait: Duration) {
    tokio::time::sleep(wait).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_add_up_to_the_allowance_and_no_further() {
        let mut deadline = Deadline::after(Duration::from_secs(60));
        let start = Instant::now();
        assert!(deadline.pause(Duration::from_secs(1)).await);
        assert!(deadline.pause(Duration::from_secs(1)).await);
        assert!(!deadline.pause(Duration::from_secs(2)).await);
        deadline.wait_out().await;
        deadline.wait_out().await;
        assert_eq!(start.elapsed(), WAITING);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_held_back_is_so_up_to_the_deadline() {
        for (limit, expected) in [(60, 25), (10, 10)] {
            let deadline = Deadline::after(Duration::from_secs(limit));
            let start = Instant::now();
            deadline.hold_back(Duration::from_secs(25)).await;
            assert_eq!(start.elapsed(), Duration::from_secs(expected));
            deadline.within(sleep(Duration::from_secs(60))).await;
            deadline.hold_back(Duration::from_secs(25)).await;
            assert_eq!(start.elapsed(), Duration::from_secs(limit));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_too_long_is_cut_off() {
        let deadline = Deadline::after(Duration::from_secs(1));
        assert_eq!(deadline.within(std::future::pending::<()>()).await, None);
        assert_eq!(deadline.within(async { 7 }).await, None.or(Some(7)));
    }
}
