//! The middleware of every service: it lets faults strike and writes the journal.
//! It changes no answer that no fault befalls.

use std::convert::Infallible;
use std::io;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use futures::stream;
use serde_json::{Value, json};

use super::Fault;
use crate::World;
use crate::error_body::error;
use crate::journal::Service;

/// No service takes more than this.
const LARGEST_BODY: usize = 8 * 1024 * 1024;

#[derive(Clone, Debug)]
struct Observer {
    service: Service,
    world: World,
}

/// Puts the faults and the journal of the world before a service.
pub fn observed(router: Router, service: Service, world: World) -> Router {
    router.layer(from_fn_with_state(Observer { service, world }, observe))
}

async fn observe(
    State(observer): State<Observer>,
    request: Request,
    next: Next,
) -> Result<Response, Infallible> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        return Ok(StatusCode::PAYLOAD_TOO_LARGE.into_response());
    };
    let seen = Seen {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        body: serde_json::from_slice(&body).ok(),
        observer,
    };
    let Observer { service, world } = &seen.observer;
    let faults = &world.faults;
    faults.interfere_before(*service, &seen.method, &seen.path, &seen.query);
    let fault = faults.take(*service, &seen.method, &seen.path, &seen.query);
    let request = Request::from_parts(parts, Body::from(body));
    Ok(match fault {
        None => {
            let response = next.run(request).await;
            seen.record(response.status().as_u16(), "");
            response
        }
        Some(fault) => seen.strike(fault, request, next).await,
    })
}

/// What the journal keeps of a request.
#[derive(Debug)]
struct Seen {
    observer: Observer,
    method: String,
    path: String,
    query: String,
    body: Option<Value>,
}

impl Seen {
    fn record(&self, status: u16, note: &str) {
        let Observer { service, world } = &self.observer;
        world.journal.record(
            *service,
            &self.method,
            &self.path,
            &self.query,
            status,
            self.body.clone(),
            note,
        );
    }

    async fn strike(&self, fault: Fault, request: Request, next: Next) -> Response {
        match fault {
            Fault::Status {
                status,
                code,
                message,
                retry_after,
            } => self.answer(refusal(status, &code, &message, retry_after)),
            Fault::Html { status } => self.answer(error_page(status)),
            Fault::Answer { status, body } => self.answer(json_answer(status, body)),
            Fault::ExpiredToken => self.answer(expired_token()),
            Fault::Hang => {
                self.record(0, "fault: never answered");
                let _hanging = self.observer.world.faults.hangs();
                std::future::pending().await
            }
            Fault::ResetBefore => self.cut("fault: cut before it was processed"),
            Fault::ResetAfter => {
                let status = next.run(request).await.status();
                self.cut(&format!("fault: cut after it was processed ({status})"))
            }
            Fault::Truncate => self.truncate(next.run(request).await).await,
            Fault::LoseLock => {
                self.observer.world.faults.lose_lock();
                let response = next.run(request).await;
                self.record(response.status().as_u16(), "fault: the lock was lost");
                response
            }
            Fault::KillHandler { before: true } => {
                self.observer.world.faults.kill_handler();
                self.cut("fault: the handler was killed before it was processed")
            }
            Fault::KillHandler { before: false } => {
                let status = next.run(request).await.status();
                self.observer.world.faults.kill_handler();
                self.cut(&format!(
                    "fault: the handler was killed after it was processed ({status})"
                ))
            }
        }
    }

    fn answer(&self, response: Response) -> Response {
        self.record(response.status().as_u16(), "fault: the answer is made up");
        response
    }

    fn cut(&self, note: &str) -> Response {
        self.record(0, note);
        cut()
    }

    /// Announces the whole body and sends half of it.
    async fn truncate(&self, response: Response) -> Response {
        let (mut parts, body) = response.into_parts();
        let whole = to_bytes(body, LARGEST_BODY).await.unwrap_or_default();
        self.record(parts.status.as_u16(), "fault: the body was cut short");
        let half = whole.slice(..whole.len() / 2);
        parts.headers.insert(
            header::CONTENT_LENGTH,
            HeaderValue::from(whole.len().max(2)),
        );
        // The pause lets the first half leave before the connection breaks.
        let rest = stream::once(async {
            tokio::task::yield_now().await;
            Err(broken())
        });
        Response::from_parts(
            parts,
            Body::from_stream(stream::iter([Ok::<Bytes, io::Error>(half)]).chain(rest)),
        )
    }
}

fn broken() -> io::Error {
    io::Error::from(io::ErrorKind::ConnectionReset)
}

/// The server flushes the head together with the first part of the body.
/// A body that fails at once therefore closes the connection before the status line has left.
fn cut() -> Response {
    let mut response =
        Body::from_stream(stream::iter([Err::<Bytes, io::Error>(broken())])).into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, HeaderValue::from(2));
    response
}

fn refusal(status: u16, code: &str, message: &str, retry_after: Option<u64>) -> Response {
    let body = json!({ "error": error(code, message) }).to_string();
    let mut response = json_answer(status, body);
    if let Some(seconds) = retry_after {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn json_answer(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
    (status, kind, body).into_response()
}

fn error_page(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let body =
        format!("<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>");
    (status, [(header::CONTENT_TYPE, "text/html")], body).into_response()
}

fn expired_token() -> Response {
    let mut response = refusal(
        401,
        "ExpiredAuthenticationToken",
        "The access token expiry UTC time is earlier than current UTC time.",
        None,
    );
    let challenge = HeaderValue::from_static(
        "Bearer error=\"invalid_token\", error_description=\"The access token has expired.\"",
    );
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, challenge);
    response
}
