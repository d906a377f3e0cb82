//! A town: a simulated Azure, an Event Grid, a Functions host with the real binary in it.
//! It checks every result against the published schema, and nothing else.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use serde_json::Value;
use vaultbind_simulator::{
    Config, Estate, Simulator,
    event_grid::EventGrid,
    functions_host::{FunctionsHost, HostConfig},
    journal::Entry,
    service_bus::message::SendOutcome,
};

/// The longest that anything may take in real time.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// The two subscriptions of every estate.
pub(crate) const WEST: &str = "11111111-1111-1111-1111-111111111111";
pub(crate) const EAST: &str = "22222222-2222-2222-2222-222222222222";

/// The policy of most tests: by site, within one resource group.
pub(crate) const POLICY: &str = include_str!("../fixtures/by-site.yaml");

/// The root of the app: where `host.json` is.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// What a town is made from.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub estate: Estate,
    pub config: Config,
    pub policy: String,
    pub environment: Vec<(String, String)>,
    pub fast_forward: bool,
}

impl Plan {
    pub(crate) fn new(estate: Estate) -> Self {
        Self {
            estate,
            config: Config::default(),
            policy: POLICY.to_owned(),
            environment: Vec::new(),
            fast_forward: true,
        }
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) async fn open(self) -> Town {
        let simulator = Simulator::start(self.config.clone(), self.estate.clone())
            .await
            .unwrap();
        Town::around(simulator, self).await
    }
}

/// A running town; dropping it ends everything in it.
#[derive(Debug)]
pub(crate) struct Town {
    pub simulator: Simulator,
    pub grid: EventGrid,
    pub host: FunctionsHost,
    policy: PathBuf,
    settings: Vec<(String, String)>,
}

impl Town {
    /// Starts the host and the binary around a simulator that runs already.
    pub(crate) async fn around(simulator: Simulator, plan: Plan) -> Self {
        // Whoever writes a policy has the groups of its boundaries.
        let boundaries = plan.policy.split(['"', ' ', ',', '[', ']', '\n']);
        for boundary in boundaries.filter(|it| it.starts_with("/subscriptions/")) {
            simulator.world.azure().add_resource_group(boundary);
        }
        let policy = write_policy(&plan.policy);
        let grid = EventGrid::start(simulator.world.clone()).unwrap();
        let mut settings = simulator.handler_environment();
        settings.extend(plan.environment);
        let mut config = host_config(&simulator, &settings, &policy);
        config.event_grid = Some(grid.clone());
        config.fast_forward = plan.fast_forward;
        let host = FunctionsHost::start(config).await.unwrap();
        host.ready(SOON).await.unwrap();
        Self {
            simulator,
            grid,
            host,
            policy,
            settings,
        }
    }

    /// Another instance of the app: it takes from the same queue, and has its own handler.
    pub(crate) async fn another_host(&self) -> FunctionsHost {
        let config = host_config(&self.simulator, &self.settings, &self.policy);
        let host = FunctionsHost::start(config).await.unwrap();
        host.ready(SOON).await.unwrap();
        host
    }

    /// Waits until nothing is under way and nothing more will come.
    pub(crate) async fn settle(&self) {
        self.settle_within(SOON).await;
    }

    /// The same, where a delivery may be held back in real time.
    pub(crate) async fn settle_within(&self, patience: Duration) {
        if let Err(error) = self.host.settle(patience).await {
            panic!(
                "{error:#}\nstdout:\n{}\nstderr:\n{}",
                self.host.stdout().join("\n"),
                self.host.stderr().join("\n")
            );
        }
    }

    /// Publishes an event to whoever subscribes, and waits for all that follows.
    pub(crate) async fn publish(&self, event: &Value) {
        self.grid.publish(event);
        self.settle().await;
    }

    /// The results so far, each a CloudEvent; a repeat that the queue dropped is not among them.
    pub(crate) fn results(&self) -> Vec<Value> {
        let sent = self.simulator.broker.sent("results");
        let taken = sent
            .into_iter()
            .filter(|it| it.outcome == SendOutcome::Accepted);
        let results: Vec<Value> = taken
            .map(|it| serde_json::from_slice(&it.message.body).unwrap())
            .collect();
        let schema: Value = serde_json::from_str(
            &std::fs::read_to_string(root().join("schemas/result.schema.json")).unwrap(),
        )
        .unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        for result in &results {
            let errors: Vec<String> = validator
                .iter_errors(result)
                .map(|it| it.to_string())
                .collect();
            assert!(errors.is_empty(), "{errors:?} in {result:#}");
            assert_codes_are_known(result, &schema);
        }
        results
    }

    /// The one result there is.
    pub(crate) fn only_result(&self) -> Value {
        let results = self.results();
        assert_eq!(results.len(), 1, "{results:#?}\n{}", self.account());
        results[0].clone()
    }

