//! Admission: reconciles begin no faster than ARM refills its quotas, so that a backlog drains without collisions.
//!
//! It must not wait or call: it says whether a reconcile may begin now, or when. Those that may not stand in a line, each a
//! step behind the one before, so that they do not all come back at once. Sources: ARM's request limits (token buckets per
//! subscription and principal) and the headers that tell what is left, which count everybody else too.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use vaultbind_azure::http::{Left, Quota};
use vaultbind_core::id::SubscriptionId;

/// A token bucket of ARM.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    size: f64,
    refill_per_second: f64,
    /// The most that one reconcile takes out of it, unless it reads many vaults before it refuses.
    reconcile: f64,
}

const READS: Bucket = Bucket {
    size: 250.0,
    refill_per_second: 25.0,
    reconcile: 12.0,
};
const WRITES: Bucket = Bucket {
    size: 200.0,
    refill_per_second: 10.0,
    reconcile: 4.0,
};

/// A reconcile that cannot begin is not asked for again sooner.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
/// How far the line goes before it begins anew: who stands in it does not wait longer for one try.
const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// How far one place in the line is behind the other: what a reconcile takes that finds all in order, five reads, comes
/// back in this time. Who comes too early goes to the end of the line; who came too late would leave calls unused.
const STEP: Duration = Duration::from_millis(200);

impl Bucket {
    /// How long until one more reconcile fits in; at once where no answer has told what is left.
    fn wait(self, left: Option<Left>, now: Instant, under_way: u32) -> Duration {
        let Some(left) = left else {
            return Duration::ZERO;
        };
        let refilled =
            now.saturating_duration_since(left.at).as_secs_f64() * self.refill_per_second;
        let there = (f64::from(left.calls) + refilled).min(self.size)
            - f64::from(under_way) * self.reconcile;
        Duration::from_secs_f64(((self.reconcile - there) / self.refill_per_second).max(0.0))
    }
}

/// The reconciles under way, by the subscription of their cluster.
#[derive(Debug, Default)]
pub struct Admission(Mutex<HashMap<SubscriptionId, Subscription>>);

/// The reconciles of one subscription.
#[derive(Debug, Default, Clone, Copy)]
struct Subscription {
    under_way: u32,
    /// When the last one in the line is to come back.
    line_ends: Option<Instant>,
}

impl Subscription {
    /// How long the next one in the line waits, where a place is free after `wait`.
    fn stand_in_line(&mut self, wait: Duration, now: Instant) -> Duration {
        let first = now + wait.max(SHORTEST_WAIT);
        let last = self.line_ends.filter(|end| *end < now + LONGEST_WAIT);
        let place = last.map_or(first, |end| first.max(end + STEP));
        self.line_ends = Some(place);
        place - now
    }
}

/// A reconcile that may go on; dropping it says that it has ended.
#[derive(Debug)]
pub struct Permit {
    admission: Arc<Admission>,
    subscription: SubscriptionId,
}

impl Admission {
    /// Lets a reconcile begin, or says how long it has to wait.
    ///
    /// # Errors
    /// The time until there is room for it.
    pub fn admit(
        self: &Arc<Self>,
        subscription: &SubscriptionId,
        quota: Quota,
        now: Instant,
    ) -> Result<Permit, Duration> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_subscription = all.entry(subscription.clone()).or_default();
        let reads = READS.wait(quota.reads, now, of_subscription.under_way);
        let writes = WRITES.wait(quota.writes, now, of_subscription.under_way);
        let wait = reads.max(writes);
        if !wait.is_zero() {
            return Err(of_subscription.stand_in_line(wait, now));
        }
        of_subscription.under_way += 1;
        Ok(Permit {
            admission: Arc::clone(self),
            subscription: subscription.clone(),
        })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut all = self
            .admission
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(of_subscription) = all.get_mut(&self.subscription) {
            of_subscription.under_way = of_subscription.under_way.saturating_sub(1);
            // Requests can name any number of subscriptions.
            if of_subscription.under_way == 0 && of_subscription.line_ends.is_none() {
                all.remove(&self.subscription);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscription() -> SubscriptionId {
        "11111111-1111-1111-1111-111111111111".parse().unwrap()
    }

    fn quota(reads: u32, writes: u32, at: Instant) -> Quota {
        Quota {
            reads: Some(Left { calls: reads, at }),
            writes: Some(Left { calls: writes, at }),
        }
    }

    #[test]
    fn nothing_is_paced_where_no_answer_has_told() {
        let admission = Arc::new(Admission::default());
        let now = Instant::now();
        let permits: Vec<_> = (0..1000)
            .map(|_| admission.admit(&subscription(), Quota::default(), now))
            .collect();
        assert!(permits.iter().all(Result::is_ok));
    }

    #[test]
    fn reconciles_begin_as_long_as_there_is_room_for_them_all() {
        let admission = Arc::new(Admission::default());
        let now = Instant::now();
        let begun: Vec<Permit> = std::iter::from_fn(|| {
            admission
                .admit(&subscription(), quota(250, 200, now), now)
                .ok()
        })
        .collect();
        assert_eq!(begun.len(), 20, "250 reads are 20 reconciles of 12");
        drop(begun);
        assert!(
            admission
                .admit(&subscription(), quota(250, 200, now), now)
                .is_ok()
        );
    }

    #[test]
    fn the_scarcer_quota_decides_and_refills_at_its_own_rate() {
        let then = Instant::now();
        let wait = |quota, seconds| {
            Arc::new(Admission::default())
                .admit(&subscription(), quota, then + Duration::from_secs(seconds))
                .err()
        };
        assert_eq!(
            wait(quota(0, 200, then), 0),
            Some(SHORTEST_WAIT),
            "12 reads are back within half a second"
        );
        assert_eq!(wait(quota(250, 0, then), 0), Some(SHORTEST_WAIT));
        assert_eq!(
            wait(quota(0, 0, then), 1),
            None,
            "a second has refilled both"
        );
    }

    #[test]
    fn those_that_wait_come_back_one_after_the_other() {
        let admission = Arc::new(Admission::default());
        let now = Instant::now();
        let mut waits = (0..4000).map(|_| {
            let admitted = admission.admit(&subscription(), quota(0, 0, now), now);
            admitted.expect_err("nothing is left")
        });
        assert_eq!(waits.next(), Some(SHORTEST_WAIT));
        assert_eq!(waits.next(), Some(SHORTEST_WAIT + STEP));
        let longest = waits.max().unwrap();
        assert!(
            longest > LONGEST_WAIT - STEP && longest < LONGEST_WAIT + STEP,
            "{longest:?}"
        );
    }

    #[test]
    fn another_subscription_has_a_quota_of_its_own() {
        let admission = Arc::new(Admission::default());
        let now = Instant::now();
        let other = "22222222-2222-2222-2222-222222222222".parse().unwrap();
        assert!(
            admission
                .admit(&subscription(), quota(0, 0, now), now)
                .is_err()
        );
        assert!(admission.admit(&other, quota(250, 200, now), now).is_ok());
    }
}
