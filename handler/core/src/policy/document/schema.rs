//! The JSON Schema of the format, for editors and for checks that do not run Vaultbind.
//!
//! It must not name a key, a word or a meaning itself where the reader has it: both take them from one place.

use serde_json::{Map, Value, json};

use super::format::{self, Key};
use crate::policy::{
    Mode, Preference, Rebind, Requirement, WriterChoice,
    attributes::Attribute,
    pattern::{CLUSTER, CLUSTER_TAGS, LOOKALIKES, NOT_IN_TAG_NAMES},
};

const HEX: &str = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";
/// A character of plain text: none that begins a template.
const PLAIN: &str = r"[^$]|\$(?!\{)";

/// The schema as it is published, with a line feed at its end.
pub fn text() -> String {
    let mut schema = object(&[
        (format::VERSION, json!({ "const": format::VERSION_READ })),
        (format::MODE, word(Mode::WORDS, Mode::HELP)),
        (
            format::SCOPE,
            object(&[(format::SUBSCRIPTIONS, list(&defined(GUID)))]),
        ),
        (format::RULES, list(&rule())),
        (
            format::EXEMPTIONS,
            json!({ "type": "array", "items": exemption() }),
        ),
    ]);
    schema["definitions"] = definitions();
    schema["$schema"] = "http://json-schema.org/draft-07/schema#".into();
    schema["title"] = "Vaultbind policy".into();
    schema["description"] =
        "Which key vault each Operator Nexus cluster delivers its rotated credentials to.".into();
    format!("{schema:#}\n")
}

fn rule() -> Value {
    object(&[
        (format::NAME, matching(format::RULE_NAME)),
        (format::CLUSTERS, clusters()),
        (format::VAULTS, vaults()),
        (
            format::WRITER,
            word(WriterChoice::WORDS, WriterChoice::HELP),
        ),
        (format::IDENTITY, identity()),
        (format::REBIND, word(Rebind::WORDS, Rebind::HELP)),
    ])
}

fn clusters() -> Value {
    let mut keys = vec![(format::TAGS, tags(&defined(TEXT)))];
    keys.extend(attributes(&defined(NAME), &defined(GUID)));
    object(&keys)
}

fn vaults() -> Value {
    let preference = word(Preference::WORDS, Preference::HELP);
    let requirement = word(Requirement::WORDS, Requirement::HELP);
    let mut keys = vec![
        (format::WITHIN, list(&scope())),
        (format::TAGS, tags(&defined(TEMPLATE))),
        (format::PREFER, words(preference)),
        (format::REQUIRE, words(requirement)),
    ];
    keys.extend(attributes(&defined(NAME_TEMPLATE), &defined(GUID_TEMPLATE)));
    object(&keys)
}

fn attributes(name: &Value, guid: &Value) -> Vec<(Key, Value)> {
    let tested = |(key, attribute): &(Key, Attribute)| match attribute {
        Attribute::Subscription => (*key, test(guid)),
        _ => (*key, test(name)),
    };
    format::ATTRIBUTES.iter().map(tested).collect()
}

fn exemption() -> Value {
    object(&[
        (format::EXEMPT, list(&id_glob())),
        (format::OWNER, matching(r"\S")),
        (format::REASON, matching(r"\S")),
        (
            format::UNTIL,
            matching("^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"),
        ),
    ])
}

