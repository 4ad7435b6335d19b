//! From the answer to a logout to the refusal of its access token by every service on the feed.

use std::{
    fmt::Write,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{BCRYPT_COST, empty_redis};
use crate::{
    accounts,
    arguments::{Options, Store},
    clients::Samples,
    connection::{Connection, PATIENCE},
    failure::Failure,
    finding::{ByMirrors, Finding},
    report::{Latency, Output},
    say,
    sessions::{Tokens, log_in},
    stack::{Plan, Stack, Which, wait_until_ready},
    stop_request::StopRequest,
};

const NUMBERS: [usize; 3] = [1, 10, 50];

/// Sessions that are ended, one after the other.
const REVOCATIONS: u32 = 100;

/// Nobody is to go on for so long.
const MOST: Duration = Duration::from_secs(10);

/// A service on the feed, and the connection it is asked on.
struct Mirror {
    connection: Connection,
    url: String,
}

/// Measures, prints and writes what came out.
pub fn run(options: &Options, output: &mut Output, stop: &StopRequest) -> Result<(), Failure> {
    let store = Store::SessionsAt(empty_redis()?);
    say::line("Revocations and their mirrors");
    let plan = Plan { bcrypt_cost: BCRYPT_COST, ..Plan::shipped(&options.programs, &store) };
    let stack = Stack::start(&plan, stop)?;
    let mut services = Vec::new();
    let mut mirrors = vec![Mirror::at(&stack.resource)];
    let mut findings = Vec::new();
    for number in NUMBERS {
        let first = services.len();
        while mirrors.len() < number {
            let another = stack.start_another(Which::Resource, Some(&format!("mirror-{}", mirrors.len())), &[])?;
            mirrors.push(Mirror::at(&another.url));
            services.push(another);
        }
        for service in &services[first..] {
            wait_until_ready(&service.ready, stop)?;
        }
        let finding = measure(&stack, &mirrors, stop)?;
        output.finding(&Finding::GrowthMirrors(finding.clone()))?;
        findings.push(finding);
        say::line(format!("{number} mirrors are measured"));
    }
    say::line(table(&findings));
    Ok(())
}

fn measure(stack: &Stack, mirrors: &[Mirror], stop: &StopRequest) -> Result<ByMirrors, Failure> {
    let (mut each, mut everywhere) = (Samples::default(), Samples::default());
    let every = asked_every(mirrors.len());
    let connection = Connection::new();
    for number in 0..REVOCATIONS {
        if stop.came() {
            return Err(Failure::Interrupted);
        }
        let tokens = log_in(&connection, &stack.auth, &accounts::login_of(number), number)?;
        for mirror in mirrors {
            if mirror.ask(&tokens)? != 200 {
                return Err(Failure::Other(format!("{} refuses a good token.", mirror.url)));
            }
        }
        let tokens = &tokens;
        log_out(&connection, stack, tokens)?;
        let answered = Instant::now();
        let refused = thread::scope(|scope| {
            let until_refused = |mirror| scope.spawn(move || Mirror::until_refused(mirror, tokens, every));
            let threads: Vec<_> = mirrors.iter().map(until_refused).collect();
            threads.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
        });
        let mut last = Duration::ZERO;
        for refused in refused {
            let refused = refused.map_err(|_| Failure::Other("A thread panicked.".to_owned()))??;
            let latency = refused.saturating_duration_since(answered);
            each.latencies.push(latency);
            last = last.max(latency);
        }
        everywhere.latencies.push(last);
    }
    Ok(ByMirrors {
        mirrors: mirrors.len(),
        asked_every_ms: every.as_millis(),
        each: Latency::of(&each)?,
        everywhere: Latency::of(&everywhere)?,
    })
}

/// So that asking many of them does not become what is measured.
fn asked_every(mirrors: usize) -> Duration {
    Duration::from_millis(if mirrors > 10 { 5 } else { 2 })
}

impl Mirror {
    fn at(url: &str) -> Self {
        Self { connection: Connection::new(), url: format!("{url}/api/whoami") }
    }

    fn ask(&self, tokens: &Tokens) -> Result<u16, Failure> {
        let answer = self.connection.get(&self.url, Some(&tokens.access_token));
        answer.map(|answer| answer.status).map_err(|error| Failure::Other(format!("{}: {error}.", self.url)))
    }

    /// When the refusal had arrived.
    fn until_refused(&self, tokens: &Tokens, every: Duration) -> Result<Instant, Failure> {
        let begin = Instant::now();
        let mut due = begin;
        loop {
            match self.ask(tokens)? {
                401 => return Ok(Instant::now()),
                200 if begin.elapsed() < MOST => {}
                status => {
                    return Err(Failure::Other(format!("{} answers a revoked token with {status}.", self.url)));
                }
            }
            due += every;
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    }
}

fn log_out(connection: &Connection, stack: &Stack, tokens: &Tokens) -> Result<(), Failure> {
    let body = json!({ "refresh_token": tokens.refresh_token });
    match connection.post(&format!("{}/auth/logout", stack.auth), &body, None, PATIENCE) {
        Ok(answer) if answer.status == 204 => Ok(()),
        Ok(answer) => Err(Failure::Other(format!("A logout was answered with {}: {}", answer.status, answer.body))),
        Err(error) => Err(Failure::Other(format!("A logout was not answered: {error}."))),
    }
}

fn table(findings: &[ByMirrors]) -> String {
    let mut text = format!(
        "\nms from the answer to a logout to the refusal by the mirrors of one feed, {REVOCATIONS} logouts\n\n| mirrors | each p50 | \
         each p99 | each max | everywhere p50 | everywhere p99 | everywhere max | asked every ms |\n\
         |---:|---:|---:|---:|---:|---:|---:|---:|\n"
    );
    for ByMirrors { mirrors, asked_every_ms, each, everywhere } in findings {
        _ = writeln!(
            text,
            "| {mirrors} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {asked_every_ms} |",
            each.p50, each.p99, each.max, everywhere.p50, everywhere.p99, everywhere.max,
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_each_and_the_last_of_all_are_told_apart() {
        let latency = |p50| Latency { count: 1, failed: 0, p50, p99: 2.0 * p50, max: 3.0 * p50 };
        let mirrors = ByMirrors { mirrors: 10, asked_every_ms: 2, each: latency(1.0), everywhere: latency(5.0) };
        assert!(table(&[mirrors]).ends_with("| 10 | 1.0 | 2.0 | 3.0 | 5.0 | 10.0 | 15.0 | 2 |\n"));
    }
}
