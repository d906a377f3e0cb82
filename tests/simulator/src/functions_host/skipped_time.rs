//! The time that was skipped, as a handler has to see it whose own clock shows real time.
//! It touches nothing where no time was skipped, or too little to have begun another handler for it.

use bytes::Bytes;
use serde_json::Value;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::clock::Ahead;
use crate::service_bus::message::Message;

/// Moves every time stamp in the JSON body of a message back by what was skipped since it was sent,
/// so that the handler finds as much time passed as has in the simulated world. What it does not feel plays no part, for
/// what it keeps is older by that, but for how long an operation runs: Azure's is as old as the world has it.
pub(super) fn account_for(message: &mut Message, ahead: Ahead) {
    let skipped = Ahead {
        whole: ahead.whole - message.sent_ahead.whole,
        felt: ahead.felt - message.sent_ahead.felt,
    };
    if skipped == Ahead::default() {
        return;
    }
    if let Ok(body @ Value::Object(_)) = serde_json::from_slice(&message.sent.body) {
        message.sent.body = Bytes::from(moved(body, skipped).to_string());
    }
}

fn moved(value: Value, skipped: Ahead) -> Value {
    match value {
        Value::String(text) => Value::String(moved_time(&text, skipped.felt).unwrap_or(text)),
        Value::Array(items) => items.into_iter().map(|item| moved(item, skipped)).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, member)| {
                let felt = match name.as_str() {
                    "runningSince" => skipped.whole,
                    _ => skipped.felt,
                };
                (name, moved(member, Ahead { felt, ..skipped }))
            })
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

fn moved_time(text: &str, skipped: Duration) -> Option<String> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    at.checked_sub(skipped)?.format(&Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::service_bus::Broker;
    use crate::service_bus::message::NewMessage;
    use serde_json::json;

    fn delivered(skip: std::time::Duration) -> Value {
        let clock = Clock::new();
        clock.advance(std::time::Duration::from_secs(5));
        clock.feel(clock.offset());
        let broker = Broker::new(clock.clone());
        let body = json!({ "firstSeen": "2026-02-03T04:05:06.5Z", "progress": { "since": "2026-02-03T04:00:00+00:00" }, "id": "2026" });
        broker
            .send("results", NewMessage::json("m", &body))
            .unwrap();
        clock.advance(skip);
        let mut received = broker.receive("results").unwrap().unwrap();
        clock.feel(clock.offset());
        account_for(&mut received.message, clock.ahead());
        received.message.json()
    }

    #[test]
    fn a_body_is_left_alone_where_no_time_was_skipped() {
        assert_eq!(
            delivered(std::time::Duration::ZERO)["progress"]["since"],
            json!("2026-02-03T04:00:00+00:00")
        );
    }

    #[test]
    fn how_long_an_operation_runs_is_as_the_world_has_it() {
        let mut message = {
            let broker = Broker::new(Clock::new());
            let body =
                json!({ "since": "2026-02-03T04:05:06Z", "runningSince": "2026-02-03T04:05:06Z" });
            let message = NewMessage::json("m", &body);
            broker.send("results", message).unwrap();
            broker.receive("results").unwrap().unwrap().message
        };
        let ahead = Ahead {
            whole: Duration::seconds(6),
            felt: Duration::ZERO,
        };
        account_for(&mut message, ahead);
        let expected =
            json!({ "since": "2026-02-03T04:05:06Z", "runningSince": "2026-02-03T04:05:00Z" });
        assert_eq!(message.json(), expected);
    }

    #[test]
    fn times_in_a_body_grow_as_old_as_the_time_that_was_skipped() {
        let body = delivered(std::time::Duration::from_secs(3600));
        let expected = json!({ "firstSeen": "2026-02-03T03:05:06.5Z", "progress": { "since": "2026-02-03T03:00:00Z" }, "id": "2026" });
        assert_eq!(body, expected);
    }
}
