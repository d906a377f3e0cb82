//! Events out of a payload: of each what is read of events, whatever else its sender put in.
//!
//! It must not judge an event, and must not take memory for what nobody reads.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

/// The most events of one call: Event Grid sends no more in a batch.
const MOST_EVENTS: usize = 5000;

/// The members of an event that `event` reads, and those in which they are.
const READ: [&str; 10] = [
    "id",
    "type",
    "eventType",
    "subject",
    "time",
    "eventTime",
    "data",
    "operationName",
    "claims",
    "appid",
];

/// One event, or a list of them.
#[derive(Debug)]
pub(super) struct Events(pub(super) Vec<Value>);

impl<'de> Deserialize<'de> for Events {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OneOrMore;

        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Events;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event, or a list of events")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Events, A::Error> {
                Ok(Events(vec![Sifter.visit_map(members)?]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Events, A::Error> {
                let mut events = Vec::new();
                while let Some(Sifted(event)) = elements.next_element()? {
                    if events.len() == MOST_EVENTS {
                        return Err(A::Error::custom(
                            "more events than Event Grid sends at a time",
                        ));
                    }
                    events.push(event);
                }
                Ok(Events(events))
            }
        }

        from.deserialize_any(OneOrMore)
    }
}

/// A value without the members and elements that nobody reads.
struct Sifted(Value);

impl<'de> Deserialize<'de> for Sifted {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Sifter).map(Self)
    }
}

/// Everything but text and what is in objects is as good as null.
struct Sifter;

impl<'de> Visitor<'de> for Sifter {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut kept = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if READ.contains(&name.as_str()) {
                let Sifted(value) = members.next_value()?;
                kept.insert(name, value);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Value::Object(kept))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Null)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Result<Vec<Value>, serde_json::Error> {
        serde_json::from_str::<Events>(text).map(|events| events.0)
    }

    #[test]
    fn what_nobody_reads_of_an_event_is_left_out() {
        let event = json!({ "id": "e", "n": [1, { "id": 2 }], "data": { "claims": { "appid": "a", "name": "x" }, "big": {} }, "time": [7] });
        let kept = json!({ "id": "e", "data": { "claims": { "appid": "a" } }, "time": null });
        assert_eq!(read(&event.to_string()).unwrap(), [kept]);
    }

    #[test]
    fn no_more_events_are_taken_than_event_grid_sends_and_each_is_as_deep_as_it_is_read() {
        let list = |count: usize| format!("[{}]", vec!["{}"; count].join(","));
        assert_eq!(read(&list(MOST_EVENTS)).unwrap().len(), MOST_EVENTS);
        assert!(read(&list(MOST_EVENTS + 1)).is_err());
        let deep = format!("{}{}", "{\"data\":".repeat(1000), "0");
        assert!(read(&deep).is_err() && read("7").is_err());
    }
}
