//! Bearer tokens: opaque, each for one audience, with an expiry in simulated time.
//! They are not JWTs, so that nobody can come to rely on what is in them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};

use crate::clock::Clock;

/// The audiences for which tokens are issued.
pub const AUDIENCES: [&str; 3] = [
    "https://management.azure.com",
    "https://graph.microsoft.com",
    "https://servicebus.azure.net",
];

/// A client judges the expiry by real time, so that one that was given a day would be wrong after every jump of the clock.
const LIFETIME: Duration = Duration::days(365);

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The client id (app id) of the identity.
    pub client_id: String,
    /// The object id of its service principal.
    pub principal_id: String,
}

#[derive(Clone, Debug)]
struct Issued {
    audience: String,
    client_id: String,
    expires_on: OffsetDateTime,
}

/// The tokens of the world; clones share them.
#[derive(Clone, Debug)]
pub struct Tokens {
    clock: Clock,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    issued: BTreeMap<String, Issued>,
    principals: BTreeMap<String, String>,
    lifetime: Duration,
    count: u64,
}

impl Tokens {
    /// No tokens yet; they will live for a year.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        let inner = Inner {
            issued: BTreeMap::new(),
            principals: BTreeMap::new(),
            lifetime: LIFETIME,
            count: 0,
        };
        Self {
            clock,
            inner: Arc::new(Mutex::new(inner)),
        }
    }

    /// Says which service principal an identity has.
    pub fn know(&self, client_id: &str, principal_id: &str) {
        self.lock()
            .principals
            .insert(client_id.to_ascii_lowercase(), principal_id.to_owned());
    }

    /// Whether an identity with this client id is assigned.
    #[must_use]
    pub fn knows(&self, client_id: &str) -> bool {
        self.lock()
            .principals
            .contains_key(&client_id.to_ascii_lowercase())
    }

    /// Sets how long tokens live that are issued from now on.
    pub fn set_lifetime(&self, lifetime: Duration) {
        self.lock().lifetime = lifetime;
    }

    /// Makes every token invalid that was issued so far.
    pub fn revoke_all(&self) {
        self.lock().issued.clear();
    }

    /// Issues a token and says when it expires.
    #[must_use]
    pub fn issue(&self, audience: &str, client_id: &str) -> (String, OffsetDateTime) {
        let audience = canonical(audience);
        let mut inner = self.lock();
        let expires_on = self.clock.now() + inner.lifetime;
        let digest = Sha256::digest(audience.as_bytes());
        let hash: String = digest
            .iter()
            .take(4)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        // The number does not repeat after a revocation, or an old token would be valid again.
        inner.count += 1;
        let token = format!("sim.{hash}.{}", inner.count);
        inner.issued.insert(
            token.clone(),
            Issued {
                audience,
                client_id: client_id.to_owned(),
                expires_on,
            },
        );
        (token, expires_on)
    }

    /// Who calls, or the refusal: 401 where the token is missing, unknown, expired or for another audience.
    ///
    /// # Errors
    /// The answer for the caller.
    #[expect(clippy::result_large_err, reason = "the refusal is the answer itself")]
    pub fn check(&self, headers: &HeaderMap, audience: &str) -> Result<Caller, Response> {
        let header = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| value.strip_prefix("Bearer "));
        let inner = self.lock();
        let Some(token) = token else {
            return Err(refuse(
                "InvalidAuthenticationToken",
                "The access token is missing.",
            ));
        };
        let Some(issued) = inner.issued.get(token) else {
            return Err(refuse(
                "InvalidAuthenticationToken",
                "The access token is invalid.",
            ));
        };
        if issued.expires_on <= self.clock.now() {
            return Err(refuse(
                "InvalidAuthenticationToken",
                "The access token expiry UTC time is earlier than current UTC time.",
            ));
        }
        if issued.audience != canonical(audience) {
            return Err(refuse(
                "InvalidAuthenticationToken",
                "The access token has been obtained for wrong audience or resource.",
            ));
        }
        let principal_id = inner
            .principals
            .get(&issued.client_id.to_ascii_lowercase())
            .cloned()
            .unwrap_or_default();
        Ok(Caller {
            client_id: issued.client_id.clone(),
            principal_id,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Audiences are written with and without a slash at the end.
pub(crate) fn canonical(audience: &str) -> String {
    audience.trim_end_matches('/').to_ascii_lowercase()
}

fn refuse(code: &str, message: &str) -> Response {
    let body = json!({ "error": { "code": code, "message": message } }).to_string();
    let headers = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
    let mut response = (StatusCode::UNAUTHORIZED, headers, body).into_response();
    let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, challenge);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(tokens: &Tokens, token: &str, audience: &str) -> u16 {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::AUTHORIZATION,
            HeaderValue::from_str(&format!("Bearer {token}")).unwrap(),
        );
        tokens
            .check(&headers, audience)
            .map_or_else(|refusal| refusal.status().as_u16(), |_| 200)
    }

    #[test]
    fn a_token_serves_its_own_audience_until_it_expires() {
        let clock = Clock::new();
        let tokens = Tokens::new(clock.clone());
        let (token, expires_on) = tokens.issue("https://management.azure.com/", "c");
        assert_eq!(status(&tokens, &token, "https://management.azure.com"), 200);
        assert_eq!(status(&tokens, &token, "https://graph.microsoft.com"), 401);
        clock.advance_to(expires_on);
        assert_eq!(status(&tokens, &token, "https://management.azure.com"), 401);
    }

    #[test]
    fn a_revoked_token_stays_invalid() {
        let tokens = Tokens::new(Clock::new());
        let (old, _) = tokens.issue("a", "c");
        tokens.revoke_all();
        let (new, _) = tokens.issue("a", "c");
        assert_eq!(
            (status(&tokens, &old, "a"), status(&tokens, &new, "a")),
            (401, 200)
        );
        assert_eq!(
            tokens.check(&HeaderMap::new(), "a").unwrap_err().status(),
            401
        );
    }
}
