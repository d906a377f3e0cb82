//! How the host turns values into JSON for a custom handler: strings within strings, text for scalars, dates cut short.
//! It knows no trigger; which values there are is [`super::envelope`]'s affair.

use serde_json::{Map, Value};
use time::format_description::well_known::Iso8601;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

/// A string: a JSON string whose content is a JSON string literal.
pub(super) fn string(text: &str) -> Value {
    Value::String(Value::String(text.to_owned()).to_string())
}

/// A number, a boolean or an array: a JSON string of its JSON text.
pub(super) fn json_text(value: &Value) -> Value {
    Value::String(value.to_string())
}

/// Any JSON value: objects inline, strings twice over, everything else as its text.
pub(super) fn value(value: &Value) -> Value {
    match value {
        Value::Object(_) => value.clone(),
        Value::String(text) => string(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => json_text(value),
    }
}

/// A .NET `DateTime` in UTC: seconds only and no zone.
pub(super) fn date_time(at: OffsetDateTime) -> Value {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    Value::String(utc(at).format(&format).unwrap_or_default())
}

/// A .NET `DateTimeOffset` in UTC: seconds only.
pub(super) fn date_time_offset(at: OffsetDateTime) -> Value {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]+00:00");
    Value::String(utc(at).format(&format).unwrap_or_default())
}

/// A date inside an inlined object: up to seven digits of fraction, an offset or `Z`.
pub(super) fn inlined_date(at: OffsetDateTime, zone: &str) -> String {
    let seconds = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    let text = utc(at).format(&seconds).unwrap_or_default();
    let ticks = format!("{:07}", at.nanosecond() / 100);
    let fraction = ticks.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{text}{point}{fraction}{zone}")
}

fn utc(at: OffsetDateTime) -> OffsetDateTime {
    at.to_offset(UtcOffset::UTC)
}

/// Copies the members of a JSON object in `body` over `metadata`, as the host does with a trigger's text.
/// Arrays and nulls stay out; a key that is there already keeps its spelling and loses its value.
pub(super) fn promote(body: &str, metadata: &mut Map<String, Value>) {
    let Ok(Value::Object(members)) = serde_json::from_str(body) else {
        return;
    };
    for (name, member) in members {
        let promoted = match member {
            Value::Array(_) | Value::Null => continue,
            Value::Object(_) => with_dates_read(member),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => string(&scalar_text(&member)),
        };
        put(metadata, &name, promoted);
    }
}

/// Sets a key, ignoring the case of the keys that are there.
pub(super) fn put(metadata: &mut Map<String, Value>, name: &str, value: Value) {
    let known = metadata
        .keys()
        .find(|key| key.eq_ignore_ascii_case(name))
        .cloned();
    metadata.insert(known.unwrap_or_else(|| name.to_owned()), value);
}

/// Takes out what the host never shows: keys that end in "trigger".
pub(super) fn drop_triggers(metadata: &mut Map<String, Value>) {
    metadata.retain(|name, _| !name.to_ascii_lowercase().ends_with("trigger"));
}

fn scalar_text(scalar: &Value) -> String {
    match scalar {
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number_text(number),
        Value::String(text) => date(text).map_or_else(|| text.clone(), |date| date.invariant()),
        Value::Null | Value::Array(_) | Value::Object(_) => scalar.to_string(),
    }
}

/// .NET writes the shortest form of a double, with an exponent where it is very large or very small.
fn number_text(number: &serde_json::Number) -> String {
    let Some(double) = number.as_f64().filter(|_| number.is_f64()) else {
        return number.to_string();
    };
    let size = double.abs();
    if double == 0.0 || (1e-5..1e15).contains(&size) {
        return double.to_string();
    }
    let scientific = format!("{double:E}");
    let (digits, exponent) = scientific.split_once('E').unwrap_or((&scientific, "0"));
    let (sign, exponent) = exponent
        .strip_prefix('-')
        .map_or(('+', exponent), |rest| ('-', rest));
    format!("{digits}E{sign}{exponent:0>2}")
}

