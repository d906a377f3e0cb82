//! The body of a refusal or a failure, in the form of ARM.
//! It decides nothing: who refuses says with which code.

use serde_json::{Value, json};

/// The error of this code. `Outer>Inner` is one around another, as providers wrap what their own services say.
pub(crate) fn error(code: &str, message: &str) -> Value {
    match code.split_once('>') {
        None => json!({ "code": code, "message": message, "details": [] }),
        Some((outer, inner)) => json!({
            "code": outer, "message": "The operation did not succeed, see the details.",
            "details": [error(inner, message)],
        }),
    }
}
