//! The table: the last outcome of each cluster.
//! It leaves out what does not fit into a line.

use std::collections::BTreeMap;

use serde_json::Value;

use super::text::{Colour, WIDTH, named, shortened};

const HEADINGS: [&str; 6] = [
    "cluster", "location", "outcome", "vault", "writer", "reason",
];
const OUTCOME: usize = 2;
const GAP: &str = "  ";

/// The table, with a line that says how to read it.
pub(super) fn of(results: &[Value]) -> String {
    let mut last: BTreeMap<String, [String; 6]> = BTreeMap::new();
    for result in results {
        let row = row(&result["data"]);
        last.insert(row[0].clone(), row);
    }
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(last.into_values());
    let widths = widths(&rows);
    let lines: Vec<String> = rows
        .iter()
        .enumerate()
        .map(|(place, row)| line(row, &widths, place == 0))
        .collect();
    format!(
        "\n{}\n\nA line is a cluster's last result: the vault that the policy chooses, who writes credentials to it, why it is so.\n",
        lines.join("\n")
    )
}

fn row(data: &Value) -> [String; 6] {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let reason = &data["reason"];
    let why = match (reason["code"].as_str(), reason["message"].as_str()) {
        (Some(code), Some(message)) => format!("{code}: {}", named(message)),
        _ => "-".to_owned(),
    };
    [
        text(&data["cluster"]["name"]),
        text(&data["cluster"]["location"]),
        text(&data["outcome"]),
        named(&text(&data["vault"]["id"])),
        text(&data["writers"][0]["kind"]),
        why,
    ]
}

/// Each column is as wide as it needs to be; the last one takes what is left.
fn widths(rows: &[[String; 6]]) -> [usize; 6] {
    let mut widths: [usize; 6] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or_default()
    });
    let before: usize = widths[..5].iter().map(|it| it + GAP.len()).sum();
    widths[5] = WIDTH.saturating_sub(before);
    widths
}

fn line(row: &[String; 6], widths: &[usize; 6], is_heading: bool) -> String {
    let cell = |column: usize| {
        let (text, width) = (shortened(&row[column], widths[column]), widths[column]);
        // The last cell needs no padding; padding comes after the colour, which has no width.
        let padding = if column == 5 {
            0
        } else {
            width.saturating_sub(text.chars().count())
        };
        let text = match column {
            _ if is_heading => Colour::Bold.paint(&text),
            OUTCOME => Colour::of_outcome(&text).paint(&text),
            _ => text,
        };
        format!("{text}{}", " ".repeat(padding))
    };
    (0..6).map(cell).collect::<Vec<_>>().join(GAP)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_last_result_counts_and_no_line_is_too_wide() {
        let result = |outcome: &str, message: &str| {
            json!({ "data": {
                "cluster": { "name": "c1", "location": "westeurope" }, "outcome": outcome, "vault": null,
                "writers": [], "reason": { "code": "Code", "message": message },
            }})
        };
        let table = of(&[
            result("unmatched", "no vault"),
            result("held", &"why ".repeat(60)),
        ]);
        assert!(
            table.contains("held") && !table.contains("unmatched"),
            "{table}"
        );
        assert!(table.contains("Code: why why"), "{table}");
        assert!(
            table.lines().all(|it| it.chars().count() <= WIDTH),
            "{table}"
        );
    }
}
