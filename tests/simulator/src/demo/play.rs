//! Playing: a step, then the account of what came of it, in simulated time.
//! It knows no step; what is done is its caller's affair.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use time::OffsetDateTime;
use tokio::sync::broadcast::{self, error::TryRecvError};
use vaultbind_simulator::account;
use vaultbind_simulator::functions_host::FunctionsHost;
use vaultbind_simulator::journal::Entry;
use vaultbind_simulator::service_bus::Broker;
use vaultbind_simulator::service_bus::message::SendOutcome;
use vaultbind_simulator::{Simulator, World};

use super::SOON;
use super::text::{Colour, WIDTH, named, say, wrapped};

/// Where the text of an account begins: after the time and the label.
const MARGIN: usize = 18;

/// A play that goes on from step to step.
pub(super) struct Play {
    pub(super) world: World,
    broker: Broker,
    events: broadcast::Receiver<Value>,
    began: OffsetDateTime,
    journal: u64,
    told: usize,
    explained: BTreeSet<String>,
}

impl Play {
    pub(super) fn new(simulator: &Simulator) -> Self {
        let world = simulator.world.clone();
        Self {
            broker: simulator.broker.clone(),
            events: world.events.subscribe(),
            began: world.clock.now(),
            journal: world.journal.last_seq(),
            told: 0,
            explained: BTreeSet::new(),
            world,
        }
    }

    /// The results so far and when each was sent, without those that the queue dropped as repeats.
    fn sent(&self) -> Vec<(OffsetDateTime, Value)> {
        let sent = self.broker.sent("results").into_iter();
        sent.filter(|it| it.outcome == SendOutcome::Accepted)
            .filter_map(|it| Some((it.at, serde_json::from_slice(&it.message.body).ok()?)))
            .collect()
    }

    /// The results so far.
    pub(super) fn results(&self) -> Vec<Value> {
        self.sent().into_iter().map(|(_, result)| result).collect()
    }

    /// Says what is about to be done; events of before count no more.
    pub(super) fn announce(&mut self, what: &str) {
        self.events = self.world.events.subscribe();
        say(&format!("\n{}", Colour::Bold.paint(what)));
    }

    /// Says what comes in other than as an event.
    pub(super) fn comes_in(&self, label: &str, what: &str) {
        self.line(self.world.clock.now(), label, what);
    }

    /// Prints the events of the step, waits until nothing more comes of them, and prints what did.
    pub(super) async fn tell(&mut self, host: &FunctionsHost) -> anyhow::Result<()> {
        self.tell_events();
        host.settle(SOON).await?;
        let since = self.world.journal.since(self.journal);
        let writes: Vec<Entry> = since.into_iter().filter(Entry::is_write).collect();
        let mut results = self.sent().split_off(self.told);
        self.told += results.len();
        self.journal = self.world.journal.last_seq();
        results.sort_by_key(|(_, it)| it["data"]["cluster"]["name"].to_string());
        results
            .iter()
            .for_each(|(_, it)| tell_decision(&it["data"]));
        self.tell_changes(&writes);
        for (at, result) in &results {
            self.tell_result(*at, result);
        }
        if writes.is_empty() && results.is_empty() {
            self.comes_in("result", "none: nothing to change, nothing to tell");
        }
        Ok(())
    }

    fn tell_events(&mut self) {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        loop {
            match self.events.try_recv() {
                Ok(event) => *counts.entry(incoming(&event)).or_default() += 1,
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        for (event, count) in counts {
            let times = if count > 1 {
                format!(", {count} times")
            } else {
                String::new()
            };
            self.comes_in("event", &format!("{event}{times}"));
        }
    }

    fn tell_changes(&self, writes: &[Entry]) {
        let azure = self.world.azure();
        let mut times: BTreeMap<String, OffsetDateTime> = BTreeMap::new();
        for write in writes {
            for line in account::lines(&azure, std::slice::from_ref(write), &[], 0) {
                times.entry(line).or_insert(write.at);
            }
        }
        for line in refusals_first(account::lines(&azure, writes, &[], 0)) {
            let once = line.rsplit_once(" (").map_or(line.as_str(), |it| it.0);
            let at = times.get(&line).or_else(|| times.get(once));
            self.line(at.copied().unwrap_or(self.began), "change", &line);
        }
    }

    fn tell_result(&mut self, at: OffsetDateTime, result: &Value) {
        let lines = account::lines(&self.world.azure(), &[], std::slice::from_ref(result), 0);
        let mut lines = lines.iter().map(String::as_str);
        let first = lines.next().unwrap_or_default();
        let first = first.strip_prefix("result ").unwrap_or(first);
        // Rule and writer are in the decision already.
        let first = first.split(", rule ").next().unwrap_or(first);
        let why: Vec<&str> = lines.collect();
        if !why.is_empty() && !self.explained.insert(why.join("\n")) {
            self.line(
                at,
                "result",
                &format!("{first}, for the same reason as before"),
            );
        } else {
            self.line(at, "result", first);
            why.into_iter().for_each(more);
        }
    }

    fn line(&self, at: OffsetDateTime, label: &str, text: &str) {
        let passed = (at - self.began).whole_seconds().max(0);
        let time = format!("{}:{:02}", passed / 60, passed % 60);
        print(&time, label, text);
    }
}

/// What the rule chose; where no rule did, the result's reason says it all.
/// It is taken from the result, and has no time of its own.
fn tell_decision(data: &Value) {
    let Some(rule) = data["rule"].as_str() else {
        return;
    };
    let cluster = data["cluster"]["name"].as_str().unwrap_or_default();
    let vault = data["vault"]["id"].as_str().unwrap_or("no vault");
    let writer = data["writers"][0]["kind"].as_str();
    let writer = writer.map_or_else(String::new, |it| format!(", writer {it}"));
    print(
        "",
        "decision",
        &format!("{cluster}: rule {rule} gives {vault}{writer}"),
    );
}

/// What was refused comes before what came through in the end.
fn refusals_first(mut lines: Vec<String>) -> Vec<String> {
    for place in 1..lines.len() {
        if lines[place].starts_with(&format!("{}: refused", lines[place - 1])) {
            lines.swap(place - 1, place);
        }
    }
    lines
}

/// A line with its label, wrapped to the width.
fn print(time: &str, label: &str, text: &str) {
    let mut lines = wrapped(&named(text), WIDTH - MARGIN).into_iter();
    let mut first = lines.next().unwrap_or_default();
    if label == "result"
        && let Some((outcome, rest)) = first.split_once(' ')
    {
        first = format!("{} {rest}", Colour::of_outcome(outcome).paint(outcome));
    }
    let time = Colour::Dim.paint(&format!("{time:>7}"));
    say(&format!("{time}  {label:<8} {first}"));
    lines.for_each(|line| say(&format!("{:MARGIN$}{line}", "")));
}

/// A line that belongs to the one above it.
fn more(text: &str) {
    let text = named(text.trim_start());
    for (place, line) in wrapped(&text, WIDTH - MARGIN - 4).into_iter().enumerate() {
        let indent = if place == 0 { 2 } else { 4 };
        say(&format!("{:MARGIN$}{:indent$}{line}", "", ""));
    }
}

/// What an event says has happened, and to what; a role assignment is known by its vault.
fn incoming(event: &Value) -> String {
    let operation = event["data"]["operationName"].as_str().unwrap_or_default();
    let subject = event["subject"].as_str().unwrap_or_default();
    let place = subject.split("/providers/Microsoft.Authorization/").next();
    format!("{operation} on {}", place.unwrap_or_default())
}
