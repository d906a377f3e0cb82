//! Hostile input: each file of a corpus, changed in ways that attackers and accidents change it, given to a reader.
//!
//! It must not know what is read: the targets stand beside the readers, in the `fuzz.rs` of each package.
//!
//! The inputs follow from a fixed seed, so that every run of a commit tries the same ones, and a failure is cut down
//! to the few changes that matter.

mod corpus;
mod mutation;

use std::{cell::Cell, io::Write as _};

use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};

use mutation::any_mutation;

/// How many inputs each target tries, beside its corpus; `VAULTBIND_FUZZ_INPUTS` asks for another number.
pub const INPUTS: u32 = 10_000;

/// The most changes to one file of a corpus.
const MOST_CHANGES: usize = 6;

/// Gives a reader its corpus and then what mutations make of it.
///
/// `accepts` says whether the reader takes an input, and panics where what it took, or how it refused, is wrong. Every
/// file of the corpus whose name begins with `bad` has to be refused, every other one accepted.
///
/// # Panics
/// Where the reader does, with the changes that made it; where the corpus is not judged as its names say; where the
/// mutations are so tame, or so wild, that the reader takes all of them or next to none.
pub fn fuzz(target: &str, accepts: impl Fn(&[u8]) -> bool) {
    let corpus = corpus::of(target);
    for (name, seed) in &corpus {
        let is_good = !name.starts_with("bad");
        assert_eq!(accepts(seed), is_good, "{target}: the corpus' {name}");
    }
    let seeds: Vec<Vec<u8>> = corpus.into_values().collect();
    let (inputs, accepted) = (inputs(), Cell::new(0_u32));
    let changed = (
        any::<prop::sample::Index>(),
        prop::collection::vec(any_mutation(), 1..=MOST_CHANGES),
    );
    let config = Config {
        cases: inputs,
        failure_persistence: None,
        max_shrink_iters: 4096,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let run = TestRunner::new_with_rng(config, rng).run(&changed, |(seed, mutations)| {
        let input = mutation::apply(&seeds, seed.index(seeds.len()), &mutations);
        accepted.set(accepted.get() + u32::from(accepts(&input)));
        Ok::<(), TestCaseError>(())
    });
    if let Err(TestError::Fail(why, (seed, mutations))) = &run {
        let input = mutation::apply(&seeds, seed.index(seeds.len()), mutations);
        let shown = input.escape_ascii();
        panic!("{target}: {why}\nby {mutations:?}\nthe input: b\"{shown}\"");
    }
    run.unwrap_or_else(|error| panic!("{target}: {error}"));
    tell(target, inputs, accepted.get());
}

fn tell(target: &str, inputs: u32, accepted: u32) {
    // Past the capture of the test harness: every run tells what it tried. Where nobody reads it, nothing is lost.
    let line = format!("fuzzed {target}: {inputs} inputs, {accepted} of them accepted\n");
    let _ = std::io::stdout().write_all(line.as_bytes());
    assert!(
        accepted >= inputs / 100 && accepted < inputs,
        "{target}: {accepted} of {inputs} inputs were accepted, which tries too little of the reader"
    );
}

#[expect(
    clippy::disallowed_methods,
    reason = "a longer run by hand says how long"
)]
fn inputs() -> u32 {
    let asked = std::env::var("VAULTBIND_FUZZ_INPUTS").ok();
    asked.map_or(INPUTS, |it| {
        it.parse()
            .unwrap_or_else(|error| panic!("VAULTBIND_FUZZ_INPUTS: {error}"))
    })
}
