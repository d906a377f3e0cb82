//! The infrastructure as it would be deployed: the templates compile without a word, and what they evaluate to is
//! what the code and the host need. Nothing here talks to Azure.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test ends where something is not as it has to be, and says why it did not run"
)]

#[path = "infra/docs.rs"]
mod docs;
#[path = "infra/hooks.rs"]
mod hooks;
#[path = "infra/kusto.rs"]
mod kusto;
#[path = "infra/queries.rs"]
mod queries;
#[path = "infra/security.rs"]
mod security;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use vaultbind::{
    config::VARIABLES,
    event::{self, EventError},
    functions::FUNCTIONS,
};

const SNAPSHOTS: [&str; 3] = ["smallest", "private-network", "three-subscriptions"];
const HOME: &str = "00000000-0000-4000-8000-000000000001";

/// Settings that the Functions host, its extensions or `function.json` read, beside our own.
const HOST_SETTINGS: [&str; 8] = [
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "AzureWebJobsStorage__blobServiceUri",
    "AzureWebJobsStorage__clientId",
    "AzureWebJobsStorage__credential",
    "ServiceBus__clientId",
    "ServiceBus__credential",
    "VAULTBIND_RESYNC_SCHEDULE",
];

/// Settings that Flex Consumption refuses or ignores: they belong in `functionAppConfig`, or nowhere.
const REFUSED_BY_FLEX: [&str; 12] = [
    "ENABLE_ORYX_BUILD",
    "FUNCTIONS_EXTENSION_VERSION",
    "FUNCTIONS_WORKER_PROCESS_COUNT",
    "FUNCTIONS_WORKER_RUNTIME",
    "FUNCTIONS_WORKER_RUNTIME_VERSION",
    "SCM_DO_BUILD_DURING_DEPLOYMENT",
    "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING",
    "WEBSITE_CONTENTOVERVNET",
    "WEBSITE_CONTENTSHARE",
    "WEBSITE_MAX_DYNAMIC_APPLICATION_SCALE_OUT",
    "WEBSITE_RUN_FROM_PACKAGE",
    "WEBSITE_VNET_ROUTE_ALL",
];

fn root() -> PathBuf {
    let handler = Path::new(env!("CARGO_MANIFEST_DIR"));
    handler.parent().unwrap().to_owned()
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of a folder with this extension, in order.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    let mut found: Vec<PathBuf> = entries
        .map(|it| it.unwrap().path())
        .filter(|it| it.extension().is_some_and(|it| it == extension))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "{folder} has no .{extension}");
    found
}

fn templates() -> Vec<PathBuf> {
    [
        files("infra", "bicep"),
        files("infra/app", "bicep"),
        files("infra/parameters", "bicepparam"),
    ]
    .concat()
}

// === The Bicep CLI ===

/// Where the CLI is; nothing on a user's machine that has none.
fn bicep() -> Option<PathBuf> {
    let shared = root().join("../shared/tools/bicep/bicep");
    let on_path = std::env::var_os("PATH")
        .into_iter()
        .flat_map(|it| std::env::split_paths(&it).collect::<Vec<_>>())
        .map(|it| it.join("bicep"))
        .find(|it| it.is_file());
    let found = Some(shared).filter(|it| it.is_file()).or(on_path);
    if found.is_none() {
        assert!(
            std::env::var_os("CI").is_none(),
            "CI needs the Bicep CLI on PATH"
        );
        eprintln!("skipped: no `bicep` on PATH, so the templates were not compiled");
    }
    found
}

