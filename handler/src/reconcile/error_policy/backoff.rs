//! How long to wait before the next try.
//!
//! It must not know why there is a next try.

use std::time::Duration;

use crate::request::{Request, hash};

/// How long to wait before each try.
#[derive(Clone, Copy)]
pub(super) enum Backoff {
    /// 2 s doubling to 30 min, each between half and all of its step; never less than was asked for.
    Doubling(Option<Duration>),
    /// Fixed steps in seconds, the last one repeating; never less than was asked for.
    Steps(&'static [u64], Option<Duration>),
    /// It ends at once.
    None,
}

pub(super) const FIRST_STEP: Duration = Duration::from_secs(2);
pub(super) const LONGEST_STEP: Duration = Duration::from_secs(1800);

/// The delay before this try of a request, the first being 1, of which so much time is left: the last try is at its end.
pub(super) fn delay(backoff: Backoff, tries: u32, request: &Request, left: Duration) -> Duration {
    let (step, asked) = match backoff {
        Backoff::None => return Duration::ZERO,
        Backoff::Doubling(asked) => (doubling(tries, request), asked),
        Backoff::Steps(steps, asked) => {
            let at = (tries as usize - 1).min(steps.len() - 1);
            (Duration::from_secs(steps[at]), asked)
        }
    };
    // The queue cuts seconds: what comes a moment too early is not tried again and again.
    step.min(left.max(FIRST_STEP))
        .max(asked.unwrap_or_default())
}

/// The step of this try, cut by an amount that follows from the message: equal requests do not march in step.
fn doubling(tries: u32, request: &Request) -> Duration {
    let step = FIRST_STEP
        .saturating_mul(1 << (tries - 1).min(16))
        .min(LONGEST_STEP);
    let spread = u64::from_str_radix(&hash(&[&request.message_id()])[..8], 16).unwrap_or_default();
    let half = step / 2;
    half + half.mul_f64(spread as f64 / f64::from(u32::MAX))
}
