//! A progress bar on stderr, where that is a terminal and the work takes longer than a second.
//!
//! It must not print anything elsewhere: logs and pipes have no use for it.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::JoinHandle;

use crate::deadline::wait_for;

/// What takes less needs no bar.
const UNSEEN: Duration = Duration::from_secs(1);
/// How often the bar is drawn anew.
const TICK: Duration = Duration::from_millis(200);

/// How far the work has come.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    /// Shows the bar once a second has passed.
    shows: JoinHandle<()>,
}

impl Progress {
    /// Progress over so many steps.
    pub(super) fn over(what: &'static str, steps: usize) -> Self {
        let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::hidden());
        let form = "{prefix} [{bar:30}] {pos} of {len} after {elapsed}";
        if let Ok(style) = ProgressStyle::with_template(form) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(what);
        let later = bar.clone();
        let shows = tokio::spawn(async move {
            wait_for(UNSEEN).await;
            // It draws nothing where stderr is no terminal.
            later.set_draw_target(ProgressDrawTarget::stderr());
            later.enable_steady_tick(TICK);
        });
        Self { bar, shows }
    }

    /// One step is done.
    pub(super) fn step(&self) {
        self.bar.inc(1);
    }

    /// Prints lines while the bar stands aside.
    pub(super) fn aside(&self, print: impl FnOnce()) {
        self.bar.suspend(print);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.shows.abort();
        self.bar.finish_and_clear();
    }
}
