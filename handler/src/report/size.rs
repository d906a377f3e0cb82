//! The size of a result: what does not fit into a message is cut, and said to be.
//!
//! It must not cut what tells the outcome, and no id of a message follows from what is left.

use super::event::ResultEvent;

/// What the body of a message may have: the least limit of a queue is 256 KiB, headers included.
pub(super) const MOST_BYTES: usize = 192 * 1024;

/// The event as JSON, of no more than so many bytes: half of the longest list is cut, again and again, until it fits.
///
/// # Errors
/// Where it cannot be written.
pub(super) fn written(event: &mut ResultEvent, most: usize) -> Result<String, serde_json::Error> {
    loop {
        let text = serde_json::to_string(event)?;
        if text.len() <= most || !cut(event)? {
            return Ok(text);
        }
        event.data.truncated = true;
    }
}

/// Cuts half of the list that takes the most bytes; false where there is nothing left to cut.
fn cut(event: &mut ResultEvent) -> Result<bool, serde_json::Error> {
    let data = &mut event.data;
    let sizes = [
        serde_json::to_string(&data.candidates)?.len(),
        serde_json::to_string(&data.changes)?.len(),
        serde_json::to_string(&data.left_behind)?.len(),
        serde_json::to_string(&data.warnings)?.len(),
    ];
    let largest = (0..sizes.len())
        .max_by_key(|at| sizes[*at])
        .unwrap_or_default();
    Ok(match largest {
        0 => halve(&mut data.candidates),
        1 => halve(&mut data.changes),
        2 => halve(&mut data.left_behind),
        _ => halve(&mut data.warnings),
    })
}

fn halve<T>(list: &mut Vec<T>) -> bool {
    let is_cut = !list.is_empty();
    list.truncate(list.len() / 2);
    is_cut
}
