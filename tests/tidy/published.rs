//! What is published beside the code: settings, schemas and the policy's reference are those of the code.
//!
//! It must not judge what they say.

use std::{collections::BTreeSet, fs};

use serde_json::Value;
use vaultbind::config::VARIABLES;
use vaultbind_core::policy::document::{self, schema};

use crate::{read, root};

#[test]
fn the_readme_describes_every_setting() {
    let readme = read("README.md");
    for variable in VARIABLES {
        let row = format!(
            "| `{}` | {} | {} |",
            variable.name, variable.meaning, variable.default
        );
        assert!(readme.contains(&row), "the README lacks the row\n{row}");
    }
}

#[test]
fn the_published_result_schema_is_that_of_the_types() {
    is_published("result", &vaultbind::report::schema());
}

#[test]
fn the_page_of_codes_is_that_of_the_types() {
    let page = read("docs/result-codes.md");
    let (before, rest) = page.split_once("<!-- codes -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    let codes = vaultbind_core::result::page();
    let expected = format!("{before}<!-- codes -->\n{codes}<!-- end -->{after}");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(root().join("docs/result-codes.md"), &expected).unwrap();
    }
    assert_eq!(read("docs/result-codes.md"), expected);
}

#[test]
fn the_published_policy_schema_is_that_of_the_reader() {
    is_published("policy", &schema::text());
    let example = read("policy.yaml");
    let first = example.lines().next();
    let expected = "# yaml-language-server: $schema=schemas/policy.schema.json";
    assert_eq!(first, Some(expected));
}

#[test]
fn the_reference_of_the_policy_names_every_key_and_word_and_its_example_loads() {
    let reference = read("docs/policy.md");
    let schema: Value = serde_json::from_str(&schema::text()).unwrap();
    let mut names = BTreeSet::new();
    named(&schema, &mut names);
    assert!(names.len() > 30, "{names:?}");
    for name in names {
        let is_told = [format!("`{name}`"), format!("{{ {name}: ")]
            .iter()
            .any(|it| reference.contains(it));
        assert!(is_told, "docs/policy.md lacks `{name}`");
    }
    let (_, rest) = reference.split_once("```yaml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let problems = document::check(example, time::macros::date!(2026 - 11 - 23));
    assert!(problems.is_empty(), "{problems:?}");
}

/// The names of all properties, and all words.
fn named(schema: &Value, names: &mut BTreeSet<String>) {
    if let Some(properties) = schema["properties"].as_object() {
        names.extend(properties.keys().cloned());
    }
    if let Some(words) = schema["enum"].as_array() {
        names.extend(words.iter().map(|it| it.as_str().unwrap().to_owned()));
    }
    match schema {
        Value::Object(members) => members.values().for_each(|it| named(it, names)),
        Value::Array(items) => items.iter().for_each(|it| named(it, names)),
        _ => {}
    }
}

#[track_caller]
fn is_published(name: &str, generated: &str) {
    let file = format!("schemas/{name}.schema.json");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(root().join(&file), generated).unwrap();
    }
    assert_eq!(
        read(&file),
        generated,
        "run with UPDATE_EXPECT=1 to write it anew"
    );
}
