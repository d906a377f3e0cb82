//! A request's memory across its retries.
//!
//! It must not be a reason not to observe: Azure is read anew each time.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use vaultbind_core::archive::ArchiveStatus;
use vaultbind_core::{
    id::{Scope, VaultId},
    inventory::{Listed, Visibility},
    plan::ChangeKind,
    result::{Candidate, ChangeRecord, ChangeStatus, Reason},
};

use super::RetryClass;

/// What a request remembers across its retries; for reports and patience, never a reason not to observe.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Progress {
    /// The archive as it was at the first reconcile.
    pub before: Option<ArchiveStatus>,
    /// What this request has changed.
    pub changes: Vec<ChangeRecord>,
    /// The vault that the cluster is pointed at, and what was known when it was chosen.
    pub chosen: Option<Chosen>,
    /// Boundaries that were not there, each since the first answer that said so.
    pub absent: Vec<Absence>,
    /// How many looks found no vault.
    pub unmatched: u32,
    /// Role assignments on the vault that the cluster is moved away from.
    pub left_behind: Vec<String>,
    /// How many PATCHes it has sent.
    pub patches: u32,
    /// Code and message of the last change that failed.
    pub failure: Option<(String, String)>,
    /// Which class of retry lasts at present.
    pub class: Option<RetryClass>,
    /// Since when it lasts.
    #[serde(with = "time::serde::rfc3339::option")]
    pub since: Option<OffsetDateTime>,
    /// How many retries the present class has had.
    pub tries: u32,
    /// How often what is under way on the cluster has been polled.
    pub polls: u32,
    /// Since when the change runs that this request began.
    #[serde(with = "time::serde::rfc3339::option")]
    pub running_since: Option<OffsetDateTime>,
    /// How many polls of it have said nothing that is known.
    pub unread: u32,
    /// Was any delivery of this request a redelivery?
    pub redelivered: bool,
    /// How often in a row its result could not be sent.
    pub unsent: u32,
}

/// What was known when a vault was chosen: once the cluster is there, other vaults play no part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chosen {
    /// The vault.
    pub vault: VaultId,
    /// What was considered.
    pub candidates: Vec<Candidate>,
    /// Is that not all?
    #[serde(default)]
    pub is_cut: bool,
    /// What else there was to know.
    pub warnings: Vec<Reason>,
}

/// A boundary that was not there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Absence {
    /// The boundary.
    pub scope: Scope,
    /// When the first answer said so.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
}

impl Progress {
    /// Notes which boundaries are not there, of those that were listed.
    pub fn note_boundaries(&mut self, listed: &BTreeMap<Scope, Listed>, now: OffsetDateTime) {
        for (scope, listed) in listed {
            let known = self
                .absent
                .iter()
                .position(|absence| absence.scope == *scope);
            match (known, listed.visibility) {
                (None, Visibility::AbsentOnce) => self.absent.push(Absence {
                    scope: scope.clone(),
                    since: now,
                }),
                (Some(at), Visibility::Whole | Visibility::Hidden) => {
                    self.absent.remove(at);
                }
                _ => {}
            }
        }
    }

    /// Since when a boundary is not there, as far as this request knows.
    pub fn absent_since(&self, scope: &Scope) -> Option<OffsetDateTime> {
        let mut absent = self.absent.iter();
        let absence = absent.find(|absence| absence.scope == *scope)?;
        Some(absence.since)
    }

    /// Notes what became of a change; a later word replaces an earlier one, but never undoes what was made, nor what an
    /// earlier attempt may have made.
    pub fn note(&mut self, record: ChangeRecord) {
        let made = |status| match status {
            ChangeStatus::Done => 2,
            ChangeStatus::Accepted => 1,
            ChangeStatus::Planned
            | ChangeStatus::Unknown
            | ChangeStatus::Present
            | ChangeStatus::Failed => 0,
        };
        let same = |earlier: &&mut ChangeRecord| {
            earlier.kind == record.kind && earlier.target == record.target
        };
        match self.changes.iter_mut().find(same) {
            Some(earlier) if made(record.status) < made(earlier.status) => {}
            Some(earlier)
                if earlier.status == ChangeStatus::Unknown
                    && earlier.attempt < record.attempt
                    && made(record.status) == 0 => {}
            Some(earlier) => *earlier = record,
            None => self.changes.push(record),
        }
    }

    /// Notes how the changes ended that Azure was working at.
    pub fn settle(&mut self, status: ChangeStatus) {
        let pending = |change: &&mut ChangeRecord| change.status == ChangeStatus::Accepted;
        for change in self.changes.iter_mut().filter(pending) {
            change.status = status;
        }
        self.running_since = None;
    }

    /// A change of this request has begun to run.
    pub fn begin_to_run(&mut self, now: OffsetDateTime) {
        (self.polls, self.unread) = (0, 0);
        self.running_since = Some(now);
    }

    /// How long the change has run that this request began, where one does.
    pub fn runs(&self, now: OffsetDateTime) -> Option<Duration> {
        let since = self.running_since?;
        Some((now - since).try_into().unwrap_or_default())
    }

    /// The binding was read back and is right. Of what it shows, what was refused was there: somebody else made it. Of what
    /// was sent without an answer, or failed after Azure had taken it, nobody can say who made it.
    pub fn confirm(&mut self, is_shown: impl Fn(&ChangeRecord) -> bool) {
        for change in self.changes.iter_mut().filter(|change| is_shown(change)) {
            let was_taken = change.kind == ChangeKind::SetArchive && self.patches > 0;
            change.status = match change.status {
                ChangeStatus::Accepted => ChangeStatus::Done,
                ChangeStatus::Failed if was_taken => ChangeStatus::Unknown,
                ChangeStatus::Failed => ChangeStatus::Present,
                kept => kept,
            };
        }
    }

    /// Has the request changed anything?
    pub fn has_changed(&self) -> bool {
        self.changes.iter().any(ChangeRecord::is_made)
    }

    /// Has the request perhaps changed what it does not know of? A delivery crashed, or an answer was lost.
    pub fn may_hide_a_change(&self) -> bool {
        let unknown = |change: &ChangeRecord| change.status == ChangeStatus::Unknown;
        self.redelivered || self.changes.iter().any(unknown)
    }

    /// Enters a class of retry, or goes on in it; returns which try it is.
    pub fn enter(&mut self, class: RetryClass, now: OffsetDateTime) -> u32 {
        if self.class == Some(class) && self.since.is_some() {
            self.tries = self.tries.saturating_add(1);
        } else {
            self.class = Some(class);
            self.since = Some(now);
            self.tries = 1;
        }
        self.tries
    }

    /// Counts a look at what is under way. Waiting for it does not bring the next change forward, but whatever else was waited
    /// for has passed by then, and would begin anew.
    pub fn poll(&mut self) -> u32 {
        let has_passed = matches!(
            self.class,
            Some(
                RetryClass::Absent
                    | RetryClass::NotReady
                    | RetryClass::Unproven
                    | RetryClass::Unsettled
            )
        );
        if has_passed {
            (self.class, self.since, self.tries) = (None, None, 0);
        }
        self.polls = self.polls.saturating_add(1);
        self.polls
    }

    /// Since when the class has lasted, where it is the present one.
    pub fn lasts(&self, class: RetryClass) -> Option<OffsetDateTime> {
        self.since.filter(|_| self.class == Some(class))
    }
}

#[cfg(test)]
mod tests;
