//! Which log lines raise an alert: by its own query, read from where it is deployed from.
//!
//! It must not repeat the query: it knows just enough of Kusto to follow the few words that it uses.

use serde_json::Value;

use crate::town::root;

fn query(name: &str) -> String {
    std::fs::read_to_string(root().join("infra/queries").join(name)).unwrap()
}

/// The lines that a deployed query finds.
pub(crate) fn raised_by(lines: &[String], alert: &str) -> Vec<String> {
    let (log, alert) = (query("log.kql"), query(alert));
    let condition = alert
        .lines()
        .find_map(|it| it.strip_prefix("| where "))
        .unwrap();
    assert!(log.contains("| where Message startswith \"{\"") && alert.contains("\nVaultbindLog\n"));
    let is_found = |line: &&String| {
        let parsed: Value = serde_json::from_str(line).unwrap();
        let named = |name: &str| parsed[name].as_str().is_some_and(|it| !it.is_empty());
        let holds = |it: &str| holds(&log, it, &parsed);
        line.starts_with('{')
            && named("level")
            && named("target")
            && condition.split(" and ").all(holds)
    };
    lines.iter().filter(is_found).cloned().collect()
}

/// Does `Column == "text"` or `isempty(Column)` hold of the line?
fn holds(log: &str, condition: &str, line: &Value) -> bool {
    if let Some(column) = condition
        .strip_prefix("isempty(")
        .and_then(|it| it.strip_suffix(')'))
    {
        return value(log, column, line).is_empty();
    }
    let (column, text) = condition
        .split_once(" == ")
        .unwrap_or_else(|| panic!("cannot follow `{condition}`"));
    value(log, column, line) == text.trim_matches('"')
}

/// The column as `log.kql` takes it out of a line.
fn value(log: &str, column: &str, line: &Value) -> String {
    let mark = format!("    {column} = tostring(Line.");
    let path = log
        .lines()
        .find_map(|it| it.strip_prefix(&mark))
        .unwrap_or_else(|| panic!("log.kql has no {column}"));
    let path = path
        .trim_end_matches(',')
        .trim_end_matches(')')
        .replace('.', "/");
    line.pointer(&format!("/{path}"))
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}
