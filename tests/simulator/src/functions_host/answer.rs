//! What a handler's HTTP answer means to the host.
//! It sees status, content type and bytes, and nothing of the process or the trigger.

use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::conversion;

/// The host's reading of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The invocation succeeded.
    Success {
        /// The lines of `Logs`.
        logs: Vec<String>,
        /// Values that the real host would mangle on their way to an output binding.
        mangled: Vec<String>,
    },
    /// The invocation failed, with the host's words.
    Failure(String),
    /// The host never completes the invocation: it hangs until the function's time is up.
    Hang(&'static str),
}

/// How deep the host's reader goes.
const MAX_DEPTH: usize = 256;

/// Judges an answer.
pub(super) fn judge(status: u16, content_type: Option<&str>, body: &[u8]) -> Answer {
    if !(200..300).contains(&status) {
        let reason = axum::http::StatusCode::from_u16(status)
            .ok()
            .and_then(|s| s.canonical_reason());
        return Answer::Failure(format!(
            "Response status code does not indicate success: {status} ({}).",
            reason.unwrap_or_default()
        ));
    }
    if body.is_empty() {
        return Answer::Hang("the body is empty");
    }
    if !is_json(content_type) {
        let kind = content_type.unwrap_or("no content type");
        return Answer::Failure(format!(
            "Invalid HttpResponseMessage: unsupported media type ({kind})"
        ));
    }
    if body.iter().all(u8::is_ascii_whitespace) {
        return Answer::Hang("the body is white space");
    }
    match first_value(body) {
        Ok(Value::Null) => Answer::Hang("the body is null"),
        Ok(Value::Object(members)) => read(&members).unwrap_or_else(invalid),
        Ok(_) => invalid("the body is no object"),
        Err(why) => invalid(&why),
    }
}

fn invalid(why: impl AsRef<str>) -> Answer {
    Answer::Failure(format!("Invalid HttpResponseMessage: {}", why.as_ref()))
}

fn is_json(content_type: Option<&str>) -> bool {
    let media_type = content_type
        .and_then(|text| text.split(';').next())
        .unwrap_or_default()
        .trim();
    ["application/json", "text/json"]
        .iter()
        .any(|json| media_type.eq_ignore_ascii_case(json))
}

/// What follows the first value is ignored.
fn first_value(body: &[u8]) -> Result<Value, String> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    reader.disable_recursion_limit();
    let text = depth(body);
    if text > MAX_DEPTH {
        return Err(format!("the body is more than {MAX_DEPTH} levels deep"));
    }
    Value::deserialize(&mut reader).map_err(|e| e.to_string())
}

/// How deep brackets nest, strings left out.
fn depth(body: &[u8]) -> usize {
    let (mut now, mut most, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => now += 1,
            b'}' | b']' if !quoted => now = now.saturating_sub(1),
            _ => {}
        }
        most = most.max(now);
    }
    most
}

fn read(members: &Map<String, Value>) -> Result<Answer, String> {
    let outputs = match member(members, "Outputs") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Object(outputs)) => outputs
            .iter()
            .filter(|(_, value)| is_mangled(value))
            .map(|(name, _)| format!("Outputs.{name}"))
            .collect(),
        Some(_) => return Err("Outputs is no object".to_owned()),
    };
    let logs = match member(members, "Logs") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(lines)) => lines.iter().map(log_line).collect::<Result<_, _>>()?,
        Some(_) => return Err("Logs is no array".to_owned()),
    };
    let returned = member(members, "ReturnValue").filter(|value| is_mangled(value));
    let mangled = outputs
        .into_iter()
        .chain(returned.map(|_| "ReturnValue".to_owned()))
        .collect();
    Ok(Answer::Success { logs, mangled })
}

/// Member names are case-insensitive.
fn member<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    members
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

fn log_line(line: &Value) -> Result<String, String> {
    match line {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(true) => Ok("True".to_owned()),
        Value::Bool(false) => Ok("False".to_owned()),
        Value::Null => Ok("[null]".to_owned()),
        Value::Array(_) | Value::Object(_) => {
            Err("Logs contains something that is no text".to_owned())
        }
    }
}

