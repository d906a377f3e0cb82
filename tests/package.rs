//! The deployment package: unpacked as the platform does, and started from its own `host.json`, it binds a cluster.
//! Nothing of the checkout but the package takes part.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it has to be"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};
use vaultbind_package::{
    archive,
    glibc::{self, Version},
    size,
    stage::{self, Parts},
};
use vaultbind_simulator::{
    ClusterSpec, Config, Estate, Simulator, SubscriptionSpec, VaultSpec,
    event_grid::EventGrid,
    functions_host::{FunctionsHost, HostConfig},
};

const SOON: Duration = Duration::from_secs(60);
const SUBSCRIPTION: &str = "11111111-1111-1111-1111-111111111111";
const POLICY: &str = include_str!("fixtures/by-site.yaml");

fn root() -> PathBuf {
    let handler = Path::new(env!("CARGO_MANIFEST_DIR"));
    handler.parent().unwrap().to_owned()
}

/// A folder of this test alone, empty.
fn scratch(name: &str) -> PathBuf {
    let folder =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The package as the platform has it: staged, packed and unpacked.
fn unpacked(scratch: &Path, program: &Path) -> PathBuf {
    let policy = scratch.join("a-policy.yaml");
    fs::write(&policy, POLICY).unwrap();
    let parts = Parts {
        root: root(),
        program: program.to_owned(),
        policy,
    };
    let staged = scratch.join("package");
    stage::stage(&parts, &staged).unwrap();
    let zip = scratch.join("vaultbind.zip");
    archive::pack(&staged, &zip).unwrap();
    let app = scratch.join("app");
    archive::unpack(&zip, &app).unwrap();
    app
}

/// Starts the app in a miniature host around this Azure.
async fn start(app: &Path, simulator: &Simulator, grid: &EventGrid) -> FunctionsHost {
    let mut config = HostConfig::new(app, simulator.world.clone(), simulator.broker.clone());
    config.environment = simulator.handler_environment();
    config.environment.push((
        "VAULTBIND_RESYNC_SCHEDULE".to_owned(),
        "0 0 */6 * * *".to_owned(),
    ));
    config.event_grid = Some(grid.clone());
    config.fast_forward = true;
    let host = FunctionsHost::start(config).await.unwrap();
    host.ready(SOON).await.unwrap();
    host
}

fn written(id: &str, kind: &str, subject: &str) -> Value {
    json!({
        "id": id, "topic": format!("/subscriptions/{SUBSCRIPTION}"), "subject": subject,
        "eventType": "Microsoft.Resources.ResourceWriteSuccess", "eventTime": "2026-07-19T18:38:04.6117357Z",
        "data": { "operationName": format!("{kind}/write"), "status": "Succeeded" },
        "dataVersion": "2", "metadataVersion": "1",
    })
}

/// One cluster with a vault, one without.
fn estate() -> Estate {
    Estate::new()
        .platform_apps()
        .subscription(SubscriptionSpec::new(SUBSCRIPTION).unregistered())
        .cluster(ClusterSpec::new("c1").tag("site", "a"))
        .cluster(ClusterSpec::new("c2").tag("site", "b"))
        .vault(
            VaultSpec::new("kv-a")
                .tag("purpose", "nexus-credentials")
                .tag("site", "a"),
        )
}

fn outcomes(simulator: &Simulator) -> BTreeMap<String, String> {
    let sent = simulator.broker.sent("results");
    sent.iter()
        .map(|it| serde_json::from_slice::<Value>(&it.message.body).unwrap())
        .map(|it| {
            let text = |pointer| it.pointer(pointer).unwrap().as_str().unwrap().to_owned();
            (text("/data/cluster/name"), text("/data/outcome"))
        })
        .collect()
}

/// The fields of the log that `infra/queries/log.kql` reads: beside, and within the span.
fn fields_that_queries_read() -> BTreeSet<String> {
    let query = fs::read_to_string(root().join("infra/queries/log.kql")).unwrap();
    let field = |it: &str| -> String {
        it.chars()
            .take_while(|it| it.is_ascii_alphanumeric() || "_.".contains(*it))
            .collect()
    };
    query.split("(Line.").skip(1).map(field).collect()
}

/// The same of the lines that were logged.
fn fields_of(lines: &[String]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in lines {
        let line: Value = serde_json::from_str(line).unwrap();
        for (name, value) in line.as_object().unwrap() {
            found.insert(name.clone());
            let within = value.as_object().into_iter().flatten();
            found.extend(within.map(|it| format!("{name}.{}", it.0)));
        }
    }
    found
}

#[tokio::test]
async fn the_package_binds_a_cluster_and_logs_what_the_queries_read() {
    let scratch = scratch("package");
    let app = unpacked(&scratch, Path::new(env!("CARGO_BIN_EXE_vaultbind")));
    let simulator = Simulator::start(Config::default(), estate()).await.unwrap();
    let grid = EventGrid::start(simulator.world.clone()).unwrap();
    let host = start(&app, &simulator, &grid).await;
    for name in ["c1", "c2"] {
        let id = simulator.world.azure().cluster_id(name).unwrap();
        grid.publish(&written(
            &format!("e-{name}"),
            "Microsoft.NetworkCloud/clusters",
            &id,
        ));
    }
    let vault = simulator.world.azure().vault_id("kv-a").unwrap();
    grid.publish(&written("e-kv-a", "Microsoft.KeyVault/vaults", &vault));
    host.settle(SOON).await.unwrap();
    let expected =
        [("c1", "bound"), ("c2", "unmatched")].map(|it| (it.0.to_owned(), it.1.to_owned()));
    assert_eq!(
        outcomes(&simulator),
        BTreeMap::from(expected),
        "{:#?}",
        host.stdout()
    );
    let written = fields_of(&host.stdout());
    let read = fields_that_queries_read();
    assert!(read.len() > 15, "{read:?}");
    let missing: Vec<&String> = read.difference(&written).collect();
    assert_eq!(missing, ["error"], "no line of {written:?} has these");
    drop(host);
    fs::remove_dir_all(scratch).unwrap();
}

#[test]
fn the_package_holds_what_the_host_reads_and_nothing_else() {
    let scratch = scratch("contents");
    let app = unpacked(&scratch, &root().join("Cargo.toml"));
    let mut found = Vec::new();
    for folder in [".", "bin", "reconcile", "resource-event", "resync"] {
        for entry in fs::read_dir(app.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let name = path.strip_prefix(app.join(".")).unwrap();
                found.push(name.display().to_string());
            }
        }
    }
    found.sort();
    assert_eq!(
        found,
        [
            "bin/vaultbind",
            "host.json",
            "policy.yaml",
            "reconcile/function.json",
            "resource-event/function.json",
            "resync/function.json"
        ]
    );
    let mode = fs::metadata(app.join(stage::PROGRAM))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o755, "the program lost its executable bit");
    assert_eq!(fs::read_to_string(app.join("policy.yaml")).unwrap(), POLICY);
    fs::remove_dir_all(scratch).unwrap();
}

