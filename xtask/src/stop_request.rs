//! Being asked to stop: Ctrl-C, SIGTERM, or the terminal being closed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::Failure;

/// From its creation on such a signal no longer ends this process but waits here to be taken.
pub struct StopRequest {
    from_keyboard: Arc<AtomicBool>,
    from_elsewhere: Arc<AtomicBool>,
}

/// Ctrl-C reaches every process at the terminal's front, the runner of the tests included; the other signals only this one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Origin {
    Keyboard,
    Elsewhere,
}

impl StopRequest {
    pub fn watch() -> Result<Self, Failure> {
        let watched = Self { from_keyboard: Arc::default(), from_elsewhere: Arc::default() };
        let flags =
            [(SIGINT, &watched.from_keyboard), (SIGTERM, &watched.from_elsewhere), (SIGHUP, &watched.from_elsewhere)];
        for (signal, flag) in flags {
            signal_hook::flag::register(signal, Arc::clone(flag))
                .map_err(|error| Failure::new(format!("Signals cannot be watched: {error}.")))?;
        }
        Ok(watched)
    }

    /// The request that came since the last time, if one came.
    pub fn take(&self) -> Option<Origin> {
        if self.from_keyboard.swap(false, Ordering::SeqCst) {
            return Some(Origin::Keyboard);
        }
        self.from_elsewhere.swap(false, Ordering::SeqCst).then_some(Origin::Elsewhere)
    }

    /// For work that is given up when asked to stop.
    pub fn give_up_if_asked(&self) -> Result<(), Failure> {
        match self.take() {
            None => Ok(()),
            Some(_) => Err(interrupted()),
        }
    }
}

/// With the exit code a shell gives to a program that Ctrl-C ended.
pub fn interrupted() -> Failure {
    Failure::new("Interrupted.").exit_code(130)
}
