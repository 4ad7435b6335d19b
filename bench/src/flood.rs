//! The flood: many clients that log in, with passwords right and wrong, and under names of nobody, again as soon as they are
//! answered, at many times the rate that bcrypt could keep up with.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::{accounts, clients::Window, connection::Connection, stack::Stack, stop_request::StopRequest};

/// About twice as many as there are places in the pool: those who have none are turned away and come back at once.
const CLIENTS: u32 = 128;

/// Together they send no faster than this: the driver has to leave the processors to those who are measured.
const EVERY: Duration = Duration::from_millis(5);

/// What became of the logins of a flood, while it was measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Logins {
    /// Sent.
    pub offered: u32,
    /// 200
    pub logged_in: u32,
    /// 401
    pub refused: u32,
    /// 503
    pub busy: u32,
    /// 429
    pub throttled: u32,
    /// Anything else, except the end of the flood.
    pub failed: u32,
}

impl Logins {
    /// Those that took a hash.
    pub fn hashed(&self) -> u32 {
        self.logged_in + self.refused
    }

    fn count(&mut self, status: Option<u16>) {
        let counter = match status {
            Some(200) => &mut self.logged_in,
            Some(401) => &mut self.refused,
            Some(503) => &mut self.busy,
            Some(429) => &mut self.throttled,
            _ => &mut self.failed,
        };
        *counter += 1;
    }

    fn plus(self, other: Self) -> Self {
        Self {
            offered: self.offered + other.offered,
            logged_in: self.logged_in + other.logged_in,
            refused: self.refused + other.refused,
            busy: self.busy + other.busy,
            throttled: self.throttled + other.throttled,
            failed: self.failed + other.failed,
        }
    }
}

/// One benchmark's floods: each goes on with names and addresses where the one before has stopped.
#[derive(Debug, Default)]
pub struct Flood {
    next: AtomicU32,
}

impl Flood {
    /// Floods for the whole of the window. At its end all hang up, whether they were answered or not.
    pub fn run(&self, stack: &Stack, window: Window, stop: &StopRequest) -> Logins {
        let url = format!("{}/auth/login", stack.auth);
        let turns = AtomicU32::new(0);
        let client = || {
            let connection = Connection::new();
            let mut logins = Logins::default();
            loop {
                let due = window.begin + EVERY * turns.fetch_add(1, Ordering::Relaxed);
                thread::sleep(due.min(window.end).saturating_duration_since(Instant::now()));
                let sent = Instant::now();
                let left = window.end.saturating_duration_since(sent);
                if left.is_zero() || stop.came() {
                    return logins;
                }
                logins.offered += u32::from(sent >= window.measured_from);
                let number = self.next.fetch_add(1, Ordering::Relaxed);
                let (login, address) = (accounts::flood_login(number), accounts::address(number));
                let answer = connection.post(&url, &login, Some(address), left);
                let answered = Instant::now();
                if (window.measured_from..window.end).contains(&answered) {
                    logins.count(answer.ok().map(|answer| answer.status));
                }
            }
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).fold(Logins::default(), Logins::plus)
        })
    }
}
