//! Golden cases of the decision: each file in `cases` holds policies, estates and what is decided about them.
//!
//! It must not do more than a reader of Azure does: what a decision does not ask for, it does not get.
//!
//! `UPDATE_EXPECT=1 cargo test --locked -p vaultbind-core --test decide` writes what is decided into the files anew.
//! A file has sections, each a line that ends in a colon with indented lines below it:
//! `policy:` holds for the estates behind it, `estate:` is what Azure holds, as policy tests write it down, and `decision:`
//! is what comes out.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test ends where something is not as it has to be"
)]

#[path = "decide/account.rs"]
mod account;
#[path = "shared/azure.rs"]
mod azure;
#[path = "decide/observer.rs"]
mod observer;
#[path = "decide/properties.rs"]
mod properties;
#[path = "decide/stays.rs"]
mod stays;

use std::{fs, panic, path::Path, rc::Rc};

use expect_test::expect_file;
use time::macros::datetime;
use vaultbind_core::{
    decision::{Decision, Patience, Read},
    expectation::Given,
    inventory::{
        Inventory,
        file::{Defaults, load},
    },
    observation::observe_offline,
    plan::Change,
    policy::{Mode, Policy, document},
};

use azure::carry_out;
use observer::{decided, observe, subject};

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
        for (policy, given) in estates(&fs::read_to_string(path).unwrap()) {
            let at_once = decided(&policy, &given);
            let first = |reads: Vec<Read>| reads.into_iter().take(1).collect();
            let (_, first_first) = observe(&policy, &given, first);
            let last = |reads: Vec<Read>| reads.into_iter().next_back().into_iter().collect();
            let (_, last_first) = observe(&policy, &given, last);
            assert_eq!(at_once, first_first.decision, "{name}: {given:?}");
            assert_eq!(at_once, last_first.decision, "{name}: {given:?}");
        }
    }
}

#[test]
fn a_second_look_after_the_plan_was_carried_out_finds_nothing_to_do() {
    let mut bound = 0;
    for (name, path) in files() {
        for (policy, mut given) in estates(&fs::read_to_string(path).unwrap()) {
            let first = decided(&policy, &given);
            if !first.is_bound() {
                continue;
            }
            carry_out(Rc::make_mut(&mut given.inventory), &first.plan);
            // What follows a registration is planned after it.
            let next = decided(&policy, &given);
            carry_out(Rc::make_mut(&mut given.inventory), &next.plan);
            let last = decided(&policy, &given);
            assert!(last.is_bound(), "{name}: {last:?}");
            assert!(last.plan.is_empty(), "{name}: {}", last.plan);
            assert_eq!(last.vault, first.vault, "{name}");
            let writer = |decision: &Decision| decision.writer.as_ref().map(|writer| writer.writer);
            assert_eq!(writer(&last), writer(&first), "{name}");
            bound += 1;
        }
    }
    assert!(bound >= 10, "only {bound} cases bind");
}

/// What is told is what would be done: only nobody waits for a cluster that is busy.
#[test]
fn audit_decides_as_enforcing_does_in_every_case() {
    for (name, path) in files() {
        for (mut policy, given) in estates(&fs::read_to_string(path).unwrap()) {
            policy.mode = Mode::Enforce;
            let mut enforced = decided(&policy, &given);
            policy.mode = Mode::Audit;
            let audited = decided(&policy, &given);
            if enforced.wait == Some(Patience::Deadline) && audited.is_bound() {
                assert_eq!(enforced.plan, audited.plan, "{name}: {given:?}");
                enforced = audited.clone();
            }
            assert_eq!(enforced, audited, "{name}: {given:?}");
        }
    }
}

#[test]
fn what_was_captured_written_and_read_decides_the_same() {
    let mut looked = 0;
    for (name, path) in files() {
        for (policy, given) in estates(&fs::read_to_string(path).unwrap()) {
            let (_, live) = observe(&policy, &given, |reads| reads);
            let mut captured = Inventory {
                captured: Some(datetime!(2026-11-23 12:00 UTC)),
                ..Inventory::default()
            };
            captured.extend(live.inventory);
            let text = captured.to_json();
            let read = load(&text, &defaults())
                .unwrap_or_else(|problems| panic!("{name}: {problems:?}\n{text}"));
            assert_eq!(read.to_json(), text, "{name}");
            let offline = observe_offline(&read, &subject(&policy, &given));
            let offline = without_etag(offline.decision);
            assert_eq!(offline, without_etag(live.decision), "{name}: {text}");
            looked += 1;
        }
    }
    assert!(looked >= 80, "only {looked} estates");
}

/// Where things are that an estate names without saying where.
fn defaults() -> Defaults {
    const GROUPS: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups";
    Defaults {
        vaults: format!("{GROUPS}/rg-secrets"),
        clusters: format!("{GROUPS}/rg-sites"),
        vault_suffix: "vault.azure.net".to_owned(),
    }
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
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
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
                let (policy, given) = estates.next().expect("a decision without an estate");
                let (rounds, observed) = observe(&policy, &given, |reads| reads);
                played.push_str("decision:\n");
                for line in account::of(&given, &rounds, &observed.decision).lines() {
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
fn estates(text: &str) -> Vec<(Policy, Given)> {
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
                let policy =
                    document::load(&policy).unwrap_or_else(|problems| panic!("{problems:?}"));
                let given = Given::load(&lines.join("\n"), &defaults());
                estates.push((
                    policy,
                    given.unwrap_or_else(|problems| panic!("{problems:?}")),
                ));
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
