//! Faults that are put into the services, and the middleware through which every request to a service passes.
//! It knows no service: what a request means is the router's affair.

mod observed;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::journal::Service;
pub use observed::observed;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Fault {
    /// An error in the form of ARM; nothing is processed. A code `Outer>Inner` is one around another.
    Status {
        /// The HTTP status.
        status: u16,
        /// The error's code.
        code: String,
        /// The error's message.
        message: String,
        /// The seconds of a `Retry-After` header.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// An error page as a gateway sends it; nothing is processed.
    Html {
        /// The HTTP status.
        status: u16,
    },
    /// This answer, as it stands; nothing is processed.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: String,
    },
    /// No answer, ever; nothing is processed.
    Hang,
    /// The connection is cut and nothing is processed.
    ResetBefore,
    /// The call is processed, then the connection is cut before the answer.
    ResetAfter,
    /// The call is processed, and the answer's body ends too early.
    Truncate,
    /// The handler's process is killed, and the connection is cut.
    KillHandler {
        /// Whether it dies before the call is processed, or after.
        before: bool,
    },
    /// The token is said to have expired; nothing is processed.
    ExpiredToken,
    /// The call goes well, and whoever has a session of the requests queue loses it meanwhile.
    LoseLock,
}

/// Which requests a fault befalls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FaultRule {
    /// The service that is asked.
    pub service: Service,
    /// The HTTP method; any where it is left out.
    #[serde(default)]
    pub method: Option<String>,
    /// What the path contains, in any case.
    #[serde(default)]
    pub path_contains: String,
    /// Whether the path has to end with it.
    #[serde(default)]
    pub at_the_end: bool,
    /// What the query contains, in any case.
    #[serde(default)]
    pub query_contains: String,
    /// How many such requests pass first.
    #[serde(default)]
    pub skip: usize,
    /// How many of them it then befalls.
    #[serde(default = "once")]
    pub times: usize,
    /// What befalls them.
    pub fault: Fault,
}

fn once() -> usize {
    1
}

impl FaultRule {
    /// A rule for the first request to this service whose path contains this.
    #[must_use]
    pub fn new(service: Service, path_contains: &str, fault: Fault) -> Self {
        Self {
            service,
            method: None,
            path_contains: path_contains.to_owned(),
            at_the_end: false,
            query_contains: String::new(),
            skip: 0,
            times: 1,
            fault,
        }
    }

    /// Only requests with this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Only requests whose path ends with what it has to contain.
    #[must_use]
    pub fn at_the_end(mut self) -> Self {
        self.at_the_end = true;
        self
    }

    /// Only requests whose query contains this.
    #[must_use]
    pub fn query(mut self, query_contains: &str) -> Self {
        query_contains.clone_into(&mut self.query_contains);
        self
    }

    /// Only after so many have passed.
    #[must_use]
    pub fn skip(mut self, skip: usize) -> Self {
        self.skip = skip;
        self
    }

    /// For so many requests.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    fn matches(&self, service: Service, method: &str, path: &str, query: &str) -> bool {
        let is_method = |wanted: &str| wanted.eq_ignore_ascii_case(method);
        let [path, wanted] = [path, &self.path_contains].map(str::to_ascii_lowercase);
        let [query, asked] = [query, &self.query_contains].map(str::to_ascii_lowercase);
        let is_path = if self.at_the_end {
            path.ends_with(&wanted)
        } else {
            path.contains(&wanted)
        };
        let is_query = query.contains(&asked);
        self.service == service
            && self.method.as_deref().is_none_or(is_method)
            && is_path
            && is_query
    }

    /// Counts a request that matches, and says whether the fault befalls it.
    fn strikes(&mut self) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        let strikes = self.times > 0;
        self.times = self.times.saturating_sub(1);
        strikes
    }
}

type Callback = Arc<dyn Fn() + Send + Sync>;

/// The faults that are still to come; clones share them.
#[derive(Clone, Default)]
pub struct Faults {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    rules: Vec<FaultRule>,
    interferences: Vec<(FaultRule, Callback)>,
    on_kill: Vec<Callback>,
    on_lost_lock: Vec<Callback>,
    hanging: usize,
    most_hanging: usize,
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults")
            .field("rules", &self.lock().rules)
            .finish_non_exhaustive()
    }
}

impl Faults {
    /// No faults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a rule; earlier ones come first.
    pub fn add(&self, rule: FaultRule) {
        self.lock().rules.push(rule);
    }

    /// Takes all rules away.
    pub fn clear(&self) {
        self.lock().rules.clear();
    }

    /// The rules that are still in force, with what is left of their counts.
    #[must_use]
    pub fn rules(&self) -> Vec<FaultRule> {
        self.lock().rules.clone()
    }

    /// The fault that befalls this request; every rule that it matches counts it until one strikes.
    #[must_use]
    pub fn take(&self, service: Service, method: &str, path: &str, query: &str) -> Option<Fault> {
        let mut inner = self.lock();
        let struck = inner.rules.iter_mut().find_map(|rule| {
            let strikes = rule.matches(service, method, path, query) && rule.strikes();
            strikes.then(|| rule.fault.clone())
        });
        inner.rules.retain(|rule| rule.times > 0);
        struck
    }

    /// Lets somebody do something right before a request that a rule takes; the request itself goes well.
    pub fn interfere(&self, rule: FaultRule, act: Arc<dyn Fn() + Send + Sync>) {
        self.lock().interferences.push((rule, act));
    }

    /// Does what was to be done before this request.
    fn interfere_before(&self, service: Service, method: &str, path: &str, query: &str) {
        let mut due = Vec::new();
        self.lock().interferences.retain_mut(|(rule, act)| {
            if rule.matches(service, method, path, query) && rule.strikes() {
                due.push(Arc::clone(act));
            }
            rule.times > 0
        });
        due.iter().for_each(|act| act());
    }

    /// Adds what kills the handler's process.
    pub fn on_kill(&self, callback: Arc<dyn Fn() + Send + Sync>) {
        self.lock().on_kill.push(callback);
    }

    /// Adds what takes the sessions from whoever has them.
    pub fn on_lost_lock(&self, callback: Arc<dyn Fn() + Send + Sync>) {
        self.lock().on_lost_lock.push(callback);
    }

    /// How many requests have hung at the same time, at most.
    #[must_use]
    pub fn most_hanging(&self) -> usize {
        self.lock().most_hanging
    }

    /// Counts a request that hangs for as long as what this returns is kept.
    fn hangs(&self) -> Hanging<'_> {
        let mut inner = self.lock();
        inner.hanging += 1;
        inner.most_hanging = inner.most_hanging.max(inner.hanging);
        Hanging(self)
    }

    fn kill_handler(&self) {
        let callbacks = self.lock().on_kill.clone();
        callbacks.iter().for_each(|callback| callback());
    }

    fn lose_lock(&self) {
        let callbacks = self.lock().on_lost_lock.clone();
        callbacks.iter().for_each(|callback| callback());
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that hangs, until the caller hangs up.
#[derive(Debug)]
struct Hanging<'a>(&'a Faults);

impl Drop for Hanging<'_> {
    fn drop(&mut self) {
        self.0.lock().hanging -= 1;
    }
}

#[cfg(test)]
mod tests;
