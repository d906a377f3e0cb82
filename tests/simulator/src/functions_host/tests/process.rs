//! The rules for the handler's process, with real processes.
//! The handler is this test program itself, run for one test with a port to serve on.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::http::header;
use axum::routing::{get, post};
use serde_json::json;

use super::support::{Folder, PATIENCE, Running, app, message, start};
use crate::faults::{Fault, FaultRule};
use crate::functions_host::{HostState, StopMode};
use crate::journal::Service;

/// This test when it is run by a host: a handler that succeeds, or does what the setting `STAND_IN` says.
#[expect(
    clippy::disallowed_methods,
    reason = "the port is how a host tells its handler where to serve"
)]
fn stand_in() -> Option<(u16, String)> {
    let port = std::env::var("FUNCTIONS_CUSTOMHANDLER_PORT")
        .ok()?
        .parse()
        .ok()?;
    Some((port, std::env::var("STAND_IN").unwrap_or_default()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the exit code is what the host is tested with"
)]
async fn serve(port: u16, role: String) {
    let call = move |Path(_): Path<String>| {
        let role = role.clone();
        async move {
            match role.as_str() {
                "hang" => std::future::pending().await,
                "exit" => std::process::exit(0),
                "restart" => std::process::exit(200),
                _ => ([(header::CONTENT_TYPE, "application/json")], "{}"),
            }
        }
    };
    let router = Router::new()
        .route("/", get(|| async {}))
        .route("/{function}", post(call));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port))
        .await
        .unwrap();
    axum::serve(listener, router).await.unwrap();
}

fn host_json(arguments: &[&str]) -> serde_json::Value {
    json!({ "version": "2.0", "functionTimeout": "00:00:20", "customHandler": {
        "description": { "defaultExecutablePath": "handler.sh", "arguments": arguments }, "initializationTimeout": "00:00:10" } })
}

/// A host whose handler is this program.
async fn host(role: &str, settings: &[(&str, &str)]) -> (Running, Folder) {
    let own = "functions_host::tests::process::a_handler_that_dies_is_started_again_and_the_third_time_the_host_stops";
    let folder = app(&host_json(&["--exact", own, "--nocapture"]));
    let settings: Vec<_> = settings
        .iter()
        .copied()
        .chain([("STAND_IN", role)])
        .collect();
    let program = std::env::current_exe().unwrap();
    let host = start(folder.path.clone(), &settings, |config| {
        config.executable = Some(program)
    })
    .await;
    host.ready(PATIENCE).await.unwrap();
    (host, folder)
}

/// A host whose handler is a shell script.
async fn scripted(script: &str) -> (Running, Folder) {
    let folder = app(&host_json(&[]));
    let file = folder.path.join("handler.sh");
    std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    (start(folder.path.clone(), &[], |_| {}).await, folder)
}

async fn call(host: &Running, id: &str) {
    let before = host.invocations().len();
    host.broker.send("requests", message(id)).unwrap();
    host.wait_until(PATIENCE, |host| host.invocations().len() > before)
        .await
        .unwrap();
}

async fn another_pid(host: &Running, pid: Option<u32>) -> Option<u32> {
    host.wait_until(PATIENCE, |host| {
        host.handler_pid().is_some() && host.handler_pid() != pid
    })
    .await
    .unwrap();
    host.ready(PATIENCE).await.unwrap();
    host.handler_pid()
}

#[tokio::test]
async fn a_handler_that_dies_is_started_again_and_the_third_time_the_host_stops() {
    if let Some((port, role)) = stand_in() {
        return serve(port, role).await;
    }
    let (host, _folder) = host("", &[]).await;
    let mut pid = host.handler_pid();
    for round in 0..2 {
        host.kill_handler().unwrap();
        call(&host, &round.to_string()).await;
        host.settle(PATIENCE).await.unwrap();
        pid = another_pid(&host, pid).await;
    }
    host.kill_handler().unwrap();
    host.wait_until(PATIENCE, |host| host.state() != HostState::Running)
        .await
        .unwrap();
    assert!(host.settle(PATIENCE).await.is_err());
    assert_eq!(
        host.broker.messages("requests").len(),
        0,
        "what was sent before is done"
    );
}

