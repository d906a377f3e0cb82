//! Logs: one JSON object a line on stdout, with a level of its own.
//!
//! It must not print to stderr: the Functions host takes each line there for an error.

use tracing_subscriber::EnvFilter;

/// Starts logging with this filter; a filter that cannot be read gives way to `info`.
pub fn start(filter: &str) {
    let parsed = EnvFilter::try_new(filter);
    let refused = parsed.is_err();
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(parsed.unwrap_or_else(|_| EnvFilter::new("info")))
        .init();
    if refused {
        tracing::warn!(filter, "VAULTBIND_LOG cannot be read, logging at `info`");
    }
}

/// An error with its causes, one after the other: what every log line and result shows of it.
#[derive(Debug)]
pub struct ErrorChain<'a>(pub &'a (dyn std::error::Error + 'a));

impl std::fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}
