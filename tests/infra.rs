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
#[path = "infra/events.rs"]
mod events;
#[path = "infra/hooks.rs"]
mod hooks;
#[path = "infra/kusto.rs"]
mod kusto;
#[path = "infra/queries.rs"]
mod queries;
#[path = "infra/security.rs"]
mod security;
#[path = "infra/service_bus.rs"]
mod service_bus;
#[path = "infra/snapshot.rs"]
mod snapshot;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;
use vaultbind::{config::VARIABLES, functions::FUNCTIONS};

use snapshot::Snapshot;

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
