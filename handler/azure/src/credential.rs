//! Tokens: from the managed identity of the app, or from the tools that a developer is signed in with.
//!
//! A token must not reach a log, an error or a `Debug`; it is opaque and never decoded.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use azure_core::{
    credentials::{Secret, TokenCredential},
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

struct Inner {
    kind: CredentialKind,
    http: Http,
    /// It keeps its tokens until shortly before they expire.
    credential: Mutex<Arc<dyn TokenCredential>>,
}

/// A token, and the credential that it came from.
pub(crate) struct Token {
    secret: Secret,
    from: Arc<dyn TokenCredential>,
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
        let credential = Mutex::new(credential(kind, http)?);
        Ok(Self(Arc::new(Inner {
            kind: kind.clone(),
            http: http.clone(),
            credential,
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
            .map_err(|error| failed().with_source(error))?;
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
            *current = credential(&self.0.kind, &self.0.http)?;
        }
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn of(credential: Arc<dyn TokenCredential>, http: &Http) -> Self {
        let kind = CredentialKind::ManagedIdentity { client_id: None };
        Self(Arc::new(Inner {
            kind,
            http: http.clone(),
            credential: Mutex::new(credential),
        }))
    }
}

fn credential(kind: &CredentialKind, http: &Http) -> Result<Arc<dyn TokenCredential>, Error> {
    let made: azure_core::Result<Arc<dyn TokenCredential>> = match kind {
        CredentialKind::ManagedIdentity { client_id } => {
            let options = ManagedIdentityCredentialOptions {
                user_assigned_id: client_id.clone().map(UserAssignedId::ClientId),
                client_options: ClientOptions {
                    transport: Some(Transport::new(Arc::new(http.client().clone()))),
                    // What fails is tried again by a later message, not while an invocation waits.
                    retry: RetryOptions::none(),
                    ..ClientOptions::default()
                },
            };
            ManagedIdentityCredential::new(Some(options)).map(|it| it as Arc<dyn TokenCredential>)
        }
        CredentialKind::DeveloperTools => {
            DeveloperToolsCredential::new(None).map(|it| it as Arc<dyn TokenCredential>)
        }
    };
    made.map_err(|error| {
        Error::of_kind(Kind::Token, "sign in with", kind.to_string()).with_source(error)
    })
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
