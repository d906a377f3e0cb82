use std::ops::Range;

use super::*;
use crate::fixtures::cluster;

#[track_caller]
fn check(pattern: &str, tags: &[(&str, &str)], value: &str, expected: bool) {
    let pattern = Pattern::parse(pattern).unwrap();
    assert_eq!(
        pattern.matches(value, &(&cluster("c1", tags)).into()),
        expected,
        "{pattern} on {value:?}"
    );
}

#[test]
fn text_matches_itself_alone() {
    check("prod", &[], "prod", true);
    check("prod", &[], "Prod", false);
    check("prod", &[], "production", false);
    check("", &[], "", true);
    check("", &[], "x", false);
}

#[test]
fn a_star_takes_any_text_even_none() {
    check("*", &[], "", true);
    check("*", &[], "anything", true);
    check("abc*", &[], "abcdef", true);
    check("abc*", &[], "xabc", false);
    check("*-edge-*", &[], "a-edge-b", true);
    check("a*a", &[], "a", false);
    check("a*b*c", &[], "a-b-b-c", true);
}

#[test]
fn a_template_takes_the_clusters_value() {
    check(
        "${cluster.tags.site}",
        &[("Site", "berlin")],
        "berlin",
        true,
    );
    check(
        "kv-${cluster.tags.site}-*",
        &[("site", "berlin")],
        "kv-berlin-1",
        true,
    );
    check(
        "${cluster.tags.site}",
        &[("site", "berlin")],
        "paris",
        false,
    );
}

#[test]
fn a_missing_or_empty_tag_takes_the_default_and_without_one_matches_nothing() {
    check("${cluster.tags.site|none}", &[], "none", true);
    check("${cluster.tags.site|none}", &[("site", "")], "none", true);
    check("${cluster.tags.site}", &[], "", false);
    check("${cluster.tags.site}", &[("site", "")], "", false);
    check("${cluster.tags.site}*", &[], "anything", false);
}

#[test]
fn a_tag_value_is_data_and_matches_only_itself() {
    for value in ["*", "a*", "${cluster.tags.other}", "'\"\n", "a|b"] {
        let tags = [("site", value), ("other", "secret")];
        check("${cluster.tags.site}", &tags, value, true);
        check("${cluster.tags.site}", &tags, "anything", false);
        check("${cluster.tags.site}", &tags, "secret", false);
    }
}

#[test]
fn a_template_takes_where_the_cluster_lies_in_lower_case() {
    let mut cluster = cluster("C1", &[]);
    cluster.location = "East US".to_owned();
    for (pattern, value) in [
        ("kv-${cluster.name}", "kv-c1"),
        ("${cluster.location}", "eastus"),
        ("${cluster.resource-group}*", "rg-sites-x"),
        ("${cluster.subscription}", crate::fixtures::SUBSCRIPTION),
    ] {
        let pattern = Pattern::parse(pattern).unwrap();
        assert!(pattern.matches(value, &(&cluster).into()), "{pattern}");
        assert!(
            !pattern.matches("elsewhere", &(&cluster).into()),
            "{pattern}"
        );
    }
}

#[test]
fn over_an_attribute_case_and_blanks_do_not_count() {
    let cluster = cluster("c1", &[("region", "West US"), ("glob", "*")]);
    let matches = |pattern: &str, value: &str| {
        let pattern = Pattern::parse(pattern).unwrap().over_attribute();
        pattern.matches(value, &(&cluster).into())
    };
    assert!(matches("East US", "eastus"));
    assert!(matches("East*", "eastus"));
    assert!(matches("${cluster.tags.region}", "westus"));
    assert!(matches("${cluster.tags.gone|West US}", "westus"));
    assert!(!matches("${cluster.tags.glob}", "westus"));
}

#[track_caller]
fn refuse(pattern: &str, at: Range<usize>, mistake: Mistake) {
    assert_eq!(Pattern::parse(pattern), Err(PatternError { at, mistake }));
}

#[test]
fn a_template_that_cannot_be_read_is_refused() {
    refuse("x${cluster.tags.site", 1..20, Mistake::Unclosed);
    let unknown = |field: &str| Mistake::UnknownField(field.to_owned());
    refuse("${cluster.nmae}", 0..15, unknown("cluster.nmae"));
    refuse("a${}", 1..4, unknown(""));
    refuse("${ cluster.name}", 0..16, unknown(" cluster.name"));
    let tag = |name: &str| Mistake::TagName(name.to_owned());
    refuse("${cluster.tags.}", 0..16, tag(""));
    refuse("${cluster.tags.a |b}", 0..20, tag("a "));
    refuse("${cluster.tags.a/b}", 0..19, tag("a/b"));
}

#[test]
fn a_default_is_plain_text() {
    refuse("${cluster.tags.a|*}", 0..19, Mistake::Default);
    refuse("${cluster.tags.a| b}", 0..20, Mistake::Default);
    refuse("${cluster.tags.a|${cluster.name}}", 0..32, Mistake::Default);
}

#[test]
fn text_that_looks_like_a_template_is_refused() {
    for (text, lookalike, at) in [
        ("$cluster.tags.site", CLUSTER_TAGS, 1),
        ("cluster.tags.site", CLUSTER_TAGS, 0),
        ("{cluster.name}", "{cluster", 0),
        ("a$(cluster.name)", "(cluster", 2),
        ("$cluster.name", "$cluster", 0),
    ] {
        let mistake = Mistake::Lookalike(lookalike);
        refuse(text, at..at + lookalike.len(), mistake);
    }
    assert!(Pattern::parse("cluster-a$1").is_ok());
}
