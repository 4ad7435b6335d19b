//! Being asked to stop: the services must not outlive the driver, so it ends in order.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    flag,
};

use crate::failure::Failure;

const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Whether somebody has asked.
#[derive(Debug, Clone, Default)]
pub struct StopRequest(Arc<AtomicBool>);

impl StopRequest {
    /// From here on such a signal no longer ends this process.
    pub fn watch() -> Result<Self, Failure> {
        let asked = Self::default();
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            flag::register(signal, Arc::clone(&asked.0)).map_err(Failure::during("Signals cannot be watched"))?;
        }
        Ok(asked)
    }

    /// Whether to stop.
    pub fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Sleeps for one look's time, or says that there is nothing more to wait for.
    pub fn look(&self) -> Result<(), Failure> {
        self.sleep_until(Instant::now() + LOOK_AGAIN)
    }

    /// For whoever has nothing to do until then.
    pub fn sleep_until(&self, then: Instant) -> Result<(), Failure> {
        loop {
            if self.came() {
                return Err(Failure::Interrupted);
            }
            let left = then.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(LOOK_AGAIN));
        }
    }
}