#[test]
fn the_same_parts_make_the_same_zip() {
    let scratch = scratch("same");
    unpacked(&scratch, &root().join("Cargo.toml"));
    let first = fs::read(scratch.join("vaultbind.zip")).unwrap();
    fs::remove_dir_all(scratch.join("app")).unwrap();
    unpacked(&scratch, &root().join("Cargo.toml"));
    let second = fs::read(scratch.join("vaultbind.zip")).unwrap();
    assert!(first == second, "a checksum would change without a reason");
    fs::remove_dir_all(scratch).unwrap();
}

#[test]
fn a_folder_that_is_no_package_is_not_emptied() {
    let scratch = scratch("precious");
    let parts = Parts {
        root: root(),
        program: PathBuf::from(env!("CARGO_BIN_EXE_vaultbind")),
        policy: root().join("policy.yaml"),
    };
    fs::write(scratch.join("precious.txt"), "mine").unwrap();
    let error = stage::stage(&parts, &scratch).unwrap_err();
    assert!(error.to_string().contains("is no package"), "{error:#}");
    assert!(scratch.join("precious.txt").is_file());
    fs::remove_dir_all(scratch).unwrap();
}

#[test]
fn a_program_of_more_than_ten_mebibytes_is_not_packed() {
    let program = scratch("size").join("program");
    let file = fs::File::create(&program).unwrap();
    file.set_len(size::LARGEST).unwrap();
    size::check(&program).unwrap();
    file.set_len(size::LARGEST + 1).unwrap();
    let error = size::check(&program).unwrap_err().to_string();
    assert!(error.contains("has 10485761 bytes"), "{error}");
}

#[test]
fn a_program_that_needs_a_newer_glibc_than_the_platform_is_told_from_others() {
    let program = Path::new(env!("CARGO_BIN_EXE_vaultbind"));
    let needed = glibc::needed_by(program).unwrap();
    assert!(
        needed.is_none_or(|it| it > Version(2, 0) && it < Version(3, 0)),
        "{needed:?}"
    );
    let is_refused = glibc::check(program).is_err();
    assert_eq!(is_refused, needed.is_some_and(|it| it > glibc::OFFERED));
    let versions =
        ["GLIBC_2.2.5", "GLIBC_2.31", "GLIBC_2.34"].map(|it| it.parse::<Version>().unwrap());
    assert_eq!(versions, [Version(2, 2), Version(2, 31), Version(2, 34)]);
    assert!("GLIBC_ABI_DT_RELR".parse::<Version>().is_err());
    assert!(
        glibc::needed_by(&root().join("host.json")).is_err(),
        "that is no program"
    );
}
