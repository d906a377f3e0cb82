//! The table: the last outcome of each cluster.
//! It leaves out what does not fit into a line.

use std::collections::BTreeMap;

use serde_json::Value;

const HEADINGS: [&str; 5] = [
    "cluster",
    "location",
    "outcome",
    "vault",
    "why, or who writes",
];
/// No column is wider.
const WIDEST: usize = 60;

/// The table, with a line that says how to read it.
pub(super) fn of(results: &[Value]) -> String {
    let mut rows: BTreeMap<String, [String; 5]> = BTreeMap::new();
    for result in results {
        let row = row(&result["data"]);
        rows.insert(row[0].clone(), row);
    }
    let mut lines: Vec<[String; 5]> = vec![HEADINGS.map(str::to_owned)];
    lines.extend(rows.into_values());
    let widths: [usize; 5] = std::array::from_fn(|column| {
        lines
            .iter()
            .map(|line| line[column].chars().count())
            .max()
            .unwrap_or_default()
    });
    let mut text = String::from("\n");
    for line in &lines {
        let cells: Vec<String> = line
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text.push_str(
        "\nEach line is the last result of a cluster, as it stands on the results queue.\n",
    );
    text
}

fn row(data: &Value) -> [String; 5] {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let vault = data["vault"]["id"]
        .as_str()
        .and_then(|id| id.rsplit('/').next())
        .unwrap_or("-");
    let why = match data["reason"]["message"].as_str() {
        Some(message) => shortened(&named(message)),
        None => format!("written by {}", text(&data["writers"][0]["kind"])),
    };
    [
        text(&data["cluster"]["name"]),
        text(&data["cluster"]["location"]),
        text(&data["outcome"]),
        vault.to_owned(),
        why,
    ]
}

/// The message with names in the place of ids.
fn named(message: &str) -> String {
    let name = |word: &str| {
        let plain = word.trim_matches('`').trim_end_matches(['`', ';', ',']);
        match plain
            .strip_prefix("/subscriptions/")
            .and_then(|id| id.rsplit('/').next())
        {
            Some(last) => word.replace(plain, last),
            None => word.to_owned(),
        }
    };
    message.split(' ').map(name).collect::<Vec<_>>().join(" ")
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= WIDEST {
        return text.to_owned();
    }
    let kept: String = text.chars().take(WIDEST - 3).collect();
    format!("{}...", kept.trim_end())
}
