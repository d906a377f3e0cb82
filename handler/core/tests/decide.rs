//! Golden cases of the decision: each file in `cases` holds policies, estates and what is decided about them.
//!
//! It must not do more than a reader of Azure does: what a decision does not ask for, it does not get.
//!
//! `UPDATE_EXPECT=1 cargo test --locked -p vaultbind-core --test decide` writes what is decided into the files anew.
//! A file has sections, each a line that ends in a colon with indented lines below it:
//! `policy:` holds for the estates behind it, `estate:` is what Azure holds (`decide/estate.rs` has its words),
//! and `decision:` is what comes out.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test ends where something is not as it has to be"
)]

#[path = "decide/account.rs"]
mod account;
#[path = "decide/estate.rs"]
mod estate;
#[path = "decide/observer.rs"]
mod observer;
#[path = "shared/patched.rs"]
mod patched;
#[path = "decide/properties.rs"]
mod properties;

use std::{fs, panic, path::Path};

use expect_test::expect_file;
use time::macros::datetime;
use vaultbind_core::{
    decision::{Decision, Read},
    inventory::{
        Inventory,
        file::{Defaults, load},
    },
    observation::observe_offline,
    plan::Change,
    policy::{Policy, document},
};

use estate::Estate;
use observer::{observe, seen, subject};

#[test]
fn every_case_is_decided_as_it_says() {
    let mut failed = Vec::new();
    let files = files();
    assert!(files.len() >= 10, "only {} files of cases", files.len());
    for (name, path) in files {
        let outcome = panic::catch_unwind(|| {
            let text = fs::read_to_string(&path).unwrap();
            expect_file![&path].assert_eq(&played(&text));
        });
        if outcome.is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "these do not hold: {failed:?}");
}

#[test]
fn the_order_of_reading_does_not_change_a_decision() {
    for (name, path) in files() {
        for (policy, estate) in estates(&fs::read_to_string(path).unwrap()) {
            let (_, at_once) = observe(&policy, &estate, |reads| reads);
            let (_, first_first) = observe(&policy, &estate, |reads| {
                reads.into_iter().take(1).collect()
            });
            let last = |reads: Vec<Read>| reads.into_iter().next_back().into_iter().collect();
            let (_, last_first) = observe(&policy, &estate, last);
            assert_eq!(at_once, first_first, "{name}: {estate:?}");
            assert_eq!(at_once, last_first, "{name}: {estate:?}");
        }
    }
}

#[test]
fn a_second_look_after_the_plan_was_carried_out_finds_nothing_to_do() {
    let mut bound = 0;
    for (name, path) in files() {
        for (policy, mut estate) in estates(&fs::read_to_string(path).unwrap()) {
            let (_, first) = observe(&policy, &estate, |reads| reads);
            if !first.is_bound() {
                continue;
            }
            estate.carry_out(&first.plan);
            // What follows a registration is planned after it.
            let (_, next) = observe(&policy, &estate, |reads| reads);
            estate.carry_out(&next.plan);
            let (_, last) = observe(&policy, &estate, |reads| reads);
            assert!(last.is_bound(), "{name}: {last:?}");
            assert!(last.plan.is_empty(), "{name}: {}", last.plan);
            assert_eq!(last.vault, first.vault, "{name}");
            let writer = |it: &Decision| it.writer.as_ref().map(|it| it.writer);
            assert_eq!(writer(&last), writer(&first), "{name}");
            bound += 1;
        }
    }
    assert!(bound >= 10, "only {bound} cases bind");
}

#[test]
fn what_was_captured_written_and_read_decides_the_same() {
    let mut looked = 0;
    for (name, path) in files() {
        for (policy, estate) in estates(&fs::read_to_string(path).unwrap()) {
            let (_, inventory, live) = seen(&policy, &estate, |reads| reads);
            let mut captured = Inventory {
                captured: Some(datetime!(2026-11-23 12:00 UTC)),
                ..Inventory::default()
            };
            captured.extend(inventory);
            let text = captured.to_json();
            let defaults = Defaults::of(&policy, "vault.azure.net");
            let read = load(&text, &defaults).unwrap_or_else(|it| panic!("{name}: {it:?}\n{text}"));
            assert_eq!(read.to_json(), text, "{name}");
            let offline = observe_offline(&read, &subject(&policy, &estate));
            let offline = without_etag(offline.decision);
            assert_eq!(offline, without_etag(live), "{name}: {text}");
            looked += 1;
        }
    }
    assert!(looked >= 80, "only {looked} estates");
}

/// Entity tags serve a PATCH and are not captured.
fn without_etag(mut decision: Decision) -> Decision {
    for change in &mut decision.plan.changes {
        if let Change::SetArchive { etag, .. } = change {
            *etag = None;
        }
    }
    decision
}

/// Name and path of each file, ordered by name.
fn files() -> Vec<(String, std::path::PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "txt"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path))
        .collect();
    files.sort();
    files
}

/// The file with the present decisions in place of those that it holds.
fn played(text: &str) -> String {
    let mut played = String::new();
    let mut estates = estates(text).into_iter();
    for (title, line) in titled(text) {
        match (title, line) {
            ("decision:", "decision:") => {
                let (policy, estate) = estates.next().expect("a decision without an estate");
                let (rounds, decision) = observe(&policy, &estate, |reads| reads);
                played.push_str("decision:\n");
                for line in account::of(&estate, &rounds, &decision).lines() {
                    played.push_str(&format!("  {line}\n"));
                }
            }
            ("decision:", line) if line.starts_with(' ') => {}
            (_, line) => played.push_str(&format!("{line}\n")),
        }
    }
    assert!(estates.next().is_none(), "an estate without a decision");
    played
}

/// Each estate with the policy that holds for it.
fn estates(text: &str) -> Vec<(Policy, Estate)> {
    let mut policy = String::new();
    let mut lines = Vec::new();
    let mut estates = Vec::new();
    for (title, line) in titled(text) {
        match (title, line.strip_prefix("  ")) {
            ("policy:", None) if line == "policy:" => policy.clear(),
            ("policy:", Some(line)) => policy.push_str(&format!("{line}\n")),
            ("estate:", None) if line == "estate:" => lines.clear(),
            ("estate:", Some(line)) => lines.push(line),
            ("decision:", None) if line == "decision:" => {
                let policy = document::load(&policy).unwrap_or_else(|it| panic!("{it:?}"));
                estates.push((policy, Estate::read(&lines)));
            }
            _ => {}
        }
    }
    assert!(!estates.is_empty(), "a file without a case");
    estates
}

/// Every line with the title of the section in which it stands.
fn titled(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut title = "";
    text.lines().map(move |line| {
        if line.ends_with(':') && !line.starts_with([' ', '#']) {
            assert!(
                matches!(line, "policy:" | "estate:" | "decision:"),
                "{line}"
            );
            title = line;
        }
        (title, line)
    })
}
