use vaultbind_azure::graph::PLATFORM_APPS;

use super::*;

fn variables(extra: &[(&str, &str)]) -> BTreeMap<String, String> {
    let required = [(PORT, "7071"), (NAMESPACE, "sb-x.servicebus.windows.net")];
    let all = required.iter().chain(extra);
    all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn problems(extra: &[(&str, &str)]) -> Vec<String> {
    let errors = Config::from_variables(&variables(extra)).unwrap_err();
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn the_two_required_settings_are_enough() {
    let config = Config::from_variables(&variables(&[])).unwrap();
    assert_eq!(config.port, 7071);
    assert_eq!(
        (
            config.requests_queue.as_str(),
            config.results_queue.as_str()
        ),
        ("requests", "results")
    );
    assert_eq!(
        (config.coalesce_seconds, config.deadline),
        (5, Duration::from_secs(24 * 3600))
    );
    assert_eq!(config.policy, PathBuf::from("policy.yaml"));
    assert_eq!(config.source, "vaultbind");
    assert!(!config.under_host);
    assert_eq!(config.arm.to_string(), "https://management.azure.com/");
    assert_eq!(
        config.service_bus.to_string(),
        "https://sb-x.servicebus.windows.net/"
    );
    assert!(matches!(config.credential, CredentialKind::DeveloperTools));
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let errors = Config::from_variables(&BTreeMap::from([
        (CLOUD.to_owned(), "moon".to_owned()),
        (COALESCE.to_owned(), "-1".to_owned()),
        (DEADLINE.to_owned(), "0".to_owned()),
    ]))
    .unwrap_err();
    let named: Vec<&str> = errors.iter().map(|error| error.variable).collect();
    assert_eq!(named, [PORT, NAMESPACE, CLOUD, COALESCE, DEADLINE]);
}

#[test]
fn an_empty_setting_counts_as_not_set() {
    let config =
        Config::from_variables(&variables(&[(CLIENT, " "), (REQUESTS, ""), (CLOUD, "")])).unwrap();
    assert_eq!(config.client_id, None);
    assert_eq!(config.requests_queue, "requests");
}

#[test]
fn plain_http_goes_to_loopback_alone() {
    for good in [
        "http://127.0.0.1:8080",
        "http://127.8.9.1",
        "http://[::1]:1",
        "http://localhost:1",
        "https://arm.example",
    ] {
        assert!(
            Config::from_variables(&variables(&[(ARM, good)])).is_ok(),
            "{good}"
        );
    }
    for bad in [
        "http://management.azure.com",
        "http://localhost.example",
        "http://127.0.0.1.example",
        "http://10.0.0.1",
        "http://localhost@evil.example",
        "ftp://localhost",
        "https://user:secret@arm.example",
        "not a url",
        "https://arm.example?x=1",
    ] {
        assert_eq!(problems(&[(ARM, bad)]).len(), 1, "{bad}");
    }
}

#[test]
fn a_managed_identity_is_used_where_the_platform_offers_one() {
    let config = Config::from_variables(&variables(&[
        (IDENTITY, "http://127.0.0.1:1/token"),
        (CLIENT, "c-1"),
    ]))
    .unwrap();
    assert!(
        matches!(config.credential, CredentialKind::ManagedIdentity { client_id: Some(id) } if id == "c-1")
    );
    let asked = Config::from_variables(&variables(&[
        (IDENTITY, "http://x"),
        (CREDENTIAL, "developer-tools"),
    ]))
    .unwrap();
    assert!(matches!(asked.credential, CredentialKind::DeveloperTools));
    assert_eq!(
        problems(&[(CREDENTIAL, "key")]),
        ["VAULTBIND_CREDENTIAL: expected managed-identity or developer-tools"]
    );
}

#[test]
fn names_that_go_into_addresses_are_checked() {
    for (variable, bad) in [
        (REQUESTS, "a/b"),
        (REQUESTS, ".."),
        (RESULTS, "a?b"),
        (RESULTS, "a b"),
        (NAMESPACE, "https://sb.servicebus.windows.net"),
        (NAMESPACE, "sb"),
        (NAMESPACE, "sb.x/y"),
    ] {
        let mut all = variables(&[]);
        all.insert(variable.to_owned(), bad.to_owned());
        assert!(Config::from_variables(&all).is_err(), "{variable}={bad}");
    }
}

#[test]
fn the_platform_principals_are_two_different_object_ids() {
    let (a, b) = (
        "aaaaaaaa-0000-4000-8000-000000000001",
        "aaaaaaaa-0000-4000-8000-000000000002",
    );
    let config = Config::from_variables(&variables(&[(PRINCIPALS, &format!("{a}, {b}"))])).unwrap();
    assert_eq!(config.platform_principals.unwrap().len(), 2);
    for bad in [
        a.to_owned(),
        format!("{a},{a}"),
        format!("{a},{b},{b}"),
        "x,y".to_owned(),
    ] {
        assert_eq!(problems(&[(PRINCIPALS, &bad)]).len(), 1, "{bad}");
    }
}

#[test]
fn an_app_id_is_no_object_id() {
    let other = "aaaaaaaa-0000-4000-8000-000000000001";
    for (_, app) in PLATFORM_APPS {
        for app in [app.to_owned(), app.to_uppercase()] {
            let found = problems(&[(PRINCIPALS, &format!("{other},{app}"))]);
            assert!(found.len() == 1 && found[0].contains("app id"), "{found:?}");
        }
    }
}

#[test]
fn every_variable_is_described_once() {
    let mut names: Vec<&str> = VARIABLES.iter().map(|variable| variable.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
