//! The functions: routes, and what holds for every invocation (its deadline, its span, its answer).
//!
//! It must not decide what an invocation does, and gives no other answer than `Answer` knows.

pub mod answer;
pub mod deliver;
pub mod invocation;
mod reconcile;
mod resource_event;
mod resync;

use std::{any::Any, future::Future, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{Instrument, field::Empty};

use crate::context::Context;
use answer::Answer;
use invocation::Invocation;

/// A function: its route and folder, the binding of its trigger, and when its answer is due.
#[derive(Debug, Clone, Copy)]
pub struct Function {
    /// The name of folder and route.
    pub name: &'static str,
    /// The name of the trigger's binding in `function.json`.
    pub binding: &'static str,
    /// An invocation is answered within this, whatever happens.
    pub answers_within: Duration,
}

const RESOURCE_EVENT: Function = Function {
    name: "resource-event",
    binding: "event",
    answers_within: Duration::from_secs(20),
};
const RECONCILE: Function = Function {
    name: "reconcile",
    binding: "request",
    answers_within: Duration::from_secs(60),
};
const RESYNC: Function = Function {
    name: "resync",
    binding: "timer",
    answers_within: Duration::from_secs(20),
};

/// Every function.
pub const FUNCTIONS: [Function; 3] = [RESOURCE_EVENT, RECONCILE, RESYNC];

/// The routes that the host calls: one for each function, and the root for its probe.
pub fn router(context: Context) -> Router {
    Router::new()
        .route("/", get(|| async { Answer::nothing_to_say() }))
        .route(
            &path(RESOURCE_EVENT),
            post(route(RESOURCE_EVENT, resource_event::run)),
        )
        .route(&path(RECONCILE), post(route(RECONCILE, reconcile::run)))
        .route(&path(RESYNC), post(route(RESYNC, resync::run)))
        .layer(CatchPanicLayer::custom(after_panic))
        .with_state(Arc::new(context))
}

fn path(function: Function) -> String {
    format!("/{}", function.name)
}

/// Makes a route of a function: whatever it does, the answer is an `Answer` and is in time.
fn route<F, R>(
    function: Function,
    run: F,
) -> impl Fn(State<Arc<Context>>, Request) -> std::pin::Pin<Box<dyn Future<Output = Answer> + Send>>
+ Clone
where
    F: Fn(Arc<Context>, Invocation) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Answer> + Send + 'static,
{
    move |State(context), http| {
        let (run, span) = (run.clone(), span(function, &http));
        let work = async move {
            let invocation = Invocation::read(function, http).await;
            run(context, invocation).await
        };
        let limited = async move {
            tokio::time::timeout(function.answers_within, work)
                .await
                .unwrap_or_else(|_| {
                    tracing::error!("the invocation took too long and is given back to the host");
                    Answer::Redeliver
                })
        };
        Box::pin(limited.instrument(span))
    }
}

fn span(function: Function, http: &Request) -> tracing::Span {
    let header = |name| invocation::header(http.headers(), name);
    tracing::info_span!(
        "invocation",
        function = function.name,
        invocation_id = header("x-azure-functions-invocationid"),
        traceparent = header("traceparent"),
        request_id = Empty,
        cluster_id = Empty,
        vault_id = Empty,
    )
}

fn after_panic(_: Box<dyn Any + Send>) -> Response {
    // The panic itself is in the log already; the host delivers again.
    Answer::Redeliver.into_response()
}
