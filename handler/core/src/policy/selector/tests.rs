use super::*;
use crate::fixtures::{SUBSCRIPTION, cluster, vault};

fn patterns(texts: &[&str]) -> Vec<Pattern> {
    let parse = |text: &&str| Pattern::parse(text).unwrap();
    texts.iter().map(parse).collect()
}

fn any(texts: &[&str]) -> Test {
    Test::AnyOf(patterns(texts))
}

fn none(texts: &[&str]) -> Test {
    Test::none_of(patterns(texts))
}

fn tag(test: Test) -> Selector {
    Selector {
        tags: vec![("Site".to_owned(), test)],
        ..Selector::default()
    }
}

fn at(attribute: Attribute, test: Test) -> Selector {
    Selector {
        attributes: vec![(attribute, test)],
        ..Selector::default()
    }
}

/// Does the test hold for a tag with this value, or for none?
#[track_caller]
fn check(test: &Test, value: Option<&str>, expected: bool) {
    let tags: Vec<(&str, &str)> = value.into_iter().map(|text| ("site", text)).collect();
    let vault = vault("kv-a", &tags);
    let cluster = cluster("c1", &[("zone", "z")]);
    let selector = tag(test.clone());
    let holds = selector.matches(&(&vault).into(), &(&cluster).into());
    assert_eq!(holds, expected, "{test:?} on {value:?}");
    let said = match value {
        Some(value) => format!("tag `Site` is `{value}`"),
        None => "tag `Site` is absent".to_owned(),
    };
    let mismatch = selector.mismatch(&(&vault).into(), &(&cluster).into());
    assert_eq!(
        mismatch,
        (!expected).then_some(said),
        "{test:?} on {value:?}"
    );
}

#[test]
fn a_value_passes_when_one_of_the_patterns_matches() {
    let test = any(&["a", "b*", "${cluster.tags.zone}", "${cluster.tags.gone}"]);
    for value in ["a", "b", "bc", "z"] {
        check(&test, Some(value), true);
    }
    for value in [Some("A"), Some("${cluster.tags.gone}"), Some(""), None] {
        check(&test, value, false);
    }
    check(&any(&["*"]), Some(""), true);
    check(&any(&["*"]), None, false);
}

#[test]
fn a_tag_that_must_not_be_there_must_not_even_be_empty() {
    check(&Test::Absent, None, true);
    check(&Test::Absent, Some(""), false);
}

#[test]
fn a_negation_passes_where_no_pattern_matches_even_without_the_tag() {
    let test = none(&["a", "b*", "${cluster.tags.zone}"]);
    for value in [Some("c"), Some(""), None] {
        check(&test, value, true);
    }
    for value in ["a", "A", "bc", "BC", "z", "Z"] {
        check(&test, Some(value), false);
    }
}

#[test]
fn a_negation_fails_where_it_takes_a_value_that_the_cluster_lacks() {
    let test = none(&["a", "${cluster.tags.gone}"]);
    check(&test, Some("c"), false);
    check(&test, None, false);
    check(&none(&["${cluster.tags.gone|x}"]), Some("c"), true);
}

#[test]
fn an_attribute_is_tested_without_regard_to_case() {
    let cluster = cluster("c1", &[]);
    let matches = |attribute, text: &str| {
        let pattern = Pattern::parse(text).unwrap().over_attribute();
        let selector = at(attribute, Test::AnyOf(vec![pattern]));
        selector.matches(&(&cluster).into(), &(&cluster).into())
    };
    assert!(matches(Attribute::Location, "East US"));
    assert!(matches(Attribute::ResourceGroup, "RG-*"));
    assert!(matches(Attribute::Subscription, SUBSCRIPTION));
    assert!(!matches(Attribute::Location, "westus"));
}

#[test]
fn a_selector_covers_what_surely_passes_it() {
    for (wide, narrow) in [
        (Selector::default(), tag(any(&["a"]))),
        (tag(any(&["*"])), tag(any(&["a", "b*"]))),
        (tag(none(&["a"])), tag(any(&["b", "c"]))),
        (tag(none(&["a"])), tag(none(&["a", "b"]))),
        (tag(none(&["ab"])), tag(none(&["a*"]))),
        (tag(none(&["a"])), tag(Test::Absent)),
        (tag(Test::Absent), tag(none(&["*"]))),
        (tag(Test::Absent), tag(Test::Absent)),
        (
            at(Attribute::Location, any(&["east*"])),
            at(Attribute::Location, any(&["eastus"])),
        ),
        (at(Attribute::Location, any(&["*"])), Selector::default()),
        (
            at(Attribute::ResourceGroup, any(&["a", "**"])),
            tag(any(&["a"])),
        ),
    ] {
        assert!(wide.covers(&narrow), "{wide:?}\n{narrow:?}");
    }
}

#[test]
fn a_selector_does_not_cover_what_may_fail_it() {
    for (wide, narrow) in [
        (tag(any(&["*"])), Selector::default()),
        (tag(any(&["*"])), tag(none(&["a"]))),
        (tag(any(&["*"])), tag(Test::Absent)),
        (tag(any(&["a"])), tag(any(&["a", "b"]))),
        (tag(none(&["a", "b"])), tag(none(&["a"]))),
        (tag(none(&["a"])), tag(any(&["a*"]))),
        (tag(none(&["a*"])), tag(any(&["b*"]))),
        (tag(Test::Absent), tag(none(&["a"]))),
        (at(Attribute::Location, any(&["*a"])), Selector::default()),
        (at(Attribute::Location, none(&["a"])), Selector::default()),
    ] {
        assert!(!wide.covers(&narrow), "{wide:?}\n{narrow:?}");
    }
}

proptest::proptest! {
    /// Whatever is claimed to be covered is covered: no cluster passes the narrow test and fails the wide one.
    #[test]
    fn a_claim_of_covering_is_never_wrong(
        wide in tests(), narrow in tests(), value in proptest::option::of("[ab]{0,3}")
    ) {
        let (wide, narrow) = (tag(wide), tag(narrow));
        let tags: Vec<(&str, &str)> = value.iter().map(|text| ("site", text.as_str())).collect();
        let cluster = cluster("c1", &tags);
        let passes = |selector: &Selector| selector.matches(&(&cluster).into(), &(&cluster).into());
        if wide.covers(&narrow) && passes(&narrow) {
            proptest::prop_assert!(passes(&wide));
        }
    }
}

fn tests() -> impl proptest::strategy::Strategy<Value = Test> {
    use proptest::prelude::*;
    let patterns = || {
        let pattern = "[ab*]{0,3}".prop_map(|text| Pattern::parse(&text).unwrap());
        proptest::collection::vec(pattern, 1..3)
    };
    prop_oneof![
        Just(Test::Absent),
        patterns().prop_map(Test::AnyOf),
        patterns().prop_map(Test::NoneOf),
    ]
}
