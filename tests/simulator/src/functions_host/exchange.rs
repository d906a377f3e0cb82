//! The HTTP exchange of one invocation: the host's headers, the body in its chunks.
//! It judges no answer and waits for nobody.

use std::convert::Infallible;

use axum::http::header;
use bytes::Bytes;

use super::process::Target;

/// The version that the host says it has.
const HOST_VERSION: &str = "4.1037.0.0";
/// The size of the chunks in which the host sends a body.
const CHUNK: usize = 1024;
/// An answer, unjudged.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) content_type: Option<String>,
    pub(super) body: Bytes,
}

/// Sends an envelope to a function, and returns the answer or what went wrong.
pub(super) async fn exchange(
    target: Target,
    function: String,
    id: String,
    body: String,
) -> Result<Response, String> {
    let trace = id.replace('-', "");
    let span = trace.get(..16).unwrap_or_default();
    let body = Bytes::from(body);
    let chunks: Vec<Bytes> = (0..body.len())
        .step_by(CHUNK)
        .map(|at| body.slice(at..body.len().min(at + CHUNK)))
        .collect();
    let chunks = futures::stream::iter(chunks.into_iter().map(Ok::<_, Infallible>));
    let request = target
        .client
        .post(format!("{}/{function}", target.base))
        .header("X-Azure-Functions-HostVersion", HOST_VERSION)
        .header("X-Azure-Functions-InvocationId", id)
        .header(
            header::USER_AGENT,
            format!("Azure-Functions-Host/{HOST_VERSION}"),
        )
        .header("traceparent", format!("00-{trace}-{span}-00"))
        .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
        .body(reqwest::Body::wrap_stream(chunks));
    let response = request.send().await.map_err(|e| chain(&e))?;
    let status = response.status().as_u16();
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let content_type = content_type
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let body = response.bytes().await.map_err(|e| chain(&e))?;
    Ok(Response {
        status,
        content_type,
        body,
    })
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
