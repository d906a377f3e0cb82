//! Values of settings that are more than text, and what makes them sound.
//!
//! It must not know which setting has which value.

use std::str::FromStr;

use vaultbind_azure::graph::PLATFORM_APPS;
use vaultbind_core::resource::PrincipalId;

/// A host name without scheme, port or path.
pub(super) struct Namespace(pub(super) String);

impl FromStr for Namespace {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let sound = text.contains('.')
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
        if sound {
            Ok(Self(text.to_owned()))
        } else {
            Err(())
        }
    }
}

/// The name of a queue or topic: it goes into a path.
pub(super) struct QueueName(pub(super) String);

impl FromStr for QueueName {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let sound = !text.starts_with('.')
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
        if sound {
            Ok(Self(text.to_owned()))
        } else {
            Err(())
        }
    }
}

/// A whole number between two bounds.
pub(super) struct Bounded<const LOW: u32, const HIGH: u32>(pub(super) u32);

impl<const LOW: u32, const HIGH: u32> FromStr for Bounded<LOW, HIGH> {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let number: u32 = text.parse().map_err(|_| ())?;
        if (LOW..=HIGH).contains(&number) {
            Ok(Self(number))
        } else {
            Err(())
        }
    }
}

/// Is it one of the platform's app ids, where the object id of its service principal is wanted?
pub(super) fn is_app_id(id: &PrincipalId) -> bool {
    let mut apps = PLATFORM_APPS.iter();
    apps.any(|(_, app)| app.eq_ignore_ascii_case(id.as_str()))
}
