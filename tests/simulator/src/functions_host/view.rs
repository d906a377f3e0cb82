//! What can be seen of a running host, and what can be turned while it runs.
//! It starts and stops nothing.

use std::sync::atomic::Ordering;

use serde_json::{Map, Value};

use super::FunctionsHost;
use super::envelope::EventForm;
use super::invocation::lock;
use super::record::{HostState, Invocation, LogLine};

impl FunctionsHost {
    /// Switches the skipping of idle time.
    pub fn set_fast_forward(&self, on: bool) {
        self.pace.fast_forward.store(on, Ordering::SeqCst);
    }

    /// Hands events over in another form from now on.
    pub fn set_event_form(&self, form: EventForm) {
        lock(&self.pace.host.tuning).event_form = form;
    }

    /// Lays these members over the `Metadata` of every invocation from now on.
    pub fn inject_metadata(&self, members: Map<String, Value>) {
        lock(&self.pace.host.tuning).injected = members;
    }

    /// Whether the host runs.
    #[must_use]
    pub fn state(&self) -> HostState {
        self.pace.host.record.state().borrow().clone()
    }

    /// The functions of the invocations that are under way.
    #[must_use]
    pub fn in_flight(&self) -> Vec<String> {
        self.pace.host.record.in_flight()
    }

    /// The invocations that have ended, oldest first.
    #[must_use]
    pub fn invocations(&self) -> Vec<Invocation> {
        self.pace.host.record.invocations()
    }

    /// The lines of `Logs` of all answers.
    #[must_use]
    pub fn logs(&self) -> Vec<LogLine> {
        self.pace.host.record.logs()
    }

    /// What the handler wrote to stdout, through all its restarts.
    #[must_use]
    pub fn stdout(&self) -> Vec<String> {
        self.pace.host.record.stdout()
    }

    /// What the handler wrote to stderr, through all its restarts.
    #[must_use]
    pub fn stderr(&self) -> Vec<String> {
        self.pace.host.record.stderr()
    }

    /// The host's own log.
    #[must_use]
    pub fn host_log(&self) -> Vec<String> {
        self.pace.host.record.host_log()
    }
}
