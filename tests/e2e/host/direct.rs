//! The binary without a host: what it answers to calls that no host would make.

use std::process::Stdio;

use futures::future::join_all;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    process::{Child, Command},
};
use vaultbind_simulator::{
    Config, Simulator,
    faults::{Fault, FaultRule},
    functions_host::free_port,
    journal::Service,
};

use crate::{
    binding,
    town::{POLICY, SOON, write_event, write_policy},
};

/// The binary on a port of its own, beside a local Azure.
struct Alone {
    simulator: Simulator,
    port: u16,
    process: Child,
}

/// An answer, as far as the host looks at it.
#[derive(Debug)]
struct Answer {
    status: u16,
    is_json: bool,
    body: Value,
}

impl Alone {
    async fn start() -> Self {
        let simulator = Simulator::start(Config::default(), binding::estate())
            .await
            .unwrap();
        let port = free_port().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_vaultbind"))
            .arg("serve")
            .env_clear()
            .envs(simulator.handler_environment())
            .env("VAULTBIND_POLICY", write_policy(POLICY))
            .env("FUNCTIONS_CUSTOMHANDLER_PORT", port.to_string())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let ready = async { while !lines.next_line().await.unwrap().unwrap().contains("ready") {} };
        tokio::time::timeout(SOON, ready).await.expect("it starts");
        // What it prints further is read, so that it never waits for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self {
            simulator,
            port,
            process,
        }
    }

    async fn call(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        let exchange = async {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
            let head = format!(
                "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(body).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        };
        let answer = tokio::time::timeout(SOON, exchange)
            .await
            .expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let head = head.to_ascii_lowercase();
        Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            is_json: head.contains("content-type: application/json"),
            body: serde_json::from_str(body).unwrap(),
        }
    }
}

#[tokio::test]
async fn the_hosts_probe_is_answered() {
    let alone = Alone::start().await;
    let answer = alone.call("GET", "/", b"").await;
    assert_eq!((answer.status, answer.is_json), (200, true), "{answer:?}");
}

/// Bodies that are no call of the host.
fn broken() -> Vec<Vec<u8>> {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let wrapped = |it: Value| {
        let data = json!({ "event": it, "request": it, "timer": it });
        json!({ "Data": data, "Metadata": {} })
            .to_string()
            .into_bytes()
    };
    vec![
        Vec::new(),
        b"not json".to_vec(),
        b"{\"Data\":{\"event\":{".to_vec(),
        vec![0xff, 0xfe, 0x00],
        b"null".to_vec(),
        b"[]".to_vec(),
        b"{}".to_vec(),
        b"{\"Data\":null}".to_vec(),
        b"{\"Data\":{}}".to_vec(),
        b"{\"Data\":{\"other\":{}},\"Metadata\":7}".to_vec(),
        format!("{{\"Data\":{{\"event\":{deep},\"request\":{deep}}}}}").into_bytes(),
        wrapped(Value::from("not json")),
        wrapped(Value::from("\"{\\\"id\\\":")),
        wrapped(Value::from(deep)),
        wrapped(json!([1, null, "x", [], {}])),
        wrapped(Value::Null),
        wrapped(json!(1e300)),
    ]
}

#[tokio::test]
async fn any_call_is_answered_with_a_json_object_and_200_or_500() {
    let mut alone = Alone::start().await;
    for body in broken() {
        for (path, expected) in [("/resource-event", 200), ("/reconcile", 500)] {
            let answer = alone.call("POST", path, &body).await;
            let start = String::from_utf8_lossy(&body[..body.len().min(60)]);
            assert_eq!(answer.status, expected, "{path} {start}");
            assert!(answer.is_json && answer.body.is_object(), "{path} {start}");
        }
    }
    assert!(
        alone.simulator.broker.sent("requests").is_empty()
            && alone.simulator.broker.sent("results").is_empty()
    );
    assert_eq!(
        alone.process.try_wait().unwrap(),
        None,
        "the process lives on"
    );
    let cluster = alone.simulator.world.azure().cluster_id("c1").unwrap();
    let event = write_event("e-1", &cluster, "Microsoft.NetworkCloud/clusters/write");
    let call = json!({ "Data": { "event": event }, "Metadata": {} }).to_string();
    let answer = alone.call("POST", "/resource-event", call.as_bytes()).await;
    assert_eq!(answer.status, 200);
    let line = answer.body["Logs"][0].as_str().unwrap();
    assert!(line.starts_with("requested a look at "), "{line}");
    assert_eq!(alone.simulator.broker.sent("requests").len(), 1);
}

