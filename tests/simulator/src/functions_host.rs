//! A miniature Azure Functions host: it runs the real handler and treats it as the platform does.
//! It shares no code with the handler, and spares it nothing.

mod answer;
mod app;
mod config;
mod conversion;
mod envelope;
mod exchange;
mod invocation;
mod pace;
mod port;
mod process;
mod record;
mod schedule;
mod service_bus_trigger;
mod settings;
mod skipped_time;
mod stop;
mod supervisor;
mod timer_trigger;
mod view;
mod webhook;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context as _;
use tokio::task::JoinHandle;
use url::Url;

use crate::event_grid::Subscription;
use crate::loopback::Server;
use app::{App, Trigger};
pub use config::HostConfig;
pub use envelope::EventForm;
use invocation::Host;
use pace::Pace;
pub use port::free as free_port;
use process::{Handler, Launch};
use record::Record;
pub use record::{HostState, Invocation, LogLine};
use settings::Settings;
pub use stop::StopMode;
use timer_trigger::Run;

/// A running host; dropping it kills the handler.
#[derive(Debug)]
pub struct FunctionsHost {
    pace: Pace,
    launch: Option<Launch>,
    server: Server,
    tasks: Vec<JoinHandle<()>>,
}

impl FunctionsHost {
    /// Starts the handler and the triggers; calls that come before the handler is ready wait for it.
    ///
    /// # Errors
    /// When the app cannot be read or no port can be had.
    pub async fn start(config: HostConfig) -> anyhow::Result<Self> {
        let settings = Settings::over_environment(&config.environment);
        let mut app = App::read(&config.app_root, &settings)?;
        app.program = config.executable.unwrap_or(app.program);
        let record = Arc::new(Record::new(config.world.clock.clone()));
        app.errors
            .iter()
            .for_each(|error| record.log(error.clone()));
        let (launch, handler) = match config.attach {
            Some(base) => (None, Handler::attach(base.as_str())?),
            None => {
                let launch = Launch::of(&app, config.environment);
                (
                    Some(launch.clone()),
                    Handler::launch(launch, record.clone())?,
                )
            }
        };
        let host = Arc::new(Host::new(app, config.world, config.broker, record, handler));
        let server = Server::start(webhook::router(host.clone()), config.port).await?;
        let fast_forward = Arc::new(AtomicBool::new(config.fast_forward));
        let pace = Pace {
            host,
            event_grid: config.event_grid,
            fast_forward,
            launch: launch.clone(),
        };
        let mut host = Self {
            pace,
            launch,
            server,
            tasks: Vec::new(),
        };
        host.listen(config.timers)?;
        Ok(host)
    }

    fn listen(&mut self, timers: bool) -> anyhow::Result<()> {
        let host = &self.pace.host;
        for function in host.app.functions.clone() {
            match function.trigger.clone() {
                Trigger::ServiceBus(source) => {
                    let listener = service_bus_trigger::listen(host.clone(), function, source);
                    self.tasks.push(tokio::spawn(listener));
                }
                Trigger::EventGrid => {
                    if let Some(grid) = &self.pace.event_grid {
                        grid.subscribe(Subscription::new(
                            &function.name,
                            self.event_grid_endpoint(&function.name)?,
                        ));
                    }
                }
                Trigger::Timer { .. } if timers => {
                    let timer = timer_trigger::follow_schedule(
                        host.clone(),
                        function,
                        host.world.clock.now(),
                    );
                    self.tasks.push(tokio::spawn(timer));
                }
                Trigger::Timer { .. } => {}
            }
        }
        self.tasks
            .push(tokio::spawn(self.pace.clone().skip_idle_time()));
        let weak = Arc::downgrade(host);
        host.world.faults.on_kill(Arc::new(move || {
            if let Some(host) = weak.upgrade() {
                // A handler that is dead already needs no killing.
                let _ = host.handler().signal("KILL");
            }
        }));
        Ok(())
    }

    /// Where the host listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The address that Event Grid delivers to for a function.
    ///
    /// # Errors
    /// When the name does not fit into a URL.
    pub fn event_grid_endpoint(&self, function: &str) -> anyhow::Result<Url> {
        let address = self.address();
        let url = format!("http://{address}/runtime/webhooks/eventgrid?functionName={function}");
        url.parse().context("no address for this function")
    }

