//! Refreshes a second, each client with the token of its answer before: Latchkey on every store, the floor that runs the
//! script alone, Redis without anybody in front of it, and Flask with tokens in Redis.

use bench::rotation::{Held, SESSIONS};
use serde_json::{Value, json};

use crate::{
    accounts,
    arguments::{self, Options, Store},
    contest::{self, Contestant},
    failure::Failure,
    floor::Floor,
    load::Asker,
    peers::{self, Peer, Start},
    processors::Processors,
    redis_alone::RedisAlone,
    report::Output,
    say,
    sessions::{self, Refreshing, log_in_many},
    stack::{Plan, Stack, address},
    stop_request::StopRequest,
};

/// Requests under way at once.
const CLIENTS: usize = 32;

/// The lowest that auth-service takes: logging in is not what is measured.
const BCRYPT_COST: u32 = 4;

const FLOOR: &str = "bare actix-web, the same script in Redis";
const ALONE: &str = "raw EVALSHA";
const ON_REDIS: &str = "Latchkey on Redis";

/// A connection to the floor, which takes and gives JSON that is padded to a refresh token's length.
struct RefreshingHeld {
    held: Vec<Value>,
    next: usize,
}

impl Asker for RefreshingHeld {
    fn ask(&mut self, request: &mut Vec<u8>) {
        sessions::ask_for_refresh(&json!({ "held": self.held[self.next], "padding": PADDING }), request);
    }

    fn take(&mut self, status: u16, body: &[u8]) -> bool {
        let place = self.next;
        self.next = (place + 1) % self.held.len();
        match serde_json::from_slice::<Value>(body).ok().and_then(|mut answer| answer.get_mut("held").map(Value::take))
        {
            Some(held) if status == 200 => {
                self.held[place] = held;
                true
            }
            _ => false,
        }
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
        (ON_REDIS, FLOOR, Store::SessionsAt(redis_url.clone())),
        ("Latchkey on Redis Cluster", ON_REDIS, Store::SessionsAt(arguments::redis_cluster_url()?)),
        ("Latchkey on Postgres", FLOOR, Store::Postgres),
        ("Latchkey on SQLite", FLOOR, Store::Sqlite),
    ];
    let mut stacks = Vec::new();
    let mut contestants = Vec::new();
    let floor = processors.measured(|| Floor::start(options.programs.get("floor")?, &["refresh"], Some(&redis_url)))?;
    contestants.push(Contestant {
        name: FLOOR.to_owned(),
        base: None,
        address: floor.address("refresh")?,
        process: floor.process(),
        turn: contest::closed_loop(first_of_the_floor()),
    });
    let alone = RedisAlone::prepare(&redis_url, CLIENTS)?;
    contestants.push(Contestant {
        name: ALONE.to_owned(),
        base: Some(FLOOR.to_owned()),
        address: alone.address,
        process: alone.process,
        turn: contest::closed_loop(alone.clients),
    });
    for (name, base, store) in &stores {
        say::line(format!("Logging in {SESSIONS} sessions: {name}"));
        let plan =
            Plan { bcrypt_cost: BCRYPT_COST, alone: Some(&processors), ..Plan::shipped(&options.programs, store) };
        let stack = Stack::start(&plan, &stop)?;
        let logged_in = log_in_many(&stack.auth, SESSIONS, accounts::login_of, &stop)?;
        contestants.push(Contestant {
            name: (*name).to_owned(),
            base: Some((*base).to_owned()),
            address: address(&stack.auth)?,
            process: stack.auth_process(),
            turn: contest::closed_loop(Refreshing::share(&logged_in, CLIENTS)),
        });
        stacks.push(stack);
    }
    let start = Start { programs: &options.programs, root: &options.root, redis_url: Some(&redis_url) };
    let flask = processors.measured(|| peers::start(Peer::Flask, &start, &stop))?;
    say::line(format!("Logging in {SESSIONS} sessions: {}", Peer::Flask.title()));
    let logged_in = log_in_many(&format!("http://{}", flask.address), SESSIONS, accounts::login_of, &stop)?;
    contestants.push(Contestant {
        name: Peer::Flask.title().to_owned(),
        base: Some(ON_REDIS.to_owned()),
        address: flask.address,
        process: flask.process(),
        turn: contest::closed_loop(Refreshing::share(&logged_in, CLIENTS)),
    });
    contest::hold("refresh", &mut contestants, options.rounds, options.phase, &mut output, &stop)?;
    Ok(())
}

/// Each connection has its own sessions.
fn first_of_the_floor() -> Vec<RefreshingHeld> {
    let own = |client| (client..SESSIONS).step_by(CLIENTS).map(|session| json!(Held::first(session))).collect();
    (0..).take(CLIENTS).map(|client| RefreshingHeld { held: own(client), next: 0 }).collect()
}