#[tokio::test]
async fn a_fault_that_kills_the_handler_reaches_it() {
    let (host, _folder) = host("", &[]).await;
    let pid = host.handler_pid();
    let kill = Fault::KillHandler { before: true };
    host.world
        .faults
        .add(FaultRule::new(Service::ServiceBus, "/results/", kill));
    let base = crate::test_support::serve(crate::service_bus::router(
        host.world.clone(),
        host.broker.clone(),
    ))
    .await;
    let sent = crate::loopback::client()
        .unwrap()
        .post(format!("{base}/results/messages"))
        .body("{}")
        .send()
        .await;
    assert!(
        sent.is_err() || sent.unwrap().bytes().await.is_err(),
        "the connection is cut"
    );
    assert_ne!(another_pid(&host, pid).await, pid);
}

#[tokio::test]
async fn a_handler_that_exits_at_the_start_stops_the_host_at_the_third_time() {
    let (host, folder) = scripted("echo started; echo 'no policy' >&2; exit 1").await;
    assert!(host.ready(PATIENCE).await.is_err());
    host.wait_until(PATIENCE, |host| host.stdout().len() == 3)
        .await
        .unwrap();
    assert_eq!(host.stderr(), ["no policy"; 3]);
    let log = host.host_log().join("\n");
    assert!(
        log.contains("no policy") && log.contains("Shutting down Functions Host"),
        "{log}"
    );
    drop(folder);
}

#[tokio::test]
async fn an_exit_with_0_is_neither_noticed_nor_repaired() {
    let (host, _folder) = host("exit", &[]).await;
    call(&host, "m").await;
    host.wait_until(PATIENCE, |host| {
        host.handler_pid().is_none() && host.invocations().len() == 100
    })
    .await
    .unwrap();
    assert_eq!(host.state(), HostState::Running);
    assert_eq!(host.broker.dead_letters("requests").len(), 1);
}

#[tokio::test]
async fn an_exit_with_200_costs_nothing() {
    let (host, _folder) = host("restart", &[]).await;
    let mut pid = host.handler_pid();
    for round in 0..4 {
        call(&host, &round.to_string()).await;
        pid = another_pid(&host, pid).await;
    }
    assert_eq!(host.state(), HostState::Running);
}

#[tokio::test]
async fn a_call_out_of_time_has_the_handler_killed_and_costs_nothing() {
    let (host, _folder) = host(
        "hang",
        &[("AzureFunctionsJobHost__functionTimeout", "00:00:00.2")],
    )
    .await;
    let pid = host.handler_pid();
    call(&host, "m").await;
    assert!(
        host.invocations()[0]
            .error
            .as_ref()
            .unwrap()
            .contains("Timeout")
    );
    let other = another_pid(&host, pid).await;
    assert_ne!(other, pid);
    assert_eq!(host.state(), HostState::Running);
}

#[tokio::test]
async fn a_program_that_is_not_there_is_tried_once() {
    let folder = app(&host_json(&[]));
    let host = start(folder.path.clone(), &[], |_| {}).await;
    host.wait_until(PATIENCE, |host| {
        host.host_log()
            .iter()
            .any(|line| line.contains("Failed to start Worker Channel"))
    })
    .await
    .unwrap();
    assert_eq!(
        (host.state(), host.handler_pid()),
        (HostState::Running, None)
    );
}

#[tokio::test]
async fn a_restart_of_the_host_has_two_handlers_for_a_while() {
    let (host, _folder) = host("", &[]).await;
    let old = host.handler_pid().unwrap();
    let alive = || std::path::Path::new(&format!("/proc/{old}")).exists();
    host.restart(PATIENCE).await.unwrap();
    assert_ne!(host.handler_pid(), Some(old));
    host.wait_until(PATIENCE, |_| !alive()).await.unwrap();
    call(&host, "m").await;
    assert_eq!(host.invocations()[0].error, None);
}

#[tokio::test]
async fn a_stop_kills_and_a_signal_goes_to_the_handler() {
    for mode in [StopMode::Drain, StopMode::Kill, StopMode::Signal("TERM")] {
        let (host, _folder) = host("", &[]).await;
        let pid = host.handler_pid().unwrap();
        let stopped =
            tokio::time::timeout(Duration::from_secs(10), host.into_host().stop(mode.clone()));
        stopped.await.unwrap().unwrap();
        assert!(
            !std::path::Path::new(&format!("/proc/{pid}")).exists(),
            "{mode:?}"
        );
    }
}

#[tokio::test]
async fn a_terminated_handler_is_started_again() {
    let (host, _folder) = host("", &[]).await;
    let pid = host.handler_pid();
    host.terminate_handler("TERM").unwrap();
    another_pid(&host, pid).await;
    assert!(
        host.host_log()
            .iter()
            .any(|line| line.contains("The handler ended with")),
        "{:?}",
        host.host_log()
    );
}
