//! What the unit tests of several modules share: a stub of a service, and a credential that counts.
//! Nothing here is part of the clients.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
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
    credential::Tokens,
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
            .and_then(|it| it.to_str().ok())
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
        let tokens = tokens(&http);
        Arm::new(http, self.endpoint.clone(), tokens, Cloud::Public)
    }
}

/// The text that no log and no `Debug` may hold.
pub(crate) const TOKEN: &str = "secret-token-text";

pub(crate) fn tokens(http: &Http) -> Tokens {
    Tokens::of(Arc::new(Counting::default()), http)
}

/// A credential whose every token is another.
#[derive(Debug, Default)]
struct Counting(AtomicUsize);

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
