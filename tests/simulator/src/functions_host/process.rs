//! The handler as the host sees it: where calls go, whether they may, and how its process is reached.
//! It calls no function; what keeps the process going is [`super::supervisor`].

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::{mpsc, watch};

use super::app::App;
use super::port;
use super::record::Record;
use super::supervisor::Supervisor;

/// What is started, and how.
#[derive(Clone, Debug)]
pub(super) struct Launch {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) directory: PathBuf,
    pub(super) root: PathBuf,
    pub(super) environment: Vec<(String, String)>,
    pub(super) initialization_timeout: Duration,
}

impl Launch {
    /// The handler that the host file names.
    pub(super) fn of(app: &App, environment: Vec<(String, String)>) -> Self {
        Self {
            program: app.program.clone(),
            arguments: app.arguments.clone(),
            directory: app.directory.clone(),
            root: app.root.clone(),
            environment,
            initialization_timeout: app.initialization_timeout,
        }
    }
}

/// Where calls go, and with which connections; a new process gets new ones.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) generation: u64,
    pub(super) base: String,
    pub(super) client: reqwest::Client,
}

/// What the host's dispatcher knows of the handler.
#[derive(Clone, Debug)]
pub(super) enum Phase {
    /// Not ready yet: calls wait.
    Starting,
    /// Initialized. After an exit with 0 it stays so and calls are refused.
    Initialized(Target),
    /// The host has done with it.
    Gone,
}

/// What a supervisor is told.
#[derive(Debug)]
pub(super) enum Order {
    /// Kill it and start another, if it is still this one.
    Replace { generation: u64 },
    /// Kill it.
    Stop,
}

/// One handler and those that follow it on the same port.
#[derive(Debug)]
pub(super) struct Handler {
    phase: watch::Receiver<Phase>,
    orders: mpsc::UnboundedSender<Order>,
    pid: Arc<Mutex<Option<u32>>>,
    last: Arc<AtomicBool>,
}

impl Handler {
    /// Starts a process on a free port; it is not waited for.
    pub(super) fn launch(launch: Launch, record: Arc<Record>) -> anyhow::Result<Self> {
        let port = port::free()?;
        let (phase_sender, phase) = watch::channel(Phase::Starting);
        let (orders, received) = mpsc::unbounded_channel();
        let (pid, last) = (Arc::new(Mutex::new(None)), Arc::new(AtomicBool::new(false)));
        let supervisor = Supervisor {
            launch,
            record,
            port,
            phase: phase_sender,
            orders: received,
            pid: pid.clone(),
            last: last.clone(),
            generation: 0,
        };
        tokio::spawn(supervisor.run());
        Ok(Self {
            phase,
            orders,
            pid,
            last,
        })
    }

    /// Takes a server that listens already for the handler.
    pub(super) fn attach(base: &str) -> anyhow::Result<Self> {
        let target = Target {
            generation: 0,
            base: base.trim_end_matches('/').to_owned(),
            client: client()?,
        };
        let (_, phase) = watch::channel(Phase::Initialized(target));
        Ok(Self {
            phase,
            orders: mpsc::unbounded_channel().0,
            pid: Arc::default(),
            last: Arc::default(),
        })
    }

    pub(super) fn phase(&self) -> watch::Receiver<Phase> {
        self.phase.clone()
    }

    pub(super) fn pid(&self) -> Option<u32> {
        *self.pid.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has it killed and replaced without counting an error.
    pub(super) fn replace(&self, generation: u64) {
        // Without a supervisor there is nothing left to replace.
        let _ = self.orders.send(Order::Replace { generation });
    }

    /// Lets nothing follow it when it ends.
    pub(super) fn is_the_last(&self) {
        self.last.store(true, Ordering::SeqCst);
    }

    /// Has it killed for good.
    pub(super) fn stop(&self) {
        let _ = self.orders.send(Order::Stop);
    }

    /// Sends a signal by name, such as `TERM`, and returns when it is sent.
    pub(super) fn signal(&self, name: &str) -> anyhow::Result<()> {
        let pid = self.pid().context("no handler process runs")?;
        let sent = std::process::Command::new("kill")
            .arg(format!("-{name}"))
            .arg(pid.to_string())
            .status();
        let status = sent.context("cannot run the program kill")?;
        anyhow::ensure!(status.success(), "kill -{name} {pid} failed: {status}");
        Ok(())
    }
}

/// A client with connections of its own; like the host's it follows redirects.
pub(super) fn client() -> anyhow::Result<reqwest::Client> {
    let follow = reqwest::redirect::Policy::limited(50);
    crate::loopback::client_builder()
        .redirect(follow)
        .build()
        .context("cannot build an HTTP client")
}
