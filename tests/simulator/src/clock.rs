//! The simulator's time: real time plus an offset that everything in the world shares, or a time that is set by hand.
//! It never goes backwards, and it never waits.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;

/// A clock that can be moved forward; clones share the movement.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    offset: Arc<Mutex<time::Duration>>,
    felt: Arc<Mutex<time::Duration>>,
    /// What a clock shows that moves by hand alone.
    hand: Option<Arc<Mutex<OffsetDateTime>>>,
}

impl Clock {
    /// A clock that shows real time.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A clock that moves by hand alone: for a world whose handler has the same clock, so that neither is ahead.
    #[must_use]
    pub fn by_hand() -> Self {
        Self {
            hand: Some(Arc::new(Mutex::new(real_time()))),
            ..Self::default()
        }
    }

    /// The time in the simulated world, in UTC.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        match &self.hand {
            Some(hand) => *lock(hand),
            None => real_time() + self.offset(),
        }
    }

    /// How far the clock is ahead of real time.
    #[must_use]
    pub fn offset(&self) -> time::Duration {
        *lock(&self.offset)
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: std::time::Duration) {
        match &self.hand {
            Some(hand) => *lock(hand) += by,
            None => *lock(&self.offset) += by,
        }
    }

    /// Moves the clock forward to `at`; a time that has passed moves nothing.
    pub fn advance_to(&self, at: OffsetDateTime) {
        self.advance((at - self.now()).max(time::Duration::ZERO).unsigned_abs());
    }

    /// How much of that the present handler was told of: its own clock shows real time.
    #[must_use]
    pub fn felt(&self) -> time::Duration {
        *lock(&self.felt)
    }

    /// How far the clock is ahead, and how much of that the handler feels.
    pub(crate) fn ahead(&self) -> Ahead {
        Ahead {
            whole: self.offset(),
            felt: self.felt(),
        }
    }

    /// Notes how far ahead the clock is, or will be, for a handler that begins now.
    pub(crate) fn feel(&self, offset: time::Duration) {
        *lock(&self.felt) = offset;
    }
}

/// How far a clock is ahead of real time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ahead {
    /// All of it.
    pub whole: time::Duration,
    /// What the handler was told of.
    pub felt: time::Duration,
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place where the simulated world takes its time from"
)]
fn real_time() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn clones_move_together() {
        let clock = Clock::new();
        let (twin, before) = (clock.clone(), clock.now());
        clock.advance(Duration::from_secs(3600));
        assert!(twin.now() - before >= time::Duration::HOUR);
        assert_eq!(twin.offset(), clock.offset());
    }

    #[test]
    fn a_clock_by_hand_moves_by_hand_alone() {
        let clock = Clock::by_hand();
        let (twin, before) = (clock.clone(), clock.now());
        assert_eq!(clock.now(), before);
        clock.advance(Duration::from_secs(60));
        twin.advance_to(before);
        assert_eq!(twin.now(), before + time::Duration::MINUTE);
        assert_eq!(clock.offset(), time::Duration::ZERO);
    }

    #[test]
    fn a_time_that_has_passed_moves_nothing() {
        let clock = Clock::new();
        clock.advance(Duration::from_secs(60));
        clock.advance_to(OffsetDateTime::UNIX_EPOCH);
        assert_eq!(clock.offset(), time::Duration::MINUTE);
        let later = clock.now() + time::Duration::DAY;
        clock.advance_to(later);
        assert!(clock.now() >= later);
    }
}