/// A mapping with these keys and no others.
fn object(keys: &[(Key, Value)]) -> Value {
    let described = |(key, value): &(Key, Value)| {
        let mut value = value.clone();
        let words = value.get("description").and_then(Value::as_str);
        let help = words.map_or_else(
            || key.help.to_owned(),
            |words| format!("{}\n\n{words}", key.help),
        );
        value["description"] = help.into();
        (key.name.to_owned(), value)
    };
    let properties: Map<String, Value> = keys.iter().map(described).collect();
    let required = keys.iter().filter(|(key, _)| key.missing.is_some());
    let required: Vec<&str> = required.map(|(key, _)| key.name).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn matching(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": pattern })
}

fn list(item: &Value) -> Value {
    json!({ "type": "array", "items": item, "minItems": 1 })
}

/// One of the words, with what each means.
fn word<T>(words: &[(&'static str, T)], help: &[&'static str]) -> Value {
    let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let meanings = names.iter().zip(help);
    let meanings: Vec<String> = meanings
        .map(|(word, help)| format!("- `{word}`: {}", help.trim()))
        .collect();
    json!({ "enum": names, "description": meanings.join("\n") })
}

fn words(mut word: Value) -> Value {
    let help = word["description"].take();
    if let Some(word) = word.as_object_mut() {
        word.remove("description");
    }
    json!({ "type": "array", "items": word, "uniqueItems": true, "description": help })
}

fn tags(value: &Value) -> Value {
    let mut test = test(value);
    if let Some(ways) = test["anyOf"].as_array_mut() {
        ways.push(json!({ "type": "null" }));
    }
    json!({
        "type": "object",
        "propertyNames": { "pattern": format!("^[^{}]+$", escaped(NOT_IN_TAG_NAMES)) },
        "additionalProperties": test,
    })
}

/// One value, any of several, or none of them.
fn test(value: &Value) -> Value {
    let ways = json!([value, list(value)]);
    let not = object(&[(format::NOT, json!({ "anyOf": ways }))]);
    json!({ "anyOf": [value, list(value), not] })
}

/// What stands for a value, by the names of its definitions.
const TEXT: &str = "text";
const NAME: &str = "name";
const GUID: &str = "guid";
const TEMPLATE: &str = "template";
const NAME_TEMPLATE: &str = "name-template";
const GUID_TEMPLATE: &str = "guid-template";

fn defined(name: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{name}") })
}

fn definitions() -> Value {
    let lookalikes = LOOKALIKES.map(escaped).join("|");
    let plain = format!("(?!{lookalikes})({PLAIN})");
    let template = template();
    let not_blank = |name| json!({ "allOf": [defined(name), { "pattern": r"\S" }] });
    let with_template = json!({ "allOf": [defined(TEMPLATE), { "pattern": template }] });
    json!({
        TEXT: matching(&format!("^({plain})*$")),
        TEMPLATE: matching(&format!("^({plain}|{template})*$")),
        NAME: not_blank(TEXT),
        NAME_TEMPLATE: not_blank(TEMPLATE),
        GUID: matching(&format!("^{HEX}$")),
        GUID_TEMPLATE: { "anyOf": [defined(GUID), with_template] },
    })
}

fn template() -> String {
    let words: Vec<&str> = Attribute::WORDS.iter().map(|(word, _)| *word).collect();
    format!(
        r"\$\{{({}[^|}}]+|{}({}))(\|([^*$}}]|\$(?!\{{))*)?\}}",
        escaped(CLUSTER_TAGS),
        escaped(CLUSTER),
        words.join("|")
    )
}

/// The text as a regular expression.
fn escaped(text: &str) -> String {
    let escape = |character: char| {
        let is_special = r"\/.*+?()[]{}|^$".contains(character);
        if is_special {
            format!(r"\{character}")
        } else {
            character.to_string()
        }
    };
    text.chars().map(escape).collect()
}

fn scope() -> Value {
    let name = r"[^/*?#%${}\s]+";
    matching(&format!(
        "^/[A-Za-z]+/{HEX}(/[A-Za-z]+/{name}(/[A-Za-z]+/{name}/{name}/{name})?)?$"
    ))
}

/// A name or a glob over names, or an id.
fn identity() -> Value {
    let name = r"[^/*?#%${}\s]+";
    matching(&format!(
        "^([A-Za-z0-9_*-]+|/[A-Za-z]+/{HEX}/[A-Za-z]+/{name}/[A-Za-z]+/{name}/{name}/{name})$"
    ))
}

/// An id or a glob: without two stars together it has all the segments of an id.
fn id_glob() -> Value {
    matching(r"^(?=[*/])(.*\*\*(.*[^/])?|\*?(/[^/]+){8})$")
}
