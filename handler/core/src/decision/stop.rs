//! Where the way to a decision ends before its end.
//!
//! It must not know the steps: each says for itself why it stops.

use super::Read;
use crate::result::{Outcome, Reason};

/// Why a step of the decision goes no further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// This has to be read first.
    Missing(Vec<Read>),
    /// It ends so.
    End(Outcome, Reason),
    /// Something will pass by itself; if it does not in this time, it ends so.
    Wait(Patience, Outcome, Reason),
}

/// How long something may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// As long as the request lives.
    Deadline,
    /// One hour.
    Hour,
    /// Two minutes, for a vault that is not found and not known to be deleted.
    TwoMinutes,
    /// Until a second answer says what the first one said; an hour at most.
    SecondAnswer,
}

impl Stop {
    /// The same, later: what it ends with may have passed by then.
    pub(super) fn after(self, patience: Patience) -> Self {
        match self {
            Self::End(outcome, reason) => Self::Wait(patience, outcome, reason),
            Self::Missing(_) | Self::Wait(..) => self,
        }
    }

    /// The same, with what a later step misses too: it is read side by side.
    pub(super) fn beside<T>(mut self, later: &Result<T, Self>) -> Self {
        if let (Self::Missing(reads), Err(Self::Missing(more))) = (&mut self, later) {
            reads.extend(more.iter().cloned());
        }
        self
    }
}

/// Both, or what either misses: what does not depend on each other is read side by side.
pub(super) fn both<A, B>(a: Result<A, Stop>, b: Result<B, Stop>) -> Result<(A, B), Stop> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(stop @ Stop::Missing(_)), b) => Err(stop.beside(&b)),
        (_, Err(stop @ Stop::Missing(_))) | (Err(stop), _) | (_, Err(stop)) => Err(stop),
    }
}

/// The same for any number of one kind.
pub(super) fn all<T>(each: impl Iterator<Item = Result<T, Stop>>) -> Result<Vec<T>, Stop> {
    let mut seen = Vec::with_capacity(each.size_hint().0);
    let mut stop = None;
    for next in each {
        stop = match (stop, next) {
            (None, Ok(next)) => {
                seen.push(next);
                None
            }
            (None, Err(next)) => Some(next),
            (Some(before), next) => both::<(), T>(Err(before), next).err(),
        };
    }
    stop.map_or(Ok(seen), Err)
}

/// What is known, or the read that it takes.
pub(super) fn known<T>(seen: Option<T>, read: impl FnOnce() -> Read) -> Result<T, Stop> {
    seen.ok_or_else(|| Stop::Missing(vec![read()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apps() -> Read {
        Read::PlatformPrincipals
    }

    fn vault() -> Read {
        Read::VaultByHost("kv-a.vault.azure.net".to_owned())
    }

    fn missing<T>(reads: &[Read]) -> Result<T, Stop> {
        Err(Stop::Missing(reads.to_vec()))
    }

    fn ended<T>() -> Result<T, Stop> {
        let reason = Reason {
            code: "NoRule".to_owned(),
            message: String::new(),
            help: String::new(),
        };
        Err(Stop::End(Outcome::Unmatched, reason))
    }

    #[test]
    fn what_both_miss_is_read_together_and_before_either_ends() {
        assert_eq!(both(Ok(1), Ok(2)), Ok((1, 2)));
        let together = both::<(), ()>(missing(&[apps()]), missing(&[vault()]));
        assert_eq!(together, missing(&[apps(), vault()]));
        for (a, b) in [
            (missing(&[apps()]), Ok(())),
            (Ok(()), missing(&[apps()])),
            (missing(&[apps()]), ended()),
            (ended(), missing(&[apps()])),
        ] {
            assert_eq!(both::<(), ()>(a, b), missing(&[apps()]));
        }
        assert_eq!(both::<(), ()>(ended(), Ok(())), ended());
        assert_eq!(both::<(), ()>(Ok(()), ended()), ended());
        let several = [missing(&[apps()]), Ok(1), missing(&[vault()])];
        assert_eq!(all(several.into_iter()), missing(&[apps(), vault()]));
    }
}
