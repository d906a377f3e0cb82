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
    /// A third of the time that something has run for, between 1 s and 30 s, the first time 2 s; never less than was asked
    /// for. What comes to its end is known after a third more than it took, at most.
    Third(Duration, Option<Duration>),
    /// It ends at once.
    None,
}

pub(super) const FIRST_STEP: Duration = Duration::from_secs(2);
const SHORTEST_STEP: Duration = Duration::from_secs(1);
const LONGEST_POLL: Duration = Duration::from_secs(30);
/// By how much at most requests that were asked to come back at the same time are spread.
const LONGEST_SPREAD: Duration = Duration::from_secs(30);
pub(super) const LONGEST_STEP: Duration = Duration::from_secs(1800);

/// The delay before this try of a request, the first being 1, of which so much time is left: the last try is at its end.
pub(super) fn delay(backoff: Backoff, tries: u32, request: &Request, left: Duration) -> Duration {
    let (step, asked) = match backoff {
        Backoff::None => return Duration::ZERO,
        Backoff::Doubling(asked) => {
            let step = doubling(tries, request);
            (
                step,
                asked.map(|asked| asked + spread(request, asked.min(LONGEST_SPREAD))),
            )
        }
        Backoff::Third(runs, asked) if runs < SHORTEST_STEP => {
            return asked.unwrap_or(FIRST_STEP);
        }
        Backoff::Third(runs, asked) => ((runs / 3).clamp(SHORTEST_STEP, LONGEST_POLL), asked),
        Backoff::Steps(steps, asked) => {
            let at = (tries as usize - 1).min(steps.len() - 1);
            (Duration::from_secs(steps[at]), asked)
        }
    };
    // The queue cuts seconds: what comes a moment too early is not tried again and again.
    step.min(left.max(FIRST_STEP))
        .max(asked.unwrap_or_default())
}

/// The step of this try, cut by up to its half.
fn doubling(tries: u32, request: &Request) -> Duration {
    let step = FIRST_STEP
        .saturating_mul(1 << (tries - 1).min(16))
        .min(LONGEST_STEP);
    let half = step / 2;
    half + spread(request, half)
}

/// A part of `most` that follows from the message: equal requests do not march in step.
fn spread(request: &Request, most: Duration) -> Duration {
    let part = u64::from_str_radix(&hash(&[&request.message_id()])[..8], 16).unwrap_or_default();
    most.mul_f64(part as f64 / f64::from(u32::MAX))
}
