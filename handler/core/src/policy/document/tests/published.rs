//! The published schema beside the reader: what the reader takes the schema takes, and it refuses what it can see.

use std::{fs, path::Path, sync::LazyLock};

use expect_test::expect;
use jsonschema::Validator;
use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::{Value, json};

use super::{EXAMPLE, SHORTEST, diagnostics, mutations};
use crate::policy::document::{load, schema};

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let schema = serde_json::from_str(&schema::text()).unwrap();
    jsonschema::draft7::meta::validate(&schema).unwrap();
    jsonschema::validator_for(&schema).unwrap()
});

/// The file as an editor sees it; none where it is not one document of YAML.
fn as_json(text: &str) -> Option<Value> {
    let documents = Yaml::load_from_str(text).ok()?;
    let [document] = documents.as_slice() else {
        return None;
    };
    Some(value(document))
}

fn value(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(value.into_inner()),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Sequence(items) => items.iter().map(value).collect(),
        Yaml::Mapping(members) => {
            let member = |(key, node): (&Yaml<'_>, &Yaml<'_>)| match value(key) {
                Value::String(key) => (key, value(node)),
                key => (key.to_string(), value(node)),
            };
            Value::Object(members.iter().map(member).collect())
        }
        _ => Value::Null,
    }
}

/// Does the schema take the file?
pub(super) fn is_valid(text: &str) -> bool {
    as_json(text).is_some_and(|json| SCHEMA.is_valid(&json))
}

#[track_caller]
fn check_valid(text: &str) {
    load(text).unwrap();
    let json = as_json(text).unwrap();
    let errors: Vec<String> = SCHEMA
        .iter_errors(&json)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:?}\n{text}");
}

#[test]
fn what_the_reader_takes_the_schema_takes() {
    check_valid(mutations::SHIPPED);
    check_valid(EXAMPLE);
    check_valid(SHORTEST);
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut checked = 0;
    for file in fs::read_dir(cases).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        for section in text.split("policy:\n").skip(1) {
            let lines = section.lines().map_while(|line| line.strip_prefix("  "));
            check_valid(&lines.collect::<Vec<_>>().join("\n"));
            checked += 1;
        }
    }
    assert!(checked >= 10, "only {checked} policies in the cases");
}

#[test]
fn the_schema_refuses_what_can_be_seen_without_reading_the_whole_policy() {
    let mut taken = Vec::new();
    for (changes, text) in diagnostics::refused().chain(mutations::refused()) {
        assert!(load(&text).is_err(), "{changes}");
        if is_valid(&text) {
            taken.push(changes);
        }
    }
    // A schema knows no calendar, no case of letters, and no names of types in an id.
    expect![[r#"
        "/*/resourceGroups/lab/**\"" becomes "/11111111-1111-1111-1111-111111111111/resourceGroups/lab/providers/Microsoft.KeyVault/vaults/kv-1\""
        "2027-03-31" becomes "2027-02-29"
        "lab: null" becomes "Site: x"
        "${cluster.tags.site|none}" becomes "${cluster.tags.site | none}"
        "site: \"*\"" became "ENVIRONMENT: x"
        "- /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/" became "- /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroup/"
        "22222222-2222-2222-2222-222222222222/resourceGroups/rg-nexus-secrets" became "22222222-2222-2222-2222-222222222222/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/a"
        "purpose: nexus-credentials" became "8: nexus-credentials""#]].assert_eq(&taken.join("\n"));
}
