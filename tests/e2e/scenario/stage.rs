//! The stage: the estate and the town that a script's commands act on.
//!
//! Before `start` commands furnish the estate without events; after it each raises what it raises in Azure.

mod furnish;
mod interfere;

use serde_json::{Value, json};
use vaultbind_simulator::{
    Config, Estate, Simulator, account, event_grid::Schema, journal::Service,
    service_bus::message::NewMessage, state::Azure,
};

use super::script::Command;
use crate::rights;
use crate::town::{EAST, POLICY, Plan, Town, WEST, write_event};

/// Where the commands of a script act.
pub(super) struct Stage {
    simulator: Option<Simulator>,
    town: Option<Town>,
    policy: String,
    environment: Vec<(String, String)>,
    events: u32,
    seen: Seen,
    /// How long the last step took, from its first call of ARM to its last.
    took: time::Duration,
}

/// What the steps so far have told.
#[derive(Default)]
struct Seen {
    journal: u64,
    results: usize,
    dead_letters: usize,
}

impl Stage {
    pub(super) async fn new() -> Self {
        let estate = Estate::new()
            .platform_apps()
            .subscription(WEST)
            .subscription(EAST);
        let config = Config {
            emit_events: false,
            ..Config::default()
        };
        let simulator = Simulator::start(config, estate).await.unwrap();
        rights::enforce(&mut simulator.world.azure());
        let policy = POLICY.to_owned();
        Self {
            simulator: Some(simulator),
            town: None,
            policy,
            environment: Vec::new(),
            events: 0,
            seen: Seen::default(),
            took: time::Duration::ZERO,
        }
    }

    /// Acts on what there is in Azure.
    fn azure<T>(&self, act: impl FnOnce(&mut Azure) -> T) -> T {
        let simulator = self
            .town
            .as_ref()
            .map(|it| &it.simulator)
            .or(self.simulator.as_ref());
        act(&mut simulator.unwrap().world.azure())
    }

    fn town(&self) -> &Town {
        self.town
            .as_ref()
            .expect("the script has not said `start` yet")
    }

    /// Takes down what the script has used of its rights.
    pub(crate) fn close(&self) {
        self.azure(|azure| rights::take_down(azure));
    }

    /// Plays a command and returns what came of it.
    pub(super) async fn play(&mut self, command: &Command) -> Vec<String> {
        match command.word(0) {
            "policy" => self.policy = policy(command, &self.policy),
            "setting" => {
                let settings = command.words[1..]
                    .iter()
                    .filter_map(|it| it.split_once('='));
                self.environment
                    .extend(settings.map(|(name, value)| (name.to_owned(), value.to_owned())));
            }
            "start" => {
                self.start().await;
                return Vec::new();
            }
            "event" => self.event(command),
            "request" => self.request(command.word(1)),
            "resync" => {
                let town = self.town();
                town.simulator.broker.forget_duplicates("requests").unwrap();
                town.host.tick("resync").await.unwrap();
            }
            "advance" => {
                let minutes: u64 = command.word(1).trim_end_matches('m').parse().unwrap();
                self.town()
                    .simulator
                    .world
                    .clock
                    .advance(std::time::Duration::from_secs(minutes * 60));
            }
            "vaultbind" => return self.vaultbind(command).await,
            "took" => return vec![in_words(self.took).to_owned()],
            "show" => return vec![self.show(command.word(1))],
            _ if self.interfere(command) => return Vec::new(),
            _ if self.furnish(command) => {}
            other => panic!("there is no command `{other}`"),
        }
        if command.goes_on || self.town.is_none() {
            return Vec::new();
        }
        self.town().settle().await;
        self.tell()
    }

    async fn start(&mut self) {
        let simulator = self.simulator.take().expect("a script starts once");
        simulator.world.azure().behaviour.emit_events = true;
        let mut plan = Plan::new(Estate::new());
        plan.policy = self.policy.clone();
        // One call at a time, and a stretch for coalescing that a step never straddles: what comes of a script is the
        // same each time.
        let option = |name: &str| format!("AzureFunctionsJobHost__extensions__serviceBus__{name}");
        let stretch = stretch(simulator.world.clock.now().unix_timestamp());
        plan = plan.set("VAULTBIND_COALESCE_SECONDS", &stretch.to_string());
        plan = plan.set(&option("maxConcurrentSessions"), "1");
        plan = plan.set(&option("sessionIdleTimeout"), "00:00:00");
        plan.environment.append(&mut self.environment);
        self.town = Some(Town::around(simulator, plan).await);
    }

