//! The ids that a service gives to calls, kept for whoever has to find them again.
//!
//! It must not keep anything else of a call.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

/// Notes the ids that a service gave to calls, the latest ones.
#[derive(Debug, Clone, Default)]
pub struct Recorder(Arc<Mutex<VecDeque<String>>>);

impl Recorder {
    const MOST: usize = 20;

    pub(super) fn note(&self, id: &str) {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ids.len() == Self::MOST {
            ids.pop_front();
        }
        ids.push_back(id.to_owned());
    }

    /// The ids, the oldest first.
    pub fn ids(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }
}
