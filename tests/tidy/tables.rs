//! The tables of the pages: a row with more cells than its header loses what is left over where the page is shown.
//!
//! It must not judge what they say.

use std::{collections::BTreeMap, fs};

use crate::{collect, root};

/// Every page of the repository, by its path from the root.
fn pages() -> BTreeMap<String, String> {
    let mut pages = BTreeMap::new();
    for entry in fs::read_dir(root()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_file() && name.ends_with(".md") {
            pages.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
    for folder in ["docs", "handler", "infra", "tests", "tools"] {
        collect(&root().join(folder), "md", &mut pages);
    }
    pages
}

/// How many cells a row has: a bar divides them even within backticks, unless a backslash stands before it.
fn cells(row: &str) -> usize {
    let row = row.replace(r"\|", "");
    let row = row.trim();
    let row = row.strip_prefix('|').unwrap_or(row);
    row.strip_suffix('|').unwrap_or(row).split('|').count()
}

/// Is it the line below a header, such as `|---|:---:|`?
fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.starts_with('|') && line.contains("--") && line.chars().all(|it| " |:-".contains(it))
}

/// The rows with more or fewer cells than their header, with the number of rows.
fn uneven(page: &str) -> (Vec<&str>, usize) {
    let (mut uneven, mut count) = (Vec::new(), 0);
    let mut before = "";
    let mut columns = None;
    for line in page.lines() {
        if is_rule(line) {
            columns = Some(cells(before));
        }
        if !line.trim_start().starts_with('|') {
            columns = None;
        } else if let Some(columns) = columns {
            count += 1;
            if cells(line) != columns {
                uneven.push(line);
            }
        }
        before = line;
    }
    (uneven, count)
}

#[test]
fn every_row_of_a_table_has_as_many_cells_as_its_header() {
    let mut rows = 0;
    for (page, text) in pages() {
        let (uneven, count) = uneven(&text);
        assert!(uneven.is_empty(), "{page}: {uneven:#?}");
        rows += count;
    }
    assert!(rows >= 200, "only {rows} rows are found");
}

#[test]
fn a_bar_divides_cells_even_within_backticks() {
    let table = "| a | b |\n|---|---|\n| `x|y` | z |\n| `x\\|y` | z |\n| x |\n\n| no | table | |\n";
    assert_eq!(uneven(table), (vec!["| `x|y` | z |", "| x |"], 4));
}
