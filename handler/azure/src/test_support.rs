//! What the unit tests of several modules share: a stub of a service, and a credential that counts.
//! Nothing here is part of the clients.

use std::{
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderMap, Response},
};
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use serde_json::Value;

use crate::{
    arm::Arm,
    cloud::Cloud,
    credential::{CredentialKind, Tokens},
    http::{Endpoint, Http},
};

/// One call that a stub has seen.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A service on loopback that answers each call by a function and remembers it.
pub(crate) struct Stub {
    pub(crate) endpoint: Endpoint,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Stub {
    pub(crate) async fn start(
        answer: impl Fn(&Seen) -> Response<Body> + Clone + Send + Sync + 'static,
    ) -> Self {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let log = Arc::clone(&seen);
        let app = Router::new().fallback(move |request: Request| {
            let (answer, log) = (answer.clone(), Arc::clone(&log));
            async move {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
                let call = Seen {
                    method: parts.method.to_string(),
                    path: parts.uri.path().to_owned(),
                    query: parts.uri.query().unwrap_or_default().to_owned(),
                    headers: parts.headers,
                    body: String::from_utf8(body.to_vec()).unwrap(),
                };
                let response = answer(&call);
                log.lock().unwrap().push(call);
                response
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            endpoint: Endpoint::parse(&format!("http://{address}")).unwrap(),
            seen,
        }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn only(&self) -> Seen {
        let seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen[0].clone()
    }

    pub(crate) fn arm(&self) -> Arm {
        let http = Http::new().unwrap();
        Arm::new(http, self.endpoint.clone(), tokens(), Cloud::Public)
    }
}

/// The text that no log and no `Debug` may hold.
pub(crate) const TOKEN: &str = "secret-token-text";

pub(crate) fn tokens() -> Tokens {
    let count = Arc::new(AtomicUsize::new(0));
    let kind = CredentialKind::ManagedIdentity { client_id: None };
    Tokens::made_by(&kind, move || Ok(Arc::new(Counting(Arc::clone(&count))))).unwrap()
}

/// A credential whose every token is another, over all that are made.
#[derive(Debug)]
struct Counting(Arc<AtomicUsize>);

#[async_trait::async_trait]
impl TokenCredential for Counting {
    async fn get_token(
        &self,
        scopes: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let count = self.0.fetch_add(1, Ordering::SeqCst);
        let secret = format!("{TOKEN}-{count}-for-{}", scopes[0].replace(['/', ':'], ""));
        let expires =
            azure_core::time::OffsetDateTime::UNIX_EPOCH + azure_core::time::Duration::days(36_500);
        Ok(AccessToken::new(secret, expires))
    }
}

/// A 2xx answer, or any other, with a JSON body.
pub(crate) fn json(status: u16, body: &Value) -> Response<Body> {
    let response = Response::builder()
        .status(status)
        .header("content-type", "application/json");
    response.body(Body::from(body.to_string())).unwrap()
}

/// Says to a test that it is the process that it started.
const ALONE: &str = "VAULTBIND_TEST_ALONE";

/// Runs this very test in a process of its own: no other test shares its environment or its log.
pub(crate) async fn alone(test: &str, environment: &[(&str, &str)]) {
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", test, "--nocapture"])
        .env(ALONE, "1")
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let ended = tokio::time::timeout(Duration::from_secs(60), child.output()).await;
    let output = ended.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[expect(
    clippy::disallowed_methods,
    reason = "the environment tells the two processes of a test apart"
)]
pub(crate) fn is_alone() -> bool {
    std::env::var_os(ALONE).is_some()
}

/// Everything that this thread logs, at every level, while this is held.
pub(crate) struct Log {
    text: Arc<Mutex<String>>,
    _guard: tracing::subscriber::DefaultGuard,
}

impl Log {
    pub(crate) fn start() -> Self {
        let text: Arc<Mutex<String>> = Arc::default();
        let guard = tracing::subscriber::set_default(Lines(Arc::clone(&text)));
        Self {
            text,
            _guard: guard,
        }
    }

    pub(crate) fn text(&self) -> String {
        self.text.lock().unwrap().clone()
    }
}

struct Lines(Arc<Mutex<String>>);

impl tracing::field::Visit for Lines {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        let part = format!("{field}={value:?} ");
        self.0.lock().unwrap().push_str(&part);
    }
}

impl Lines {
    fn visitor(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl tracing::Subscriber for Lines {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        span.record(&mut self.visitor());
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        values.record(&mut self.visitor());
    }

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut self.visitor());
        self.0.lock().unwrap().push('\n');
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}
