//! What a service says of a failure: its codes, from the outermost to the innermost, and its messages.
//!
//! It must not judge a code, nor keep more of a body than fits into a log's line.

use serde_json::Value;

/// What a service says of a failure. ARM wraps the cause: in `details`, in `innererror`, or in a message that is JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorDetail {
    /// Its codes, the outermost first.
    pub codes: Vec<String>,
    /// Its messages, as one line.
    pub message: Option<String>,
}

/// The largest error body that is read: whatever is larger is no error of a service, but somebody's page.
const LARGEST_ERROR: usize = 256 * 1024;
/// How deep a cause is looked for, and how many errors are looked at.
const DEEPEST: usize = 8;
const MOST_ERRORS: usize = 12;
/// How much of a text, and of a code, is kept.
const LONGEST: usize = 500;
const LONGEST_CODE: usize = 80;

impl ErrorDetail {
    /// One that names this code alone.
    pub fn of_code(code: Option<&str>) -> Self {
        Self {
            codes: code.map(ToOwned::to_owned).into_iter().collect(),
            message: None,
        }
    }

    /// Reads an error body: ARM's, the bare one of some providers, or none that can be read.
    pub(crate) fn read(body: &[u8]) -> Self {
        let value = Some(body).filter(|body| body.len() <= LARGEST_ERROR);
        let value = value.and_then(|body| serde_json::from_slice::<Value>(body).ok());
        value.map_or_else(Self::default, |value| Self::of(&value))
    }

    /// The same, of a body that is read already.
    pub(crate) fn of(value: &Value) -> Self {
        let mut detail = Self::default();
        let mut messages: Vec<String> = Vec::new();
        let mut level = vec![value.clone()];
        let mut seen = 0;
        for _ in 0..DEEPEST {
            let mut inner = Vec::new();
            for error in level.iter().map(unwrapped).take(MOST_ERRORS - seen) {
                seen += 1;
                detail.note_code(&error);
                match nested_text(&error) {
                    Some(wrapped) => inner.push(wrapped),
                    None => messages.extend(text(&error, "message")),
                }
                inner.extend(causes(&error));
            }
            level = inner;
        }
        messages.dedup();
        let message = shortened(&messages.join("; "));
        detail.message = Some(message).filter(|message| !message.is_empty());
        detail
    }

    fn note_code(&mut self, error: &Value) {
        let code = text(error, "code").map(|code| code.chars().take(LONGEST_CODE).collect());
        if let Some(code) = code.filter(|code| !self.codes.contains(code)) {
            self.codes.push(code);
        }
    }
}

/// The error itself, where a body or a cause holds it as a member.
fn unwrapped(value: &Value) -> Value {
    let error = value.get("error").filter(|error| error.is_object());
    error.unwrap_or(value).clone()
}

/// What an error names as its causes.
fn causes(error: &Value) -> impl Iterator<Item = Value> {
    let details = error.get("details").and_then(Value::as_array);
    let details = details.into_iter().flatten();
    let inner = ["innererror", "innerError"];
    let inner = inner.into_iter().filter_map(|name| error.get(name));
    details.chain(inner).cloned()
}

/// A message that is an error of its own, as deployments and wrapping providers have it.
fn nested_text(error: &Value) -> Option<Value> {
    let message = error.get("message")?.as_str()?.trim();
    let looks_nested = message.starts_with('{') && message.len() <= LARGEST_ERROR;
    let nested = looks_nested.then(|| serde_json::from_str::<Value>(message).ok())??;
    nested.is_object().then_some(nested)
}

fn text(error: &Value, name: &str) -> Option<String> {
    let text = shortened(error.get(name)?.as_str()?);
    Some(text).filter(|text| !text.is_empty())
}

/// The beginning of a text from outside, without anything that could forge a line of a log.
pub(crate) fn shortened(text: &str) -> String {
    let plain = text.chars().map(|character| {
        if character.is_control() {
            ' '
        } else {
            character
        }
    });
    plain.take(LONGEST).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn codes(body: &Value) -> Vec<String> {
        ErrorDetail::of(body).codes
    }

    #[test]
    fn the_cause_is_found_wherever_it_is_wrapped() {
        let cause = json!({ "code": "Cause", "message": "why" });
        let nested = json!({ "error": cause }).to_string();
        for body in [
            json!({ "error": { "code": "Outer", "message": "see below", "details": [cause] } }),
            json!({ "error": { "code": "Outer", "message": "see below", "innererror": cause } }),
            json!({ "error": { "code": "Outer", "innerError": { "innererror": cause } } }),
            json!({ "error": { "code": "Outer", "message": nested } }),
            json!({ "code": "Outer", "details": [{ "error": cause }] }),
        ] {
            assert_eq!(codes(&body), ["Outer", "Cause"], "{body}");
            let message = ErrorDetail::of(&body).message.unwrap();
            assert!(message.ends_with("why"), "{message}");
        }
    }

    #[test]
    fn codes_stand_from_the_outermost_to_the_innermost_each_once() {
        let deep = json!({ "code": "C", "details": [{ "code": "D" }, { "code": "A" }] });
        let body = json!({ "error": { "code": "A", "details": [{ "code": "B" }, deep] } });
        assert_eq!(codes(&body), ["A", "B", "C", "D"]);
    }

    #[test]
    fn an_error_without_end_is_read_to_a_bound() {
        let many: Vec<Value> = (0..1000)
            .map(|at| json!({ "code": format!("C{at}") }))
            .collect();
        let wide = json!({ "error": { "code": "A", "details": many } });
        assert_eq!(codes(&wide).len(), MOST_ERRORS);
        let mut deep = json!({ "code": "last" });
        for at in 0..50 {
            deep = json!({ "code": format!("C{at}"), "innererror": deep });
        }
        assert_eq!(codes(&deep).len(), DEEPEST);
    }
}