    /// What changed and which results came since the last time.
    fn tell(&mut self) -> Vec<String> {
        let town = self.town.as_ref().unwrap();
        let journal = &town.simulator.world.journal;
        let calls = journal.since(self.seen.journal);
        let mut looks = calls.iter().filter(|it| it.service == Service::Arm);
        let first = looks.next().map(|it| it.at);
        let last = looks.next_back().map(|it| it.at).or(first);
        self.took = last
            .zip(first)
            .map(|(last, first)| last - first)
            .unwrap_or_default();
        let writes: Vec<_> = calls.into_iter().filter(|it| it.is_write()).collect();
        let (results, dead) = (
            town.results(),
            town.simulator.broker.dead_letters("requests").len(),
        );
        let lines = account::lines(
            &town.simulator.world.azure(),
            &writes,
            &results[self.seen.results..],
            dead - self.seen.dead_letters,
        );
        self.seen = Seen {
            journal: journal.last_seq(),
            results: results.len(),
            dead_letters: dead,
        };
        if lines.is_empty() {
            vec!["nothing".to_owned()]
        } else {
            lines
        }
    }

    /// The id of a cluster or a vault by its name, of one that was deleted too.
    fn id(&self, name: &str) -> String {
        let known = self.azure(|it| {
            it.cluster_id(name)
                .or_else(|| it.vault_id(name))
                .or_else(|| it.manager_id(name))
        });
        let deleted = || {
            self.azure(|it| {
                let mut vaults = it.deleted_vaults();
                vaults
                    .find(|vault| vault["name"] == name)
                    .and_then(|it| it["properties"]["vaultId"].as_str().map(ToOwned::to_owned))
            })
        };
        // One that is not there yet is where scripts put it.
        let place = if name.starts_with("kv-") {
            "rg-secrets/providers/Microsoft.KeyVault/vaults"
        } else {
            "rg-nexus/providers/Microsoft.NetworkCloud/clusters"
        };
        known
            .or_else(deleted)
            .unwrap_or_else(|| format!("/subscriptions/{WEST}/resourceGroups/{place}/{name}"))
    }

    fn event(&mut self, command: &Command) {
        let id = self.id(command.word(1));
        let resource_type = id
            .split('/')
            .skip(6)
            .step_by(1)
            .take(2)
            .collect::<Vec<_>>()
            .join("/");
        let kind = command
            .words
            .get(2)
            .filter(|it| !it.contains('=') && *it != "&")
            .map_or("write", String::as_str);
        let (operation, subject) = match kind {
            "write" | "delete" => (format!("{resource_type}/{kind}"), id),
            "tags" => ("Microsoft.Resources/tags/write".to_owned(), id),
            "tags-of-its-own" => (
                "Microsoft.Resources/tags/write".to_owned(),
                format!("{id}/providers/Microsoft.Resources/tags/default"),
            ),
            "role-write" => (
                "Microsoft.Authorization/roleAssignments/write".to_owned(),
                format!("{id}/providers/Microsoft.Authorization/roleAssignments/{WEST}"),
            ),
            "notification" | "notification-delete" => (String::new(), id),
            other => panic!("there is no event `{other}`"),
        };
        let town = self
            .town
            .as_ref()
            .expect("the script has not said `start` yet");
        town.grid.configure("resource-event", |it| {
            it.schema = if command.option("as") == Some("cloudevents") {
                Schema::CloudEvents
            } else {
                Schema::EventGrid
            };
            it.filter = if kind.starts_with("notification") {
                vaultbind_simulator::event_grid::Filter::none()
            } else {
                vaultbind_simulator::event_grid::Filter::default()
            };
        });
        let times = command.option("times").map_or(1, |it| it.parse().unwrap());
        self.events += 1;
        let mut event = write_event(&format!("event-{}", self.events), &subject, &operation);
        if kind == "delete" {
            event["eventType"] = json!("Microsoft.Resources.ResourceDeleteSuccess");
        }
        if kind.starts_with("notification") {
            notification(&mut event, &subject, command);
        }
        if kind == "notification-delete" {
            event["eventType"] = json!("Microsoft.ResourceNotifications.Resources.Deleted");
        }
        for _ in 0..times {
            town.grid.publish(&event);
        }
    }

    /// A person's request for a cluster, put on the queue by hand: nothing but what it has to have.
    fn request(&mut self, name: &str) {
        self.events += 1;
        let id = format!("manual-{}", self.events);
        let body = json!({ "version": 1, "id": id, "kind": "cluster", "clusterId": self.id(name) });
        let broker = &self.town().simulator.broker;
        broker
            .send("requests", NewMessage::json(&id, &body).in_session(name))
            .unwrap();
    }

