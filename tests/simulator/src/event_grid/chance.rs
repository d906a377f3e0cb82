//! What Event Grid may do to events by chance, and a chance that is the same for the same seed.
//! It touches no event.

use serde::Serialize;

/// What Event Grid may do to events beside delivering them; chances are in percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Mischief {
    /// Where the chances begin; the same seed does the same.
    pub seed: u64,
    /// How many events are delivered twice.
    pub duplicate: u8,
    /// How many events are lost.
    pub drop: u8,
    /// How many events come up to half a minute late, and so out of order.
    pub reorder: u8,
}

/// A fixed sequence of numbers.
#[derive(Debug, Default)]
pub(super) struct Chance(pub(super) u64);

impl Chance {
    /// Whether something happens that has this chance.
    pub(super) fn happens(&mut self, percent: u8) -> bool {
        percent > 0 && self.draw() % 100 < u64::from(percent)
    }

    /// The next number of a fixed sequence (`SplitMix64`).
    pub(super) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