/// Runs the CLI; what it writes, and what it has to say.
fn run(bicep: &Path, arguments: &[&str]) -> (bool, String, String) {
    let output = Command::new(bicep).args(arguments).output().unwrap();
    (
        output.status.success(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn every_template_compiles_and_lints_without_a_word() {
    let Some(bicep) = bicep() else { return };
    // What a module has to say is said with the template that uses it.
    for path in files("infra", "bicep") {
        let (built, _, diagnostics) = run(&bicep, &["build", path.to_str().unwrap(), "--stdout"]);
        assert!(
            built && diagnostics.is_empty(),
            "{}:\n{diagnostics}",
            path.display()
        );
    }
}

#[test]
fn every_module_is_part_of_the_main_template() {
    let everything: String = templates()
        .iter()
        .map(|it| fs::read_to_string(it).unwrap())
        .collect();
    for path in files("infra/app", "bicep") {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(
            everything.contains(&format!("{name}'")),
            "nothing uses {name}, so nothing lints it"
        );
    }
}

#[test]
fn every_template_is_formatted() {
    let Some(bicep) = bicep() else { return };
    for path in templates() {
        let (_, formatted, diagnostics) =
            run(&bicep, &["format", path.to_str().unwrap(), "--stdout"]);
        assert_eq!(diagnostics, "", "{}", path.display());
        assert!(
            fs::read_to_string(&path).unwrap() == formatted,
            "`bicep format {}` has something to do",
            path.display()
        );
    }
}

#[test]
fn the_snapshots_are_what_the_templates_evaluate_to() {
    let Some(bicep) = bicep() else { return };
    let is_update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mode = if is_update { "overwrite" } else { "validate" };
    for path in files("infra/parameters", "bicepparam") {
        let arguments = [
            "snapshot",
            path.to_str().unwrap(),
            "--mode",
            mode,
            "--subscription-id",
            HOME,
            "--tenant-id",
            "00000000-0000-4000-8000-00000000000f",
            "--location",
            "westeurope",
            "--deployment-name",
            "vaultbind",
        ];
        let (is_same, difference, diagnostics) = run(&bicep, &arguments);
        assert!(
            is_same,
            "{} (UPDATE_EXPECT=1 writes it anew):\n{difference}\n{diagnostics}",
            path.display()
        );
    }
}

// === The snapshots ===

/// What one parameter file evaluates to.
struct Snapshot {
    name: &'static str,
    resources: Vec<Value>,
    outputs: Value,
}

impl Snapshot {
    fn all() -> Vec<Self> {
        SNAPSHOTS.into_iter().map(Self::read).collect()
    }

    fn read(name: &'static str) -> Self {
        let text = read(format!("infra/parameters/{name}.snapshot.json"));
        let mut value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["diagnostics"], json!([]), "{name}");
        let Value::Array(resources) = value["predictedResources"].take() else {
            panic!("{name} has no resources");
        };
        Self {
            name,
            resources,
            outputs: value["outputs"].take(),
        }
    }

    fn of_type(&self, kind: &str) -> Vec<&Value> {
        self.resources
            .iter()
            .filter(|it| it["type"] == kind)
            .collect()
    }

    fn only(&self, kind: &str) -> &Value {
        let found = self.of_type(kind);
        assert_eq!(found.len(), 1, "{kind} in {}", self.name);
        found[0]
    }

    fn named(&self, kind: &str, end: &str) -> &Value {
        let found = self.of_type(kind);
        let ends = |it: &&&Value| it["name"].as_str().unwrap().ends_with(end);
        found.iter().find(ends).unwrap_or_else(|| {
            panic!("{} has no {kind} {end}", self.name);
        })
    }

    fn settings(&self) -> BTreeMap<String, String> {
        let settings = &self.only("Microsoft.Web/sites/config")["properties"];
        serde_json::from_value(settings.clone()).unwrap()
    }

    fn is_private(&self) -> bool {
        self.name == "private-network"
    }
}

fn folders() -> BTreeSet<String> {
    FUNCTIONS.iter().map(|it| it.name.to_owned()).collect()
}

#[test]
fn every_parameter_file_has_a_snapshot() {
    let names = |extension| -> BTreeSet<String> {
        let paths = files("infra/parameters", extension);
        let name = |it: &PathBuf| it.file_name().unwrap().to_str().unwrap().to_owned();
        paths
            .iter()
            .map(|it| name(it).split('.').next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names("bicepparam"), names("json"));
    assert_eq!(
        names("json"),
        SNAPSHOTS.iter().map(|it| (*it).to_owned()).collect()
    );
}

#[test]
fn every_app_setting_is_one_that_somebody_reads() {
    let mut known: BTreeSet<&str> = VARIABLES.iter().map(|it| it.name).collect();
    known.extend(HOST_SETTINGS);
    for snapshot in Snapshot::all() {
        for name in snapshot.settings().keys() {
            assert!(
                known.contains(name.as_str()),
                "nobody reads {name} ({})",
                snapshot.name
            );
            assert!(
                !REFUSED_BY_FLEX.contains(&name.as_str()),
                "Flex Consumption refuses {name}"
            );
        }
    }
}

#[test]
fn every_setting_that_the_app_cannot_do_without_is_set() {
    // The host itself sets the port. The others have defaults that hold elsewhere, not here.
    let required = VARIABLES
        .iter()
        .filter(|it| it.default == "required" && it.name != "FUNCTIONS_CUSTOMHANDLER_PORT")
        .map(|it| it.name);
    let always = [
        "AZURE_CLIENT_ID",
        "VAULTBIND_CLOUD",
        "VAULTBIND_REQUESTS_QUEUE",
        "VAULTBIND_RESULTS_QUEUE",
    ];
    let wanted: Vec<&str> = required.chain(always).chain(HOST_SETTINGS).collect();
    for snapshot in Snapshot::all() {
        let settings = snapshot.settings();
        for name in &wanted {
            let value = settings.get(*name).map(String::as_str).unwrap_or_default();
            assert!(!value.is_empty(), "{} lacks {name}", snapshot.name);
        }
    }
}

#[test]
fn settings_that_function_files_ask_for_are_set() {
    let settings = Snapshot::read("smallest").settings();
    let mut count = 0;
    for folder in folders() {
        let text = read(format!("{folder}/function.json"));
        for name in text.split('%').skip(1).step_by(2) {
            assert!(
                settings.contains_key(name),
                "{folder}/function.json asks for {name}"
            );
            count += 1;
        }
    }
    assert_eq!(count, 2, "the queue and the schedule");
}

#[test]
fn the_known_principals_reach_the_app_in_the_form_that_it_reads() {
    let settings = Snapshot::read("private-network").settings();
    assert_eq!(
        settings["VAULTBIND_PLATFORM_PRINCIPAL_IDS"],
        "aaaaaaaa-0000-4000-8000-000000000001,aaaaaaaa-0000-4000-8000-000000000002"
    );
    let smallest = Snapshot::read("smallest").settings();
    assert!(!smallest.contains_key("VAULTBIND_PLATFORM_PRINCIPAL_IDS"));
}

#[test]
fn the_app_runs_the_custom_handler_and_stays_small() {
    for snapshot in Snapshot::all() {
        let app = &snapshot.only("Microsoft.Web/sites")["properties"];
        let config = &app["functionAppConfig"];
        assert_eq!(
            config["runtime"],
            json!({ "name": "custom", "version": "1.0" })
        );
        let scale = &config["scaleAndConcurrency"];
        assert_eq!(scale["maximumInstanceCount"], 2);
        let warm: BTreeSet<&str> = scale["alwaysReady"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["name"].as_str().unwrap())
            .collect();
        for name in &warm {
            let function = name.strip_prefix("function:").unwrap();
            assert!(folders().contains(function), "{name} is no function");
        }
        assert_eq!(warm.is_empty(), !snapshot.is_private());
        assert_eq!(
            config["deployment"]["storage"]["authentication"]["type"],
            "UserAssignedIdentity"
        );
        let plan = snapshot.only("Microsoft.Web/serverfarms");
        assert_eq!(
            plan["sku"],
            json!({ "tier": "FlexConsumption", "name": "FC1" })
        );
    }
}

// === Service Bus ===

#[test]
fn the_queues_are_as_the_messages_need_them() {
    for snapshot in Snapshot::all() {
        let settings = snapshot.settings();
        let queue = "Microsoft.ServiceBus/namespaces/queues";
        let requests = &snapshot
            .named(queue, &format!("/{}", settings["VAULTBIND_REQUESTS_QUEUE"]))["properties"];
        assert_eq!(requests["requiresDuplicateDetection"], true);
        assert_eq!(requests["duplicateDetectionHistoryTimeWindow"], "PT10M");
        assert_eq!(requests["maxDeliveryCount"], 100);
        assert_eq!(requests["lockDuration"], "PT5M");
        assert_eq!(requests["deadLetteringOnMessageExpiration"], true);
        let is_topic = snapshot.name == "three-subscriptions";
        let kind = if is_topic {
            "Microsoft.ServiceBus/namespaces/topics"
        } else {
            queue
        };
        let end = format!("/{}", settings["VAULTBIND_RESULTS_QUEUE"]);
        let results = &snapshot.named(kind, &end)["properties"];
        assert_eq!(results["requiresDuplicateDetection"], true);
        assert_eq!(results["duplicateDetectionHistoryTimeWindow"], "P1D");
        assert_eq!(snapshot.of_type(queue).len(), if is_topic { 1 } else { 2 });
    }
}

#[test]
fn a_lock_outlasts_the_longest_invocation() {
    let host: Value = serde_json::from_str(&read("host.json")).unwrap();
    assert_eq!(
        host["functionTimeout"], "00:02:00",
        "shorter than the lock of five minutes"
    );
    let calls = &host["extensions"]["serviceBus"]["maxConcurrentCalls"];
    assert!(
        calls.as_u64().unwrap() <= 16,
        "all instances share one identity's limits"
    );
}

#[test]
fn every_consumer_of_the_topic_gets_its_own_subscription() {
    let snapshot = Snapshot::read("three-subscriptions");
    let subscriptions = snapshot.of_type("Microsoft.ServiceBus/namespaces/topics/subscriptions");
    let names: Vec<&str> = subscriptions
        .iter()
        .map(|it| it["name"].as_str().unwrap().rsplit('/').next().unwrap())
        .collect();
    assert_eq!(names, ["ticketing", "dashboard"]);
    for it in subscriptions {
        assert_eq!(it["properties"]["deadLetteringOnMessageExpiration"], true);
    }
}

// === Events ===

fn event_subscriptions(snapshot: &Snapshot) -> Vec<&Value> {
    snapshot.of_type("Microsoft.EventGrid/systemTopics/eventSubscriptions")
}

#[test]
fn events_go_to_the_function_and_are_kept_where_they_cannot() {
    assert!(
        event_subscriptions(&Snapshot::read("smallest")).is_empty(),
        "they come after the code"
    );
    for (name, count) in [("private-network", 1), ("three-subscriptions", 6)] {
        let snapshot = Snapshot::read(name);
        let found = event_subscriptions(&snapshot);
        assert_eq!(found.len(), count, "{name}");
        for it in found {
            let properties = &it["properties"];
            let function = properties["destination"]["properties"]["resourceId"]
                .as_str()
                .unwrap();
            let (app, function) = function.rsplit_once("/functions/").unwrap();
            assert_eq!(app, snapshot.only("Microsoft.Web/sites")["id"]);
            assert!(folders().contains(function));
            assert!(read(format!("{function}/function.json")).contains("eventGridTrigger"));
            assert_eq!(
                properties["retryPolicy"],
                json!({ "maxDeliveryAttempts": 30, "eventTimeToLiveInMinutes": 1440 })
            );
            let dead = &properties["deadLetterWithResourceIdentity"];
            assert_eq!(dead["identity"]["type"], "UserAssigned");
            let container = &dead["deadLetterDestination"]["properties"]["blobContainerName"];
            snapshot.named(
                "Microsoft.Storage/storageAccounts/blobServices/containers",
                container.as_str().unwrap(),
            );
        }
    }
}

#[test]
fn each_topic_is_in_the_subscription_that_it_tells_of() {
    let snapshot = Snapshot::read("three-subscriptions");
    let mut sources = BTreeSet::new();
    for topic in snapshot.of_type("Microsoft.EventGrid/systemTopics") {
        let source = topic["properties"]["source"].as_str().unwrap();
        assert!(
            topic["id"]
                .as_str()
                .unwrap()
                .starts_with(&format!("{source}/"))
        );
        assert_eq!(topic["identity"]["type"], "UserAssigned");
        assert!(
            sources.insert((source, topic["properties"]["topicType"].as_str())),
            "one topic a source"
        );
    }
    let changes = sources
        .iter()
        .filter(|it| it.1 == Some("Microsoft.Resources.Subscriptions"));
    assert_eq!(changes.count(), 2, "the third subscription has a topic");
}

/// The operations that a filter of the subscription topics lets through.
fn filtered_operations(snapshot: &Snapshot) -> BTreeSet<String> {
    let found = event_subscriptions(snapshot);
    let filter = &found[0]["properties"]["filter"];
    assert_eq!(
        filter["includedEventTypes"],
        json!([
            "Microsoft.Resources.ResourceWriteSuccess",
            "Microsoft.Resources.ResourceDeleteSuccess"
        ])
    );
    let advanced = &filter["advancedFilters"][0];
    assert_eq!(
        (&advanced["operatorType"], &advanced["key"]),
        (&json!("StringIn"), &json!("data.operationName"))
    );
    serde_json::from_value(advanced["values"].clone()).unwrap()
}

/// Does the code act on this operation, given a subject that suits it?
fn is_read(operation: &str) -> bool {
    let vault =
        format!("/subscriptions/{HOME}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv1");
    let (kind, verb) = operation.rsplit_once('/').unwrap();
    let subject = match kind {
        "Microsoft.Authorization/roleAssignments" => format!("{vault}/providers/{kind}/{HOME}"),
        "Microsoft.Resources/tags" => format!("{vault}/providers/{kind}/default"),
        _ => format!("/subscriptions/{HOME}/resourceGroups/rg/providers/{kind}/thing1"),
    };
    let kind = if verb == "delete" { "Delete" } else { "Write" };
    let event = json!({
        "id": "e-1", "subject": subject, "eventType": format!("Microsoft.Resources.Resource{kind}Success"),
        "eventTime": "2026-07-19T18:38:04Z", "data": { "operationName": operation },
    });
    match event::read(&event) {
        Ok(_) => true,
        Err(EventError::Ignored(_)) => false,
        Err(error) => panic!("{operation}: {error}"),
    }
}

#[test]
fn the_filter_lets_through_what_the_code_reads_and_nothing_else() {
    let filtered = filtered_operations(&Snapshot::read("private-network"));
    for operation in &filtered {
        assert!(is_read(operation), "{operation} is delivered in vain");
    }
    let types = [
        "Microsoft.Authorization/roleAssignments",
        "Microsoft.Authorization/roleDefinitions",
        "Microsoft.KeyVault/vaults",
        "Microsoft.KeyVault/managedHSMs",
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        "Microsoft.NetworkCloud/clusterManagers",
        "Microsoft.NetworkCloud/clusters",
        "Microsoft.NetworkCloud/racks",
        "Microsoft.Resources/deployments",
        "Microsoft.Resources/tags",
    ];
    for kind in types {
        for verb in ["write", "delete", "action"] {
            let operation = format!("{kind}/{verb}");
            assert_eq!(
                is_read(&operation),
                filtered.contains(&operation),
                "{operation}"
            );
        }
    }
}
