//! The `BrokerProperties` header: JSON on one line of ASCII, both ways.
//! It decides nothing about queues.

use std::time::Duration;

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::message::{BrokerProperties, Message, Received};

/// Reads the header; the sender's clock is ahead of or behind the broker's by `sender_offset`.
///
/// # Errors
/// With what is wrong, in words, where Service Bus answers 400.
pub fn parse(header: &str, sender_offset: time::Duration) -> Result<BrokerProperties, String> {
    if !header.is_ascii() {
        return Err("the BrokerProperties header is not ASCII".to_owned());
    }
    let members: Map<String, Value> = serde_json::from_str(header)
        .map_err(|e| format!("the BrokerProperties header is not a JSON object: {e}"))?;
    let properties = BrokerProperties {
        message_id: text(&members, "MessageId")?,
        correlation_id: text(&members, "CorrelationId")?,
        session_id: text(&members, "SessionId")?,
        label: text(&members, "Label")?,
        reply_to: text(&members, "ReplyTo")?,
        reply_to_session_id: text(&members, "ReplyToSessionId")?,
        to: text(&members, "To")?,
        partition_key: text(&members, "PartitionKey")?,
        time_to_live: time_to_live(&members)?,
        scheduled_enqueue_time: scheduled(&members)?.map(|at| at + sender_offset),
    };
    check_lengths(&properties)?;
    Ok(properties)
}

fn check_lengths(properties: &BrokerProperties) -> Result<(), String> {
    let longest = 128;
    let ids = [
        &properties.message_id,
        &properties.session_id,
        &properties.partition_key,
    ];
    if ids.into_iter().flatten().any(|id| id.len() > longest) {
        return Err(format!(
            "MessageId, SessionId and PartitionKey hold at most {longest} characters"
        ));
    }
    match (&properties.partition_key, &properties.session_id) {
        (Some(key), Some(session)) if key != session => {
            Err("PartitionKey must equal SessionId where both are set".to_owned())
        }
        _ => Ok(()),
    }
}

fn text(members: &Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(format!("{name} is not a string: {other}")),
    }
}

fn time_to_live(members: &Map<String, Value>) -> Result<Option<Duration>, String> {
    match members.get("TimeToLive") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let seconds = value
                .as_f64()
                .ok_or("TimeToLive is not a number of seconds")?;
            let lives = Duration::try_from_secs_f64(seconds);
            lives
                .map(Some)
                .map_err(|e| format!("TimeToLive is out of range: {e}"))
        }
    }
}

fn scheduled(members: &Map<String, Value>) -> Result<Option<OffsetDateTime>, String> {
    text(members, "ScheduledEnqueueTimeUtc")?
        .map(|text| {
            http_date(&text).ok_or_else(|| format!("ScheduledEnqueueTimeUtc is no date: {text}"))
        })
        .transpose()
}

/// RFC 1123 with GMT, or RFC 2822 with a numeric zone, which clients send as well.
fn http_date(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc2822).ok()
}

/// The header of a received message.
pub(super) fn render(received: &Received) -> String {
    let Received {
        message,
        lock_token,
        locked_until,
    } = received;
    let mut members = Map::new();
    members.insert("LockToken".to_owned(), json!(lock_token.to_string()));
    members.insert("LockedUntilUtc".to_owned(), json!(rfc1123(*locked_until)));
    render_message(message, members)
}

/// The header of a message that was taken without a lock.
pub(super) fn render_unlocked(message: &Message) -> String {
    render_message(message, Map::new())
}

fn render_message(message: &Message, mut members: Map<String, Value>) -> String {
    let sent = &message.sent.properties;
    let texts = [
        ("CorrelationId", &sent.correlation_id),
        ("SessionId", &sent.session_id),
        ("Label", &sent.label),
        ("ReplyTo", &sent.reply_to),
        ("ReplyToSessionId", &sent.reply_to_session_id),
        ("To", &sent.to),
        ("PartitionKey", &sent.partition_key),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            members.insert(name.to_owned(), json!(value));
        }
    }
    let lives = message.expires_at - message.enqueued_at;
    members.insert("MessageId".to_owned(), json!(message.message_id));
    members.insert("SequenceNumber".to_owned(), json!(message.sequence_number));
    members.insert("DeliveryCount".to_owned(), json!(message.delivery_count));
    members.insert("State".to_owned(), json!("Active"));
    members.insert("TimeToLive".to_owned(), json!(lives.as_seconds_f64()));
    members.insert(
        "EnqueuedTimeUtc".to_owned(),
        json!(rfc1123(message.enqueued_at)),
    );
    ascii(&Value::Object(members).to_string())
}

/// A date as HTTP headers carry it.
pub(super) fn rfc1123(at: OffsetDateTime) -> String {
    let format = time::macros::format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    at.to_offset(time::UtcOffset::UTC)
        .format(&format)
        .unwrap_or_default()
}

/// Headers are ASCII, so anything else is escaped as JSON allows.
fn ascii(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() {
            escaped.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn scheduled_at(text: &str) -> Option<OffsetDateTime> {
        let header = json!({ "ScheduledEnqueueTimeUtc": text }).to_string();
        parse(&header, time::Duration::ZERO)
            .ok()?
            .scheduled_enqueue_time
    }

    #[test]
    fn both_date_forms_are_read() {
        let expected = Some(datetime!(2026-11-06 08:49:37 UTC));
        assert_eq!(scheduled_at("Fri, 06 Nov 2026 08:49:37 GMT"), expected);
        assert_eq!(scheduled_at("Fri, 06 Nov 2026 08:49:37 +0000"), expected);
    }

    #[test]
    fn any_other_date_form_is_refused() {
        for text in ["2026-11-06T08:49:37Z", "1793954977", "", "Fri, 06 Nov 2026"] {
            let header = json!({ "ScheduledEnqueueTimeUtc": text }).to_string();
            assert!(parse(&header, time::Duration::ZERO).is_err(), "{text}");
        }
    }

    #[test]
    fn a_header_that_is_not_ascii_or_not_an_object_is_refused() {
        for header in ["{\"MessageId\":\"\u{e9}\"}", "[]", "", "{"] {
            assert!(parse(header, time::Duration::ZERO).is_err(), "{header}");
        }
    }

    #[test]
    fn unknown_names_are_ignored_and_a_number_of_seconds_is_the_time_to_live() {
        let read = parse("{\"Nonsense\":1,\"TimeToLive\":1.5}", time::Duration::ZERO).unwrap();
        assert_eq!(read.time_to_live, Some(Duration::from_millis(1500)));
        assert!(parse("{\"TimeToLive\":\"1.5\"}", time::Duration::ZERO).is_err());
        assert!(parse("{\"TimeToLive\":-1}", time::Duration::ZERO).is_err());
    }

    #[test]
    fn a_partition_key_beside_another_session_is_refused() {
        assert!(
            parse(
                "{\"PartitionKey\":\"a\",\"SessionId\":\"b\"}",
                time::Duration::ZERO
            )
            .is_err()
        );
        assert!(
            parse(
                "{\"PartitionKey\":\"a\",\"SessionId\":\"a\"}",
                time::Duration::ZERO
            )
            .is_ok()
        );
    }

    #[test]
    fn what_is_not_ascii_is_escaped() {
        assert_eq!(
            ascii("{\"a\":\"\u{e9}\u{1f600}\"}"),
            "{\"a\":\"\\u00e9\\ud83d\\ude00\"}"
        );
    }
}