/// Inside an object dates are read and written again: the same instant, in the host's zone, which is UTC.
fn with_dates_read(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(date(&text).map_or(text, |date| date.round_trip())),
        Value::Array(items) => items.into_iter().map(with_dates_read).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, member)| (name, with_dates_read(member)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

/// A string that Json.NET takes for a date.
pub(super) struct Date {
    at: OffsetDateTime,
    zone: &'static str,
}

impl Date {
    fn invariant(&self) -> String {
        let format = format_description!("[month]/[day]/[year] [hour]:[minute]:[second]");
        utc(self.at).format(&format).unwrap_or_default()
    }

    fn round_trip(&self) -> String {
        inlined_date(self.at, self.zone)
    }
}

/// Reads a string as Json.NET would: ISO 8601 with a time, nothing else.
pub(super) fn date(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    let shape = (19..=40).contains(&bytes.len()) && bytes[0].is_ascii_digit() && bytes[10] == b'T';
    if !shape || !text.is_ascii() {
        return None;
    }
    if let Ok(at) = OffsetDateTime::parse(text, &Iso8601::PARSING) {
        let zone = if text.ends_with('Z') { "Z" } else { "+00:00" };
        return Some(Date { at, zone });
    }
    let local = PrimitiveDateTime::parse(text, &Iso8601::PARSING).ok()?;
    Some(Date {
        at: local.assume_utc(),
        zone: "",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn promoted(body: &Value) -> Value {
        let mut metadata = Map::new();
        promote(&body.to_string(), &mut metadata);
        Value::Object(metadata)
    }

    #[test]
    fn a_body_that_is_no_object_is_not_promoted() {
        let mut metadata = Map::new();
        for body in ["hello", "[1]", "5", "\"x\"", "{\"a\":"] {
            promote(body, &mut metadata);
        }
        assert!(metadata.is_empty(), "{metadata:?}");
    }

    #[test]
    fn scalars_become_text_and_arrays_and_nulls_stay_out() {
        let body = json!({ "n": 42, "d": 1.50, "b": false, "s": "x", "l": [1], "z": null });
        let expected = json!({ "n": "\"42\"", "d": "\"1.5\"", "b": "\"False\"", "s": "\"x\"" });
        assert_eq!(promoted(&body), expected);
    }

    #[test]
    fn dates_lose_their_zone_and_fraction() {
        let body = json!({ "a": "2026-02-03T04:05:06.789Z", "b": "2026-02-03T04:05:06+02:00", "c": "2026-02-03" });
        let expected = json!({ "a": "\"02/03/2026 04:05:06\"", "b": "\"02/03/2026 02:05:06\"", "c": "\"2026-02-03\"" });
        assert_eq!(promoted(&body), expected);
    }

    #[test]
    fn dates_within_objects_keep_the_instant() {
        let body = json!({ "cause": { "at": "2026-02-03T04:05:06.10+02:00", "time": "2026-02-03T04:05:06.1234567Z" } });
        let expected = json!({ "cause": { "at": "2026-02-03T02:05:06.1+00:00", "time": "2026-02-03T04:05:06.1234567Z" } });
        assert_eq!(promoted(&body), expected);
    }

    #[test]
    fn numbers_are_written_as_dotnet_writes_them() {
        let body = json!({ "a": 1e20, "b": 0.000_001, "c": 3.0, "d": 5_000_000_000_u64 });
        let expected =
            json!({ "a": "\"1E+20\"", "b": "\"1E-06\"", "c": "\"3\"", "d": "\"5000000000\"" });
        assert_eq!(promoted(&body), expected);
    }

    #[test]
    fn a_promoted_key_takes_the_place_of_one_in_another_case() {
        let mut metadata = Map::from_iter([("MessageId".to_owned(), json!("\"m\""))]);
        promote("{\"messageid\":\"spoof\"}", &mut metadata);
        assert_eq!(Value::Object(metadata), json!({ "MessageId": "\"spoof\"" }));
    }
}