    /// The calls so far that are meant to change Azure.
    pub(crate) fn writes(&self) -> Vec<Entry> {
        self.simulator.world.journal.writes()
    }

    /// A cluster as ARM has it.
    pub(crate) fn cluster(&self, name: &str) -> Value {
        let azure = self.simulator.world.azure();
        let id = azure.cluster_id(name).unwrap();
        azure.resource(&id).unwrap().clone()
    }

    pub(crate) fn cluster_id(&self, name: &str) -> String {
        self.simulator.world.azure().cluster_id(name).unwrap()
    }

    pub(crate) fn vault_id(&self, name: &str) -> String {
        self.simulator.world.azure().vault_id(name).unwrap()
    }
}

impl Town {
    /// The policy file, as text.
    pub(crate) fn policy(&self) -> &str {
        self.policy.to_str().unwrap()
    }

    /// A file beside the policy, with this text.
    pub(crate) fn scratch(&self, name: &str, text: &str) -> String {
        let path = format!("{}.{name}", self.policy());
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Runs the binary with the settings of the app, off a terminal.
    pub(crate) async fn command<'a>(
        &self,
        arguments: impl Iterator<Item = &'a str>,
    ) -> std::process::Output {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_vaultbind"));
        let settings = self.settings.iter().map(|(name, value)| (name, value));
        command
            .args(arguments)
            .env_clear()
            .envs(settings)
            .env("VAULTBIND_POLICY", self.policy());
        command
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true);
        tokio::time::timeout(SOON, command.output())
            .await
            .expect("it ends")
            .unwrap()
    }
}

/// The app, with these settings and this policy.
fn host_config(simulator: &Simulator, settings: &[(String, String)], policy: &Path) -> HostConfig {
    let mut config = HostConfig::new(root(), simulator.world.clone(), simulator.broker.clone());
    config.executable = Some(PathBuf::from(env!("CARGO_BIN_EXE_vaultbind")));
    config.environment = settings.to_vec();
    for (name, value) in [
        ("VAULTBIND_POLICY", policy.to_str().unwrap()),
        ("VAULTBIND_RESYNC_SCHEDULE", "0 0 */6 * * *"),
    ] {
        config.environment.push((name.to_owned(), value.to_owned()));
    }
    config
}

impl Drop for Town {
    fn drop(&mut self) {
        // A file that is left behind lies in the target folder.
        let _ = std::fs::remove_file(&self.policy);
    }
}

pub(crate) fn write_policy(text: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::SeqCst);
    let name = format!("policy-{}-{count}.yaml", std::process::id());
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// The event of the subscription topic that a write raises, as `azure-contracts` has it but for the ids.
pub(crate) fn write_event(id: &str, subject: &str, operation: &str) -> Value {
    let subscription = subject.split('/').nth(2).unwrap_or_default();
    serde_json::json!({
        "id": id, "topic": format!("/subscriptions/{subscription}"), "subject": subject,
        "eventType": "Microsoft.Resources.ResourceWriteSuccess", "eventTime": "2026-07-19T18:38:04.6117357Z",
        "data": {
            "authorization": { "scope": subject, "action": operation, "evidence": { "role": "Contributor" } },
            "claims": { "aud": "https://management.azure.com/", "appid": "b0000000-0000-4000-8000-000000000001", "name": "a person" },
            "correlationId": "c0000000-0000-4000-8000-000000000001",
            "httpRequest": { "method": "PATCH", "clientIpAddress": "192.0.2.1", "url": "https://management.azure.com/" },
            "resourceProvider": operation.split('/').next(), "resourceUri": subject, "operationName": operation,
            "status": "Succeeded", "subscriptionId": subscription, "tenantId": "7e4a1000-0000-4000-8000-000000000001",
        },
        "dataVersion": "2", "metadataVersion": "1",
    })
}

impl Town {
    /// Everything that happened, for whoever reads a failure.
    pub(crate) fn account(&self) -> String {
        let journal = self.simulator.world.journal.entries();
        let calls: Vec<String> = journal
            .iter()
            .map(|it| {
                format!(
                    "{} {} {} {} -> {} {}",
                    it.service, it.method, it.path, it.query, it.status, it.note
                )
            })
            .collect();
        format!(
            "calls:\n{}\nstdout:\n{}",
            calls.join("\n"),
            self.host.stdout().join("\n")
        )
    }
}

/// Whatever is no failed call has a code of the published list.
#[track_caller]
fn assert_codes_are_known(result: &Value, schema: &Value) {
    let data = &result["data"];
    let warnings = data["warnings"].as_array().into_iter().flatten();
    let reason = (data["outcome"] != "failed").then_some(&data["reason"]);
    let codes = warnings.chain(reason).filter_map(|it| it["code"].as_str());
    let known = schema["$defs"]["Code"]["oneOf"].as_array().unwrap();
    for code in codes {
        let is_known = known.iter().any(|it| it["const"] == code);
        assert!(is_known, "{code} is not published: {result:#}");
    }
}
