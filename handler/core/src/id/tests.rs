use super::*;

const SUBSCRIPTION: &str = "11111111-1111-1111-1111-111111111111";

fn cluster(rest: &str) -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg1/providers/Microsoft.NetworkCloud/clusters/{rest}"
    )
}

#[test]
fn an_id_comes_apart_into_its_parts() {
    let id: ClusterId = cluster("c1").parse().unwrap();
    assert_eq!(id.subscription().as_str(), SUBSCRIPTION);
    assert_eq!(id.resource_group(), "rg1");
    assert_eq!(id.resource_type(), "Microsoft.NetworkCloud/clusters");
    assert_eq!(id.name(), "c1");
}

#[test]
fn case_does_not_count() {
    let upper: ClusterId = cluster("C1").to_uppercase().parse().unwrap();
    let lower: ClusterId = cluster("c1").parse().unwrap();
    assert_eq!(upper, lower);
    assert_eq!(upper.key(), lower.key());
}

#[test]
fn a_text_that_is_an_id_in_whatever_case_is_the_one_that_is_read_as_it() {
    let id: ClusterId = cluster("c1").parse().unwrap();
    let (upper, longer) = (cluster("C1").to_uppercase(), cluster("c1/"));
    for text in [cluster("c1"), upper, longer, cluster("c2"), String::new()] {
        let read: Option<ClusterId> = text.parse().ok();
        assert_eq!(id.is_spelled(&text), read.as_ref() == Some(&id), "{text}");
    }
}

#[test]
fn keywords_get_arms_spelling() {
    let id: ResourceId = cluster("c1")
        .replace("resourceGroups", "resourcegroups")
        .parse()
        .unwrap();
    assert!(id.as_str().contains("/resourceGroups/"));
}

#[test]
fn what_could_change_a_url_is_refused() {
    let hostile = [
        "",
        "..",
        ".",
        "a..",
        "a%2f",
        "a?b",
        "a#b",
        "a b",
        "a\nb",
        "a\\b",
        "a/",
        "/a",
        "a//b",
        "a;b",
        "a@b",
        "a:b",
        "a\u{0}",
        "c1/x",
        "c1?api-version=1",
        "c1/../../x",
    ];
    for name in hostile {
        assert!(
            cluster(name).parse::<ClusterId>().is_err(),
            "{name:?} was accepted"
        );
    }
    assert!(cluster(&"a".repeat(2000)).parse::<ResourceId>().is_err());
    assert!(
        cluster("c1")
            .replace("rg1", "..")
            .parse::<ResourceId>()
            .is_err()
    );
    assert!(
        cluster("c1")
            .replace(SUBSCRIPTION, "s1")
            .parse::<ResourceId>()
            .is_err()
    );
    assert!(
        cluster("c1")
            .trim_start_matches('/')
            .parse::<ResourceId>()
            .is_err()
    );
}

#[test]
fn another_type_is_named() {
    let error = cluster("c1").parse::<VaultId>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the id is of a Microsoft.NetworkCloud/clusters, not of a Microsoft.KeyVault/vaults"
    );
}

#[test]
fn names_follow_the_types_own_rules() {
    for name in ["c", "-c1", "c1-", "c.1", &"c".repeat(31)] {
        assert!(cluster(name).parse::<ClusterId>().is_err(), "{name}");
    }
    assert!(cluster("a_b-9").parse::<ClusterId>().is_ok());
}

#[test]
fn a_scope_holds_what_lies_below_it_and_nothing_that_merely_begins_alike() {
    let vault: VaultId = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/RG-secrets/providers/Microsoft.KeyVault/vaults/kv-a"
    )
    .parse()
    .unwrap();
    let holds = |scope: &str| scope.parse::<Scope>().unwrap().contains(&vault);
    assert!(holds(&format!("/subscriptions/{SUBSCRIPTION}")));
    assert!(holds(&format!(
        "/subscriptions/{SUBSCRIPTION}/resourcegroups/rg-SECRETS"
    )));
    assert!(holds(vault.as_str()));
    assert!(!holds(&format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-secret"
    )));
    assert!(!holds(
        "/subscriptions/22222222-2222-2222-2222-222222222222"
    ));
}

#[test]
fn letters_of_other_scripts_are_kept_and_never_folded() {
    let id = cluster("c1").replace("rg1", "rg-münchen");
    assert!(id.parse::<ResourceId>().is_ok());
    let kelvin: ResourceId = cluster("c1").replace("rg1", "rg\u{212a}").parse().unwrap();
    let plain: ResourceId = cluster("c1").replace("rg1", "rgk").parse().unwrap();
    assert_ne!(kelvin, plain);
}
