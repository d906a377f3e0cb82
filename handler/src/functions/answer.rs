//! What the host is told: done, with a line or two for its log, or deliver again.
//!
//! There is no way to answer a 2xx without a JSON object, which would hang the host until its time-out.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// The answer to an invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The trigger's message is dealt with; the lines go to the log of the invocation.
    Done(Vec<String>),
    /// The host delivers it again; the reason is in our own log, since the host drops the body of an error.
    Redeliver,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    logs: Vec<String>,
}

impl Answer {
    /// Done, with one line for the log of the invocation.
    pub fn done(line: impl Into<String>) -> Self {
        Self::Done(vec![line.into()])
    }

    /// Done, without a word.
    pub fn nothing_to_say() -> Self {
        Self::Done(Vec::new())
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Done(logs) => (StatusCode::OK, Json(Body { logs })).into_response(),
            // A body all the same: no answer of ours is empty.
            Self::Redeliver => (
                StatusCode::INTERNAL_SERVER_ERROR,
                Json(Body { logs: Vec::new() }),
            )
                .into_response(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn body_of(answer: Answer) -> (StatusCode, String, serde_json::Value) {
        let response = answer.into_response();
        let status = response.status();
        let kind = response.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20)
            .await
            .unwrap();
        (status, kind, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn every_answer_is_a_json_object_with_200_or_500() {
        for (answer, expected) in [
            (Answer::nothing_to_say(), StatusCode::OK),
            (Answer::done("one line"), StatusCode::OK),
            (Answer::Redeliver, StatusCode::INTERNAL_SERVER_ERROR),
        ] {
            let (status, kind, body) = body_of(answer).await;
            assert_eq!(status, expected);
            assert_eq!(kind, "application/json");
            assert!(body.is_object(), "{body}");
        }
    }

    #[tokio::test]
    async fn lines_reach_the_log_of_the_invocation() {
        let (_, _, body) = body_of(Answer::done("bound c1 to kv-1")).await;
        assert_eq!(body, serde_json::json!({ "Logs": ["bound c1 to kv-1"] }));
    }
}
