use super::*;
use crate::fixtures::cluster;

#[track_caller]
fn check(pattern: &str, tags: &[(&str, &str)], value: &str, expected: bool) {
    let pattern = Pattern::parse(pattern).unwrap();
    assert_eq!(
        pattern.matches(value, &cluster("c1", tags)),
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
fn a_template_that_cannot_be_read_is_refused() {
    assert_eq!(
        Pattern::parse("x${cluster.tags.site"),
        Err(PatternError::Unclosed { at: 1 })
    );
    assert_eq!(
        Pattern::parse("${cluster.nmae}"),
        Err(PatternError::UnknownField {
            at: 0,
            field: "cluster.nmae".to_owned()
        })
    );
    assert!(Pattern::parse("${cluster.tags.}").is_err());
}

#[test]
fn in_an_id_one_star_stays_within_a_segment_and_two_cross() {
    let id = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-nexus-1";
    assert!(IdGlob::new("**/id-nexus-*").matches(id));
    assert!(IdGlob::new("**/ID-NEXUS-1").matches(id));
    assert!(IdGlob::new(id).matches(&id.to_uppercase()));
    assert!(IdGlob::new("/subscriptions/*/resourceGroups/rg/**").matches(id));
    assert!(!IdGlob::new("/subscriptions/*/id-nexus-1").matches(id));
    assert!(!IdGlob::new("id-nexus-*").matches(id));
    assert!(!IdGlob::new("**/id-nexus-").matches(id));
}
