mod diagnostics;
mod mutations;
mod published;

use proptest::prelude::*;
use time::macros::date;

use super::*;
use crate::policy::{Preference, Rebind, Requirement, WriterChoice, selector::Selector};

const EXAMPLE: &str = r#"version: 1
mode: audit
scope:
  subscriptions: [ "11111111-1111-1111-1111-111111111111" ]
rules:
  - name: by-site
    clusters:
      tags: { environment: [prod, staging], site: "*", lab: null }
      location: { not: [ westus, "east*" ] }
      resource-group: rg-sites-*
      subscription: 11111111-1111-1111-1111-111111111111
    vaults:
      within: [ "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-nexus-secrets" ]
      subscription: ${cluster.subscription}
      tags: { purpose: nexus-credentials, site: "${cluster.tags.site|none}" }
      prefer: [ same-resource-group, same-location ]
      require: [ purge-protection ]
    writer: platform-apps
    identity: "id-nexus-*"
    rebind: when-orphaned
exemptions:
  - clusters: [ "/subscriptions/*/resourceGroups/lab/**" ]
    owner: team-edge
    reason: lab hardware
    until: 2027-03-31
"#;

const SHORTEST: &str = "version: 1\nrules:\n  - name: a\n    vaults:\n      within: [/subscriptions/11111111-1111-1111-1111-111111111111]\n";

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
    let attributes = |selector: &Selector| selector.attributes.len();
    assert_eq!(attributes(&rule.clusters), 3);
    assert_eq!(attributes(&rule.vaults.selector), 1);
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
fn a_file_that_would_exhaust_its_reader_is_refused() {
    for text in [
        "[".repeat(100_000),
        "- ".repeat(100_000),
        "? ".repeat(100_000),
        " ".repeat(LARGEST + 1),
        // Brackets in text close nothing.
        format!("{}{}", "[\"]\",".repeat(100_000), "]".repeat(100_000)),
        format!("{}x{}", "[\n\"]\",".repeat(70_000), "]".repeat(70_000)),
        // A glob with more stars than could be tried.
        EXAMPLE.replace("/resourceGroups/lab/**", &"/*".repeat(200_000)),
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

proptest! {
    #[test]
    fn no_text_makes_the_loader_panic(text in "\\PC*") {
        let _ = load(&text);
    }

    #[test]
    fn no_change_of_the_example_loses_the_trust_boundary(line in 0..EXAMPLE.lines().count(), change in 0_usize..4, word in "[ -~]{0,12}") {
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
            prop_assert!(published::is_valid(&lines.join("\n")));
        }
    }
}
