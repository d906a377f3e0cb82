use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;

use super::*;
use crate::World;

struct Service_ {
    world: World,
    url: String,
    calls: Arc<AtomicUsize>,
}

async fn service(fault: Fault) -> Service_ {
    let world = crate::test_support::world();
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    let answer = async move || {
        counter.fetch_add(1, Ordering::SeqCst);
        "the whole answer"
    };
    let router = Router::new().route("/thing", get(answer));
    let base = crate::test_support::serve(observed(router, Service::Arm, world.clone())).await;
    world
        .faults
        .add(FaultRule::new(Service::Arm, "/THING", fault));
    Service_ {
        world,
        url: format!("{base}/thing"),
        calls,
    }
}

impl Service_ {
    async fn get(&self) -> reqwest::Result<(u16, String)> {
        let client = crate::loopback::client().unwrap();
        let response = client
            .get(&self.url)
            .header("authorization", "Bearer secret")
            .send()
            .await?;
        Ok((response.status().as_u16(), response.text().await?))
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_cut_before_processing_shows_no_status_and_processes_nothing() {
    let service = service(Fault::ResetBefore).await;
    let error = service.get().await.unwrap_err();
    assert!(error.status().is_none() && error.is_request(), "{error:?}");
    assert_eq!(service.calls(), 0);
    assert_eq!(
        service.get().await.unwrap(),
        (200, "the whole answer".to_owned())
    );
}

#[tokio::test]
async fn a_cut_after_processing_shows_no_status_but_has_processed() {
    let service = service(Fault::ResetAfter).await;
    assert!(service.get().await.unwrap_err().is_request());
    assert_eq!(service.calls(), 1);
    assert_eq!(service.world.journal.entries()[0].status, 0);
}

#[tokio::test]
async fn a_truncated_answer_has_a_status_and_half_a_body() {
    let service = service(Fault::Truncate).await;
    let mut response = crate::loopback::client()
        .unwrap()
        .get(&service.url)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.chunk().await.unwrap().unwrap(), "the whol");
    assert!(response.chunk().await.is_err());
}

#[tokio::test]
async fn made_up_answers_process_nothing() {
    let fault = Fault::Status {
        status: 429,
        code: "TooManyRequests".to_owned(),
        message: "slow".to_owned(),
        retry_after: Some(7),
    };
    let throttled = service(fault).await;
    let response = crate::loopback::client()
        .unwrap()
        .get(&throttled.url)
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["retry-after"], "7");
    assert!(response.text().await.unwrap().contains("TooManyRequests"));
    let page = service(Fault::Html { status: 502 })
        .await
        .get()
        .await
        .unwrap();
    assert!(page.0 == 502 && page.1.starts_with("<html>"));
    let expired = service(Fault::ExpiredToken).await.get().await.unwrap();
    assert!(expired.0 == 401 && expired.1.contains("ExpiredAuthenticationToken"));
    assert_eq!(throttled.calls(), 0);
}

#[tokio::test]
async fn a_hanging_service_does_not_answer() {
    let service = service(Fault::Hang).await;
    let hung = tokio::time::timeout(Duration::from_millis(200), service.get()).await;
    assert!(hung.is_err());
    assert_eq!(service.calls(), 0);
    assert_eq!(service.world.faults.most_hanging(), 1);
}

#[tokio::test]
async fn the_handler_is_killed_after_the_call_was_processed() {
    let service = service(Fault::KillHandler { before: false }).await;
    let calls = service.calls.clone();
    let killed_at = Arc::new(AtomicUsize::new(usize::MAX));
    let seen = killed_at.clone();
    service.world.faults.on_kill(Arc::new(move || {
        seen.store(calls.load(Ordering::SeqCst), Ordering::SeqCst)
    }));
    assert!(service.get().await.is_err());
    assert_eq!(killed_at.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_journal_never_sees_a_token() {
    let service = service(Fault::ExpiredToken).await;
    service.get().await.unwrap();
    let entries = serde_json::to_string(&service.world.journal.entries()).unwrap();
    assert!(entries.contains("/thing") && !entries.contains("secret"));
}

#[test]
fn a_rule_strikes_after_its_skips_and_as_often_as_it_says() {
    let faults = Faults::new();
    faults.add(
        FaultRule::new(Service::Arm, "x", Fault::Hang)
            .method("get")
            .skip(1)
            .times(2),
    );
    let struck: Vec<bool> = (0..5)
        .map(|_| faults.take(Service::Arm, "GET", "/X", "").is_some())
        .collect();
    assert_eq!(struck, [false, true, true, false, false]);
    assert!(faults.take(Service::Graph, "GET", "/x", "").is_none());
    assert!(faults.rules().is_empty());
}

#[test]
fn rules_can_be_written_as_json() {
    let rule = r#"{"service":"servicebus","pathContains":"/results","fault":{"status":{"status":503,"code":"c","message":"m","retryAfter":1}}}"#;
    let rule: FaultRule = serde_json::from_str(rule).unwrap();
    assert_eq!((rule.times, rule.skip), (1, 0));
    let kill: Fault = serde_json::from_str(r#"{"kill-handler":{"before":true}}"#).unwrap();
    assert_eq!(kill, Fault::KillHandler { before: true });
}

#[test]
fn a_rule_can_be_for_the_end_of_a_path_and_for_a_query() {
    let rule = || FaultRule::new(Service::Arm, "/vaults/kv", Fault::Hang);
    let strikes = |rule: &FaultRule, path, query| rule.matches(Service::Arm, "GET", path, query);
    let below = "/VAULTS/kv/providers/roleAssignments";
    assert!(strikes(&rule(), below, ""));
    assert!(!strikes(&rule().at_the_end(), below, ""));
    assert!(strikes(&rule().at_the_end(), "/VAULTS/kv", ""));
    assert!(strikes(
        &rule().query("resource=ARM"),
        below,
        "v=1&resource=arm"
    ));
    assert!(!strikes(&rule().query("resource=ARM"), below, "v=1"));
}
