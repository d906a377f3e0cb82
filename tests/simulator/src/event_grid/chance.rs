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

/// A fixed sequence of numbers: what is drawn from the same seed is the same.
#[derive(Debug, Default)]
pub struct Chance(u64);

impl Chance {
    /// The sequence of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Whether something happens that has this chance.
    pub fn happens(&mut self, percent: u8) -> bool {
        percent > 0 && self.draw() % 100 < u64::from(percent)
    }

    /// The next number of a fixed sequence (`SplitMix64`).
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below this one, which must not be 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.draw() % bound).unwrap_or_default()
    }

    /// One of these.
    ///
    /// # Panics
    /// Where there are none.
    pub fn pick<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }
}
