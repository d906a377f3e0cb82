//! Pacing: looks begin no faster than ARM refills its quotas, so that a backlog drains without collisions.
//!
//! It must not wait or call: it says whether a look may begin now, or when. Sources: ARM's request limits (token buckets
//! per subscription and principal) and the headers that tell what is left, which count everybody else too.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use vaultbind_azure::http::{Left, Quota};
use vaultbind_core::id::SubscriptionId;

/// A token bucket of ARM, and what one look may take out of it.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    size: f64,
    refill_per_second: f64,
    look: f64,
}

const READS: Bucket = Bucket {
    size: 250.0,
    refill_per_second: 25.0,
    look: 12.0,
};
const WRITES: Bucket = Bucket {
    size: 200.0,
    refill_per_second: 10.0,
    look: 4.0,
};

/// A look that cannot begin is not asked for again sooner.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

impl Bucket {
    /// How long until one more look fits in; at once where no answer has told what is left.
    fn wait(self, left: Option<Left>, now: Instant, under_way: u32) -> Duration {
        let Some(left) = left else {
            return Duration::ZERO;
        };
        let refilled =
            now.saturating_duration_since(left.at).as_secs_f64() * self.refill_per_second;
        let there =
            (f64::from(left.calls) + refilled).min(self.size) - f64::from(under_way) * self.look;
        Duration::from_secs_f64(((self.look - there) / self.refill_per_second).max(0.0))
    }
}

/// Counts the looks that are under way, by subscription.
#[derive(Debug, Default)]
pub struct Pacer(Mutex<HashMap<SubscriptionId, u32>>);

/// A look that may go on; dropping it says that it has ended.
#[derive(Debug)]
pub struct Pass {
    pacer: Arc<Pacer>,
    subscription: SubscriptionId,
}

impl Pacer {
    /// Lets a look begin, or says how long it has to wait.
    ///
    /// # Errors
    /// The time until there is room for it.
    pub fn admit(
        self: &Arc<Self>,
        subscription: &SubscriptionId,
        quota: Quota,
        now: Instant,
    ) -> Result<Pass, Duration> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let under_way = all.entry(subscription.clone()).or_default();
        let wait = READS.wait(quota.reads, now, *under_way).max(WRITES.wait(
            quota.writes,
            now,
            *under_way,
        ));
        if !wait.is_zero() {
            return Err(wait.max(SHORTEST_WAIT));
        }
        *under_way += 1;
        Ok(Pass {
            pacer: Arc::clone(self),
            subscription: subscription.clone(),
        })
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut all = self.pacer.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(under_way) = all.get_mut(&self.subscription) {
            *under_way = under_way.saturating_sub(1);
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
        let pacer = Arc::new(Pacer::default());
        let now = Instant::now();
        let passes: Vec<_> = (0..1000)
            .map(|_| pacer.admit(&subscription(), Quota::default(), now))
            .collect();
        assert!(passes.iter().all(Result::is_ok));
    }

    #[test]
    fn looks_begin_as_long_as_there_is_room_for_them_all() {
        let pacer = Arc::new(Pacer::default());
        let now = Instant::now();
        let begun: Vec<Pass> =
            std::iter::from_fn(|| pacer.admit(&subscription(), quota(250, 200, now), now).ok())
                .collect();
        assert_eq!(begun.len(), 20, "250 reads are 20 looks of 12");
        drop(begun);
        assert!(
            pacer
                .admit(&subscription(), quota(250, 200, now), now)
                .is_ok()
        );
    }

    #[test]
    fn the_scarcer_quota_decides_and_refills_at_its_own_rate() {
        let pacer = Arc::new(Pacer::default());
        let then = Instant::now();
        let wait = |quota, seconds| {
            pacer
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
    fn another_subscription_has_a_quota_of_its_own() {
        let pacer = Arc::new(Pacer::default());
        let now = Instant::now();
        let other = "22222222-2222-2222-2222-222222222222".parse().unwrap();
        assert!(pacer.admit(&subscription(), quota(0, 0, now), now).is_err());
        assert!(pacer.admit(&other, quota(250, 200, now), now).is_ok());
    }
}
