//! Logs: one JSON object a line on stdout, with a level of its own.
//!
//! It must not print to stderr: the Functions host takes each line there for an error.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;

use crate::escape;

/// Starts logging with this filter; a filter that cannot be read gives way to `info`.
pub fn start(filter: &str) {
    let parsed = EnvFilter::try_new(filter);
    let refused = parsed.is_err();
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(|| Plain(io::stdout()))
        .with_env_filter(parsed.unwrap_or_else(|_| EnvFilter::new("info")))
        .init();
    if refused {
        tracing::warn!(filter, "VAULTBIND_LOG cannot be read, logging at `info`");
    }
}

/// Writes lines of JSON so that whoever reads them on a terminal sees what they hold, and nothing else happens.
struct Plain<W>(W);

impl<W: Write> Write for Plain<W> {
    /// Takes a whole line, which is how lines come.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        for part in text.split_inclusive('\n') {
            let (part, end) = match part.strip_suffix('\n') {
                Some(part) => (part, "\n"),
                None => (part, ""),
            };
            self.0
                .write_all(format!("{}{end}", escape::in_json(part)).as_bytes())?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_log_holds_nothing_that_a_terminal_obeys() {
        let mut written = Vec::new();
        let line = "{\"message\":\"a\u{9b}2J\u{202e}b\"}\n";
        assert_eq!(
            Plain(&mut written).write(line.as_bytes()).unwrap(),
            line.len()
        );
        assert_eq!(written, b"{\"message\":\"a\\u009b2J\\u202eb\"}\n");
    }
}
