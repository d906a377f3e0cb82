//! The envelopes against requests recorded from the real host.

use std::path::Path;

use time::macros::datetime;

use super::*;
use crate::service_bus::message::{BrokerProperties, Message, NewMessage};

/// The JSON body of a recorded request, its chunks put together.
fn recorded(name: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fixtures/host")
        .join(name);
    let request = std::fs::read_to_string(file).unwrap().replace("\r\n", "\n");
    let (_, mut rest) = request.split_once("\n\n").unwrap();
    let mut body = String::new();
    loop {
        let (size, chunk) = rest.split_once('\n').unwrap();
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        if size == 0 {
            return serde_json::from_str(&body).unwrap();
        }
        body.push_str(&chunk[..size]);
        rest = chunk[size..].trim_start_matches('\n');
    }
}

/// What the host made up for the recorded request.
fn sys(recorded: &Value) -> Sys {
    let sys = &recorded["Metadata"]["sys"];
    let text = |name: &str| sys[name].as_str().unwrap_or_default().to_owned();
    let now = OffsetDateTime::parse(
        &text("UtcNow"),
        &time::format_description::well_known::Rfc3339,
    );
    let now = now.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    Sys {
        function: text("MethodName"),
        now,
        guid: text("RandGuid"),
    }
}

fn received(body: &str) -> Received {
    let custom = json!({ "tenant": "acme", "attempt": 1, "at": "2026-02-03T04:05:06.789Z", "dto": "2026-02-03T04:05:06.789+00:00",
        "g": "00000000-0000-0000-0000-000000000000", "big": 5_000_000_000_u64, "d": 1.5, "b": true,
        "Diagnostic-Id": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" });
    let Value::Object(custom) = custom else {
        unreachable!("it is an object")
    };
    let properties = BrokerProperties {
        label: Some("order".to_owned()),
        correlation_id: Some("corr-9".to_owned()),
        ..BrokerProperties::default()
    };
    let sent = NewMessage {
        body: body.to_owned().into(),
        content_type: Some("application/json".to_owned()),
        properties,
        custom,
    };
    let enqueued_at = datetime!(2026-02-03 04:05:06.789 UTC);
    let message = Message {
        sequence_number: 37,
        message_id: "m-1".to_owned(),
        sent,
        sent_at: enqueued_at,
        enqueued_at,
        expires_at: datetime!(2026-02-17 04:05:06.789 UTC),
        delivery_count: 2,
        sent_ahead: crate::clock::Ahead::default(),
    };
    let lock_token = "8f5f5d5e-7b1c-4b1e-9a5f-0f2b7f3d1a11".parse().unwrap();
    Received {
        message,
        lock_token,
        locked_until: enqueued_at,
    }
}

#[track_caller]
fn check_message(name: &str) {
    let recorded = recorded(name);
    let data = recorded["Data"]["request"].as_str().unwrap();
    let body: String = serde_json::from_str(data).unwrap();
    let made = service_bus(
        "request",
        &received(&body),
        "ns.servicebus.windows.net",
        &sys(&recorded),
    );
    assert_eq!(made, recorded);
}

#[test]
fn a_message_is_handed_over_as_the_host_does() {
    check_message("servicebus-single.http");
}

#[test]
fn a_message_that_spoofs_its_metadata_succeeds_as_with_the_host() {
    check_message("servicebus-spoofed.http");
}

#[test]
fn an_event_is_handed_over_as_the_host_does() {
    for name in ["eventgrid.http", "cloudevent.http"] {
        let recorded = recorded(name);
        let event = &recorded["Data"]["event"];
        assert_eq!(
            event_grid("event", event, EventForm::Object, &sys(&recorded)),
            recorded,
            "{name}"
        );
    }
}

#[test]
fn the_payload_of_an_event_is_converted_by_its_kind() {
    let sys = Sys {
        function: "f".to_owned(),
        now: OffsetDateTime::UNIX_EPOCH,
        guid: String::new(),
    };
    let data = |event: Value| {
        event_grid("event", &event, EventForm::Object, &sys)["Metadata"]
            .get("data")
            .cloned()
    };
    assert_eq!(data(json!({ "data": "abc" })), Some(json!("\"abc\"")));
    assert_eq!(
        data(json!({ "data": [1, { "a": 2 }] })),
        Some(json!("[1,{\"a\":2}]"))
    );
    assert_eq!(data(json!({ "data": null })), Some(json!("null")));
    assert_eq!(data(json!({})), None);
}

#[test]
fn the_text_forms_of_an_event_hold_the_same_event() {
    let sys = Sys {
        function: "f".to_owned(),
        now: OffsetDateTime::UNIX_EPOCH,
        guid: String::new(),
    };
    let event = json!({ "id": "e", "data": { "x": "\"" } });
    let text = event_grid("event", &event, EventForm::Text, &sys)["Data"]["event"].clone();
    assert_eq!(
        serde_json::from_str::<Value>(text.as_str().unwrap()).unwrap(),
        event
    );
    let double =
        event_grid("event", &event, EventForm::DoublyEncoded, &sys)["Data"]["event"].clone();
    let once: String = serde_json::from_str(double.as_str().unwrap()).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&once).unwrap(), event);
}

#[test]
fn a_timer_is_handed_over_as_the_host_does() {
    let instant = |value: &Value| {
        let text = value.as_str().unwrap();
        OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).unwrap()
    };
    for name in [
        "timer-first-run.http",
        "timer-scheduled.http",
        "timer-admin-run.http",
        "timer-pastdue.http",
        "timer-unmonitored.http",
    ] {
        let recorded = recorded(name);
        let status = &recorded["Data"]["timer"]["ScheduleStatus"];
        let first = name == "timer-first-run.http";
        let status = status.is_object().then(|| TimerStatus {
            last: (!first).then(|| instant(&status["Last"])),
            next: instant(&status["Next"]),
        });
        let past_due = name == "timer-pastdue.http";
        let by_hand = name == "timer-admin-run.http";
        let made = timer("timer", status.as_ref(), past_due, by_hand, &sys(&recorded));
        assert_eq!(made, recorded, "{name}");
    }
}

#[test]
fn injected_metadata_takes_the_place_of_the_real() {
    let mut envelope = json!({ "Data": {}, "Metadata": { "DeliveryCount": "1" } });
    inject(
        &mut envelope,
        &Map::from_iter([("deliverycount".to_owned(), json!("\"99\""))]),
    );
    assert_eq!(envelope["Metadata"], json!({ "DeliveryCount": "\"99\"" }));
}
