use expect_test::{Expect, expect};
use time::macros::date;

use super::*;
use crate::{
    fixtures,
    inventory::file::{self, Defaults},
    policy::document,
};

const VAULTS: &str = "version: 1
vaults:
  - { name: kv-a, tags: { site: a } }
  - { name: kv-b, tags: { site: b } }
cases:
";

fn loaded(text: &str) -> Result<Vec<Case>, Vec<crate::yaml::Problem>> {
    let policy = document::load(fixtures::BY_SITE).unwrap();
    let around = Defaults::of(&policy, "vault.azure.net");
    load(text, &around, &|name| match name {
        "captured.json" => {
            let text = "version: 1\nvaults: [{ name: kv-y }]\nclusters: [{ name: c-old, tags: { site: a }, archive: kv-z }]";
            file::load(text, &around).map_err(|problems| format!("{problems:?}"))
        }
        other => Err(format!("cannot read {other}")),
    })
}

/// What comes of the cases: a line for each difference.
#[track_caller]
fn check(cases: &str, expected: &Expect) {
    let policy = document::load(fixtures::BY_SITE).unwrap();
    let mut lines = Vec::new();
    for case in loaded(&format!("{VAULTS}{cases}")).unwrap() {
        let result = case.run(&policy, date!(2026 - 11 - 23), "vault.azure.net");
        if result.differences.is_empty() {
            lines.push(format!("{}: passes", case.name));
        }
        for Difference {
            what,
            expected,
            found,
        } in result.differences
        {
            lines.push(format!(
                "{}: {what}: {expected} expected, found {found}",
                case.name
            ));
        }
    }
    expected.assert_eq(&lines.join("\n"));
}

