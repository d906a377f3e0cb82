//! Why a message is not a request.
//!
//! It must not say what becomes of it.

/// Why a message is not a request.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The text is not the JSON of a request.
    #[error("not a request message")]
    Malformed(#[source] serde_json::Error),
    /// Another version wrote it.
    #[error("request version {0} is not known, only 1 is")]
    Version(u32),
    /// The id, or that of the cause, is none that a message can have; or what is told of the cause is too long.
    #[error(
        "the request's id or that of its cause is empty, too long or unprintable, or its cause is too long"
    )]
    BadId,
}
