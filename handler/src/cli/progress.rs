//! A progress bar on stderr, where that is a terminal and the work takes longer than a second.
//!
//! It must not print anything elsewhere: logs and pipes have no use for it.

use std::{io::IsTerminal as _, time::Duration};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::Instant;

/// What takes less needs no bar.
const UNSEEN: Duration = Duration::from_secs(1);

/// How far the work has come.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    began: Instant,
}

impl Progress {
    /// Progress over so many steps.
    pub(super) fn over(what: &'static str, steps: usize) -> Self {
        let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::hidden());
        let form = "{prefix} [{bar:30}] {pos} of {len}, {eta} to go";
        if let Ok(style) = ProgressStyle::with_template(form) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(what);
        Self {
            bar,
            began: Instant::now(),
        }
    }

    /// One step is done.
    pub(super) fn step(&self) {
        if self.bar.is_hidden() && self.began.elapsed() > UNSEEN && std::io::stderr().is_terminal()
        {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.inc(1);
    }

    /// Prints lines while the bar stands aside.
    pub(super) fn aside(&self, print: impl FnOnce()) {
        self.bar.suspend(print);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
