//! Tokens: from the managed identity of the app, or from the tools that a developer is signed in with.
//!
//! A token must not reach a log, an error or a `Debug`; it is opaque and never decoded.

use std::{
    error::Error as _,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use azure_core::{
    Error as IdentityError,
    credentials::{Secret, TokenCredential},
    error::ErrorKind,
    http::{ClientOptions, RetryOptions, Transport},
};
use azure_identity::{
    DeveloperToolsCredential, ManagedIdentityCredential, ManagedIdentityCredentialOptions,
    UserAssignedId,
};

use crate::{
    error::{Error, Kind},
    http::{Call, Http},
};

/// Where tokens come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialKind {
    /// The managed identity of the app; the user-assigned one of this client id where there is one.
    ManagedIdentity {
        /// The client id of the user-assigned identity.
        client_id: Option<String>,
    },
    /// The Azure CLI or the Azure Developer CLI.
    DeveloperTools,
}

impl CredentialKind {
    /// The tools are programs that have to start first.
    fn patience(&self) -> Duration {
        match self {
            Self::ManagedIdentity { .. } => Duration::from_secs(10),
            Self::DeveloperTools => Duration::from_secs(30),
        }
    }
}

/// Gets tokens; a clone shares what was got.
#[derive(Clone)]
pub struct Tokens(Arc<Inner>);

/// What hands out tokens.
pub type Credential = Arc<dyn TokenCredential>;

struct Inner {
    kind: CredentialKind,
    make: Box<dyn Fn() -> Result<Credential, Error> + Send + Sync>,
    /// It keeps its tokens until shortly before they expire.
    credential: Mutex<Credential>,
}

/// A token, and the credential that it came from.
pub(crate) struct Token {
    secret: Secret,
    from: Credential,
}

impl Token {
    pub(crate) fn secret(&self) -> &str {
        self.secret.secret()
    }
}

impl Tokens {
    /// A source of tokens that makes its calls with this client.
    ///
    /// # Errors
    /// Where there is no such source here, for instance no identity endpoint that can be used.
    pub fn new(kind: &CredentialKind, http: &Http) -> Result<Self, Error> {
        let (made_of, http) = (kind.clone(), http.clone());
        Self::made_by(kind, move || credential(&made_of, &http))
    }

    /// A source of tokens that has this made, and made anew where a token is not accepted.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn made_by(
        kind: &CredentialKind,
        make: impl Fn() -> Result<Credential, Error> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        Ok(Self(Arc::new(Inner {
            kind: kind.clone(),
            credential: Mutex::new(make()?),
            make: Box::new(make),
        })))
    }

    pub(crate) async fn token(&self, scope: &'static str, call: &Call<'_>) -> Result<Token, Error> {
        let from = Arc::clone(
            &self
                .0
                .credential
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        let failed = || Error::of_kind(Kind::Token, call.operation, call.resource);
        let scopes = [scope];
        let asking = from.get_token(&scopes, None);
        let answer = tokio::time::timeout(self.0.kind.patience(), asking).await;
        let token = answer
            .map_err(|_| failed().with_message("the identity endpoint does not answer"))?
            .map_err(|error| failed().with_message(&told(&error)))?;
        Ok(Token {
            secret: token.token,
            from,
        })
    }

    /// Forgets a token that was not accepted, with all that came from the same credential.
    pub(crate) fn renew(&self, refused: &Token) -> Result<(), Error> {
        let mut current = self
            .0
            .credential
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Another call may have renewed it meanwhile.
        if Arc::ptr_eq(&current, &refused.from) {
            *current = (self.0.make)()?;
        }
        Ok(())
    }
}

fn credential(kind: &CredentialKind, http: &Http) -> Result<Credential, Error> {
    let made: azure_core::Result<Credential> = match kind {
        CredentialKind::ManagedIdentity { client_id } => {
            let options = ManagedIdentityCredentialOptions {
                user_assigned_id: client_id.clone().map(UserAssignedId::ClientId),
                client_options: ClientOptions {
                    transport: Some(Transport::new(Arc::new(http.direct().clone()))),
                    // What fails is tried again by a later message, not while an invocation waits.
                    retry: RetryOptions::none(),
                    ..ClientOptions::default()
                },
            };
            ManagedIdentityCredential::new(Some(options)).map(|credential| credential as Credential)
        }
        CredentialKind::DeveloperTools => {
            DeveloperToolsCredential::new(None).map(|credential| credential as Credential)
        }
    };
    made.map_err(|error| {
        Error::of_kind(Kind::Token, "sign in with", kind.to_string()).with_message(&told(&error))
    })
}

/// What may be told of a failure: its chain repeats whole bodies, and quotes what it cannot read.
fn told(error: &IdentityError) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source().and_then(|source| source.downcast_ref()) {
        cause = inner;
    }
    match cause.kind() {
        ErrorKind::DataConversion => "the answer to it cannot be read".to_owned(),
        ErrorKind::Io | ErrorKind::Connection => "the identity endpoint is out of reach".to_owned(),
        _ => cause.to_string(),
    }
}

impl fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ManagedIdentity {
                client_id: Some(id),
            } => write!(f, "the managed identity {id}"),
            Self::ManagedIdentity { client_id: None } => {
                f.write_str("the system-assigned identity")
            }
            Self::DeveloperTools => f.write_str("the Azure CLI or the Azure Developer CLI"),
        }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("kind", &self.0.kind)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
