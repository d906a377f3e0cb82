//! A free loopback port to name to another process.
//! It serves nothing there itself.

use std::{
    fs::File,
    net::TcpListener,
    sync::{Mutex, PoisonError},
};

/// Below the range that systems hand out by themselves, so that nobody gets it by chance between two starts.
const FIRST: u16 = 10_000;
/// The ports of one process: more than are ever in use there at once.
const BLOCK: u16 = 1_000;
const BLOCKS: u16 = 20;

/// Ports that this process alone gives out, for as long as it holds the lock of their file.
struct Block {
    first: u16,
    given: u16,
    _lock: File,
}

/// A port of 127.0.0.1 that nobody listens on, and no other process that asks here is given.
///
/// # Errors
/// When all of the range are taken.
pub fn free() -> anyhow::Result<u16> {
    static MINE: Mutex<Option<Block>> = Mutex::new(None);
    let mut mine = MINE.lock().unwrap_or_else(PoisonError::into_inner);
    let block = match &mut *mine {
        Some(block) => block,
        none => none.insert(reserve()?),
    };
    for _ in 0..BLOCK {
        let port = block.first + block.given % BLOCK;
        block.given = (block.given + 1) % BLOCK;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    anyhow::bail!("no port of 127.0.0.1 is free")
}

fn reserve() -> anyhow::Result<Block> {
    let folder = std::env::temp_dir().join("vaultbind-ports");
    std::fs::create_dir_all(&folder)?;
    for index in 0..BLOCKS {
        let file = File::create(folder.join(index.to_string()))?;
        if file.try_lock().is_ok() {
            return Ok(Block {
                first: FIRST + index * BLOCK,
                given: 0,
                _lock: file,
            });
        }
    }
    anyhow::bail!("all ports of 127.0.0.1 are given out: {}", folder.display())
}
