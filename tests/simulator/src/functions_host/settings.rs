//! The app settings of a function app: the environment that the host runs in, with what the caller adds.
//! It reads the environment once and never changes it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Settings by name; names are case-sensitive, as on Linux.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    values: BTreeMap<String, String>,
}

impl Settings {
    /// The process's own environment under `added`.
    #[expect(
        clippy::disallowed_methods,
        reason = "as a host does that is started from a shell"
    )]
    pub(super) fn over_environment(added: &[(String, String)]) -> Self {
        let own = std::env::vars_os()
            .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
        Self {
            values: own.chain(added.iter().cloned()).collect(),
        }
    }

    /// These settings alone.
    #[cfg(test)]
    pub(super) fn only(values: &[(&str, &str)]) -> Self {
        Self {
            values: values
                .iter()
                .map(|&(k, v)| (k.to_owned(), v.to_owned()))
                .collect(),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The text with each `%NAME%` replaced.
    ///
    /// # Errors
    /// With the name of a setting that is not there.
    pub(super) fn resolve(&self, text: &str) -> Result<String, String> {
        self.expand(text, |name| {
            self.get(name)
                .map(str::to_owned)
                .ok_or_else(|| format!("'%{name}%' does not resolve to a value"))
        })
    }

    /// The same, where a setting that is not there is empty.
    pub(super) fn expand_leniently(&self, text: &str) -> String {
        self.expand(text, |name| {
            Ok(self.get(name).unwrap_or_default().to_owned())
        })
        .unwrap_or_default()
    }

    fn expand(
        &self,
        text: &str,
        value: impl Fn(&str) -> Result<String, String>,
    ) -> Result<String, String> {
        let mut pieces = text.split('%');
        let mut expanded = pieces.next().unwrap_or_default().to_owned();
        let rest: Vec<&str> = pieces.collect();
        for pair in rest.chunks(2) {
            match pair {
                [name, after] => {
                    expanded.push_str(&value(name)?);
                    expanded.push_str(after);
                }
                unpaired => expanded.push_str(&format!("%{}", unpaired.concat())),
            }
        }
        Ok(expanded)
    }

    /// `host.json` with the settings `AzureFunctionsJobHost__a__b` laid over it.
    pub(super) fn override_host_json(&self, host: &mut Value) {
        for (name, value) in &self.values {
            if let Some(path) = name.strip_prefix("AzureFunctionsJobHost__") {
                let path: Vec<&str> = path.split("__").collect();
                set(host, &path, value);
            }
        }
    }

    /// Whether a function is switched off; the form with two underscores does not count.
    pub(super) fn disables(&self, function: &str) -> bool {
        let name = format!("AzureWebJobs.{function}.Disabled");
        self.get(&name)
            .is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1")
    }
}

fn set(target: &mut Value, path: &[&str], value: &str) {
    let Some((name, rest)) = path.split_first() else {
        *target = match serde_json::from_str(value) {
            Ok(list @ Value::Array(_)) => list,
            _ => Value::String(value.to_owned()),
        };
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    if let Some(members) = target.as_object_mut() {
        let known = members
            .keys()
            .find(|key| key.eq_ignore_ascii_case(name))
            .cloned();
        set(
            members
                .entry(known.unwrap_or_else(|| (*name).to_owned()))
                .or_insert(Value::Null),
            rest,
            value,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_between_percent_signs_are_replaced() {
        let settings = Settings::only(&[("QUEUE", "requests")]);
        assert_eq!(settings.resolve("%QUEUE%-x"), Ok("requests-x".to_owned()));
        assert_eq!(settings.resolve("100%"), Ok("100%".to_owned()));
        assert!(settings.resolve("%OTHER%").unwrap_err().contains("%OTHER%"));
        assert_eq!(settings.expand_leniently("a%OTHER%b"), "ab");
    }

    #[test]
    fn a_setting_overrides_host_json_whatever_its_case() {
        let settings = Settings::only(&[
            ("AzureFunctionsJobHost__functiontimeout", "00:00:02"),
            (
                "AzureFunctionsJobHost__customHandler__description__arguments",
                "[\"a\",\"b\"]",
            ),
        ]);
        let mut host = json!({ "functionTimeout": "00:02:00", "customHandler": { "description": { "arguments": ["serve"] } } });
        settings.override_host_json(&mut host);
        assert_eq!(
            host,
            json!({ "functionTimeout": "00:00:02", "customHandler": { "description": { "arguments": ["a", "b"] } } })
        );
    }

    #[test]
    fn only_the_dotted_form_switches_a_function_off() {
        let settings = Settings::only(&[
            ("AzureWebJobs.a.Disabled", "true"),
            ("AzureWebJobs__b__Disabled", "true"),
        ]);
        assert!(settings.disables("a") && !settings.disables("b"));
    }
}
