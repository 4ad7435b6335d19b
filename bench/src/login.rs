//! Logins a second, against bcrypt alone on every processor: what of the machine a login leaves to its hash.

use std::{
    num::NonZero,
    thread::{self, available_parallelism},
    time::{Duration, Instant},
};

use common::threads::Priority;

use crate::{
    accounts,
    arguments::{Options, Store},
    capacity,
    clients::Samples,
    contest::{self, Contestant},
    failure::Failure,
    load::{Asker, Period},
    report::Output,
    say,
    stack::{Plan, Stack, address},
    stop_request::StopRequest,
};

/// Logins under way at once: enough that a thread of the pool never waits for one.
const CLIENTS: u32 = 16;

const BCRYPT: &str = "bcrypt alone";

/// A client that logs in again and again, each time as somebody else and from another address.
struct LoggingIn {
    next: u32,
}

impl Asker for LoggingIn {
    fn ask(&mut self, request: &mut Vec<u8>) {
        self.next = self.next.wrapping_add(CLIENTS);
        let body = serde_json::to_string(&accounts::login_of(self.next)).unwrap_or_default();
        let head = format!(
            "POST /auth/login HTTP/1.1\r\nhost: localhost\r\nx-forwarded-for: {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            accounts::address(self.next),
            body.len()
        );
        request.extend_from_slice(head.as_bytes());
    }

    fn take(&mut self, status: u16, _: &[u8]) -> bool {
        status == 200
    }
}

/// Measures, prints and writes what came out.
pub fn run(options: &Options) -> Result<(), Failure> {
    let stop = StopRequest::watch()?;
    let mut output = Output::begin(options)?;
    let stores = [("Latchkey on SQLite", Store::Sqlite), ("Latchkey on Redis and Postgres", Store::Redis)];
    let (mut stacks, mut contestants) = (Vec::new(), Vec::new());
    for (name, store) in &stores {
        say::line(format!("Starting both services: {name}"));
        let stack = Stack::start(&Plan::shipped(&options.programs, store), &stop)?;
        let askers = (0..CLIENTS).map(|place| LoggingIn { next: place }).collect();
        contestants.push(Contestant {
            name: (*name).to_owned(),
            base: Some(BCRYPT.to_owned()),
            address: address(&stack.auth)?,
            process: stack.auth_process(),
            turn: contest::closed_loop(askers),
        });
        stacks.push(stack);
    }
    let alone = Contestant {
        name: BCRYPT.to_owned(),
        base: None,
        address: contestants[0].address,
        process: std::process::id(),
        turn: Box::new(|_, period, stop, begun| hash(period, stop, begun)),
    };
    contestants.insert(0, alone);
    contest::hold("login", &mut contestants, options.rounds, options.phase, &mut output, &stop)?;
    Ok(())
}

/// On every processor, until the time is over. As with requests, what ends within it counts.
fn hash(period: Period, stop: &StopRequest, begun: &mut dyn FnMut()) -> Result<Samples, Failure> {
    let from = Instant::now() + period.warm_up;
    let end = from + period.measured;
    let threads = available_parallelism().map_or(1, NonZero::get);
    let all: Vec<Vec<Duration>> = thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|_| scope.spawn(|| hashes(from, end, stop))).collect();
        thread::sleep(period.warm_up);
        begun();
        started.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    if stop.came() { Err(Failure::Interrupted) } else { Ok(Samples { latencies: all.concat(), failed: 0 }) }
}

/// At the priority that auth-service hashes at: stores that wait for their next turn are starved by neither.
fn hashes(from: Instant, end: Instant, stop: &StopRequest) -> Vec<Duration> {
    Priority::Lowest.take();
    let mut took = Vec::new();
    while !stop.came() {
        let begin = Instant::now();
        if begin >= end {
            break;
        }
        capacity::hash();
        let now = Instant::now();
        if now >= from && now < end {
            took.push(now - begin);
        }
    }
    took
}