    /// Waits until the handler is ready.
    ///
    /// # Errors
    /// When it is not within `deadline`, or the host is down.
    pub async fn ready(&self, deadline: Duration) -> anyhow::Result<()> {
        let ready = |host: &Self| {
            matches!(
                &*host.pace.host.handler().phase().borrow(),
                process::Phase::Initialized(_)
            )
        };
        self.wait_until(deadline, |host| {
            ready(host) || host.state() != HostState::Running
        })
        .await?;
        anyhow::ensure!(
            ready(self),
            "the host is down: {:?} {:?}",
            self.host_log(),
            self.stderr()
        );
        Ok(())
    }

    /// Runs a timer function as its schedule would, and waits for its end.
    ///
    /// # Errors
    /// When there is no such timer, or the run failed.
    pub async fn tick(&self, function: &str) -> anyhow::Result<()> {
        self.run_timer(function, Run::Scheduled).await
    }

    /// The same for a tick that the host missed while it was down.
    ///
    /// # Errors
    /// When there is no such timer, or the run failed.
    pub async fn tick_past_due(&self, function: &str) -> anyhow::Result<()> {
        self.run_timer(function, Run::PastDue).await
    }

    async fn run_timer(&self, function: &str, run: Run) -> anyhow::Result<()> {
        let host = &self.pace.host;
        let function = host
            .app
            .function(function)
            .context("there is no such function")?;
        timer_trigger::run(host, function, run)
            .await
            .map_err(anyhow::Error::msg)
    }

    /// The handler's process id, while it lives.
    #[must_use]
    pub fn handler_pid(&self) -> Option<u32> {
        self.pace.host.handler().pid()
    }

    /// Kills the handler (SIGKILL); the host counts an error and starts another.
    ///
    /// # Errors
    /// When no handler runs.
    pub fn kill_handler(&self) -> anyhow::Result<()> {
        self.pace.host.handler().signal("KILL")
    }

    /// Sends the handler a signal by name: `TERM`, `INT`.
    ///
    /// # Errors
    /// When no handler runs.
    pub fn terminate_handler(&self, signal: &str) -> anyhow::Result<()> {
        self.pace.host.handler().signal(signal)
    }

    /// Restarts the script host: the new handler starts, on another port, before the old one is gone.
    ///
    /// # Errors
    /// When there is no process to restart, or the new one is not ready within `deadline`.
    pub async fn restart(&self, deadline: Duration) -> anyhow::Result<()> {
        let launch = self
            .launch
            .clone()
            .context("a handler that was attached is not restarted")?;
        let old = self
            .pace
            .host
            .exchange_handler(Handler::launch(launch, self.pace.host.record.clone())?);
        let ready = self.ready(deadline).await;
        old.stop();
        ready
    }

    /// Waits until nothing is under way and nothing more will come of itself.
    /// With fast-forward that includes whatever is scheduled, otherwise what is due before the deadline.
    ///
    /// # Errors
    /// When that is not so within `deadline` of real time, with what still pends.
    pub async fn settle(&self, deadline: Duration) -> anyhow::Result<()> {
        self.pace.settle(deadline).await
    }

    /// Waits until `wanted` holds.
    ///
    /// # Errors
    /// When it does not within `deadline`.
    pub async fn wait_until(
        &self,
        deadline: Duration,
        wanted: impl Fn(&Self) -> bool,
    ) -> anyhow::Result<()> {
        let wait = async {
            while !wanted(self) {
                pace::pause(Duration::from_millis(2)).await;
            }
        };
        let waited = tokio::time::timeout(deadline, wait).await;
        waited.map_err(|_| {
            anyhow::anyhow!(
                "not so within {deadline:?}; the host's log: {:?}",
                self.host_log()
            )
        })
    }
}

impl Drop for FunctionsHost {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        self.pace.host.accepts.send_replace(false);
        self.pace.host.handler().stop();
    }
}

#[cfg(test)]
mod tests;
