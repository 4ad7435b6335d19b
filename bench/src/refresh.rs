//! Refreshes a second, each client with the token of its answer before: Latchkey on every store, the floor that runs the
//! script alone, and Flask with tokens in Redis.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    accounts,
    arguments::{self, Options, Store},
    connection::{Connection, PATIENCE, expect_ok},
    contest::{self, Contestant},
    failure::Failure,
    floor::Floor,
    load::Asker,
    peers::{self, Peer, Start},
    processors::Processors,
    report::Output,
    say,
    stack::{Plan, Stack, address},
    stop_request::StopRequest,
};

/// Requests under way at once.
const CLIENTS: usize = 32;

/// Sessions of each contestant. With so many, a session comes again when its token is older than the hold, so that nearly
/// every refresh writes and hands out a new one.
const SESSIONS: u32 = 8_000;

/// The lowest that auth-service takes: logging in is not what is measured.
const BCRYPT_COST: u32 = 4;

/// Logins under way at once at the beginning.
const LOGINS_AT_ONCE: u32 = 8;

const FLOOR: &str = "bare actix-web, the same script in Redis";
const ON_REDIS: &str = "Latchkey on Redis";

/// A connection that refreshes its sessions one after the other.
struct Refreshing {
    held: Vec<Value>,
    next: usize,
    /// What a request is made of, from what is held, and what is held from an answer.
    wire: Wire,
}

/// How a contestant takes and gives what a client holds.
#[derive(Clone, Copy)]
enum Wire {
    /// `refresh_token` in the body.
    RefreshToken,
    /// `held`, padded to a refresh token's length.
    Held,
}

impl Asker for Refreshing {
    fn ask(&mut self, request: &mut Vec<u8>) {
        let held = &self.held[self.next];
        let body = match self.wire {
            Wire::RefreshToken => json!({ "refresh_token": held }),
            Wire::Held => json!({ "held": held, "padding": PADDING }),
        }
        .to_string();
        let start = format!(
            "POST /auth/refresh HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        request.extend_from_slice(start.as_bytes());
        request.extend_from_slice(body.as_bytes());
    }

    fn take(&mut self, status: u16, body: &[u8]) -> bool {
        let Ok(mut answer) = serde_json::from_slice::<Value>(body) else { return false };
        let name = match self.wire {
            Wire::RefreshToken => "refresh_token",
            Wire::Held => "held",
        };
        let held = answer.get_mut(name).map(Value::take);
        let good = status == 200 && held.is_some();
        if let Some(held) = held.filter(|_| good) {
            self.held[self.next] = held;
        }
        self.next = (self.next + 1) % self.held.len();
        good
    }
}

/// What a refresh token is longer than what the floor's clients hold.
const PADDING: &str = concat!(
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
);

/// Measures, prints and writes what came out.
pub fn run(options: &Options) -> Result<(), Failure> {
    let stop = StopRequest::watch()?;
    let mut output = Output::begin(options)?;
    let processors = Processors::divide()?;
    let redis_url = arguments::redis_url()?;

    let stores = [
        (ON_REDIS, Store::SessionsAt(redis_url.clone())),
        ("Latchkey on Postgres", Store::Postgres),
        ("Latchkey on SQLite", Store::Sqlite),
    ];
    let mut stacks = Vec::new();
    let mut contestants = Vec::new();
    let floor = processors.measured(|| Floor::start(options.programs.get("floor")?, &["refresh"], Some(&redis_url)))?;
    contestants.push(Contestant {
        name: FLOOR.to_owned(),
        base: None,
        address: floor.address("refresh")?,
        process: floor.process(),
        turn: contest::closed_loop(share(first_of_the_floor(), Wire::Held)),
    });
    for (name, store) in &stores {
        say::line(format!("Logging in {SESSIONS} sessions: {name}"));
        let plan =
            Plan { bcrypt_cost: BCRYPT_COST, alone: Some(&processors), ..Plan::shipped(&options.programs, store) };
        let stack = Stack::start(&plan, &stop)?;
        let held = log_in(&format!("{}/auth/login", stack.auth), &stop)?;
        contestants.push(Contestant {
            name: (*name).to_owned(),
            base: Some(FLOOR.to_owned()),
            address: address(&stack.auth)?,
            process: stack.auth_process(),
            turn: contest::closed_loop(share(held, Wire::RefreshToken)),
        });
        stacks.push(stack);
    }
    let start = Start { programs: &options.programs, root: &options.root, redis_url: Some(&redis_url) };
    let flask = processors.measured(|| peers::start(Peer::Flask, &start, &stop))?;
    say::line(format!("Logging in {SESSIONS} sessions: {}", Peer::Flask.title()));
    let held = log_in(&format!("http://{}/auth/login", flask.address), &stop)?;
    contestants.push(Contestant {
        name: Peer::Flask.title().to_owned(),
        base: Some(ON_REDIS.to_owned()),
        address: flask.address,
        process: flask.process(),
        turn: contest::closed_loop(share(held, Wire::RefreshToken)),
    });
    contest::hold("refresh", &mut contestants, options.rounds, options.phase, &mut output, &stop)?;
    Ok(())
}

fn first_of_the_floor() -> Vec<Value> {
    let first = |session| json!({ "session": session, "id": "first", "parent": "", "generation": 0, "issued_at": 0 });
    (0..SESSIONS).map(first).collect()
}

/// Each connection has its own sessions.
fn share(held: Vec<Value>, wire: Wire) -> Vec<Refreshing> {
    let mut askers: Vec<_> = (0..CLIENTS).map(|_| Refreshing { held: Vec::new(), next: 0, wire }).collect();
    for (place, held) in held.into_iter().enumerate() {
        askers[place % CLIENTS].held.push(held);
    }
    askers
}

#[derive(Deserialize)]
struct Tokens {
    refresh_token: Value,
}

/// The refresh tokens of as many sessions, at most 8 a user.
fn log_in(url: &str, stop: &StopRequest) -> Result<Vec<Value>, Failure> {
    let next = AtomicU32::new(0);
    let some_of_them = || -> Result<Vec<Value>, Failure> {
        let (mut held, connection) = (Vec::new(), Connection::new());
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            if place >= SESSIONS {
                return Ok(held);
            }
            if stop.came() {
                return Err(Failure::Interrupted);
            }
            let answer = connection.post(url, &accounts::login_of(place), Some(accounts::address(place)), PATIENCE);
            let tokens: Tokens = serde_json::from_str(&expect_ok("A login", answer)?)
                .map_err(|error| Failure::Other(format!("A login was answered without tokens: {error}.")))?;
            held.push(tokens.refresh_token);
        }
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..LOGINS_AT_ONCE).map(|_| scope.spawn(some_of_them)).collect();
        let mut all = Vec::new();
        for thread in threads {
            all.extend(thread.join().map_err(|_| Failure::Other("A client panicked.".to_owned()))??);
        }
        Ok(all)
    })
}