/// A string that happens to be base64 is decoded to bytes; one that happens to be a date is written anew.
fn is_mangled(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| is_base64(text) || conversion::date(text).is_some())
}

fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    let alphabet = |c: u8| c.is_ascii_alphanumeric() || c == b'+' || c == b'/';
    text.len().is_multiple_of(4) && padding <= 2 && digits.bytes().all(alphabet)
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: Option<&str> = Some("application/json; charset=utf-8");

    fn success(logs: &[&str]) -> Answer {
        let logs = logs.iter().map(|&line| line.to_owned()).collect();
        Answer::Success {
            logs,
            mangled: Vec::new(),
        }
    }

    #[track_caller]
    fn fails(status: u16, content_type: Option<&str>, body: &str) {
        let answer = judge(status, content_type, body.as_bytes());
        assert!(
            matches!(answer, Answer::Failure(_)),
            "{status} {content_type:?} {body}: {answer:?}"
        );
    }

    #[track_caller]
    fn hangs(status: u16, content_type: Option<&str>, body: &str) {
        let answer = judge(status, content_type, body.as_bytes());
        assert!(
            matches!(answer, Answer::Hang(_)),
            "{status} {content_type:?} {body:?}: {answer:?}"
        );
    }

    #[test]
    fn a_json_object_is_a_success() {
        for body in [
            "{}",
            "{} trailing",
            "{\"Outputs\":null,\"Logs\":null}",
            "{\"Other\":1}",
        ] {
            assert_eq!(judge(200, JSON, body.as_bytes()), success(&[]), "{body}");
        }
        assert_eq!(judge(202, Some("text/json"), b"{}"), success(&[]));
    }

    #[test]
    fn logs_are_read_whatever_the_case_of_their_name() {
        assert_eq!(
            judge(200, JSON, b"{\"logs\":[\"a\",1,true,null]}"),
            success(&["a", "1", "True", "[null]"])
        );
    }

    #[test]
    fn an_empty_answer_hangs() {
        for status in [200, 202, 204] {
            hangs(status, None, "");
            hangs(status, Some("text/plain"), "");
        }
        hangs(200, JSON, " \r\n");
        hangs(200, JSON, "null");
    }

    #[test]
    fn any_status_but_2xx_fails() {
        for status in [199, 304, 400, 404, 429, 500, 503] {
            fails(status, JSON, "{}");
        }
    }

    #[test]
    fn anything_but_json_fails() {
        fails(200, None, "{}");
        fails(200, Some("text/plain"), "{}");
        fails(200, Some("application/problem+json"), "{}");
        fails(200, Some("text/plain"), " ");
    }

    #[test]
    fn what_is_no_proper_object_fails() {
        for body in [
            "{",
            "[]",
            "\"x\"",
            "5",
            "{\"Outputs\":[]}",
            "{\"Logs\":\"x\"}",
            "{\"Logs\":[{}]}",
        ] {
            fails(200, JSON, body);
        }
    }

    #[test]
    fn the_depth_is_limited() {
        let nested = |levels: usize| {
            format!(
                "{{\"x\":{}{}}}",
                "[".repeat(levels - 1),
                "]".repeat(levels - 1)
            )
        };
        assert_eq!(judge(200, JSON, nested(256).as_bytes()), success(&[]));
        fails(200, JSON, &nested(257));
    }

    #[test]
    fn outputs_that_would_be_mangled_are_named() {
        let body = b"{\"Outputs\":{\"a\":\"done\",\"b\":\"not base64!\",\"c\":\"2026-02-03T04:05:06Z\",\"d\":{\"x\":\"done\"}},\"ReturnValue\":\"\"}";
        let mangled = ["Outputs.a", "Outputs.c", "ReturnValue"]
            .map(str::to_owned)
            .to_vec();
        assert_eq!(
            judge(200, JSON, body),
            Answer::Success {
                logs: Vec::new(),
                mangled
            }
        );
    }
}
