//! Several replicas behind one gateway.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::client::Client;
use super::person::{Login, Person};
use super::stack::{Stack, UP};
use super::{Scene, ensure};
use crate::Failure;

pub fn every_replica_gets_requests(scene: &Scene) -> Result<(), Failure> {
    all_answer(scene, "auth-service", "/auth/me", UP.auth_replicas)?;
    all_answer(scene, "resource-service", "/api/whoami", UP.resource_replicas)
}

/// How long the gateway's log may take.
const LOG_WRITTEN: Duration = Duration::from_secs(15);
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// As the gateway's log has it: which address answered which request.
fn all_answer(scene: &Scene, service: &str, path: &str, replicas: usize) -> Result<(), Failure> {
    let expected = scene.stack.containers(service)?.into_iter().map(|replica| replica.address).collect::<BTreeSet<_>>();
    ensure(expected.len() == replicas, || format!("{service} has {} replicas instead of {replicas}", expected.len()))?;
    // The gateway's two or more processes take turns on their own, so a few requests more than replicas are needed.
    let mut ids = Vec::new();
    for _ in 0..replicas * 8 {
        let answer = scene.client.get(path, None)?;
        answer.expect_problem(401, "missing_token")?;
        ids.extend(answer.header("X-Request-Id").map(str::to_owned));
    }
    // A gateway may write its log later than its answer.
    let end = Instant::now() + LOG_WRITTEN;
    let answered = loop {
        let answered = addresses(&scene.stack.logs(scene.stack.gateway.name())?, &ids);
        if answered == expected || Instant::now() > end {
            break answered;
        }
        thread::sleep(LOOK_AGAIN);
    };
    ensure(answered == expected, || format!("{service} runs at {expected:?}, and answers came from {answered:?}"))
}

/// Where the requests with these ids were answered.
fn addresses(log: &str, ids: &[String]) -> BTreeSet<String> {
    log.lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| ids.iter().any(|id| line["request_id"] == id.as_str()))
        .filter_map(|line| Some(line["upstream"].as_str()?.split(':').next()?.to_owned()))
        .collect()
}

pub fn restarts_cost_no_request(scene: &Scene) -> Result<(), Failure> {
    let person = Person::register(&scene.client)?;
    let logins = (0..4).map(|_| person.log_in(&scene.client)).collect::<Result<Vec<_>, _>>()?;
    let traffic = Traffic::default();
    let restarted = thread::scope(|scope| {
        for login in logins {
            scope.spawn(|| traffic.refresh_and_read(&scene.client, login));
        }
        let restarted = restart_one_by_one(scene.stack);
        traffic.over.store(true, Ordering::Relaxed);
        restarted
    });
    restarted?;
    traffic.verdict()
}

fn restart_one_by_one(stack: &Stack) -> Result<(), Failure> {
    for service in ["auth-service", "resource-service"] {
        for replica in stack.containers(service)? {
            stack.restart(&replica)?;
        }
    }
    Ok(())
}

/// Requests that go on in the background, each of which must succeed.
#[derive(Default)]
struct Traffic {
    over: AtomicBool,
    answered: AtomicUsize,
    failures: Mutex<Vec<String>>,
}

impl Traffic {
    fn refresh_and_read(&self, client: &Client, mut login: Login) {
        while !self.over.load(Ordering::Relaxed) {
            let round = login.refresh(client).and_then(|next| {
                client.get("/api/whoami", Some(&next.access_token))?.expect(200)?;
                client.get("/api/notes", Some(&next.access_token))?.expect(200)?;
                Ok(next)
            });
            match round {
                Ok(next) => {
                    login = next;
                    self.answered.fetch_add(3, Ordering::Relaxed);
                }
                Err(failure) => {
                    self.failures.lock().unwrap_or_else(PoisonError::into_inner).push(failure.to_string());
                }
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn verdict(self) -> Result<(), Failure> {
        let answered = self.answered.into_inner();
        let failures = self.failures.into_inner().unwrap_or_else(PoisonError::into_inner);
        ensure(answered > 0, || "no request was answered".to_owned())?;
        ensure(failures.is_empty(), || {
            format!("{} requests failed beside {answered} that did not:\n{}", failures.len(), failures.join("\n"))
        })
    }
}

pub fn the_gateway_follows_replicas(scene: &Scene) -> Result<(), Failure> {
    scene.stack.scale(1, 1)?;
    answers_within(Duration::from_secs(3), scene)?;
    scene.stack.up()?;
    // New containers, perhaps at new addresses.
    let begun = Instant::now();
    loop {
        match every_replica_gets_requests(scene) {
            Err(_) if begun.elapsed() < Duration::from_secs(5) => thread::sleep(Duration::from_millis(500)),
            Err(error) => return Err(error),
            Ok(()) => break,
        }
    }
    // Addresses that are gone may be asked for another moment, which a login does not wait for.
    thread::sleep(Duration::from_secs(3));
    Ok(())
}

fn answers_within(limit: Duration, scene: &Scene) -> Result<(), Failure> {
    let begun = Instant::now();
    loop {
        let answers = ["/auth/me", "/api/whoami"]
            .map(|path| scene.client.get(path, None)?.expect_problem(401, "missing_token").map(drop));
        match answers.into_iter().collect::<Result<(), _>>() {
            Err(_) if begun.elapsed() < limit => thread::sleep(Duration::from_millis(100)),
            result => return result,
        }
    }
}
