//! The queries: each is kept in one file, used where it is deployed, and reads what the log has.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{Snapshot, files, read, templates};

fn names() -> BTreeSet<String> {
    let name = |it: &std::path::PathBuf| it.file_name().unwrap().to_str().unwrap().to_owned();
    files("infra/queries", "kql").iter().map(name).collect()
}

#[test]
fn every_query_is_referenced_once_and_pasted_nowhere() {
    let sources: Vec<String> = templates()
        .iter()
        .map(|it| std::fs::read_to_string(it).unwrap())
        .collect();
    let sources = sources.concat();
    for name in names() {
        let count = sources
            .matches(&format!("loadTextContent('../queries/{name}')"))
            .count();
        assert_eq!(count, 1, "{name}");
    }
    for word in ["| where", "| summarize", "AppTraces", "VaultbindLog\n"] {
        assert!(!sources.contains(word), "a query is pasted: {word}");
    }
}

/// What is deployed as a query: of rules, saved searches and the workbook.
fn deployed(snapshot: &Snapshot) -> Vec<String> {
    let text = |it: &Value| it.as_str().unwrap().to_owned();
    let rules = snapshot.of_type("Microsoft.Insights/scheduledQueryRules");
    let saved = snapshot.of_type("Microsoft.OperationalInsights/workspaces/savedSearches");
    let workbook = snapshot.only("Microsoft.Insights/workbooks")["properties"]["serializedData"]
        .as_str()
        .unwrap();
    let workbook: Value = serde_json::from_str(workbook).unwrap();
    let items = workbook["items"].as_array().unwrap();
    let charts = items.iter().filter(|it| it["type"] == 3);
    rules
        .iter()
        .map(|it| text(&it["properties"]["criteria"]["allOf"][0]["query"]))
        .chain(saved.iter().map(|it| text(&it["properties"]["query"])))
        .chain(charts.map(|it| text(&it["content"]["query"])))
        .collect()
}

#[test]
fn what_is_deployed_is_what_the_files_say() {
    let deployed: BTreeSet<String> = deployed(&Snapshot::read("smallest")).into_iter().collect();
    let files: BTreeSet<String> = names()
        .iter()
        .map(|it| read(format!("infra/queries/{it}")))
        .collect();
    assert_eq!(deployed, files);
}

#[test]
fn the_rule_on_sweeps_waits_for_two_periods_of_the_schedule() {
    for (name, hours, schedule) in [
        ("smallest", 12, "0 0 */6 * * *"),
        ("three-subscriptions", 48, "0 0 0 * * *"),
    ] {
        let snapshot = Snapshot::read(name);
        assert_eq!(snapshot.settings()["VAULTBIND_RESYNC_SCHEDULE"], schedule);
        let wanted = format!("let TwoPeriods = {hours}h;");
        let found = deployed(&snapshot);
        assert_eq!(
            found.iter().filter(|it| it.contains(&wanted)).count(),
            1,
            "{name}"
        );
    }
}

#[test]
fn every_rule_tells_whoever_is_to_be_told() {
    let snapshot = Snapshot::read("private-network");
    let group = &snapshot.only("Microsoft.Insights/actionGroups")["id"];
    let rules = snapshot.of_type("Microsoft.Insights/scheduledQueryRules");
    assert_eq!(rules.len(), 4);
    for rule in rules {
        assert_eq!(&rule["properties"]["actions"]["actionGroups"][0], group);
    }
    let metrics = snapshot.of_type("Microsoft.Insights/metricAlerts");
    assert_eq!(
        metrics.len(),
        3,
        "dead letters of Service Bus and of Event Grid, requests that nobody reads"
    );
    for rule in metrics {
        assert_eq!(&rule["properties"]["actions"][0]["actionGroupId"], group);
    }
}

#[test]
fn no_line_is_left_out_by_sampling() {
    let host: Value = serde_json::from_str(&read("host.json")).unwrap();
    let sampling = &host["logging"]["applicationInsights"]["samplingSettings"];
    let kept = sampling["excludedTypes"].as_str().unwrap();
    assert!(
        kept.split(';').any(|it| it == "Trace"),
        "alerts count single lines: {kept}"
    );
}
