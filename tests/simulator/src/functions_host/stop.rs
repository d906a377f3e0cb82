//! How a host is brought down.
//! It starts nothing, and takes nothing back.

use std::time::Duration;

use super::FunctionsHost;

/// How long a host that stops waits for what is under way.
const DRAIN: Duration = Duration::from_secs(31);

/// How a host is brought down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopMode {
    /// As the platform does: nothing new, what is under way ends (31 s at most), then SIGKILL and no other signal.
    Drain,
    /// SIGKILL at once.
    Kill,
    /// As a terminal does: the handler gets this signal (`INT`, `TERM`) first and may end by itself, 15 s at most.
    Signal(&'static str),
}

impl FunctionsHost {
    /// Brings the host down.
    ///
    /// # Errors
    /// When the handler cannot be signalled.
    pub async fn stop(self, mode: StopMode) -> anyhow::Result<()> {
        let host = &self.pace.host;
        if mode == StopMode::Kill {
            host.die();
        }
        host.accepts.send_replace(false);
        match mode {
            StopMode::Drain => {
                // What is still under way then is cut off.
                let _ = self
                    .wait_until(DRAIN, |host| host.in_flight().is_empty())
                    .await;
            }
            StopMode::Kill => {}
            StopMode::Signal(name) => {
                let handler = host.handler();
                handler.is_the_last();
                handler.signal(name)?;
                let _ = self
                    .wait_until(Duration::from_secs(15), |host| host.handler_pid().is_none())
                    .await;
            }
        }
        host.handler().stop();
        self.wait_until(Duration::from_secs(5), |host| host.handler_pid().is_none())
            .await?;
        host.record.stop("The host was stopped");
        Ok(())
    }
}
