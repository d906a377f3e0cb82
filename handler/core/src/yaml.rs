//! YAML with places: text in, nodes or mistakes with line and column out. Every file that people write is read with it.
//!
//! It must not know any file's keys; whoever reads a file says what was expected.
//!
//! - `node`: `parse` a text, then ask a `Node` for what should stand there (`text`, `keyword`, `each`, ...) and a mapping
//!   for its keys through a `Section`, which refuses unknown ones. Whoever asks gets `None` where it does not fit, and
//!   the mistake is in `Problems`; so all mistakes of a file come at once.
//! - `problem`: a [`Problem`] with its [`Place`] and [`Severity`], and the word that was probably meant.

mod lines;
pub(crate) mod node;
pub(crate) mod problem;

pub use problem::{Place, Problem, Severity};
