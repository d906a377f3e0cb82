//! What has to be true of the words that came of a cell, whatever befell it: what was changed is told, and told by whom it was.
//!
//! It must not know which call failed, or how.

use std::collections::BTreeSet;

use serde_json::Value;
use vaultbind_simulator::journal::Entry;

use crate::town::Town;

/// Did Azure carry the write out? A journal says so also where the answer was lost.
fn was_made(write: &Entry) -> bool {
    (200..300).contains(&write.status) || write.note.contains("after it was processed (2")
}

/// What was written: the resource, in one spelling, as results name it.
fn target(write: &Entry) -> String {
    let path = write.path.to_ascii_lowercase();
    path.trim_end_matches("/register").to_owned()
}

/// The changes of a result that it says were made: which resource, and at which attempt of which request.
fn claims(result: &Value) -> impl Iterator<Item = (String, String)> {
    let data = &result["data"];
    let request = data["cause"]["id"].to_string();
    let changes = data["changes"].as_array().cloned().unwrap_or_default();
    let made = changes
        .into_iter()
        .filter(|it| it["status"] == "done" || it["status"] == "accepted");
    made.map(move |it| {
        let target = it["target"].as_str().unwrap_or_default();
        let attempt = format!("{request} at {}", it["attempt"]);
        (target.to_ascii_lowercase(), attempt)
    })
}

/// With the lock lost two deliveries are under way at a time, and yet nothing is written twice.
pub(super) fn assert_written_once(town: &Town, what: &str) {
    let made = town.writes().into_iter().filter(was_made);
    let mut targets: Vec<String> = made.map(|it| target(&it)).collect();
    targets.sort_unstable();
    let all = targets.len();
    targets.dedup();
    assert_eq!(
        targets.len(),
        all,
        "{what}: written twice\n{}",
        town.account()
    );
}

/// Nothing that was changed stays untold, unless a dead letter raises the alert; and no more is claimed than was made.
pub(super) fn assert_words_are_true(town: &Town, what: &str) {
    let made: Vec<Entry> = town.writes().into_iter().filter(was_made).collect();
    let results = town.results();
    let owns_up = |it: &Value| it["data"]["changed"] == true || it["data"]["redelivered"] == true;
    let is_dead = !town.simulator.broker.dead_letters("requests").is_empty();
    assert!(
        made.is_empty() || results.iter().any(owns_up) || is_dead,
        "{what}: a change stays untold\n{}",
        town.account()
    );
    let claimed: BTreeSet<(String, String)> = results.iter().flat_map(claims).collect();
    for (resource, by) in &claimed {
        let claims = claimed.iter().filter(|it| it.0 == *resource).count();
        let writes = made.iter().filter(|it| target(it) == *resource).count();
        assert!(
            claims <= writes,
            "{what}: {resource}, written {writes} times, is claimed {claims} times, as by {by}\n{}",
            town.account()
        );
    }
}
