//! The repository's own rules: what the compiler cannot check and a reviewer would forget.
//!
//! It must not test behaviour; it reads files and the packages' manifests alone.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test ends where something is not as it has to be"
)]

#[path = "tidy/claims.rs"]
mod claims;
#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/published.rs"]
mod published;
#[path = "tidy/tables.rs"]
mod tables;
#[path = "tidy/words.rs"]
mod words;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use vaultbind::functions::FUNCTIONS;
use vaultbind_core::result::Outcome;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn json(path: &str) -> Value {
    serde_json::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file that is under the rules, by its path from the root.
fn files(extension: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for folder in ["handler", "tests"] {
        collect(&root().join(folder), extension, &mut found);
    }
    assert!(!found.is_empty());
    found
}

fn collect(folder: &Path, extension: &str, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, extension, found);
        } else if path.extension().is_some_and(|it| it == extension) {
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            found.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
}

/// The dependencies of each package of the workspace: for the build, not for tests.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--locked",
            "--format-version",
            "1",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let named = |it: &Value| it["name"].as_str().unwrap().to_owned();
    packages
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            let built = dependencies.filter(|it| it["kind"] != "dev").map(named);
            (named(package), built.collect())
        })
        .collect()
}

#[test]
fn the_core_cannot_do_input_or_output() {
    let allowed = [
        "saphyr",
        "schemars",
        "serde",
        "serde_json",
        "sha2",
        "strsim",
        "thiserror",
        "time",
        "uuid",
    ];
    let core = &dependencies()["vaultbind-core"];
    let foreign: Vec<&String> = core
        .iter()
        .filter(|it| !allowed.contains(&it.as_str()))
        .collect();
    assert!(foreign.is_empty(), "the core may not depend on {foreign:?}");
    for (file, text) in files("rs")
        .iter()
        .filter(|(file, _)| file.starts_with("handler/core/src"))
    {
        for word in [
            "std::net",
            "std::fs",
            "std::env",
            "std::process",
            "std::thread",
            "now_utc",
            "SystemTime",
            "Instant::now",
        ] {
            assert!(!text.contains(word), "{file} uses {word}");
        }
    }
}

#[test]
fn packages_depend_in_one_direction() {
    let all = dependencies();
    let ours = |package: &str| -> BTreeSet<&str> {
        all[package]
            .iter()
            .map(String::as_str)
            .filter(|it| it.starts_with("vaultbind"))
            .collect()
    };
    assert_eq!(ours("vaultbind-core"), BTreeSet::new());
    assert_eq!(ours("vaultbind-azure"), BTreeSet::from(["vaultbind-core"]));
    assert_eq!(
        ours("vaultbind"),
        BTreeSet::from(["vaultbind-azure", "vaultbind-core"])
    );
    assert_eq!(
        ours("vaultbind-simulator"),
        BTreeSet::new(),
        "the simulator shares no types with what it tests"
    );
}

#[test]
fn the_legacy_service_bus_crate_stays_in_one_module() {
    for (file, text) in files("rs") {
        let uses = text.contains(concat!("azure_messaging_", "servicebus::"))
            || text.contains(concat!("azure_core_", "legacy::"));
        let is_home = file == "handler/azure/src/service_bus.rs"
            || file.starts_with("handler/azure/src/service_bus/");
        assert!(!uses || is_home, "{file} names the Service Bus crate");
    }
}

#[test]
fn only_acting_writes_to_azure() {
    let writes = [".set_archive(", ".assign_role(", ".register("];
    for (file, text) in files("rs")
        .iter()
        .filter(|(file, _)| file.starts_with("handler/src"))
    {
        let found = writes.iter().find(|it| text.contains(**it));
        assert!(
            found.is_none() || file == "handler/src/reconcile/act.rs",
            "{file} writes: {found:?}"
        );
    }
}

