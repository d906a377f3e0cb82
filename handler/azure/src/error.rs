//! Failed calls, classified by what they mean for the caller.
//!
//! An error must not carry a token, a query or a whole body: it ends in logs and results.

mod detail;

use std::{error::Error as StdError, fmt, time::Duration};

pub use detail::ErrorDetail;
pub(crate) use detail::shortened;

/// A call that failed.
#[derive(Debug)]
pub struct Error(Box<Details>);

#[derive(Debug)]
struct Details {
    operation: &'static str,
    resource: String,
    kind: Kind,
    status: Option<u16>,
    said: ErrorDetail,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What a failed call means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Too many calls (429, or 503 with a time to come back).
    Throttled,
    /// The resource is in a state that does not allow the call now, or is there already (409).
    Conflict,
    /// The resource has changed since it was read (412).
    PreconditionFailed,
    /// The resource is not there (404, 410).
    NotFound,
    /// Our identity may not do this (403; 401 in another directory).
    Denied,
    /// The token is not accepted, nor was a new one (401).
    Unauthenticated,
    /// The service did not answer, or could not serve (408, 5xx, a broken connection).
    Unavailable,
    /// The answer is not what the service promises.
    Malformed,
    /// The service refuses the call as it is (400 and other 4xx, and redirects, which are not followed).
    Invalid,
    /// No token was to be had.
    Token,
}

impl Kind {
    fn of_status(status: u16, has_retry_after: bool) -> Self {
        match status {
            429 => Self::Throttled,
            503 if has_retry_after => Self::Throttled,
            401 => Self::Unauthenticated,
            403 => Self::Denied,
            404 | 410 => Self::NotFound,
            409 => Self::Conflict,
            412 => Self::PreconditionFailed,
            408 | 500..=599 => Self::Unavailable,
            _ => Self::Invalid,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Throttled => "too many calls",
            Self::Conflict => "in conflict with the resource's state",
            Self::PreconditionFailed => "the resource has changed meanwhile",
            Self::NotFound => "not found",
            Self::Denied => "access denied",
            Self::Unauthenticated => "token not accepted",
            Self::Unavailable => "service unavailable",
            Self::Malformed => "answer not understood",
            Self::Invalid => "call refused",
            Self::Token => "no token",
        }
    }
}

/// What a service's answer says of its failure.
#[derive(Debug, Default)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) said: ErrorDetail,
    pub(crate) request_id: Option<String>,
    pub(crate) retry_after: Option<Duration>,
}

/// No longer than this is waited because a service asks for it.
pub(crate) const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

impl Error {
    /// An answer with this status and code.
    pub fn answered(
        operation: &'static str,
        resource: impl Into<String>,
        status: u16,
        code: Option<&str>,
        retry_after: Option<Duration>,
    ) -> Self {
        Self::of_answer(
            operation,
            resource,
            Answered {
                status,
                said: ErrorDetail::of_code(code),
                retry_after,
                ..Answered::default()
            },
        )
    }

    /// A call that took longer than it may.
    pub fn timed_out(operation: &'static str, resource: impl Into<String>) -> Self {
        let error = Self::of_kind(Kind::Unavailable, operation, resource);
        error.with_message("it took longer than it may")
    }

    pub(crate) fn of_answer(
        operation: &'static str,
        resource: impl Into<String>,
        answer: Answered,
    ) -> Self {
        let code = answer.said.codes.first();
        let kind = match (answer.status, code.map(String::as_str)) {
            // The resource is another directory's: no token of ours would be accepted, whatever its age.
            (401, Some("InvalidAuthenticationTokenTenant")) => Kind::Denied,
            (status, _) => Kind::of_status(status, answer.retry_after.is_some()),
        };
        let mut error = Self::of_kind(kind, operation, resource);
        error.0.status = Some(answer.status);
        error.0.said = answer.said;
        error.0.request_id = answer.request_id;
        error.0.retry_after = answer.retry_after.map(|asked| asked.min(MAX_RETRY_AFTER));
        error
    }

    pub(crate) fn of_kind(
        kind: Kind,
        operation: &'static str,
        resource: impl Into<String>,
    ) -> Self {
        Self(Box::new(Details {
            operation,
            resource: resource.into(),
            kind,
            status: None,
            said: ErrorDetail::default(),
            request_id: None,
            retry_after: None,
            source: None,
        }))
    }

    pub(crate) fn malformed(
        operation: &'static str,
        resource: impl Into<String>,
        message: &str,
    ) -> Self {
        Self::of_kind(Kind::Malformed, operation, resource).with_message(message)
    }

    pub(crate) fn with_message(mut self, message: &str) -> Self {
        self.0.said.message = Some(shortened(message));
        self
    }

    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What the failure means.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The service's own code, such as `RoleAssignmentExists`: the outermost, where it names a cause besides.
    pub fn code(&self) -> Option<&str> {
        self.codes().first().map(String::as_str)
    }

    /// All codes that the service names, the outermost first.
    pub fn codes(&self) -> &[String] {
        &self.0.said.codes
    }

    /// Does the service name this code, be it as a cause?
    pub fn says(&self, code: &str) -> bool {
        let is_this = |said: &String| said.eq_ignore_ascii_case(code);
        self.codes().iter().any(is_this)
    }

    /// How long the service asks to be left alone, an hour at most.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// May the same call succeed later without anybody doing anything?
    pub fn is_transient(&self) -> bool {
        match self.0.kind {
            Kind::Throttled
            | Kind::Conflict
            | Kind::PreconditionFailed
            | Kind::Unauthenticated
            | Kind::Unavailable
            | Kind::Malformed
            | Kind::Token => true,
            Kind::NotFound | Kind::Denied | Kind::Invalid => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let details = &self.0;
        write!(
            f,
            "cannot {} {}: {}",
            details.operation,
            details.resource,
            details.kind.words()
        )?;
        if let Some(status) = details.status {
            write!(f, " ({status}")?;
            if !details.said.codes.is_empty() {
                write!(f, " {}", details.said.codes.join(", "))?;
            }
            f.write_str(")")?;
        }
        if let Some(message) = &details.said.message {
            write!(f, ": {message}")?;
        }
        if let Some(id) = &details.request_id {
            write!(f, " [request {id}]")?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests;
