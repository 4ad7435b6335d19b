//! The clients whose requests are measured: the same ones at the same rate, whether there is a flood or not.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    thread::{self, Scope, ScopedJoinHandle},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    accounts::{self, MEASURED},
    connection::{Connection, PATIENCE, expect_ok},
    echo::{self, Echo},
    failure::Failure,
    pace::{Pace, Rate},
    stack::Stack,
    stop_request::StopRequest,
};

const REFRESHES: Rate = Rate { per_second: 50, clients: MEASURED };
const GUARDED: Rate = Rate { per_second: 200, clients: 20 };
const ECHOES: Rate = Rate { per_second: 100, clients: 4 };

/// Logins under way at once at the beginning: enough to keep every processor busy.
const LOGINS_AT_ONCE: u32 = 16;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `POST /auth/refresh`, each session with the token of its answer before.
    Refresh,
    /// `GET /api/whoami` of resource-service, with an access token.
    GuardedGet,
    /// A byte there and back through no service: the floor.
    Echo,
}

impl Kind {
    /// In the order of [`Clients::run`].
    pub const ALL: [Self; 3] = [Self::Refresh, Self::GuardedGet, Self::Echo];

    /// As the table names it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Refresh => "POST /auth/refresh",
            Self::GuardedGet => "GET /api/whoami",
            Self::Echo => "(a bare echo)",
        }
    }
}

/// When requests are sent, and which of them count.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// From here on they are sent.
    pub begin: Instant,
    /// From here on they count.
    pub measured_from: Instant,
    /// From here on none is sent.
    pub end: Instant,
}

/// What became of one kind of request.
#[derive(Debug, Default)]
pub struct Samples {
    /// From the moment that a request was due to the end of its answer.
    pub latencies: Vec<Duration>,
    /// Requests without the answer that they ought to have.
    pub failed: u32,
}

/// The clients whose requests are measured.
#[derive(Debug)]
pub struct Clients {
    refreshing: Vec<Session>,
    guarded: Vec<Guarded>,
    echoing: Vec<Echo>,
}

trait Client: Send {
    /// Sends a request; `false` where the answer is not the one that it ought to be.
    fn call(&mut self) -> bool;
}

#[derive(Debug, Deserialize)]
struct Tokens {
    access_token: String,
    refresh_token: String,
}

#[derive(Debug)]
struct Session {
    connection: Connection,
    url: String,
    tokens: Tokens,
}

/// A client that asks resource-service who it is.
#[derive(Debug)]
pub struct Guarded {
    connection: Connection,
    url: String,
    access_token: String,
}

impl Clients {
    /// Logs everybody in, and says how many logins a second that was: nobody else wants anything meanwhile.
    pub fn log_in(stack: &Stack, stop: &StopRequest) -> Result<(Self, f64), Failure> {
        let begin = Instant::now();
        let refreshing = sessions(stack, stop)?;
        let logins_per_second = f64::from(MEASURED) / begin.elapsed().as_secs_f64();
        let guarded = (0..GUARDED.clients).map(|_| Guarded::of(&stack.resource, "")).collect();
        let echo = echo::start()?;
        let echoing = (0..ECHOES.clients).map(|_| Echo::connect(echo)).collect::<Result<_, _>>()?;
        Ok((Self { refreshing, guarded, echoing }, logins_per_second))
    }

    /// Sends requests of all kinds, in the order of [`Kind::ALL`].
    pub fn run(&mut self, window: Window, stop: &StopRequest) -> [Samples; 3] {
        for (guarded, session) in self.guarded.iter_mut().zip(&self.refreshing) {
            guarded.access_token.clone_from(&session.tokens.access_token);
        }
        let Self { refreshing, guarded, echoing } = self;
        thread::scope(|scope| {
            // Out of step, so that no kind always meets the same one of another kind.
            let threads = [
                drive(scope, refreshing, REFRESHES, 0, window, stop),
                drive(scope, guarded, GUARDED, 33, window, stop),
                drive(scope, echoing, ECHOES, 12, window, stop),
            ];
            threads.map(all)
        })
    }
}