#[test]
fn folders_routes_and_modules_of_the_functions_agree() {
    let mut folders = BTreeSet::new();
    for entry in fs::read_dir(root()).unwrap() {
        let path = entry.unwrap().path();
        if path.join("function.json").is_file() {
            folders.insert(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
    assert_eq!(
        folders,
        FUNCTIONS.iter().map(|it| it.name.to_owned()).collect()
    );
    for function in FUNCTIONS {
        let file = json(&format!("{}/function.json", function.name));
        let bindings = file["bindings"].as_array().unwrap();
        assert_eq!(bindings.len(), 1, "{}", function.name);
        assert_eq!(bindings[0]["name"], function.binding);
        let module = format!(
            "handler/src/functions/{}.rs",
            function.name.replace('-', "_")
        );
        assert!(root().join(&module).is_file(), "{module}");
    }
}

#[test]
fn the_host_is_told_what_the_code_relies_on() {
    let host = json("host.json");
    assert_eq!(host["version"], "2.0");
    assert_eq!(
        host["customHandler"]["description"]["arguments"],
        serde_json::json!(["serve"])
    );
    assert_eq!(
        host["customHandler"]["description"]["defaultExecutablePath"],
        "bin/vaultbind"
    );
    assert_eq!(host["functionTimeout"], "00:02:00");
    let answers = FUNCTIONS.map(|it| (it.name, it.answers_within.as_secs()));
    let expected = [("resource-event", 20), ("reconcile", 60), ("resync", 20)];
    assert_eq!(answers, expected, "Event Grid waits for 30 s");
    let trigger = &json("reconcile/function.json")["bindings"][0];
    assert_eq!(trigger["queueName"], "%VAULTBIND_REQUESTS_QUEUE%");
    assert_eq!(trigger["connection"], "ServiceBus");
    assert_eq!(
        json("resync/function.json")["bindings"][0]["schedule"],
        "%VAULTBIND_RESYNC_SCHEDULE%"
    );
}

#[test]
fn modules_are_short_and_say_what_they_hold() {
    for (file, text) in files("rs") {
        assert!(
            !file.ends_with("/mod.rs"),
            "{file}: `name.rs` beside `name/` instead"
        );
        let lines = text.lines().count();
        let is_test = file.contains("tests/") && !file.starts_with("tests/simulator/src")
            || file.ends_with("tests.rs")
            || file.contains("/src/") && file.contains("/tests/");
        assert!(
            lines <= 300 || is_test && lines <= 600,
            "{file} has {lines} lines"
        );
        assert!(
            text.starts_with("//! ") || is_test,
            "{file} does not say what it holds"
        );
    }
}

/// Commands of cargo that read the lock file, and would write another one where it does not fit.
const LOCKING: [&str; 12] = [
    "bench", "build", "check", "clippy", "deny", "doc", "install", "metadata", "nextest", "run",
    "test", "tree",
];

/// Every page, script and source of the repository, by its path from the root.
fn pages() -> BTreeMap<String, String> {
    let mut found = BTreeMap::from([(".ci/run".to_owned(), read(".ci/run"))]);
    for entry in fs::read_dir(root()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_file() {
            found.extend(fs::read_to_string(&path).ok().map(|text| (name, text)));
        } else if !["target", ".git"].contains(&name.as_str()) {
            for extension in ["md", "rs", "toml", "yml", "yaml", "sh"] {
                collect(&path, extension, &mut found);
            }
        }
    }
    // An alias is a command without its first word.
    let aliases = found.get_mut(".cargo/config.toml").unwrap();
    *aliases = aliases.replace(" = \"", " = \"cargo ");
    found
}

#[test]
fn every_command_that_builds_takes_the_lock_file_as_it_is() {
    let pages = pages();
    let lines = pages
        .iter()
        .flat_map(|(page, text)| text.lines().map(move |line| (page, line)));
    let mut count = 0;
    for (page, line) in lines {
        for command in line.split("cargo ").skip(1) {
            let command = command
                .split(['`', '"', '#', ';', '|', '('])
                .next()
                .unwrap_or_default();
            let verb = command.split(' ').find(|it| !it.starts_with('+'));
            if verb.is_some_and(|it| LOCKING.contains(&it)) {
                count += 1;
                assert!(
                    command.contains("--locked"),
                    "{page}: `cargo {command}` may take other versions"
                );
            }
        }
    }
    assert!(count >= 25, "only {count} commands are found");
}

#[test]
fn the_workflows_build_with_the_compiler_that_the_workspace_names() {
    let manifest = read("Cargo.toml");
    let (_, behind) = manifest.split_once("rust-version = \"").unwrap();
    let version = behind.split('"').next().unwrap();
    // rust-toolchain.toml names a channel; this variable goes before it.
    let pinned = format!("\n  RUSTUP_TOOLCHAIN: {version}.0\n");
    let install = "run: rustup toolchain install \"$RUSTUP_TOOLCHAIN\" ";
    for name in ["ci", "release"] {
        let workflow = read(&format!(".github/workflows/{name}.yml"));
        assert!(workflow.contains(&pinned), "{name} lacks{pinned}");
        let jobs = workflow.split("runs-on:").skip(1);
        let building: Vec<&str> = jobs.filter(|it| it.contains(" cargo ")).collect();
        assert!(!building.is_empty(), "{name} builds nothing");
        for job in building {
            let first = job.find(" cargo ");
            assert!(
                job.find(install).is_some_and(|at| Some(at) < first),
                "{job}"
            );
        }
    }
}

#[test]
fn every_outcome_has_a_scenario() {
    let scenarios: String = files("txt")
        .into_iter()
        .filter(|(file, _)| file.starts_with("tests/scenarios/"))
        .map(|it| it.1)
        .collect();
    for outcome in Outcome::ALL {
        assert!(
            scenarios.contains(&format!("result {outcome}")),
            "no scenario shows `{outcome}`"
        );
    }
}