    /// Runs the binary with the settings of the app, and returns what it prints and its exit code.
    async fn vaultbind(&self, command: &Command) -> Vec<String> {
        let town = self.town();
        let input = town.scratch("input", &command.input);
        let written = format!("{}.output", town.policy());
        let arguments = command.words[1..].iter().map(|it| match it.as_str() {
            "INPUT" => input.as_str(),
            "OUTPUT" => written.as_str(),
            other => other,
        });
        let output = town.command(arguments).await;
        let text = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        let mut lines: Vec<String> = text
            .replace(&input, "INPUT")
            .replace(&written, "OUTPUT")
            .replace(town.policy(), "policy.yaml")
            .lines()
            .map(|it| without_request(&timeless(it)))
            .collect();
        lines.push(format!(
            "(exit code {})",
            output.status.code().unwrap_or(-1)
        ));
        lines
    }

    fn show(&self, name: &str) -> String {
        let id = self.id(name);
        self.azure(|azure| match azure.resource(&id) {
            None => format!("{name} does not exist"),
            Some(body) if body["type"] == "Microsoft.KeyVault/vaults" => {
                let on = azure
                    .role_assignments()
                    .filter(|it| it.scope.eq_ignore_ascii_case(&id))
                    .count();
                format!("{name}: {on} role assignments")
            }
            Some(body) => format!(
                "{name}: {} ({})",
                account::archive(&body["properties"]),
                body["properties"]["provisioningState"]
                    .as_str()
                    .unwrap_or("no state")
            ),
        })
    }
}

/// A length of the stretch for coalescing, of which so much is left now that what is skipped to its end is felt: a handler
/// that does not feel it lives in the stretch before.
fn stretch(now: i64) -> i64 {
    let mut lengths = (200..=300).rev();
    let is_long = |length: &i64| length - now % length >= 100;
    lengths.find(is_long).unwrap_or(300)
}

/// A length of time as a person would say it: what coalescing adds plays no part.
fn in_words(took: time::Duration) -> &'static str {
    match took.whole_minutes() {
        0 if took.whole_seconds() < 5 => "a moment",
        0..=7 => "minutes at most",
        8..=19 => "a quarter of an hour",
        20..=90 => "an hour",
        _ => "many hours",
    }
}

/// A Resource Notification, whose booleans are numbers and whose tags may be anything.
fn notification(event: &mut Value, subject: &str, command: &Command) {
    let tags = match command.option("tags") {
        Some("null") => Value::Null,
        Some(text) => json!(text),
        None => json!({ "site": "a" }),
    };
    event["eventType"] = json!("Microsoft.ResourceNotifications.Resources.CreatedOrUpdated");
    event["data"] = json!({
        "resourceInfo": { "id": subject, "tags": tags, "properties": { "enableRbacAuthorization": 1 } },
        "apiVersion": "2019-06-01", "operationalInfo": { "resourceEventTime": "2026-07-28T20:13:10.8418063Z" },
    });
}

/// The line with `TIME` in place of a time of today, which is another one tomorrow.
fn timeless(line: &str) -> String {
    let format = &time::format_description::well_known::Rfc3339;
    let is_time = |it: &str| time::OffsetDateTime::parse(it, format).is_ok();
    let words: Vec<&str> = line
        .split('"')
        .map(|it| if is_time(it) { "TIME" } else { it })
        .collect();
    words.join("\"")
}

/// The line without the id of a call, which depends on the order of calls that are made at the same time.
fn without_request(line: &str) -> String {
    match line.split_once(" [request ") {
        Some((before, rest)) => {
            let behind = rest.split_once(']').map_or("", |it| it.1);
            format!("{before} [request ID]{behind}")
        }
        None => line.to_owned(),
    }
}

/// The policy so far with `key: value` lines replaced by the command's words, or the command's input.
fn policy(command: &Command, so_far: &str) -> String {
    if !command.input.is_empty() {
        return command.input.clone();
    }
    let mut text = so_far.to_owned();
    for (key, value) in command.others(&[]) {
        text = match key {
            "mode" => text.replace("version: 1\n", &format!("version: 1\nmode: {value}\n")),
            "writer" => text.replace("writer: platform-apps", &format!("writer: {value}")),
            "rebind" => format!("{text}    rebind: {value}\n"),
            "identity" => format!("{text}    identity: \"{value}\"\n"),
            other => panic!("the policy has no `{other}` to change"),
        };
    }
    text
}
