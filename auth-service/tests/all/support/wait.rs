//! Waiting for what follows by itself.

use std::time::{Duration, Instant};

/// Until it holds, which it must within ten seconds.
pub async fn until(what: &str, holds: impl AsyncFnMut() -> bool) {
    until_within(Duration::from_secs(10), what, holds).await;
}

/// The same, where others take their time.
pub async fn until_within(patience: Duration, what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < patience, "not in time: {what}");
        tokio::task::yield_now().await;
    }
}
