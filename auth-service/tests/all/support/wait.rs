//! Waiting for what follows by itself.

use std::time::{Duration, Instant};

/// Until it holds, which it must within ten seconds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(10), "not in time: {what}");
        tokio::task::yield_now().await;
    }
}
