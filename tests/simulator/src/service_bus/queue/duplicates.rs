//! Which messages a queue has seen within its window.
//! It drops none itself; the queue does.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use time::OffsetDateTime;

/// By what a duplicate is known: the partition key and the message id.
pub(super) type Identity = (Option<String>, String);

/// The messages that were seen.
#[derive(Debug, Default)]
pub(super) struct Duplicates {
    seen: HashMap<Identity, OffsetDateTime>,
    /// The same in the order in which they came: the oldest are forgotten first.
    in_order: VecDeque<(OffsetDateTime, Identity)>,
}

impl Duplicates {
    /// Whether a message comes for the first time; the window is fixed, a duplicate does not prolong it.
    pub(super) fn is_new(&mut self, now: OffsetDateTime, window: Duration, key: Identity) -> bool {
        let is_old = |it: &mut (OffsetDateTime, Identity)| now >= it.0 + window;
        while let Some((at, key)) = self.in_order.pop_front_if(is_old) {
            // It may have been forgotten and seen anew meanwhile.
            if self.seen.get(&key) == Some(&at) {
                self.seen.remove(&key);
            }
        }
        if self.seen.contains_key(&key) {
            return false;
        }
        self.in_order.push_back((now, key.clone()));
        self.seen.insert(key, now);
        true
    }

    pub(super) fn forget(&mut self, key: &Identity) {
        self.seen.remove(key);
    }

    pub(super) fn clear(&mut self) {
        self.seen.clear();
    }
}
