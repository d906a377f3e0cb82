//! How far the change of one cluster came, and how far all of them did.
//!
//! It must not call settled what Azure has yet to bring to its end.

use anstyle::Style;
use serde_json::{Value, json};
use vaultbind_core::result::{ChangeRecord, ChangeStatus, Outcome, Reason};

use super::super::print;
use crate::reconcile::Done;

/// How far a cluster came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ApplyStatus {
    /// Read back and right.
    Bound,
    /// It ended otherwise: how, why, and what to do about it.
    Ended(Outcome, Option<Reason>),
    /// The plan that was shown holds no longer.
    Otherwise,
    /// It took too long for a person: the function goes on.
    LeftTo,
    /// Interrupted while something was to be waited for; what was changed before.
    Interrupted(Vec<ChangeRecord>),
    /// Interrupted in the middle of a step.
    CutOff,
    /// Interrupted before it began.
    NotBegun,
}

const GOES_ON: &str =
    "the function goes on with it at its next event or sweep, or `vaultbind apply` does";

impl ApplyStatus {
    /// A word with its style, and the rest of the line.
    pub(super) fn in_words(&self) -> (Style, String, String) {
        let (style, word, more) = match self {
            Self::Bound => (print::GOOD, "bound", String::new()),
            Self::Ended(outcome, reason) => {
                let why = reason
                    .as_ref()
                    .map(|reason| format!(": {}", reason.message));
                (print::BAD, outcome.word(), why.unwrap_or_default())
            }
            Self::Otherwise => {
                let why = ": by now it belongs to another vault than the plan said, and was not pointed there; plan again";
                (print::BAD, "not as planned", why.to_owned())
            }
            Self::LeftTo => (print::NOTE, "not settled yet", format!("; {GOES_ON}")),
            Self::Interrupted(changes) if is_under_way(changes) => {
                let azure = "Azure has taken the change on and brings it to its end";
                (print::NOTE, "under way", format!(": {azure}; {GOES_ON}"))
            }
            Self::Interrupted(changes) => {
                let made = changes.iter().filter(|change| is_made(change)).count();
                let made = format!(": {made} of its changes were made; {GOES_ON}");
                (print::NOTE, "begun", made)
            }
            Self::CutOff => {
                let unknown =
                    ": cut off in the middle of a step; `vaultbind plan` shows what is left";
                (print::BAD, "unknown", unknown.to_owned())
            }
            Self::NotBegun => (
                print::NOTE,
                "not begun",
                ": nothing of it was changed".to_owned(),
            ),
        };
        (style, word.to_owned(), more)
    }
}

impl ApplyStatus {
    /// What a reconcile that came to its end makes of it.
    pub(super) fn of(done: Done) -> Self {
        match done.result {
            None => Self::Otherwise,
            Some(result) if result.outcome == Outcome::Bound => Self::Bound,
            Some(result) => Self::Ended(result.outcome, result.reason),
        }
    }

    /// The same for programs.
    pub(super) fn as_json(&self) -> Value {
        let (_, word, more) = self.in_words();
        let why = more.trim_start_matches([':', ';', ' ']);
        json!({ "course": word, "why": (!why.is_empty()).then_some(why), "help": self.help() })
    }

    /// What to do about it.
    pub(super) fn help(&self) -> Option<&str> {
        match self {
            Self::Ended(_, reason) => reason.as_ref().map(|reason| reason.help.as_str()),
            Self::Bound
            | Self::Otherwise
            | Self::LeftTo
            | Self::Interrupted(_)
            | Self::CutOff
            | Self::NotBegun => None,
        }
    }
}

fn is_made(change: &ChangeRecord) -> bool {
    matches!(change.status, ChangeStatus::Done | ChangeStatus::Present)
}

fn is_under_way(changes: &[ChangeRecord]) -> bool {
    changes
        .iter()
        .any(|change| change.status == ChangeStatus::Accepted)
}

/// How many clusters came how far.
#[derive(Debug)]
pub(super) struct Summary {
    all: usize,
    bound: usize,
    under_way: usize,
    not_begun: usize,
    interrupted: bool,
}

impl Summary {
    pub(super) fn of(statuses: &[ApplyStatus]) -> Self {
        let count =
            |is: fn(&ApplyStatus) -> bool| statuses.iter().filter(|status| is(status)).count();
        let not_begun = count(|status| *status == ApplyStatus::NotBegun);
        let in_between =
            count(|status| matches!(status, ApplyStatus::Interrupted(_) | ApplyStatus::CutOff));
        Self {
            all: statuses.len(),
            bound: count(|status| *status == ApplyStatus::Bound),
            under_way: in_between + count(|status| *status == ApplyStatus::LeftTo),
            not_begun,
            interrupted: not_begun + in_between > 0,
        }
    }

    pub(super) fn interrupted(&self) -> bool {
        self.interrupted
    }

    pub(super) fn all_bound(&self) -> bool {
        self.bound == self.all
    }

    fn failed(&self) -> usize {
        self.all - self.bound - self.under_way - self.not_begun
    }

    /// The counts for programs.
    pub(super) fn as_json(&self) -> Value {
        json!({
            "toChange": self.all,
            "bound": self.bound,
            "failed": self.failed(),
            "underWay": self.under_way,
            "notBegun": self.not_begun,
        })
    }

    pub(super) fn in_words(&self) -> String {
        let mut words = format!(
            "{} of {} bound",
            self.bound,
            print::count(self.all, "cluster")
        );
        let others = [
            (self.failed(), "failed"),
            (self.under_way, "under way"),
            (self.not_begun, "not begun"),
        ];
        for (count, what) in others.into_iter().filter(|counted| counted.0 > 0) {
            words += &format!(", {count} {what}");
        }
        words
    }
}