/// The most memory that the process has had, in MiB.
fn peak(process: &Child) -> u64 {
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", process.id().unwrap())).unwrap();
    let line = status
        .lines()
        .find_map(|it| it.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// Calls as large as they may be, or larger: text, depth, many small values, many members.
fn enormous(binding: &str) -> Vec<(&'static str, Vec<u8>)> {
    const MOST: usize = 16 * 1024 * 1024;
    let filled = |head: &str, unit: &str, tail: &str, length: usize| {
        let mut body = head.as_bytes().to_vec();
        body.extend(
            unit.bytes()
                .cycle()
                .take((length - head.len() - tail.len()) / unit.len() * unit.len()),
        );
        body.extend(tail.bytes());
        body
    };
    let member = format!("{{\"Data\":{{\"{binding}\":");
    let list = &format!("{member}[");
    vec![
        ("too large", filled(list, " ", "]}}", MOST + 1)),
        ("deep", filled(list, "[", "", MOST)),
        ("many numbers", filled(list, "0,", "0]}}", MOST)),
        ("many lists", filled(list, "[],", "[]]}}", MOST)),
        (
            "many members",
            filled(&format!("{member}{{\"a\":0"), ",\"a\":0", "}}}", MOST),
        ),
        (
            "many bindings",
            filled("{\"Data\":{\"a\":0", ",\"a\":0", "}}", MOST),
        ),
        (
            "one text",
            filled(&format!("{member}\""), "x", "\"}}", MOST),
        ),
    ]
}

#[tokio::test]
async fn the_largest_calls_are_answered_in_time_and_cost_a_few_copies_of_themselves() {
    for (path, binding, expected) in [
        ("/resource-event", "event", 200),
        ("/reconcile", "request", 500),
    ] {
        for (what, body) in enormous(binding) {
            let alone = Alone::start().await;
            let before = peak(&alone.process);
            let answer = alone.call("POST", path, &body).await;
            assert_eq!(answer.status, expected, "{what} to {path}");
            let cost = peak(&alone.process) - before;
            assert!(cost <= 100, "{what} to {path} costs {cost} MiB");
            assert!(alone.simulator.broker.sent("requests").is_empty());
        }
    }
}

#[tokio::test]
async fn hundreds_of_events_at_once_are_answered_and_cause_few_sends_at_once() {
    const EVENTS: usize = 400;
    let alone = Alone::start().await;
    let hang = FaultRule::new(Service::ServiceBus, "/requests/", Fault::Hang).times(usize::MAX);
    alone.simulator.world.faults.add(hang);
    let cluster = alone.simulator.world.azure().cluster_id("c1").unwrap();
    let call = &|number: usize| {
        let event = write_event(
            &format!("e-{number}"),
            &format!("{cluster}-{number}"),
            "Microsoft.NetworkCloud/clusters/write",
        );
        json!({ "Data": { "event": event }, "Metadata": {} }).to_string()
    };
    let alone = &alone;
    let answers = (0..EVENTS).map(|number| async move {
        let body = call(number);
        alone.call("POST", "/resource-event", body.as_bytes()).await
    });
    let answers = join_all(answers).await;
    assert!(
        answers.iter().all(|it| it.status == 500),
        "nothing was sent"
    );
    // That a caller has hung up is noticed a little later than that the next ones call.
    let most = alone.simulator.world.faults.most_hanging();
    assert!((1..EVENTS / 2).contains(&most), "{most} sends at once");
}
