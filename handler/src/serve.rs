//! The server: listens on loopback, stops gracefully, and ends itself when the host is gone.
//!
//! It must not exit 0 of its own will under the host, which would neither restart it nor say so.

use std::{
    net::Ipv4Addr, os::unix::process::parent_id, process::ExitCode, sync::Arc, time::Duration,
};

use anyhow::Context as _;
use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
    time::{MissedTickBehavior, interval, timeout},
};

use crate::{context::Context, functions};

/// How long what is in flight may go on after a signal.
const GRACE: Duration = Duration::from_secs(10);
/// How long the last answers may take to leave.
const FLUSH: Duration = Duration::from_secs(1);
/// How often the parent is looked at.
const PARENT_CHECK: Duration = Duration::from_secs(1);

/// Why the server stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    Terminate,
    Interrupt,
    Orphaned,
}

impl Stop {
    /// The host takes 200 for a wanted restart and starts the process again; anything else but 0 is a crash to it, and three
    /// of those stop the host. Ctrl-C reaches the host as well.
    fn exit_code(self) -> ExitCode {
        match self {
            Self::Terminate | Self::Orphaned => ExitCode::from(200),
            Self::Interrupt => ExitCode::SUCCESS,
        }
    }
}

/// How many calls are in flight.
type InFlight = Arc<watch::Sender<usize>>;

/// Serves until a signal or the loss of the parent.
///
/// # Errors
/// Where the port cannot be listened on, or the server fails.
pub async fn serve(context: Context) -> anyhow::Result<ExitCode> {
    let (port, under_host) = (context.config.port, context.config.under_host);
    let parent = under_host.then(parent_id);
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let in_flight: InFlight = Arc::new(watch::Sender::new(0));
    let app = counted(functions::router(context), &in_flight);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .with_context(|| format!("cannot listen on port {port} of 127.0.0.1"))?;
    tracing::info!(port, version = env!("CARGO_PKG_VERSION"), "ready");

    let (close, closed) = watch::channel(false);
    let mut server = tokio::spawn(
        axum::serve(listener, app)
            .with_graceful_shutdown(until(closed))
            .into_future(),
    );
    let stop = tokio::select! {
        ended = &mut server => {
            ended.context("the server ended")?.context("the server failed")?;
            anyhow::bail!("the server ended of itself");
        }
        _ = terminate.recv() => Stop::Terminate,
        _ = interrupt.recv() => Stop::Interrupt,
        () = orphaned(parent) => Stop::Orphaned,
    };
    tracing::info!(?stop, in_flight = *in_flight.borrow(), "stopping");
    // Calls are accepted meanwhile: a refused connection would burn the deliveries of good messages.
    let mut calls = in_flight.subscribe();
    if timeout(GRACE, calls.wait_for(|count| *count == 0))
        .await
        .is_err()
    {
        tracing::warn!(
            in_flight = *in_flight.borrow(),
            "stopping with calls in flight, the host delivers them again"
        );
    }
    close.send_replace(true);
    // An answer that does not leave in time is a delivery that comes again.
    let _ = timeout(FLUSH, server).await;
    Ok(stop.exit_code())
}

async fn until(mut closed: watch::Receiver<bool>) {
    // The sender lives as long as the server; its end would be the end too.
    let _ = closed.wait_for(|is_closed| *is_closed).await;
}

/// Ends when the process has another parent than at its start; never where there is none to watch.
async fn orphaned(parent: Option<u32>) {
    let Some(parent) = parent else {
        return std::future::pending().await;
    };
    let mut check = interval(PARENT_CHECK);
    check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while parent_id() == parent {
        check.tick().await;
    }
}

fn counted(router: Router, in_flight: &InFlight) -> Router {
    router.layer(middleware::from_fn_with_state(Arc::clone(in_flight), count))
}

async fn count(State(in_flight): State<InFlight>, http: Request, next: Next) -> Response {
    let _one = One::enter(&in_flight);
    next.run(http).await
}

/// One call in flight, also where its connection breaks and the call is dropped.
struct One(InFlight);

impl One {
    fn enter(in_flight: &InFlight) -> Self {
        in_flight.send_modify(|count| *count += 1);
        Self(Arc::clone(in_flight))
    }
}

impl Drop for One {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}
