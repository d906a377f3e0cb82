//! Hostile ids and policies: what is taken obeys the grammar, and what is refused is refused at a place.
//!
//! It must not repeat what the unit tests say of single inputs.

use vaultbind_fuzz::fuzz;

use crate::{
    id::{ClusterId, ResourceId, Scope, VaultId},
    policy::document,
    yaml::Problem,
};

#[test]
fn an_id_that_is_taken_says_what_was_read_and_is_harmless_in_a_url() {
    fuzz("id", |input| {
        let Ok(text) = str::from_utf8(input) else {
            return false;
        };
        let Ok(id) = text.parse::<ResourceId>() else {
            assert!(text.parse::<VaultId>().is_err() && text.parse::<ClusterId>().is_err());
            return false;
        };
        assert!(id.as_str().eq_ignore_ascii_case(text), "{id} is another id");
        assert_eq!(
            id.as_str().parse::<ResourceId>().unwrap().as_str(),
            id.as_str()
        );
        let is_harmless =
            |character: char| character.is_alphanumeric() || "-_.()/".contains(character);
        assert!(id.as_str().chars().all(is_harmless), "{id:?}");
        assert!(
            !id.as_str()
                .split('/')
                .skip(1)
                .any(|segment| matches!(segment, "" | "." | "..")),
            "{id:?}"
        );
        is_held_by_its_own_scopes_alone(&id);
        true
    });
}

fn is_held_by_its_own_scopes_alone(id: &ResourceId) {
    let scope = |text: String| text.parse::<Scope>().unwrap();
    let group = format!(
        "{}/resourceGroups/{}",
        id.subscription().path(),
        id.resource_group()
    );
    assert!(scope(id.subscription().path()).contains(id) && scope(group.clone()).contains(id));
    assert!(
        !scope(format!("{group}2")).contains(id),
        "a longer name is another group"
    );
    if let Some((shorter, _)) = group
        .char_indices()
        .next_back()
        .map(|(at, character)| (&group[..at], character))
        && let Ok(shorter @ Scope::ResourceGroup(..)) = shorter.parse::<Scope>()
    {
        assert!(
            !shorter.contains(id),
            "a group whose name is a beginning is another group"
        );
    }
}

#[test]
fn a_policy_that_is_taken_bounds_every_rule_and_one_that_is_not_has_mistakes_within_its_text() {
    fuzz("policy", |input| {
        let Ok(text) = str::from_utf8(input) else {
            return false;
        };
        match document::load(text) {
            Ok(policy) => {
                assert!(policy.version == 1 && !policy.rules.is_empty());
                assert!(
                    policy
                        .rules
                        .iter()
                        .all(|rule| !rule.vaults.within.is_empty())
                );
                assert!(
                    policy.scope.is_none_or(|scope| !scope.is_empty()),
                    "a scope of nothing"
                );
                true
            }
            Err(problems) => {
                assert!(!problems.is_empty(), "refused without a reason");
                problems
                    .iter()
                    .for_each(|problem| lies_within(problem, text));
                false
            }
        }
    });
}

fn lies_within(problem: &Problem, text: &str) {
    let place = problem.place;
    let lines: Vec<&str> = text.split('\n').collect();
    assert!(
        (1..=lines.len()).contains(&place.line),
        "{problem} is beyond the last line"
    );
    let line = lines[place.line - 1];
    let columns = line.chars().count();
    assert!(
        (1..=columns + 1).contains(&place.column),
        "{problem} is beyond its line {line:?}"
    );
    assert!(place.length >= 1, "{problem} is about nothing");
    assert!(!problem.message.is_empty(), "nothing is said");
    for line in problem.excerpt(text).iter().flatten() {
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
}
