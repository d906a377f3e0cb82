//! What a query makes of rows.
//! It reads no state; the rows are given.

use serde_json::{Map, Value, json};

use super::parse::{Comparison, Condition, Function, Query, Scalar, Step};

/// The rows that are left, and what is left of them.
pub(super) fn evaluate(query: &Query, mut rows: Vec<Value>) -> Vec<Value> {
    for step in &query.steps {
        match step {
            Step::Where(condition) => rows.retain(|row| holds(condition, row)),
            Step::Project(columns) => rows = rows.iter().map(|row| project(columns, row)).collect(),
            Step::OrderById => {
                rows.sort_by_key(|row| row["id"].as_str().unwrap_or_default().to_ascii_lowercase())
            }
        }
    }
    rows
}

fn project(columns: &[(String, Scalar)], row: &Value) -> Value {
    columns
        .iter()
        .map(|(name, scalar)| (name.clone(), value(scalar, row)))
        .collect::<Map<_, _>>()
        .into()
}

fn holds(condition: &Condition, row: &Value) -> bool {
    match condition {
        Condition::All(conditions) => conditions.iter().all(|condition| holds(condition, row)),
        Condition::Any(conditions) => conditions.iter().any(|condition| holds(condition, row)),
        Condition::Compare(scalar, comparison, choices) => {
            // Nothing equals a value that is not there.
            let value = value(scalar, row);
            value.as_str().is_some_and(|value| {
                choices
                    .iter()
                    .any(|choice| compare(value, *comparison, choice))
            })
        }
    }
}

fn compare(value: &str, comparison: Comparison, choice: &str) -> bool {
    match comparison {
        Comparison::Equal => value == choice,
        Comparison::EqualIgnoringCase => value.to_lowercase() == choice.to_lowercase(),
        Comparison::StartsWith => value.to_lowercase().starts_with(&choice.to_lowercase()),
    }
}

fn value(scalar: &Scalar, row: &Value) -> Value {
    match scalar {
        // Member names are case-sensitive, other than in ARM.
        Scalar::Path(path) => path
            .iter()
            .fold(row, |value, member| &value[member.as_str()])
            .clone(),
        Scalar::Call(function, inner) => call(*function, &value(inner, row)),
    }
}

fn call(function: Function, value: &Value) -> Value {
    match function {
        Function::Text => match value {
            Value::Null => json!(""),
            Value::String(text) => json!(text),
            other => json!(other.to_string()),
        },
        Function::Lower => json!(value.as_str().unwrap_or_default().to_lowercase()),
        Function::Truth => match value {
            Value::Bool(_) => value.clone(),
            Value::String(text) if text.eq_ignore_ascii_case("true") => json!(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => json!(false),
            Value::Number(number) => json!(number.as_i64() != Some(0)),
            _ => Value::Null,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    fn rows() -> Vec<Value> {
        vec![
            json!({ "id": "/subscriptions/s/resourcegroups/rg-b/x/b", "type": "t/v", "resourceGroup": "rg-b", "properties": { "on": "True", "n": 1 } }),
            json!({ "id": "/subscriptions/s/resourcegroups/rg-a/x/A", "type": "t/v", "resourceGroup": "rg-a", "properties": { "on": null } }),
            json!({ "id": "/subscriptions/z/c", "type": "t/w", "resourceGroup": "it's", "properties": {} }),
        ]
    }

    #[track_caller]
    fn check(query: &str, expected: &[&str]) {
        let found = evaluate(&parse(query).unwrap(), rows());
        let ids: Vec<&str> = found
            .iter()
            .map(|row| row["id"].as_str().unwrap().rsplit('/').next().unwrap())
            .collect();
        assert_eq!(ids, expected, "{query}");
    }

    #[test]
    fn conditions_bind_as_they_should() {
        check(
            "resources | where type =~ 'T/V' | order by id asc",
            &["A", "b"],
        );
        check("resources | where type == 'T/V'", &[]);
        check(
            "resources | where type =~ 't/w' or type =~ 't/v' and resourceGroup =~ 'RG-A'",
            &["A", "c"],
        );
        check(
            "resources | where (type =~ 't/w' or type =~ 't/v') and resourceGroup in~ ('RG-A', 'rg-b')",
            &["b", "A"],
        );
        check(
            "Resources | where id startswith '/SUBSCRIPTIONS/S/resourceGroups/rg-b'",
            &["b"],
        );
        check("resources | where resourceGroup =~ 'it\\'s'", &["c"]);
        check("resources | where resourceGroup =~ @'it''s'", &["c"]);
        check("resources | where properties.on == 'True'", &["b"]);
    }

    #[test]
    fn columns_are_named_and_converted() {
        let query = "resources | project id, type, on=tobool(properties.on), n = tostring(properties.n), low=tolower(tostring(properties['on'])), none=properties.none | order by id asc";
        let found = evaluate(&parse(query).unwrap(), rows());
        let (first, second) = (&found[0], &found[1]);
        assert_eq!(
            (&first["on"], &first["n"], &first["none"]),
            (&Value::Null, &json!(""), &Value::Null)
        );
        assert_eq!(
            (&second["on"], &second["n"], &second["low"]),
            (&json!(true), &json!("1"), &json!("true"))
        );
        assert_eq!(second.as_object().unwrap().len(), 6);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let refused = [
            "",
            "securityresources | where type =~ 'a'",
            "resources | where type =~ 'a",
            "resources | where type =~ a",
            "resources | where type has 'a'",
            "resources | where (type =~ 'a'",
            "resources | where strlen(type) == 'a'",
            "resources | extend a = type",
            "resources | order by name asc",
            "resources | order by id desc",
            "resources | take 1",
            "resources | project tolower(id)",
            "resources | where type =~ 'a' ; drop",
        ];
        for query in refused {
            assert!(parse(query).is_err(), "{query}");
        }
        let deep = format!(
            "resources | where {}type =~ 'a'{}",
            "(".repeat(1000),
            ")".repeat(1000)
        );
        assert!(parse(&deep).is_err());
    }
}
