use serde_json::{Value, json};
use time::macros::datetime;

use super::*;
use crate::test_support::{Stub, TOKEN, json as answer};

fn message() -> Message {
    Message {
        body: r#"{"a":"ä"}"#.to_owned(),
        content_type: "application/cloudevents+json",
        message_id: "m-1".to_owned(),
        session_id: Some("s-1".to_owned()),
        label: Some("bound".to_owned()),
        correlation_id: Some("corr-é\n\u{7f}😀".to_owned()),
        scheduled: Some(datetime!(2026-11-06 08:49:36.1 UTC)),
        properties: vec![
            ("outcome", "bound".to_owned()),
            ("clusterid", "/x/ü\"".to_owned()),
        ],
    }
}

fn service_bus(stub: &Stub) -> ServiceBus {
    let http = Http::new().unwrap();
    let tokens = crate::test_support::tokens();
    ServiceBus::new(http, stub.endpoint.clone(), tokens, Cloud::Public)
}

#[tokio::test]
async fn a_message_goes_to_the_configured_address_with_an_entra_token() {
    let stub = Stub::start(|_| answer(201, &Value::Null)).await;
    service_bus(&stub)
        .send("results", &message())
        .await
        .unwrap();
    let seen = stub.only();
    assert_eq!(
        (seen.method.as_str(), seen.path.as_str()),
        ("POST", "/results/messages")
    );
    assert_eq!(
        seen.header("authorization"),
        format!("Bearer {TOKEN}-0-for-httpsservicebus.azure.net.default")
    );
    assert!(!format!("{:?}", seen.headers).contains("SharedAccessSignature"));
    assert_eq!(seen.header("content-type"), "application/cloudevents+json");
    assert_eq!(seen.body, message().body);
    assert_eq!(seen.header("content-length"), seen.body.len().to_string());
}

#[tokio::test]
async fn broker_properties_are_one_line_of_ascii_json() {
    let stub = Stub::start(|_| answer(201, &Value::Null)).await;
    service_bus(&stub)
        .send("results", &message())
        .await
        .unwrap();
    let seen = stub.only();
    let header = seen.header("brokerproperties");
    assert!(header.is_ascii() && !header.contains('\n'), "{header}");
    let properties: Value = serde_json::from_str(header).unwrap();
    assert_eq!(properties["MessageId"], "m-1");
    assert_eq!(properties["SessionId"], "s-1");
    assert_eq!(properties["Label"], "bound");
    assert_eq!(properties["CorrelationId"], "corr-é\n\u{7f}😀");
    assert_eq!(
        properties["ScheduledEnqueueTimeUtc"],
        "Fri, 06 Nov 2026 08:49:37 +0000"
    );
    assert_eq!(seen.header("outcome"), "\"bound\"");
    assert_eq!(
        serde_json::from_str::<String>(seen.header("clusterid")).unwrap(),
        "/x/ü\""
    );
}

#[tokio::test]
async fn a_message_that_would_lose_a_property_is_not_sent() {
    let stub = Stub::start(|_| answer(201, &Value::Null)).await;
    let message = Message {
        properties: vec![("not a name", "x".to_owned())],
        ..message()
    };
    let error = service_bus(&stub)
        .send("results", &message)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid);
    assert!(stub.seen().is_empty());
}

#[test]
fn a_time_is_rounded_up_to_a_whole_second() {
    for (time, expected) in [
        (
            datetime!(2026-11-06 08:49:36 UTC),
            datetime!(2026-11-06 08:49:36 UTC),
        ),
        (
            datetime!(2026-11-06 08:49:36.000000001 UTC),
            datetime!(2026-11-06 08:49:37 UTC),
        ),
        (
            datetime!(2026-11-06 23:59:59.9 UTC),
            datetime!(2026-11-07 00:00:00 UTC),
        ),
        (
            datetime!(2026-11-06 10:49:36 +2),
            datetime!(2026-11-06 08:49:36 UTC),
        ),
    ] {
        assert_eq!(whole_second(time), expected);
    }
}

#[tokio::test]
async fn what_service_bus_refuses_is_classified() {
    for (status, kind) in [
        (400, Kind::Invalid),
        (403, Kind::Denied),
        (404, Kind::NotFound),
        (410, Kind::NotFound),
        (429, Kind::Throttled),
        (500, Kind::Unavailable),
        (503, Kind::Unavailable),
    ] {
        let stub = Stub::start(move |_| answer(status, &json!({}))).await;
        let error = service_bus(&stub)
            .send("results", &message())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{status}");
        assert!(
            error
                .to_string()
                .starts_with("cannot send a message to results: "),
            "{error}"
        );
        if status == 403 {
            assert!(error.to_string().contains("Data Sender"), "{error}");
        }
    }
}
