//! A free loopback port to name to another process.
//! It serves nothing there itself.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range that systems hand out by themselves, so that nobody gets it by chance between two starts.
const FIRST: u16 = 10_000;
const COUNT: u16 = 20_000;

/// A port of 127.0.0.1 that nobody listens on.
///
/// # Errors
/// When all of the range are taken.
pub fn free() -> anyhow::Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Processes that run side by side begin at different places.
    let own = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap_or_default();
    let own = u32::from(own) * 7919;
    for _ in 0..COUNT {
        let next = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let step = u16::try_from((own + next) % u32::from(COUNT)).unwrap_or_default();
        let port = FIRST + step;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    anyhow::bail!("no port of 127.0.0.1 is free")
}
