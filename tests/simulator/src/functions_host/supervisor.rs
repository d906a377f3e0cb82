//! The life of the handler's process by the host's rules: start, probe, exit codes, restart.
//! It calls no function and sends no signal but SIGKILL.

use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::process::{Launch, Order, Phase, Target, client};
use super::record::{HostState, Record};

enum End {
    NotSpawned(String),
    NeverReady,
    Exited(ExitStatus, Option<Target>),
    Ordered(Order),
}

/// What keeps a handler going.
pub(super) struct Supervisor {
    pub(super) launch: Launch,
    pub(super) record: Arc<Record>,
    pub(super) port: u16,
    pub(super) phase: watch::Sender<Phase>,
    pub(super) orders: mpsc::UnboundedReceiver<Order>,
    pub(super) pid: Arc<Mutex<Option<u32>>>,
    pub(super) last: Arc<AtomicBool>,
    pub(super) generation: u64,
}

impl Supervisor {
    /// Starts and starts again, until the host has done with it.
    pub(super) async fn run(mut self) {
        while self.record.is_running() {
            self.generation += 1;
            self.phase.send_replace(Phase::Starting);
            let end = self.run_child().await;
            self.set_pid(None);
            if self.last.load(Ordering::SeqCst) || !self.goes_on(end).await {
                break;
            }
        }
        self.phase.send_replace(Phase::Gone);
    }

    /// Whether another process follows.
    async fn goes_on(&mut self, end: End) -> bool {
        match end {
            End::Ordered(Order::Replace { .. }) => true,
            End::Ordered(Order::Stop) => false,
            End::NotSpawned(why) => {
                let program = self.launch.program.display().to_string();
                self.record.log(format!(
                    "Failed to start Worker Channel. Process fileName: {program}: {why}"
                ));
                self.another_is_ordered().await
            }
            End::NeverReady => !self
                .record
                .count_error("The handler did not become ready in time"),
            End::Exited(status, target) => self.after_exit(status, target).await,
        }
    }

    async fn after_exit(&mut self, status: ExitStatus, target: Option<Target>) -> bool {
        match (status.code(), target) {
            (Some(0), Some(target)) => {
                self.record
                    .log("The handler exited with code 0 and is not started again".to_owned());
                self.phase.send_replace(Phase::Initialized(target));
                self.another_is_ordered().await
            }
            (Some(0), None) => {
                // Nobody notices an exit with 0, so the probe goes on in vain.
                let patience = tokio::time::timeout(
                    self.launch.initialization_timeout,
                    self.another_is_ordered(),
                );
                match patience.await {
                    Ok(another) => another,
                    Err(_) => !self
                        .record
                        .count_error("The handler did not become ready in time"),
                }
            }
            (Some(200), _) => {
                self.record
                    .log("The handler exited with code 200 and is started again".to_owned());
                true
            }
            _ => {
                let words = self.record.last_words();
                !self
                    .record
                    .count_error(&format!("The handler ended with {status}: {words}"))
            }
        }
    }

    async fn another_is_ordered(&mut self) -> bool {
        let mut state = self.record.state();
        tokio::select! {
            order = self.orders.recv() => matches!(order, Some(Order::Replace { .. })),
            _ = state.wait_for(|state| *state != HostState::Running) => false,
        }
    }

    async fn run_child(&mut self) -> End {
        let (mut child, readers) = match self.spawn() {
            Ok(spawned) => spawned,
            Err(e) => return End::NotSpawned(e.to_string()),
        };
        let end = self.watch(&mut child).await;
        if !matches!(end, End::Exited(..)) {
            let _ = child.kill().await;
        }
        // What it printed last is the reason of a crash; a child of its own may hold the pipe open.
        let _ = tokio::time::timeout(
            Duration::from_millis(200),
            futures::future::join_all(readers),
        )
        .await;
        end
    }

    async fn watch(&mut self, child: &mut Child) -> End {
        let client = match client() {
            Ok(client) => client,
            Err(e) => return End::NotSpawned(e.to_string()),
        };
        let base = format!("http://127.0.0.1:{}", self.port);
        let target = Target {
            generation: self.generation,
            base,
            client,
        };
        let probe = probe(target.clone(), self.launch.initialization_timeout);
        tokio::pin!(probe);
        let mut state = self.record.state();
        let mut ready = None;
        loop {
            tokio::select! {
                exit = child.wait() => return match exit {
                    Ok(status) => End::Exited(status, ready),
                    Err(e) => End::NotSpawned(e.to_string()),
                },
                order = self.orders.recv() => match order {
                    Some(Order::Replace { generation }) if generation != self.generation => {}
                    order => return End::Ordered(order.unwrap_or(Order::Stop)),
                },
                _ = state.wait_for(|state| *state != HostState::Running) => return End::Ordered(Order::Stop),
                answered = &mut probe, if ready.is_none() => {
                    if !answered {
                        return End::NeverReady;
                    }
                    ready = Some(target.clone());
                    self.phase.send_replace(Phase::Initialized(target.clone()));
                }
            }
        }
    }

    fn spawn(&self) -> std::io::Result<(Child, Vec<JoinHandle<()>>)> {
        let launch = &self.launch;
        let worker = Uuid::new_v5(
            &Uuid::NAMESPACE_URL,
            format!("worker/{}/{}", self.port, self.generation).as_bytes(),
        );
        let port = self.port.to_string();
        let mut child = Command::new(&launch.program)
            .args(&launch.arguments)
            .current_dir(&launch.directory)
            .envs(launch.environment.iter().map(|(name, value)| (name, value)))
            .env("FUNCTIONS_CUSTOMHANDLER_PORT", &port)
            .env("FUNCTIONS_CUSTOMHANDLER_WORKER_ID", worker.to_string())
            .env("FUNCTIONS_HTTPWORKER_PORT", &port)
            .env("FUNCTIONS_HTTPWORKER_ID", worker.to_string())
            .env("FUNCTIONS_APP_ROOT_PATH", &launch.root)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        self.set_pid(child.id());
        let stdout = child
            .stdout
            .take()
            .map(|stream| self.capture(stream, false));
        let stderr = child.stderr.take().map(|stream| self.capture(stream, true));
        Ok((child, stdout.into_iter().chain(stderr).collect()))
    }

    fn capture(
        &self,
        stream: impl AsyncRead + Send + Unpin + 'static,
        is_stderr: bool,
    ) -> JoinHandle<()> {
        let record = self.record.clone();
        tokio::spawn(async move {
            let mut reader = BufReader::new(stream);
            let mut line = Vec::new();
            while reader
                .read_until(b'\n', &mut line)
                .await
                .is_ok_and(|read| read > 0)
            {
                record.print(
                    is_stderr,
                    String::from_utf8_lossy(&line).trim_end().to_owned(),
                );
                line.clear();
            }
        })
    }

    fn set_pid(&self, pid: Option<u32>) {
        *self.pid.lock().unwrap_or_else(PoisonError::into_inner) = pid;
    }
}

/// Whether anything answers at `GET /` in time; only the pauses between the attempts count.
async fn probe(target: Target, budget: Duration) -> bool {
    let pause = Duration::from_millis(25);
    let mut pauses = tokio::time::interval(pause);
    pauses.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let attempts = budget.as_millis() / pause.as_millis();
    for _ in 0..attempts.max(1) {
        pauses.tick().await;
        match target.client.get(&target.base).send().await {
            Err(e) if e.is_connect() => {}
            _ => return true,
        }
    }
    false
}
