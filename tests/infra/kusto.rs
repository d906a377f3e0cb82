//! Kusto's own parser and semantic analysis on every query: a wrong column would otherwise show in an alert that
//! never fires.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::json;

use crate::{files, root};

/// The folder with the checker and Kusto's package; nothing on a user's machine that lacks Node or the registry.
fn checker() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kusto");
    fs::create_dir_all(&folder).unwrap();
    for file in ["check.cjs", "package.json", "package-lock.json"] {
        fs::copy(root().join("tools/kusto").join(file), folder.join(file)).unwrap();
    }
    let is_installed = folder
        .join("node_modules/@kusto/language-service-next/package.json")
        .is_file();
    let works = is_installed || {
        let installing = Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund", "--prefer-offline"])
            .current_dir(&folder)
            .stdout(Stdio::null())
            .status();
        installing.is_ok_and(|it| it.success())
    };
    if !works {
        assert!(
            std::env::var_os("CI").is_none(),
            "CI needs Node and the npm registry"
        );
        eprintln!("skipped: no Node with Kusto's package, so the queries were not analysed");
    }
    works.then_some(folder)
}

/// What Kusto has against these queries, beside the function that all of them may call.
fn diagnostics(checker: &Path, log: &str, queries: &BTreeMap<String, String>) -> String {
    let input = json!({
        // The columns of the workspace's table that the queries use.
        "tables": {
            "AppTraces": "(TimeGenerated: datetime, Message: string)",
            // The columns of Resource Graph's table of resources.
            "resources": "(id: string, name: string, type: string, tenantId: string, location: string, \
                resourceGroup: string, subscriptionId: string, tags: dynamic, properties: dynamic)",
        },
        "functions": { "VaultbindLog": log },
        "queries": queries,
    });
    let mut node = Command::new("node")
        .arg("check.cjs")
        .current_dir(checker)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = node.stdin.take().unwrap();
    stdin.write_all(input.to_string().as_bytes()).unwrap();
    drop(stdin);
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "the checker failed");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn kusto_finds_nothing_wrong_with_any_query_and_would_say_so() {
    let Some(checker) = checker() else { return };
    check_resource_graph(&checker);
    let read = |it: &PathBuf| {
        let name = it.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(it).unwrap())
    };
    let mut queries: BTreeMap<String, String> =
        files("infra/queries", "kql").iter().map(read).collect();
    let log = queries.remove("log.kql").unwrap();
    assert_eq!(diagnostics(&checker, &log, &queries), "");
    let wrong = [
        ("column", "VaultbindLog | where Outcom == 'failed'"),
        ("syntax", "VaultbindLog | wher Outcome == 'failed'"),
        ("type", "VaultbindLog | where Changed > 'x'"),
    ];
    for (what, text) in wrong {
        let queries = BTreeMap::from([(what.to_owned(), text.to_owned())]);
        let found = diagnostics(&checker, &log, &queries);
        assert!(found.starts_with(&format!("{what}:1: Error")), "{found}");
    }
}

/// The queries that the binary sends to Resource Graph.
fn check_resource_graph(checker: &Path) {
    let log = fs::read_to_string(root().join("infra/queries/log.kql")).unwrap();
    let numbered = vaultbind_azure::arm::queries().into_iter().enumerate();
    let queries = numbered
        .map(|(number, it)| (format!("query-{number}"), it))
        .collect();
    assert_eq!(diagnostics(checker, &log, &queries), "");
    let wrong = BTreeMap::from([("q".to_owned(), "resources | where typ =~ 'x'".to_owned())]);
    assert!(diagnostics(checker, &log, &wrong).starts_with("q:1: Error"));
}
