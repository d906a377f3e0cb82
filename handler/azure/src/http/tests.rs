use axum::{body::Body, http::Response};
use serde_json::json;
use vaultbind_core::id::VaultId;

use super::*;
use crate::{
    arm::Arm,
    cloud::Cloud,
    test_support::{Log, Stub, TOKEN, alone, is_alone, json as answer, tokens},
};

fn vault() -> VaultId {
    "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv1".parse().unwrap()
}

fn found() -> Response<Body> {
    answer(
        200,
        &json!({ "id": vault().as_str(), "properties": { "vaultUri": "https://kv1.vault.azure.net/" } }),
    )
}

async fn failing(response: impl Fn() -> Response<Body> + Clone + Send + Sync + 'static) -> Error {
    let stub = Stub::start(move |_| response()).await;
    stub.arm().vault(&vault()).await.unwrap_err()
}

#[tokio::test]
async fn every_call_carries_a_token_and_ids_to_find_it_by() {
    let stub = Stub::start(|_| found()).await;
    let recorder = Recorder::default();
    stub.arm()
        .recorded_by(&recorder)
        .vault(&vault())
        .await
        .unwrap();
    let seen = stub.only();
    assert_eq!(
        (seen.method.as_str(), seen.query.as_str()),
        ("GET", "api-version=2026-02-01")
    );
    assert_eq!(
        seen.header("authorization"),
        format!("Bearer {TOKEN}-0-for-httpsmanagement.azure.com.default")
    );
    assert!(uuid::Uuid::parse_str(seen.header("x-ms-client-request-id")).is_ok());
    assert!(seen.header("user-agent").starts_with("vaultbind/"));
    assert_eq!(recorder.ids(), Vec::<String>::new());
}

#[tokio::test]
async fn the_ids_that_a_service_gives_are_noted_the_latest_ones() {
    let stub = Stub::start(|_| {
        let mut response = found();
        response
            .headers_mut()
            .insert("x-ms-request-id", HeaderValue::from_static("r-1"));
        response
    })
    .await;
    let recorder = Recorder::default();
    let arm = stub.arm().recorded_by(&recorder);
    for _ in 0..25 {
        arm.vault(&vault()).await.unwrap();
    }
    assert_eq!(recorder.ids(), vec!["r-1"; 20]);
}

fn refusal() -> Response<Body> {
    answer(
        401,
        &json!({ "error": { "code": "ExpiredAuthenticationToken" } }),
    )
}

fn tokens_seen(stub: &Stub) -> Vec<String> {
    let seen = stub.seen();
    seen.iter()
        .map(|call| call.header("authorization").to_owned())
        .collect()
}

fn bearer(count: usize) -> String {
    format!("Bearer {TOKEN}-{count}-for-httpsmanagement.azure.com.default")
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let stub = Stub::start(|seen| {
        if seen.header("authorization") == bearer(0) {
            refusal()
        } else {
            found()
        }
    })
    .await;
    stub.arm().vault(&vault()).await.unwrap();
    assert_eq!(tokens_seen(&stub), [bearer(0), bearer(1)]);
}