impl Clients {
    /// New access tokens of `number` sessions.
    pub fn refreshed(&mut self, number: usize) -> Result<Vec<String>, Failure> {
        let refreshed = |session: &mut Session| {
            let refused = || Failure::Other("A refresh was refused.".to_owned());
            session.call().then(|| session.tokens.access_token.clone()).ok_or_else(refused)
        };
        self.refreshing.iter_mut().take(number).map(refreshed).collect()
    }
}

impl Guarded {
    /// At `base`, which may be a gateway.
    pub fn of(base: &str, access_token: &str) -> Self {
        let (url, access_token) = (format!("{base}/api/whoami"), access_token.to_owned());
        Self { connection: Connection::new(), url, access_token }
    }

    /// All of them together at a constant rate.
    pub fn paced(clients: &mut [Self], window: Window, stop: &StopRequest) -> Samples {
        let rate = Rate { clients: u32::try_from(clients.len()).unwrap_or(u32::MAX), ..GUARDED };
        thread::scope(|scope| all(drive(scope, clients, rate, 0, window, stop)))
    }
}

impl Client for Session {
    fn call(&mut self) -> bool {
        let body = json!({ "refresh_token": self.tokens.refresh_token });
        let answer = expect_ok("A refresh", self.connection.post(&self.url, &body, None, PATIENCE));
        match answer.ok().and_then(|body| serde_json::from_str(&body).ok()) {
            Some(tokens) => {
                self.tokens = tokens;
                true
            }
            // The token is as good as before.
            None => false,
        }
    }
}

impl Client for Guarded {
    fn call(&mut self) -> bool {
        self.connection.get(&self.url, Some(&self.access_token)).is_ok_and(|answer| answer.status == 200)
    }
}

impl Client for Echo {
    fn call(&mut self) -> bool {
        Self::call(self).is_ok()
    }
}

fn sessions(stack: &Stack, stop: &StopRequest) -> Result<Vec<Session>, Failure> {
    let (login, refresh) = (format!("{}/auth/login", stack.auth), format!("{}/auth/refresh", stack.auth));
    let next = AtomicU32::new(0);
    let some_of_them = || -> Result<Vec<Session>, Failure> {
        let mut sessions = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            if place >= MEASURED {
                return Ok(sessions);
            }
            if stop.came() {
                return Err(Failure::Interrupted);
            }
            let (connection, address) = (Connection::new(), Some(accounts::address(u32::MAX - place)));
            let answer = connection.post(&login, &accounts::own_login(place), address, PATIENCE);
            let tokens = serde_json::from_str(&expect_ok("A login", answer)?)
                .map_err(|error| Failure::Other(format!("A login was answered without tokens: {error}.")))?;
            sessions.push(Session { connection, url: refresh.clone(), tokens });
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

/// A thread for each client: it sleeps until a request is due, to within microseconds, and waits for nobody else.
fn drive<'scope, C: Client>(
    scope: &'scope Scope<'scope, '_>,
    clients: &'scope mut [C],
    rate: Rate,
    shift: u32,
    window: Window,
    stop: &'scope StopRequest,
) -> Vec<ScopedJoinHandle<'scope, Samples>> {
    let drive_one = move |place, client: &mut C| {
        let mut pace = Pace::of(rate, place, shift, window.begin);
        let mut samples = Samples::default();
        while let Some(due) = pace.wait(window.end).filter(|_| !stop.came()) {
            let succeeded = client.call();
            match (due >= window.measured_from, succeeded) {
                (false, _) => {}
                (true, true) => samples.latencies.push(due.elapsed()),
                (true, false) => samples.failed += 1,
            }
        }
        samples
    };
    (0..).zip(clients).map(|(place, client)| scope.spawn(move || drive_one(place, client))).collect()
}

fn all(threads: Vec<ScopedJoinHandle<'_, Samples>>) -> Samples {
    let mut all = Samples::default();
    for thread in threads {
        match thread.join() {
            Ok(samples) => {
                all.latencies.extend(samples.latencies);
                all.failed += samples.failed;
            }
            Err(_) => all.failed += 1,
        }
    }
    all
}
