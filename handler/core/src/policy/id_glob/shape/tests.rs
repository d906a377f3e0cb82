use proptest::prelude::*;

use super::*;
use crate::policy::id_glob::IdGlob;

const GROUP: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg";

#[track_caller]
fn check(shape: &Shape, good: &[&str], bad: &[&str]) {
    let can_match = |glob: &str| IdGlob::new(&glob.replace("<rg>", GROUP)).can_match(shape);
    for glob in good {
        assert!(can_match(glob), "{glob}");
    }
    for glob in bad {
        assert!(!can_match(glob), "{glob}");
    }
}

#[test]
fn a_glob_that_a_cluster_can_fit_is_sound() {
    let good = [
        "**",
        "***",
        "/**",
        "**/c1",
        "**lab",
        "**-*lab",
        "**/clusters/lab-*",
        "/SUBSCRIPTIONS/*/RESOURCEGROUPS/LAB/**",
        "/sub*/**",
        "*/subscriptions/*/resourceGroups/*/providers/*/*/*",
        "/subscriptions/1*/**/rg-*/**",
        "<rg>/**",
        "<rg>*/**",
        "<rg>/providers/*/clusters/lab-*",
        "<rg>/providers/Microsoft.NetworkCloud/clusters/c1",
        "/subscriptions/*/resourceGroups/Lätitia.(1)/**",
        "**/clusters/abcdefghijklmnopqrstuvwxyz-123",
    ];
    let bad = [
        "",
        "*",
        "c1",
        "lab-*",
        "/sub",
        "resourceGroups/**",
        "/resourceGroups/lab/**",
        "/subscriptions/*",
        "/subscriptions/*/**/",
        "/subscriptions/*/clusters/lab",
        "/subscriptions/x*/**",
        "/subscriptions/111/**",
        "**lab/",
        "**/clusters/lab-",
        "**/clusters/l",
        "**/clusters/my lab",
        "**/clusters/abcdefghijklmnopqrstuvwxyz-1234",
        "**/resourceGroups/lab./**",
        "**/clusters/lab/**",
        "**//**",
        "**/vaults/*",
        "**/${cluster.name}",
        "<rg>",
        "<rg>/*",
        "<rg>/clusters/c1",
        "<rg>/providers/Microsoft.KeyVault/vaults/kv-1",
        "<rg>/providers/Microsoft.NetworkCloud/clusters/c1/x",
        "<rg>/providers/Microsoft.NetworkCloud/clusterManagers/*",
    ];
    check(&Shape::cluster(), &good, &bad);
}

#[test]
fn a_glob_of_any_length_is_judged_at_once() {
    let long = [
        "*a".repeat(500_000),
        "**a".repeat(300_000),
        "*".repeat(1_000_000),
        format!("/subscriptions/{}", "**-".repeat(300_000)),
        "a".repeat(1_000_000),
    ];
    let sound = long.map(|glob| IdGlob::new(&glob).can_match(&Shape::cluster()));
    assert_eq!(sound, [false, false, true, false, false]);
}

/// Ids of clusters, of any spelling that is taken for one.
fn id() -> impl Strategy<Value = String> {
    let sound = "/subscriptions/[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}/[rR]esourceGroups/[a-zA-Z0-9._()ä-]{0,89}[a-zA-Z0-9_()ä-]/providers/Microsoft[.]Network[cC]loud/clusters/[a-zA-Z0-9][a-zA-Z0-9_-]{0,28}[a-zA-Z0-9]";
    sound.prop_map(|id: String| id)
}

proptest! {
    /// A glob that matches an id is never refused.
    #[test]
    fn what_matches_an_id_can_match(id in id(), cuts in prop::collection::vec((0_usize..300, 0_usize..40, any::<bool>()), 0..5)) {
        prop_assert!(id.parse::<ClusterId>().is_ok(), "{id}");
        let mut letters: Vec<String> = id.chars().map(String::from).collect();
        for (from, length, crosses) in cuts {
            let from = from.min(letters.len());
            let to = (from + length).min(letters.len());
            let crossed = |letter: &String| letter == "/" || letter == "**";
            let is_within = !crosses && !letters[from..to].iter().any(crossed);
            let star = if is_within { "*" } else { "**" };
            letters.splice(from..to, [star.to_owned()]);
        }
        let glob = IdGlob::new(&letters.concat());
        prop_assert!(glob.matches(&id) && glob.can_match(&Shape::cluster()), "{glob} {id}");
    }

    /// A glob without a star is sound just where it is an id of a cluster.
    #[test]
    fn a_text_can_match_where_it_is_an_id(id in id(), at in 0_usize..300, letter in "[ -)+-~]") {
        let mut letters: Vec<char> = id.chars().collect();
        let at = at.min(letters.len() - 1);
        letters[at] = letter.chars().next().unwrap();
        let text: String = letters.into_iter().collect();
        let is_id = text.parse::<ClusterId>().is_ok();
        prop_assert_eq!(IdGlob::new(&text).can_match(&Shape::cluster()), is_id, "{}", text);
    }
}