#[test]
fn a_case_passes_where_the_policy_does_as_expected() {
    check(
        "
  - name: bound
    cluster: { tags: { site: a } }
    expect: { outcome: bound, vault: kv-a, rule: by-site, writer: platform-apps, reason: null }
  - name: own
    cluster: { tags: { site: b }, identities: [system] }
    expect: { vault: kv-b, writer: cluster }
  - name: nowhere
    cluster: { tags: { site: c } }
    expect: { outcome: unmatched, vault: null, rule: by-site, reason: NoVault }
  - name: ambiguous
    vaults: [{ name: kv-a-2, tags: { site: a } }]
    cluster: { tags: { site: a } }
    expect: { outcome: ambiguous }
  - name: captured
    estate: captured.json
    cluster: c-old
    expect: { outcome: orphaned }
",
        &expect![[r#"
            bound: passes
            own: passes
            nowhere: passes
            ambiguous: passes
            captured: passes"#]],
    );
}

#[test]
fn a_case_says_what_was_seen_when() {
    check(
        "
  - name: nothing is bound by a list that was kept
    vaults: [{ name: kv-a-2, tags: { site: a } }]
    uncached: [kv-a-2]
    cluster: { tags: { site: a } }
    expect: { outcome: ambiguous }
  - name: nor where its own event led to the question
    vaults: [{ name: kv-a-2, tags: { site: a } }]
    uncached: [kv-a-2]
    hint: kv-a-2
    cluster: { tags: { site: a } }
    expect: { outcome: ambiguous }
  - name: nor is anything refused by it
    vaults: [{ name: kv-c, tags: { site: c } }]
    uncached: [kv-c]
    cluster: { tags: { site: c } }
    expect: { outcome: bound, vault: kv-c }
  - name: it does not exist any more
    cluster: { tags: { site: a }, absent: true }
    expect: { outcome: gone, reason: ClusterNotFound }
",
        &expect![[r#"
            nothing is bound by a list that was kept: passes
            nor where its own event led to the question: passes
            nor is anything refused by it: passes
            it does not exist any more: passes"#]],
    );
}

#[test]
fn a_case_tells_what_is_otherwise() {
    check(
        "
  - name: all
    cluster: { tags: { site: a } }
    expect: { outcome: held, vault: kv-b, rule: other, writer: cluster, reason: NoVault }
  - name: none
    cluster: { tags: { site: a } }
    expect: { vault: null, rule: null, writer: null }
  - name: elsewhere
    cluster: { tags: { site: a } }
    expect: { vault: /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-x/providers/Microsoft.KeyVault/vaults/kv-a }
",
        &expect![[r#"
            all: outcome: held expected, found bound
            all: vault: kv-b expected, found kv-a
            all: rule: other expected, found by-site
            all: writer: cluster expected, found platform-apps
            all: reason: NoVault expected, found none
            none: vault: none expected, found kv-a
            none: rule: none expected, found by-site
            none: writer: none expected, found platform-apps
            elsewhere: vault: /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-x/providers/Microsoft.KeyVault/vaults/kv-a expected, found /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-secrets/providers/Microsoft.KeyVault/vaults/kv-a"#]],
    );
}

#[track_caller]
fn mistakes(text: &str, expected: &Expect) {
    let problems = loaded(text).unwrap_err();
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    expected.assert_eq(&lines.join("\n"));
}

#[test]
fn mistakes_have_their_place() {
    mistakes(
        "version: 2\ncases: []",
        &expect![[r#"
        1:10: version is the number `2`, only 1 is known
        2:8: `cases` is empty; a case has a name, a cluster, and what is expected"#]],
    );
    mistakes(
        "version: 1
today: tomorrow
cases:
  - nam: x
    cluster: c9
    expect: {}
",
        &expect![[r#"
            2:8: `tomorrow` is not a date; write a date as 2027-03-31
            4:5: `name` is missing in a case; say what the case shows
            4:5: unknown key `nam` in a case; did you mean `name`?
            5:14: no cluster of the estate is called `c9`
            6:13: `expect` expects nothing; say one of outcome, vault, rule, writer, reason"#]],
    );
    mistakes(
        "version: 1
cases:
  - nam: x
    estate: nowhere.json
    cluster: c9
    expect: { outcome: planned, vualt: kv-a }
  - name: y
    cluster: c9
    expect: { outcome: planned, vualt: kv-a }
",
        &expect![[r#"
            3:5: `name` is missing in a case; say what the case shows
            3:5: unknown key `nam` in a case; did you mean `name`?
            4:13: cannot read nowhere.json
            6:24: `planned` is no outcome; it is one of bound, unmatched, ambiguous, rejected, held, exempt, orphaned, gone, failed, waiting
            6:33: unknown key `vualt` in `expect`; did you mean `vault`?
            8:14: no cluster of the estate is called `c9`
            9:24: `planned` is no outcome; it is one of bound, unmatched, ambiguous, rejected, held, exempt, orphaned, gone, failed, waiting
            9:33: unknown key `vualt` in `expect`; did you mean `vault`?"#]],
    );
    mistakes(
        "version: 1
cases:
  - name: every mistake is told, and what follows from one is none
    cluster: { name: c1, sate: Updating, identities: [system] }
    hint: /nowhere
    uncached: [/elsewhere]
    roles: [{ vault: kv-a, principal: c1.system }]
    expect: { outcome: bound }
",
        &expect![[r#"
            4:26: unknown key `sate` in a cluster; did you mean `state`?
            5:11: not an ARM resource id: it has too few segments
            6:16: not an ARM resource id: it has too few segments"#]],
    );
}

#[test]
fn a_subscription_that_a_case_names_is_that_of_the_case_as_a_whole() {
    let cases = "version: 1
vaults: [{ name: kv-a, tags: { site: a } }]
subscriptions:
  - { id: 11111111-1111-1111-1111-111111111111, tenant: 99999999-9999-4999-8999-999999999999 }
cases:
  - name: another directory
    cluster: { tags: { site: a } }
    expect: { outcome: rejected, reason: OtherTenant }
  - name: the usual one
    subscriptions: [{ id: 11111111-1111-1111-1111-111111111111 }]
    cluster: { tags: { site: a } }
    expect: { outcome: bound }
";
    let policy = document::load(fixtures::BY_SITE).unwrap();
    for case in loaded(cases).unwrap() {
        let result = case.run(&policy, date!(2026 - 11 - 23), "vault.azure.net");
        assert!(result.differences.is_empty(), "{}", case.name);
    }
}

/// Every way in which a line of the repository's cases is spoiled here.
fn spoiled(line: &str) -> [String; 7] {
    [
        String::new(),
        format!("{line}\n{line}"),
        format!(" {line}"),
        line.replace(':', ""),
        line.replace("name", "\u{202e}"),
        line.replace(['{', '['], "{["),
        line.replace(": ", ": 7 # "),
    ]
}

#[test]
fn a_spoiled_file_is_refused_with_a_place_or_still_says_something() {
    let text = include_str!("../../../../policy.tests.yaml");
    let lines: Vec<&str> = text.lines().collect();
    let mut refused = 0;
    for (at, line) in lines.iter().enumerate() {
        for spoiled in spoiled(line) {
            let mut lines = lines.clone();
            lines[at] = &spoiled;
            match loaded(&lines.join("\n")) {
                Ok(cases) => assert!(!cases.is_empty()),
                Err(problems) => {
                    refused += 1;
                    let places = problems.iter().map(|problem| problem.place.line);
                    assert!(
                        places
                            .clone()
                            .all(|place| place >= 1 && place <= lines.len() + 2)
                    );
                    assert!(places.count() > 0, "line {at}: refused without a reason");
                }
            }
        }
    }
    assert!(refused > 100, "only {refused} were refused");
}

#[test]
fn the_example_of_the_reference_passes_and_every_key_is_in_it() {
    let page = include_str!("../../../../docs/policy-tests.md");
    let (_, example) = page.split_once("```yaml\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let policy = document::load(fixtures::BY_SITE).unwrap();
    let cases = loaded(example).unwrap();
    assert!(cases.len() >= 5, "only {} cases", cases.len());
    for case in cases {
        let result = case.run(&policy, date!(2026 - 11 - 23), "vault.azure.net");
        assert_eq!(result.differences, [], "{}: {:?}", case.name, result.why);
    }
    let keys = [given::KEYS, crate::inventory::written::FURNISHED].concat();
    for key in keys {
        assert!(page.contains(&format!("`{key}`")), "{key} is not told of");
    }
}
