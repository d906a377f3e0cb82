//! A progress bar on stderr, where that is a terminal and the work takes longer than a second.
//!
//! It must not print anything elsewhere: logs and pipes have no use for it.

use std::time::Duration;

use indicatif::{ProgressBar as Bar, ProgressDrawTarget, ProgressStyle};
use tokio::task::JoinHandle;

use crate::deadline::wait_for;

/// What takes less needs no bar.
const UNSEEN: Duration = Duration::from_secs(1);
/// How often the bar is drawn anew.
const TICK: Duration = Duration::from_millis(200);

/// How far the work has come.
#[derive(Debug)]
pub(super) struct ProgressBar {
    bar: Bar,
    /// Shows the bar once a second has passed.
    shows: JoinHandle<()>,
}

impl ProgressBar {
    /// Progress over so many steps.
    pub(super) fn over(what: &'static str, steps: usize) -> Self {
        // It draws nothing where stderr is no terminal.
        Self::on(ProgressDrawTarget::stderr(), what, steps)
    }

    fn on(target: ProgressDrawTarget, what: &'static str, steps: usize) -> Self {
        let bar = Bar::with_draw_target(Some(steps as u64), ProgressDrawTarget::hidden());
        let form = "{prefix} [{bar:30}] {pos} of {len} after {elapsed}";
        if let Ok(style) = ProgressStyle::with_template(form) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(what);
        let later = bar.clone();
        let shows = tokio::spawn(async move {
            wait_for(UNSEEN).await;
            later.set_draw_target(target);
            later.tick();
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

impl Drop for ProgressBar {
    fn drop(&mut self) {
        self.shows.abort();
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use indicatif::TermLike;

    use super::*;

    /// A terminal that keeps what is written to it.
    #[derive(Debug, Clone, Default)]
    struct Paper(Arc<Mutex<String>>);

    impl Paper {
        fn text(&self) -> String {
            self.0.lock().unwrap().clone()
        }
    }

    impl TermLike for Paper {
        fn width(&self) -> u16 {
            80
        }

        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn write_line(&self, line: &str) -> io::Result<()> {
            self.write_str(line)
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }

        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_bar_shows_once_a_second_has_passed_and_not_before() {
        let paper = Paper::default();
        let target = ProgressDrawTarget::term_like(Box::new(paper.clone()));
        let progress = ProgressBar::on(target, "applying", 4);
        progress.step();
        wait_for(UNSEEN - Duration::from_millis(1)).await;
        assert_eq!(paper.text(), "", "a second has not passed yet");
        wait_for(Duration::from_millis(2)).await;
        let text = paper.text();
        assert!(text.contains("applying [=======>  "), "{text:?}");
        assert!(text.contains("1 of 4 after "), "{text:?}");
    }
}
