//! What the pages claim: each invariant, edge, open fact and claim about security names tests that exist.
//!
//! It must not run them.

use std::{collections::BTreeSet, fs};

use crate::{files, read, root};

/// Every test or scenario that is named in backticks here has to exist; returns how many there are.
fn named_tests(page: &str, text: &str, sources: &str) -> usize {
    let names = text.split('`').skip(1).step_by(2);
    let missing = names.clone().find(|name| {
        let is_script = |folder: &str| root().join(folder).join(name).is_file();
        let is_scenario = name.ends_with(".txt")
            && (is_script("tests/scenarios") || is_script("handler/core/tests"));
        !is_scenario && !sources.contains(&format!("fn {name}("))
    });
    assert_eq!(missing, None, "{page} names a test that there is not");
    names.count()
}

#[test]
fn every_invariant_names_a_test_that_exists() {
    let sources: String = files("rs").into_values().collect();
    let page = read("ARCHITECTURE.md");
    let tests = page.lines().filter_map(|line| line.split_once("Test: "));
    let count: usize = tests
        .map(|(_, tests)| named_tests("ARCHITECTURE.md", tests, &sources))
        .sum();
    assert!(count >= 15, "only {count} tests are named");
}

#[test]
fn every_open_fact_names_tests_that_exist() {
    let sources: String = files("rs").into_values().collect();
    let page = read("tests/README.md");
    let table = page.split_once("## What Azure leaves open").unwrap().1;
    let rows = table.lines().filter(|it| it.starts_with("| ")).skip(1);
    let mut count = 0;
    for row in rows {
        let cells: Vec<&str> = row.split(" | ").collect();
        assert_eq!(cells.len(), 3, "{row}");
        for answer in &cells[1..] {
            let (_, tests) = answer.rsplit_once(": ").unwrap();
            assert!(named_tests("tests/README.md", tests, &sources) > 0, "{row}");
        }
        count += 1;
    }
    assert!(count >= 10, "only {count} facts");
}

#[test]
fn every_claim_about_security_names_a_test_that_exists() {
    let sources: String = files("rs").into_values().collect();
    let page = read("SECURITY.md");
    let rows = page
        .lines()
        .filter(|line| line.starts_with("| who") && !line.starts_with("| who |"));
    let tests = rows.filter_map(|row| row.trim_end_matches(" |").rsplit_once(" | "));
    let count: usize = tests
        .map(|(_, tests)| named_tests("SECURITY.md", tests, &sources))
        .sum();
    assert!(count >= 10, "only {count} tests are named");
}

#[test]
fn every_edge_names_a_test_that_exists() {
    let sources: String = files("rs").into_values().collect();
    let page = read("tests/EDGES.md");
    let is_head = |row: &&str| row.starts_with("|---") || row.starts_with("| |");
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let mut count = 0;
    for row in rows.filter(|it| !is_head(it) && *it != "| edge | test |") {
        // Behind the edge itself, whose words may be in backticks too.
        let (_, tests) = row.trim_start_matches("| ").split_once(" | ").unwrap();
        let named = named_tests("tests/EDGES.md", tests, &sources);
        assert!(named > 0, "no test holds: {row}");
        count += named;
    }
    assert!(count >= 150, "only {count} tests are named");
}

/// The readers that are fuzzed: each has a corpus, and is given it in one place.
fn fuzz_targets() -> BTreeSet<String> {
    let corpora = fs::read_dir(root().join("tests/fuzz/corpus")).unwrap();
    let names = corpora.map(|it| it.unwrap().file_name().into_string().unwrap());
    let sources: String = files("rs").into_values().collect();
    let given = |name: &String| {
        let count = sources.matches(&format!("fuzz(\"{name}\", ")).count();
        assert_eq!(count, 1, "the corpus {name} is given to {count} readers");
    };
    names.inspect(given).collect()
}

#[test]
fn the_pages_tell_how_many_hostile_inputs_are_tried() {
    let targets = fuzz_targets().len();
    let inputs = targets * vaultbind_fuzz::INPUTS as usize;
    let expected = format!("{targets} readers, {},000 hostile inputs", inputs / 1000);
    for page in ["README.md", "SECURITY.md"] {
        assert!(
            read(page).contains(&expected),
            "{page} does not say: {expected}"
        );
    }
}

#[test]
fn every_code_that_is_known_is_tried_by_each_call_that_it_can_answer() {
    let rows = read("tests/e2e/faults/codes.rs");
    for known in vaultbind::reconcile::error_policy::codes::KNOWN {
        let code = known.code;
        let is_tried =
            rows.contains(&format!("\"{code}\"")) || rows.contains(&format!(">{code}\""));
        assert!(is_tried, "{code} is no row of the matrix by code");
    }
}
