use expect_test::{Expect, expect};
use proptest::prelude::*;
use time::macros::date;

use super::*;
use crate::policy::{Preference, Rebind, Requirement, WriterChoice};

const EXAMPLE: &str = r#"version: 1
mode: audit
scope:
  subscriptions: [ "11111111-1111-1111-1111-111111111111" ]
rules:
  - name: by-site
    clusters:
      tags: { environment: [prod, staging], site: "*", lab: null }
    vaults:
      within: [ "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-nexus-secrets" ]
      tags: { purpose: nexus-credentials, site: "${cluster.tags.site|none}" }
      prefer: [ same-resource-group, same-location ]
      require: [ purge-protection ]
    writer: platform-apps
    identity: "**/id-nexus-*"
    rebind: when-orphaned
exemptions:
  - clusters: [ "/subscriptions/*/resourceGroups/lab/**" ]
    owner: team-edge
    reason: lab hardware
    until: 2027-03-31
"#;

const SHORTEST: &str = "version: 1\nrules:\n  - name: a\n    vaults:\n      within: [/subscriptions/11111111-1111-1111-1111-111111111111]\n";

fn check(text: &str, expected: &Expect) {
    let problems = load(text).unwrap_err();
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    expected.assert_eq(&(lines.join("\n") + "\n"));
}

/// The example with one text replaced by another.
fn with(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "{from}");
    EXAMPLE.replace(from, to)
}

#[test]
fn the_example_means_what_it_says() {
    let policy = load(EXAMPLE).unwrap();
    assert_eq!(
        (policy.version, policy.mode, policy.digest.len()),
        (1, Mode::Audit, 64)
    );
    assert_eq!(policy.scope.as_ref().map(BTreeSet::len), Some(1));
    let rule = &policy.rules[0];
    assert_eq!(
        (
            rule.name.as_str(),
            rule.clusters.tags.len(),
            rule.vaults.within.len()
        ),
        ("by-site", 3, 1)
    );
    assert_eq!(
        rule.vaults.prefer,
        [Preference::SameResourceGroup, Preference::SameLocation]
    );
    assert_eq!(rule.vaults.require, [Requirement::PurgeProtection]);
    assert_eq!(
        (rule.writer, rule.rebind),
        (WriterChoice::PlatformApps, Rebind::WhenOrphaned)
    );
    assert!(rule.identity.is_some());
    let exemption = &policy.exemptions[0];
    assert_eq!(
        (exemption.owner.as_str(), exemption.until),
        ("team-edge", date!(2027 - 03 - 31))
    );
}

#[test]
fn what_may_be_left_out_has_its_default() {
    let policy = load(SHORTEST).unwrap();
    assert_eq!(
        (policy.mode, policy.scope, policy.exemptions.len()),
        (Mode::Enforce, None, 0)
    );
    let rule = &policy.rules[0];
    assert_eq!(
        (rule.writer, rule.rebind),
        (WriterChoice::Auto, Rebind::Never)
    );
    assert!(
        rule.clusters.tags.is_empty()
            && rule.vaults.selector.tags.is_empty()
            && rule.identity.is_none()
    );
}

#[test]
fn the_policy_that_is_shipped_loads() {
    let policy = load(include_str!("../../../../../policy.yaml")).unwrap();
    assert_eq!(policy.rules[0].name, "by-site");
}

#[test]
fn a_carriage_return_or_a_byte_order_mark_changes_nothing() {
    assert!(load(&EXAMPLE.replace('\n', "\r\n")).is_ok());
    assert!(load(&format!("\u{feff}{EXAMPLE}")).is_ok());
}

