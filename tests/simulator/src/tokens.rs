//! Bearer tokens: each for one audience, with an expiry in simulated time.
//! They are opaque, or of the shape of a JWT, so that nobody can come to rely on what is in them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
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
    jwt: bool,
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
            jwt: false,
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

    /// Tokens that are issued from now on have the shape and the length of a JWT, and live for a day, as Azure's do.
    pub fn like_azures(&self) {
        let mut inner = self.lock();
        (inner.jwt, inner.lifetime) = (true, Duration::days(1));
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
        let mut token = format!("sim.{hash}.{}", inner.count);
        if inner.jwt {
            token = jwt(&audience, &token, expires_on);
        }
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

/// The claims that every token has, in the shape of a JWT: signed by nobody.
fn jwt(audience: &str, id: &str, expires_on: OffsetDateTime) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let claims = json!({ "aud": audience, "exp": expires_on.unix_timestamp(), "uti": id });
    let header = json!({ "typ": "JWT", "alg": "RS256", "kid": "sim" });
    let signature = part(&id.repeat(20));
    let (header, claims) = (part(&header.to_string()), part(&claims.to_string()));
    format!("{header}.{claims}.{signature}")
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
