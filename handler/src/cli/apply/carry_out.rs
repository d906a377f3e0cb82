//! Carrying out: several clusters at a time, at the pace of the quotas, each on the way of the function's own reconciles.
//!
//! It must not cut a step in the middle but for a second interruption, nor begin anything after the first.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use futures::{StreamExt as _, stream};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{Mutex as Turn, watch},
};
use vaultbind_core::id::VaultId;

use super::{ApplyStatus, Task, show};
use crate::{
    cli::{live, print, progress_bar::ProgressBar},
    context::Context,
    deadline::wait_for,
    reconcile::{self, Done, Error, error_policy::retry_for_a_person},
    request::Request,
};

/// A cluster that is not settled by then is left to the function, which follows it.
const PATIENCE: Duration = Duration::from_secs(1800);
/// How many clusters are changed at a time.
const CONCURRENT_CLUSTERS: usize = 8;

/// Who asks for an end: `watch` remembers it for those that ask later.
type Stop = watch::Receiver<bool>;

/// Carries out all tasks, and tells of each as it ends where somebody reads it; comes back with how far each came, in
/// their order.
pub(super) async fn carry_out(
    context: &Context,
    tasks: &[Task],
    tells: bool,
) -> anyhow::Result<Vec<ApplyStatus>> {
    let (asks, stop) = watch::channel(false);
    let statuses: Vec<Mutex<ApplyStatus>> = tasks
        .iter()
        .map(|_| Mutex::new(ApplyStatus::NotBegun))
        .collect();
    let shown = Mutex::new(if tells { 0 } else { tasks.len() });
    let all = run(context, tasks, &statuses, &stop, &shown);
    let interrupted = interruptions(&asks);
    tokio::select! {
        () = all => {}
        ended = interrupted => ended?,
    }
    let statuses: Vec<ApplyStatus> = statuses.iter().map(|status| lock(status).clone()).collect();
    let shown = *lock(&shown);
    for (at, (task, status)) in tasks.iter().zip(&statuses).enumerate().skip(shown) {
        show(&place(at, tasks.len()), &task.cluster, status);
    }
    Ok(statuses)
}

fn place(at: usize, count: usize) -> String {
    format!("{}/{count}", at + 1)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Passes the first interruption on; returns at the second.
async fn interruptions(asks: &watch::Sender<bool>) -> anyhow::Result<()> {
    let signal = |kind| signal(kind).context("cannot wait for an interruption");
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut either = async || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    either().await;
    print::error(
        "interrupted: each step under way is ended, nothing more is begun; once more ends at once",
    );
    asks.send_replace(true);
    either().await;
    Ok(())
}

async fn run(
    context: &Context,
    tasks: &[Task],
    statuses: &[Mutex<ApplyStatus>],
    stop: &Stop,
    shown: &Mutex<usize>,
) {
    // Clusters of one vault take turns, so that one gives the roles and the others find them.
    let turns: HashMap<&VaultId, Turn<()>> = tasks
        .iter()
        .map(|task| (&task.vault, Turn::new(())))
        .collect();
    let progress = ProgressBar::over("applying", tasks.len());
    let works = tasks.iter().zip(statuses).map(|(task, status)| {
        let (turn, progress) = (&turns[&task.vault], &progress);
        async move {
            let ended = one(context, task, turn, status, stop.clone()).await;
            *lock(status) = ended.clone();
            progress.step();
            (task, ended)
        }
    });
    let mut works = stream::iter(works)
        .buffered(CONCURRENT_CLUSTERS)
        .enumerate();
    while let Some((at, (task, ended))) = works.next().await {
        // What is shown already, or is not to be, is not shown here either.
        if at >= *lock(shown) {
            progress.aside(|| show(&place(at, tasks.len()), &task.cluster, &ended));
            *lock(shown) = at + 1;
        }
    }
}

/// One cluster, reconcile after reconcile, until it is settled, nobody waits any more, or somebody interrupts.
async fn one(
    context: &Context,
    task: &Task,
    turn: &Turn<()>,
    status: &Mutex<ApplyStatus>,
    mut stop: Stop,
) -> ApplyStatus {
    let mut request = live::of_cluster(context, &task.cluster, None);
    request.agreed = Some(task.vault.clone());
    let began = context.clock.now();
    loop {
        let may_begin = async {
            let turn = turn.lock().await;
            (
                turn,
                live::admission(context, task.cluster.subscription()).await,
            )
        };
        let step = tokio::select! {
            biased;
            _ = stop.wait_for(|asked| *asked) => return left(&request),
            _begins = may_begin => step(context, task, status, &mut request).await,
        };
        let error = match step {
            Ok(done) => return ApplyStatus::of(done),
            Err(error) => error,
        };
        let now = context.clock.now();
        let delay = match retry_for_a_person(&error, &mut request, now, PATIENCE) {
            Err(end) => return ApplyStatus::Ended(end.outcome, end.reason),
            Ok(delay) if now + delay - began <= PATIENCE => delay,
            Ok(_) => return ApplyStatus::LeftTo,
        };
        tokio::select! {
            () = wait_for(delay) => {}
            _ = stop.wait_for(|asked| *asked) => return left(&request),
        }
        request = request.next_attempt();
    }
}

/// How far a request came that is reconciled no more.
fn left(request: &Request) -> ApplyStatus {
    if request.attempt == 0 && request.progress.changes.is_empty() {
        ApplyStatus::NotBegun
    } else {
        ApplyStatus::Interrupted(request.progress.changes.clone())
    }
}

/// One reconcile, which is never cut in the middle but by the end of the process.
async fn step(
    context: &Context,
    task: &Task,
    status: &Mutex<ApplyStatus>,
    request: &mut Request,
) -> Result<Done, Error> {
    *lock(status) = ApplyStatus::CutOff;
    let done = reconcile::reconcile(context, request, &task.cluster).await;
    *lock(status) = left(request);
    done.map_err(|unfinished| unfinished.error)
}