#[test]
fn every_mistake_is_a_problem_with_its_place() {
    let text = "version: 2\nmode: enforced\nrules:\n  - name: by site\n    vaults:\n      tags: { site: \"${cluster.site}\" }\n    rebind: sometimes\n";
    check(
        text,
        &expect![[r#"
            1:10: version is the number `2`, only 1 is known
            2:7: `enforced` is no mode; did you mean `enforce`?
            4:11: `by site` is no name for a rule; use letters, digits, dashes and underscores
            6:7: `within` is missing in `vaults`; it is the trust boundary: without it whoever can tag a vault attracts credentials
            6:21: a template cannot take `cluster.site`; a tag is taken by `${cluster.tags.site}`; there are cluster.name, cluster.location, cluster.resource-group, cluster.subscription too
            7:13: `sometimes` is no rebind; it is one of never, when-orphaned, allow
        "#]],
    );
}

#[test]
fn an_unknown_key_is_a_mistake_wherever_it_stands() {
    check(
        &with("rules:", "rule:"),
        &expect![[r#"
        1:1: `rules` is missing in a policy; a policy without rules governs no cluster
        5:1: unknown key `rule` in a policy; did you mean `rules`?
    "#]],
    );
    check(
        &with("      prefer:", "      preferred:"),
        &expect![[r#"
            12:7: unknown key `preferred` in `vaults`; there are within, tags, location, resource-group, subscription, prefer, require
        "#]],
    );
    check(
        &with("owner:", "holder:"),
        &expect![[r#"
        18:5: `owner` is missing in an exemption; an exemption says which clusters, whose word it is, why, and until when
        19:5: unknown key `holder` in an exemption; there are clusters, owner, reason, until
    "#]],
    );
}

#[test]
fn what_yaml_takes_for_no_text_is_said_so() {
    check(
        &with("purpose: nexus-credentials", "purpose: 010"),
        &expect![[r#"
        11:24: expected the value of a tag, found the number `10`; put it in quotes where text is meant
    "#]],
    );
    check(
        &with("[prod, staging]", "[true, staging]"),
        &expect![[r#"
        8:29: expected the value of a tag, found the truth value `true`; put it in quotes where text is meant
    "#]],
    );
    check(
        &with("[prod, staging]", "[null, staging]"),
        &expect![[r#"
        8:29: expected the value of a tag, found empty
    "#]],
    );
}

#[test]
fn values_that_cannot_be_meant_are_refused() {
    check(
        &with("/resourceGroups/rg-nexus-secrets\"", "/rg-nexus-secrets\""),
        &expect![[r#"
        10:17: `/subscriptions/11111111-1111-1111-1111-111111111111/rg-nexus-secrets` is no scope; a scope is the id of a subscription, a resource group or a vault: /subscriptions/<GUID>/resourceGroups/<name>
    "#]],
    );
    check(
        &with("[ \"11111111-1111-1111-1111-111111111111\" ]", "[ prod ]"),
        &expect![[r#"
        4:20: `prod` is not a subscription id; a subscription id is a GUID
    "#]],
    );
    check(
        &with("site: \"*\"", "site: \"${cluster.tags.site}\""),
        &expect![[r#"
            8:51: a template has no meaning in the selector of clusters; templates compare a vault with the cluster
        "#]],
    );
    check(
        &with("until: 2027-03-31", "until: 31.3.2027"),
        &expect![[r#"
        21:12: `31.3.2027` is not a date; write a date as 2027-03-31; it is the last day that counts
    "#]],
    );
    check(
        &with("lab: null", "Site: x"),
        &expect![[r#"
        8:56: the tag `Site` is there twice: names of tags ignore case
    "#]],
    );
    check(
        &with("[ purge-protection ]", "purge-protection"),
        &expect![[r#"
        13:16: expected a list of requirements, found `purge-protection`
    "#]],
    );
}

#[test]
fn empty_lists_and_empty_files_are_refused() {
    check(
        "",
        &expect![[r#"
        1:1: the file is empty
    "#]],
    );
    check(
        "version: 1\nrules: []\n",
        &expect![[r#"
        2:8: `rules` is empty; a policy without rules governs no cluster
    "#]],
    );
    check(
        &SHORTEST.replace(
            "[/subscriptions/11111111-1111-1111-1111-111111111111]",
            "[]",
        ),
        &expect![[r#"
        5:15: `within` is empty; no vault could ever be chosen
    "#]],
    );
    check(
        &format!("{SHORTEST}---\n{SHORTEST}"),
        &expect![[r#"
        1:1: the file holds more than one document
    "#]],
    );
}

#[test]
fn a_mistake_in_a_list_does_not_hide_those_behind_it() {
    check(
        &with(
            "[ same-resource-group, same-location ]",
            "[ same-group, same-locations ]",
        ),
        &expect![[r#"
            12:17: `same-group` is no preference; it is one of same-resource-group, same-location, same-subscription
            12:29: `same-locations` is no preference; did you mean `same-location`?
        "#]],
    );
    check(
        &with("[ purge-protection ]", "[ purge, protection ]"),
        &expect![[r#"
            13:18: `purge` is no requirement; it is one of purge-protection
            13:25: `protection` is no requirement; did you mean `purge-protection`?
        "#]],
    );
    let exemptions = "exemptions:\n  - clusters: [\"\", \" \", 3]\n    owner: a\n    reason: b\n    until: 1\n  - 7\n";
    check(
        &format!("{SHORTEST}{exemptions}"),
        &expect![[r#"
        7:16: expected an id or a glob of ids, found empty text
        7:20: expected an id or a glob of ids, found empty text
        7:25: expected an id or a glob of ids, found the number `3`; put it in quotes where text is meant
        10:12: expected a date, found the number `1`; put it in quotes where text is meant
        11:5: expected an exemption: a mapping, found the number `7`; put it in quotes where text is meant
    "#]],
    );
}

#[test]
fn two_rules_of_one_name_are_refused() {
    let second = SHORTEST.split_once("rules:\n").unwrap().1;
    check(
        &format!("{SHORTEST}{second}"),
        &expect![[r#"
            6:11: another rule has the name `a` already
        "#]],
    );
}

#[test]
fn what_is_no_yaml_has_the_parsers_place() {
    check(
        "version: 1\nrules:\n\t- name: x\n",
        &expect![[r#"
        3:2: not YAML: tabs disallowed within this context (block indentation)
    "#]],
    );
    check(
        "version: 1\nversion: 1\n",
        &expect![[r#"
        2:1: not YAML: duplicated key in mapping
    "#]],
    );
    check(
        "version: [1\n",
        &expect![[r#"
        2:1: not YAML: while parsing a flow sequence, expected ',' or ']'
    "#]],
    );
}

#[test]
fn a_file_that_would_exhaust_its_reader_is_refused() {
    for text in [
        "[".repeat(100_000),
        "- ".repeat(100_000),
        "? ".repeat(100_000),
        " ".repeat(LARGEST + 1),
        // Brackets in text close nothing.
        format!("{}{}", "[\"]\",".repeat(100_000), "]".repeat(100_000)),
        format!("{}x{}", "[\n\"]\",".repeat(70_000), "]".repeat(70_000)),
    ] {
        assert!(load(&text).is_err());
    }
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..30 {
        let items = vec![format!("*a{}", level - 1); 9].join(", ");
        laughs.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    assert!(load(&laughs).is_err());
}

#[test]
fn columns_count_characters() {
    check(
        &with(
            "{ purpose: nexus-credentials, site:",
            "{ Zweck: Schlüssel, site: 1, x:",
        ),
        &expect![[r#"
        11:39: expected the value of a tag, found the number `1`; put it in quotes where text is meant
    "#]],
    );
}

proptest! {
    #[test]
    fn no_text_makes_the_loader_panic(text in "\\PC*") {
        let _ = load(&text);
    }

    #[test]
    fn no_change_of_the_example_loses_the_trust_boundary(line in 0_usize..21, change in 0_usize..4, word in "[ -~]{0,12}") {
        let mut lines: Vec<String> = EXAMPLE.lines().map(ToOwned::to_owned).collect();
        match change {
            0 => { lines.remove(line); }
            1 => lines[line].insert_str(0, "  "),
            2 => lines[line] = word,
            _ => lines[line].push_str(&word),
        }
        if let Ok(policy) = load(&lines.join("\n")) {
            prop_assert!(policy.rules.iter().all(|rule| !rule.vaults.within.is_empty()));
            prop_assert!(!policy.rules.is_empty());
        }
    }
}