#[tokio::test]
async fn a_new_token_that_is_refused_too_is_the_end() {
    let stub = Stub::start(|_| refusal()).await;
    let error = stub.arm().vault(&vault()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (Kind::Unauthenticated, Some("ExpiredAuthenticationToken"))
    );
    assert_eq!(tokens_seen(&stub), [bearer(0), bearer(1)]);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Stub::start(|_| found()).await;
    let target = elsewhere.endpoint.to_string();
    let stub = Stub::start(move |_| {
        Response::builder()
            .status(307)
            .header("location", &target)
            .body(Body::empty())
            .unwrap()
    })
    .await;
    let error = stub.arm().vault(&vault()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid);
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn an_answer_that_is_not_json_is_malformed_or_unavailable() {
    let html = |status| {
        move || {
            Response::builder()
                .status(status)
                .body(Body::from("<html>sorry</html>"))
                .unwrap()
        }
    };
    assert_eq!(failing(html(200)).await.kind(), Kind::Malformed);
    assert_eq!(failing(html(502)).await.kind(), Kind::Unavailable);
    let deep = || {
        Response::builder()
            .status(200)
            .body(Body::from("[".repeat(100_000)))
            .unwrap()
    };
    assert_eq!(failing(deep).await.kind(), Kind::Malformed);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_not_read_to_its_end() {
    let error = failing(|| {
        Response::builder()
            .status(200)
            .body(Body::from(vec![b' '; MAX_BODY + 1]))
            .unwrap()
    })
    .await;
    assert_eq!(error.kind(), Kind::Malformed);
}

#[tokio::test]
async fn a_body_that_is_cut_short_is_unavailable() {
    let error = failing(|| {
        Response::builder()
            .status(200)
            .header("content-length", "1000")
            .body(Body::from_stream(futures::stream::iter([
                Ok("{\"id\":"),
                Err(std::io::Error::other("cut")),
            ])))
            .unwrap()
    })
    .await;
    assert_eq!(error.kind(), Kind::Unavailable);
}

#[tokio::test]
async fn nobody_listening_is_unavailable_and_names_no_query() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let http = Http::new().unwrap();
    let tokens = tokens();
    let arm = Arm::new(http, endpoint, tokens, Cloud::Public);
    let error = arm.vault(&vault()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    assert!(!format!("{error:?}").contains("api-version"), "{error:?}");
}

#[test]
fn a_time_to_come_back_is_seconds_or_a_date() {
    let headers = |pairs: &[(&str, &str)]| {
        let pair = |(name, value): &(&str, &str)| {
            (
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            )
        };
        pairs.iter().map(pair).collect::<HeaderMap>()
    };
    let date = ("date", "Fri, 06 Nov 2026 08:49:37 GMT");
    for (pairs, expected) in [
        (vec![("retry-after", "7")], Some(7)),
        (vec![("retry-after", "0")], Some(0)),
        (vec![("retry-after", "18446744073709551615")], Some(3600)),
        (
            vec![("retry-after", "Fri, 06 Nov 2099 08:50:07 GMT"), date],
            Some(3600),
        ),
        (
            vec![("retry-after", "Fri, 06 Nov 2026 08:50:07 GMT"), date],
            Some(30),
        ),
        (
            vec![("retry-after", "Fri, 06 Nov 2026 08:40:00 GMT"), date],
            None,
        ),
        (vec![("retry-after", "Fri, 06 Nov 2026 08:50:07 GMT")], None),
        (vec![("retry-after", "soon"), date], None),
        (vec![("retry-after", "-1"), date], None),
        (vec![], None),
    ] {
        assert_eq!(
            retry_after(&headers(&pairs)),
            expected.map(Duration::from_secs),
            "{pairs:?}"
        );
    }
}

#[tokio::test]
async fn a_call_that_is_not_answered_is_given_up_after_ten_seconds() {
    let stub = Stub::start(|seen| {
        if seen.header("authorization").is_empty() {
            found()
        } else {
            // The head comes at once, the body never.
            Response::new(Body::from_stream(futures::stream::pending::<
                Result<Vec<u8>, Error>,
            >()))
        }
    })
    .await;
    let client = Http::new().unwrap();
    // The connection is made in real time, which the paused clock would not leave it.
    let url = stub.endpoint.to_string();
    client.direct().get(url).send().await.unwrap();
    let arm = Arm::new(client, stub.endpoint.clone(), tokens(), Cloud::Public);
    tokio::time::pause();
    let began = Instant::now();
    let error = arm.vault(&vault()).await.unwrap_err();
    let took = began.elapsed().as_secs_f64();
    assert!(error.is_transient(), "{error}");
    assert!((10.0..10.5).contains(&took), "{took}");
}

#[tokio::test]
async fn no_debug_output_holds_a_token() {
    let stub = Stub::start(|_| answer(500, &json!({}))).await;
    let arm = stub.arm();
    let error = arm.vault(&vault()).await.unwrap_err();
    for text in [format!("{arm:?}"), format!("{error:?}"), format!("{error}")] {
        assert!(!text.contains(TOKEN), "{text}");
    }
}

#[tokio::test]
async fn no_log_holds_a_token_a_query_or_a_body() {
    const BODY: &str = "text-of-the-body";
    if !is_alone() {
        return alone("http::tests::no_log_holds_a_token_a_query_or_a_body", &[]).await;
    }
    let log = Log::start();
    let stub = Stub::start(|seen| {
        if seen.header("authorization") == bearer(0) {
            refusal()
        } else {
            answer(
                500,
                &json!({ "error": { "code": "Sorry", "message": BODY } }),
            )
        }
    })
    .await;
    stub.arm().vault(&vault()).await.unwrap_err();
    let text = log.text();
    assert!(text.contains("operation=\"read the vault\""), "{text}");
    for secret in [TOKEN, "api-version", BODY] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[tokio::test]
async fn a_call_to_another_host_is_not_made_and_no_token_is_fetched_for_it() {
    let (ours, elsewhere) = (
        Stub::start(|_| found()).await,
        Stub::start(|_| found()).await,
    );
    let scope = Cloud::Public.arm_scope();
    let channel = Channel::new(Http::new().unwrap(), ours.endpoint.clone(), tokens(), scope);
    let call = |to: &Stub| Call::new("read", "x", Method::GET, to.endpoint.join("/x", &[]));
    let error = channel.send(&call(&elsewhere)).await.unwrap_err();
    assert!(error.to_string().contains("another host"), "{error}");
    assert!(elsewhere.seen().is_empty());
    channel.send(&call(&ours)).await.unwrap();
    assert!(
        ours.only().header("authorization").contains("-0-for-"),
        "the first token"
    );
}

#[tokio::test]
async fn what_goes_over_plain_http_does_not_go_over_a_proxy() {
    const NAME: &str = "http::tests::what_goes_over_plain_http_does_not_go_over_a_proxy";
    if !is_alone() {
        let proxy = Stub::start(|_| found()).await;
        let address = proxy.endpoint.to_string();
        alone(
            NAME,
            &[
                ("HTTP_PROXY", &address),
                ("http_proxy", &address),
                ("ALL_PROXY", &address),
            ],
        )
        .await;
        assert!(proxy.seen().is_empty(), "a token was shown to a proxy");
        return;
    }
    let stub = Stub::start(|_| found()).await;
    stub.arm().vault(&vault()).await.unwrap();
    stub.only();
}

#[tokio::test]
async fn an_answer_of_many_small_values_is_refused_before_it_takes_memory() {
    const NAME: &str =
        "http::tests::an_answer_of_many_small_values_is_refused_before_it_takes_memory";
    if !is_alone() {
        return alone(NAME, &[]).await;
    }
    let peak = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
        kilobytes.parse::<usize>().unwrap() / 1024
    };
    let full = |status: u16| {
        move || {
            let many = "0,".repeat(MAX_BODY / 2 - 256);
            let body = format!("{{\"id\":\"{}\",\"x\":[{many}0]}}", vault());
            let body = Body::from(body);
            Response::builder().status(status).body(body).unwrap()
        }
    };
    let before = peak();
    let error = failing(full(200)).await;
    assert!(error.to_string().contains("more values"), "{error}");
    assert_eq!(failing(full(400)).await.kind(), Kind::Invalid);
    let cost = peak() - before;
    assert!(
        cost < 150,
        "an answer of 16 MiB costs {cost} MiB, that of whoever sends it among them"
    );
}
