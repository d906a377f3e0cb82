//! The one HTTP client: bounded in time and size, follows no redirects, and sends tokens to configured addresses alone.
//!
//! It must not log a query, a header or a body, and does not retry beyond one new token.

mod call;
mod endpoint;
mod quota;
mod recorder;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::{
    Method, Response,
    header::{AUTHORIZATION, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT},
};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};
use tokio::time::Instant;
use url::Url;

pub(crate) use call::{Answer, Call};
pub use endpoint::{Endpoint, EndpointError};
pub(crate) use quota::Quotas;
pub use quota::{Left, Quota};
pub use recorder::Recorder;

use crate::{
    credential::Tokens,
    error::{Answered, Error, ErrorDetail, Kind, MAX_RETRY_AFTER},
};

/// What one call may take, its answer included.
const CALL: Duration = Duration::from_secs(10);
/// The largest answer that is read.
const MAX_BODY: usize = 16 * 1024 * 1024;

const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");
const RETURN_CLIENT_REQUEST_ID: HeaderName =
    HeaderName::from_static("x-ms-return-client-request-id");

/// The one HTTP client; a clone shares its connections.
#[derive(Debug, Clone)]
pub struct Http {
    /// Over the proxy that the environment names, where it does.
    client: reqwest::Client,
    /// What plain http carries could be read on the way: it takes no way but its own, over loopback.
    direct: reqwest::Client,
    quotas: Quotas,
}

impl Http {
    /// Makes the client.
    ///
    /// # Errors
    /// Where the system has no usable TLS roots.
    pub fn new() -> Result<Self, reqwest::Error> {
        // A second provider is refused, and the first one is this one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || {
            reqwest::Client::builder()
                .timeout(CALL)
                .connect_timeout(Duration::from_secs(5))
                .pool_idle_timeout(Duration::from_secs(60))
                .redirect(reqwest::redirect::Policy::none())
        };
        Ok(Self {
            client: builder().build()?,
            direct: builder().no_proxy().build()?,
            quotas: Quotas::default(),
        })
    }

    pub(crate) fn quotas(&self) -> &Quotas {
        &self.quotas
    }

    /// For what is on this machine, such as the identity endpoint.
    pub(crate) fn direct(&self) -> &reqwest::Client {
        &self.direct
    }

    fn client_for(&self, url: &Url) -> &reqwest::Client {
        if url.scheme() == "http" {
            &self.direct
        } else {
            &self.client
        }
    }
}

/// A service at its address, with the tokens for it.
#[derive(Debug, Clone)]
pub(crate) struct Channel {
    http: Http,
    endpoint: Endpoint,
    tokens: Tokens,
    scope: &'static str,
    recorder: Option<Recorder>,
}

impl Channel {
    pub(crate) fn new(http: Http, endpoint: Endpoint, tokens: Tokens, scope: &'static str) -> Self {
        Self {
            http,
            endpoint,
            tokens,
            scope,
            recorder: None,
        }
    }

    pub(crate) fn recorded_by(&self, recorder: &Recorder) -> Self {
        Self {
            recorder: Some(recorder.clone()),
            ..self.clone()
        }
    }

    pub(crate) fn quotas(&self) -> &Quotas {
        self.http.quotas()
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Makes a call; where the token is not accepted, once more with a new one.
    pub(crate) async fn send(&self, call: &Call<'_>) -> Result<Answer, Error> {
        self.is_ours(call)?;
        let token = self.tokens.token(self.scope, call).await?;
        match self.send_once(call, token.secret()).await {
            Err(error) if error.kind() == Kind::Unauthenticated => {
                self.tokens.renew(&token)?;
                let token = self.tokens.token(self.scope, call).await?;
                self.send_once(call, token.secret()).await
            }
            other => other,
        }
    }

    /// Whoever made the call has seen to it; a token that leaves for another host cannot be called back.
    fn is_ours(&self, call: &Call<'_>) -> Result<(), Error> {
        if self.endpoint.is_origin_of(&call.url) {
            return Ok(());
        }
        let message =
            "its address is on another host than the configured one, so no token was sent";
        Err(Error::malformed(call.operation, call.resource, message))
    }

    async fn send_once(&self, call: &Call<'_>, token: &str) -> Result<Answer, Error> {
        let began = Instant::now();
        let sent = self.request(call, token)?.send().await;
        let response = sent.map_err(|error| broken(call, error))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let request_id = request_id(&headers);
        self.http.quotas().note(&call.url, &headers, Instant::now());
        if let (Some(recorder), Some(id)) = (&self.recorder, &request_id) {
            recorder.note(id);
        }
        tracing::debug!(
            operation = call.operation,
            resource = call.resource,
            method = %call.method,
            status,
            duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            arm_request_id = request_id,
            "called"
        );
        let body = read(response, call).await?;
        if (200..300).contains(&status) {
            return Ok(Answer {
                status,
                headers,
                body,
            });
        }
        let retry_after = retry_after(&headers);
        Err(Error::of_answer(
            call.operation,
            call.resource,
            Answered {
                status,
                said: ErrorDetail::read(&body),
                request_id,
                retry_after,
            },
        ))
    }

    fn request(&self, call: &Call<'_>, token: &str) -> Result<reqwest::RequestBuilder, Error> {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|error| {
            Error::of_kind(Kind::Token, call.operation, call.resource).with_source(error)
        })?;
        bearer.set_sensitive(true);
        let request = self
            .http
            .client_for(&call.url)
            .request(call.method.clone(), call.url.clone())
            .headers(call.headers.clone())
            .header(AUTHORIZATION, bearer)
            .header(USER_AGENT, concat!("vaultbind/", env!("CARGO_PKG_VERSION")))
            .header(CLIENT_REQUEST_ID, uuid::Uuid::new_v4().to_string())
            .header(RETURN_CLIENT_REQUEST_ID, "true");
        Ok(match &call.body {
            Some(body) => request.body(body.clone()),
            None if call.method == Method::GET => request,
            None => request.header(reqwest::header::CONTENT_LENGTH, "0"),
        })
    }
}

/// The address of a call holds a query: it stays out of the error.
fn broken(call: &Call<'_>, error: reqwest::Error) -> Error {
    Error::of_kind(Kind::Unavailable, call.operation, call.resource)
        .with_source(error.without_url())
}

async fn read(mut response: Response, call: &Call<'_>) -> Result<Bytes, Error> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| broken(call, error))?
    {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(Error::malformed(
                call.operation,
                call.resource,
                "it is larger than 16 MiB",
            ));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers
        .get("x-ms-request-id")
        .or_else(|| headers.get("request-id"))?;
    id.to_str()
        .ok()
        .filter(|id| id.len() <= 128)
        .map(ToOwned::to_owned)
}

/// Added to the time as it comes, it could lie beyond all dates.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    asked_wait(headers).map(|asked| asked.min(MAX_RETRY_AFTER))
}

/// Seconds, or a date: it is taken against the answer's own date, whatever our clock says.
fn asked_wait(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| OffsetDateTime::parse(text, &Rfc2822).ok();
    let now = headers
        .get(DATE)
        .and_then(|value| value.to_str().ok())
        .and_then(date)?;
    (date(text)? - now).try_into().ok()
}

#[cfg(test)]
mod tests;
