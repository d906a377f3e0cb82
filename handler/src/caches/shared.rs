//! An answer that many ask for: one reads, the others share what came of it, a failure too.
//!
//! It must not say how long an answer is good; who asks does.

use std::{future::Future, sync::Arc};

use time::OffsetDateTime;
use tokio::{sync::Mutex, time::Instant};
use vaultbind_azure::Error as CallError;

use crate::clock::Clock;

/// The latest answer; whoever asks while it is read waits for it.
#[derive(Debug)]
pub struct Shared<T>(Mutex<Option<Kept<T>>>);

/// An answer, and when it was read.
#[derive(Debug, Clone)]
pub struct Kept<T> {
    /// What came of it.
    pub answer: Result<T, Arc<CallError>>,
    /// When reading began, as other instances would have it.
    pub begun: OffsetDateTime,
    /// The same, for the age.
    pub began: Instant,
    ended: Instant,
}

impl<T> Kept<T> {
    /// Did reading end after somebody asked? Then he waited for it.
    pub fn ended_after(&self, asked: Instant) -> bool {
        self.ended > asked
    }
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Shared<T> {
    /// The answer that is kept, where it is good enough, else what `read` brings. Those who waited for a read that failed
    /// have failed with it: each of them trying for himself would take as many times as long.
    pub async fn get(
        &self,
        clock: &Clock,
        is_good: impl FnOnce(&Kept<T>, &T) -> bool,
        read: impl Future<Output = Result<T, CallError>>,
    ) -> Kept<T> {
        let asked = Instant::now();
        let mut latest = self.0.lock().await;
        let is_shared = |kept: &&Kept<T>| match &kept.answer {
            Ok(answer) => is_good(kept, answer),
            Err(_) => kept.ended_after(asked),
        };
        if let Some(kept) = latest.as_ref().filter(is_shared) {
            return kept.clone();
        }
        let (begun, began) = (clock.now(), Instant::now());
        let answer = read.await.map_err(Arc::new);
        let ended = Instant::now();
        let kept = Kept {
            answer,
            begun,
            began,
            ended,
        };
        *latest = Some(kept.clone());
        kept
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicU32, Ordering},
        time::Duration,
    };

    use super::*;
    use crate::deadline::wait_for;
    use futures::future::join_all;

    /// A read that takes ten seconds, and how many there were.
    async fn slowly(reads: &AtomicU32, fails: bool) -> Result<u32, CallError> {
        wait_for(Duration::from_secs(10)).await;
        let number = reads.fetch_add(1, Ordering::Relaxed);
        match fails {
            true => Err(CallError::timed_out("read", "it")),
            false => Ok(number),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_share_what_comes_of_one_read_a_failure_too() {
        for fails in [false, true] {
            let (shared, reads, clock) = (Shared::default(), AtomicU32::new(0), Clock::system());
            let began = Instant::now();
            let all = (0..8).map(|_| shared.get(&clock, |_, _| true, slowly(&reads, fails)));
            let all = join_all(all).await;
            assert!(all.iter().all(|kept| kept.answer.is_err() == fails));
            assert_eq!(reads.load(Ordering::Relaxed), 1);
            assert_eq!(began.elapsed(), Duration::from_secs(10));
            // Who comes later reads anew where it failed, or where the answer is not good enough.
            let _ = shared
                .get(&clock, |_, _| false, slowly(&reads, false))
                .await;
            assert_eq!(reads.load(Ordering::Relaxed), 2);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_that_is_given_up_leaves_the_next_one_to_read() {
        let (shared, reads, clock) = (Shared::default(), AtomicU32::new(0), Clock::system());
        let given_up = shared.get(&clock, |_, _| true, slowly(&reads, false));
        let given_up = tokio::time::timeout(Duration::from_secs(1), given_up).await;
        assert!(given_up.is_err());
        let kept = shared.get(&clock, |_, _| true, slowly(&reads, false)).await;
        assert_eq!(kept.answer.ok(), Some(0));
    }
}
