//! What the host's tests share: handlers, an app folder, hosts that are started.
//! It asserts nothing.

use std::collections::VecDeque;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;

use super::super::{FunctionsHost, HostConfig};
use crate::World;
use crate::event_grid::EventGrid;
use crate::service_bus::Broker;
use crate::service_bus::message::NewMessage;

pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// The settings that the product's functions need.
pub(super) const SETTINGS: [(&str, &str); 3] = [
    ("VAULTBIND_REQUESTS_QUEUE", "requests"),
    ("VAULTBIND_RESYNC_SCHEDULE", "0 0 */6 * * *"),
    (
        "ServiceBus__fullyQualifiedNamespace",
        "sim.servicebus.windows.net",
    ),
];

#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Call {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

/// A handler inside the test.
#[derive(Clone, Debug)]
pub(super) struct HandlerServer {
    pub(super) base: String,
    calls: Arc<Mutex<Vec<Call>>>,
    answers: Arc<Mutex<VecDeque<(u16, &'static str)>>>,
    otherwise: Arc<Mutex<(u16, &'static str)>>,
    open: watch::Sender<bool>,
}

impl HandlerServer {
    pub(super) async fn start() -> Self {
        let mut handler = Self {
            base: String::new(),
            calls: Arc::default(),
            answers: Arc::default(),
            otherwise: Arc::new(Mutex::new((200, "{}"))),
            open: watch::Sender::new(true),
        };
        handler.base =
            crate::test_support::serve(Router::new().fallback(take).with_state(handler.clone()))
                .await;
        handler
    }

    /// Queues an answer.
    pub(super) fn answer(&self, status: u16, body: &'static str) {
        self.answers.lock().unwrap().push_back((status, body));
    }

    pub(super) fn answer_always(&self, status: u16, body: &'static str) {
        *self.otherwise.lock().unwrap() = (status, body);
    }

    /// Keeps every call waiting.
    pub(super) fn hold(&self) {
        self.open.send_replace(false);
    }

    pub(super) fn release(&self) {
        self.open.send_replace(true);
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }
}

async fn take(
    State(handler): State<HandlerServer>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body = serde_json::from_slice(&body).unwrap();
    handler.calls.lock().unwrap().push(Call {
        path: uri.path().to_owned(),
        headers,
        body,
    });
    handler
        .open
        .subscribe()
        .wait_for(|open| *open)
        .await
        .unwrap();
    let queued = handler.answers.lock().unwrap().pop_front();
    let (status, body) = queued.unwrap_or(*handler.otherwise.lock().unwrap());
    let status = StatusCode::from_u16(status).unwrap();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// A listener that keeps the raw text of the first request and answers it.
pub(super) async fn raw_listener() -> (String, tokio::task::JoinHandle<String>) {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let request = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut text = String::new();
        let mut buffer = [0; 4096];
        while !text.ends_with("\r\n0\r\n\r\n") {
            let read = stream.read(&mut buffer).await.unwrap();
            text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        }
        let answer =
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
        stream.write_all(answer.as_bytes()).await.unwrap();
        text
    });
    (base, request)
}

/// A host with what it works on.
pub(super) struct Running {
    host: FunctionsHost,
    pub(super) world: World,
    pub(super) broker: Broker,
    pub(super) grid: EventGrid,
}

impl Deref for Running {
    type Target = FunctionsHost;

    fn deref(&self) -> &FunctionsHost {
        &self.host
    }
}

impl Running {
    pub(super) fn into_host(self) -> FunctionsHost {
        self.host
    }
}

pub(super) fn world() -> (World, Broker) {
    let world = crate::test_support::world();
    let broker = Broker::new(world.clock.clone());
    (world, broker)
}

pub(super) fn message(id: &str) -> NewMessage {
    NewMessage::json(id, &json!({ "version": 1 })).in_session(id)
}

/// A host for the product's own app, with the test's server for its handler.
pub(super) async fn attached(handler: &HandlerServer) -> Running {
    attached_with(handler, &[]).await
}

pub(super) async fn attached_with(handler: &HandlerServer, settings: &[(&str, &str)]) -> Running {
    attached_to(&handler.base, settings).await
}

pub(super) async fn attached_to(base: &str, settings: &[(&str, &str)]) -> Running {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    start(root, settings, |config| {
        config.attach = Some(base.parse().unwrap())
    })
    .await
}

pub(super) async fn start(
    root: PathBuf,
    settings: &[(&str, &str)],
    change: impl FnOnce(&mut HostConfig),
) -> Running {
    let (world, broker) = world();
    let grid = EventGrid::start(world.clone()).unwrap();
    let mut config = HostConfig::new(root, world.clone(), broker.clone());
    config.environment = SETTINGS
        .iter()
        .chain(settings)
        .map(|&(k, v)| (k.to_owned(), v.to_owned()))
        .collect();
    config.event_grid = Some(grid.clone());
    change(&mut config);
    Running {
        host: FunctionsHost::start(config).await.unwrap(),
        world,
        broker,
        grid,
    }
}

/// A folder that is gone when it is dropped.
pub(super) struct Folder {
    pub(super) path: PathBuf,
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// A function app of its own: this host file, and the functions `reconcile` and `resource-event`.
pub(super) fn app(host: &Value) -> Folder {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!(
        "vaultbind-simulator-{}-{number}",
        std::process::id()
    ));
    let product = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for function in ["reconcile", "resource-event"] {
        std::fs::create_dir_all(path.join(function)).unwrap();
        let file = Path::new(function).join("function.json");
        std::fs::copy(product.join(&file), path.join(&file)).unwrap();
    }
    std::fs::write(path.join("host.json"), host.to_string()).unwrap();
    Folder { path }
}
