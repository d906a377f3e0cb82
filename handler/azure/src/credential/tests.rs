use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use axum::{body::Body, http::Response};
use reqwest::Method;
use serde_json::json;
use url::Url;

use super::*;
use crate::test_support::{Log, Stub, TOKEN, alone, is_alone, json as answer};

const SCOPE: &str = "https://management.azure.com/.default";
const IDENTITY_HEADER: &str = "identity-header-text";

fn call() -> Call<'static> {
    let url = Url::parse("https://arm.example/").unwrap();
    Call::new("read", "it", Method::GET, url)
}

fn query(text: &str) -> HashMap<String, String> {
    url::form_urlencoded::parse(text.as_bytes())
        .into_owned()
        .collect()
}

fn granted() -> Response<Body> {
    answer(
        200,
        &json!({ "access_token": TOKEN, "expires_on": "4102444800", "resource": "r", "token_type": "Bearer" }),
    )
}

/// The identity endpoint is named by the environment.
async fn in_a_function_app(endpoint: &Stub, test: &str) {
    let identity = format!("{}msi/token", endpoint.endpoint);
    let environment = [
        ("IDENTITY_ENDPOINT", identity.as_str()),
        ("IDENTITY_HEADER", IDENTITY_HEADER),
    ];
    alone(test, &environment).await;
}

fn app_tokens() -> Tokens {
    let client_id = Some("client-1".to_owned());
    Tokens::new(
        &CredentialKind::ManagedIdentity { client_id },
        &Http::new().unwrap(),
    )
    .unwrap()
}

#[tokio::test]
async fn the_identity_endpoint_is_asked_once_for_each_scope_and_its_token_is_never_logged() {
    const TEST: &str = "credential::tests::the_identity_endpoint_is_asked_once_for_each_scope_and_its_token_is_never_logged";
    if is_alone() {
        let log = Log::start();
        let tokens = app_tokens();
        for _ in 0..2 {
            let token = tokens.token(SCOPE, &call()).await.unwrap();
            assert_eq!(token.secret(), TOKEN);
        }
        let first = tokens.token(SCOPE, &call()).await.unwrap();
        tokens.renew(&first).unwrap();
        tokens.token(SCOPE, &call()).await.unwrap();
        let text = log.text();
        assert!(
            text.contains("token cache miss"),
            "nothing was logged: {text}"
        );
        assert!(
            !text.contains(TOKEN) && !text.contains(IDENTITY_HEADER),
            "{text}"
        );
        return;
    }
    let endpoint = Stub::start(|_| granted()).await;
    in_a_function_app(&endpoint, TEST).await;
    let seen = endpoint.seen();
    assert_eq!(seen.len(), 2, "once, and once more after the renewal");
    let asked = &seen[0];
    assert_eq!(
        (asked.method.as_str(), asked.path.as_str()),
        ("GET", "/msi/token")
    );
    assert_eq!(asked.header("x-identity-header"), IDENTITY_HEADER);
    let query = query(&asked.query);
    for (name, value) in [
        ("api-version", "2019-08-01"),
        ("resource", "https://management.azure.com"),
        ("client_id", "client-1"),
    ] {
        assert_eq!(query.get(name).map(String::as_str), Some(value), "{name}");
    }
}

#[tokio::test]
async fn an_answer_without_a_token_is_told_in_short_and_never_quoted() {
    const TEST: &str =
        "credential::tests::an_answer_without_a_token_is_told_in_short_and_never_quoted";
    if is_alone() {
        // The stub answers these in turn: a body that is the token itself, a long one, a refusal.
        for expected in [
            "cannot be read",
            "The request failed",
            "has not been assigned",
        ] {
            let error = app_tokens()
                .token(SCOPE, &call())
                .await
                .map(drop)
                .unwrap_err();
            assert_eq!(error.kind(), Kind::Token);
            let text = error.to_string();
            assert!(text.contains(expected), "{text}");
            assert!(text.len() < 1000 && !text.contains('\n'), "{text}");
            assert!(!format!("{error:?}").contains(TOKEN), "{error:?}");
            assert!(error.source().is_none());
        }
        return;
    }
    let count = Arc::new(AtomicUsize::new(0));
    let endpoint = Stub::start(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 => answer(200, &json!(TOKEN)),
        1 => Response::builder()
            .status(500)
            .body(Body::from("a line\n".repeat(10_000)))
            .unwrap(),
        _ => answer(400, &json!({ "error": "invalid_request" })),
    })
    .await;
    in_a_function_app(&endpoint, TEST).await;
    assert_eq!(endpoint.seen().len(), 3);
}

#[tokio::test]
async fn only_the_credential_that_a_refused_token_came_from_is_replaced() {
    let tokens = crate::test_support::tokens();
    let (first, second) = (
        tokens.token(SCOPE, &call()).await.unwrap(),
        tokens.token(SCOPE, &call()).await.unwrap(),
    );
    tokens.renew(&first).unwrap();
    let renewed = tokens.token(SCOPE, &call()).await.unwrap();
    assert!(!Arc::ptr_eq(&renewed.from, &first.from));
    tokens.renew(&second).unwrap();
    let kept = tokens.token(SCOPE, &call()).await.unwrap();
    assert!(
        Arc::ptr_eq(&kept.from, &renewed.from),
        "renewed twice for one refusal"
    );
}
