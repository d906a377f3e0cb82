//! What a host leaves to look at: its log, the handler's output, the invocations, whether it still runs.
//! It only keeps; it starts and stops nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;
use tokio::sync::watch;

use crate::clock::Clock;

/// One line of `Logs` in an answer: the only output that is tied to its invocation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// The invocation's id, as in the header `X-Azure-Functions-InvocationId`.
    pub invocation_id: String,
    /// The function.
    pub function: String,
    /// The line.
    pub text: String,
}

/// One invocation that has ended.
#[derive(Clone, Debug, Serialize)]
pub struct Invocation {
    /// Its id.
    pub id: String,
    /// The function.
    pub function: String,
    /// When it began, in the simulator's time.
    #[serde(with = "time::serde::rfc3339")]
    pub started_at: OffsetDateTime,
    /// How long it took, in real time.
    pub duration: Duration,
    /// The HTTP status of the answer; `None` where there was none.
    pub status: Option<u16>,
    /// Why it failed; `None` where it succeeded.
    pub error: Option<String>,
}

/// Whether a host works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostState {
    /// It takes triggers.
    Running,
    /// It is down, and why.
    Stopped(String),
}

#[derive(Debug, Default)]
struct Lists {
    stdout: Vec<String>,
    stderr: Vec<String>,
    host_log: Vec<String>,
    logs: Vec<LogLine>,
    invocations: Vec<Invocation>,
    in_flight: BTreeMap<String, String>,
    errors: Vec<OffsetDateTime>,
}

/// The record of one host.
#[derive(Debug)]
pub(super) struct Record {
    clock: Clock,
    lists: Mutex<Lists>,
    changes: watch::Sender<u64>,
    state: watch::Sender<HostState>,
}

/// How many errors of the handler stop the host.
const ERROR_LIMIT: usize = 3;
/// How far an error must be from the one before for the count to begin anew.
const ERROR_WINDOW: time::Duration = time::Duration::minutes(30);

impl Record {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            lists: Mutex::default(),
            changes: watch::Sender::new(0),
            state: watch::Sender::new(HostState::Running),
        }
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(super) fn state(&self) -> watch::Receiver<HostState> {
        self.state.subscribe()
    }

    pub(super) fn is_running(&self) -> bool {
        *self.state.borrow() == HostState::Running
    }

    pub(super) fn stop(&self, why: &str) {
        self.state.send_if_modified(|state| {
            let runs = *state == HostState::Running;
            if runs {
                *state = HostState::Stopped(why.to_owned());
            }
            runs
        });
        self.log(why.to_owned());
    }

    pub(super) fn log(&self, line: String) {
        self.change(|lists| lists.host_log.push(line));
    }

    /// The same, unless it stands there already.
    pub(super) fn log_once(&self, line: String) {
        if !self.lock().host_log.contains(&line) {
            self.log(line);
        }
    }

    pub(super) fn print(&self, stderr: bool, line: String) {
        self.change(|lists| {
            if stderr {
                lists.stderr.push(line)
            } else {
                lists.stdout.push(line)
            }
        });
    }

    pub(super) fn answer_logs(&self, invocation_id: &str, function: &str, lines: Vec<String>) {
        let line = |text| LogLine {
            invocation_id: invocation_id.to_owned(),
            function: function.to_owned(),
            text,
        };
        self.change(|lists| lists.logs.extend(lines.into_iter().map(line)));
    }

    pub(super) fn ended(&self, invocation: Invocation) {
        self.change(|lists| lists.invocations.push(invocation));
    }

    /// Counts an error of the handler; true where the host gives up.
    pub(super) fn count_error(&self, what: &str) -> bool {
        let now = self.clock.now();
        let mut third = false;
        self.change(|lists| {
            if lists
                .errors
                .last()
                .is_some_and(|last| now - *last > ERROR_WINDOW)
            {
                lists.errors.clear();
            }
            lists.errors.push(now);
            lists.host_log.push(what.to_owned());
            third = lists.errors.len() >= ERROR_LIMIT;
        });
        if third {
            self.stop("Exceeded http worker restart retry count. Shutting down Functions Host");
        }
        third
    }

    pub(super) fn stdout(&self) -> Vec<String> {
        self.lock().stdout.clone()
    }

    pub(super) fn stderr(&self) -> Vec<String> {
        self.lock().stderr.clone()
    }

    /// The last lines on stderr, which the host takes for the reason of a crash.
    pub(super) fn last_words(&self) -> String {
        let lists = self.lock();
        lists.stderr[lists.stderr.len().saturating_sub(3)..].join(",")
    }

    pub(super) fn host_log(&self) -> Vec<String> {
        self.lock().host_log.clone()
    }

    pub(super) fn logs(&self) -> Vec<LogLine> {
        self.lock().logs.clone()
    }

    pub(super) fn invocations(&self) -> Vec<Invocation> {
        self.lock().invocations.clone()
    }

    /// The functions of the invocations that are under way.
    pub(super) fn in_flight(&self) -> Vec<String> {
        self.lock().in_flight.values().cloned().collect()
    }

    pub(super) fn begin(self: &Arc<Self>, id: &str, function: &str) -> InFlight {
        self.change(|lists| lists.in_flight.insert(id.to_owned(), function.to_owned()));
        InFlight {
            record: self.clone(),
            id: id.to_owned(),
        }
    }

    fn change<T>(&self, act: impl FnOnce(&mut Lists) -> T) {
        act(&mut self.lock());
        self.changes.send_modify(|n| *n += 1);
    }

    fn lock(&self) -> MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An invocation under way; dropping it ends it.
#[derive(Debug)]
pub(super) struct InFlight {
    record: Arc<Record>,
    id: String,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.record.change(|lists| lists.in_flight.remove(&self.id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_error_within_half_an_hour_stops_the_host() {
        let clock = Clock::new();
        let record = Record::new(clock.clone());
        assert!(!record.count_error("1") && !record.count_error("2"));
        clock.advance(Duration::from_secs(20 * 60));
        assert!(record.is_running());
        assert!(
            record.count_error("3"),
            "twenty minutes do not empty the count"
        );
        assert!(!record.is_running());
    }

    #[test]
    fn more_than_half_an_hour_empties_the_count() {
        let clock = Clock::new();
        let record = Record::new(clock.clone());
        record.count_error("1");
        record.count_error("2");
        clock.advance(Duration::from_secs(31 * 60));
        assert!(!record.count_error("3") && !record.count_error("4"));
        assert!(record.count_error("5"));
    }
}
