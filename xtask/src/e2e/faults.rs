//! Stores that are away: what still works, what is refused and how, and that nothing has to be restarted afterwards.

use std::time::Duration;

use serde_json::json;

use super::client::{Answer, Client};
use super::person::{Login, Person};
use super::restarts::{logs_in_again, refreshes_again};
use super::{Scene, ensure};
use crate::Failure;

/// Each service gives up on a store within a second; the rest is for the way there and back on a busy machine.
const SOON: Duration = Duration::from_secs(2);

pub fn redis_stopped(scene: &Scene) -> Result<(), Failure> {
    during(scene, "redis", STOPPED, without_redis)
}

pub fn redis_hanging(scene: &Scene) -> Result<(), Failure> {
    during(scene, "redis", HANGING, without_redis)
}

pub fn postgres_stopped(scene: &Scene) -> Result<(), Failure> {
    during(scene, "postgres", STOPPED, without_postgres)
}

pub fn postgres_hanging(scene: &Scene) -> Result<(), Failure> {
    during(scene, "postgres", HANGING, without_postgres)
}

/// The compose commands that begin and end a fault.
#[derive(Clone, Copy)]
struct Fault {
    begin: &'static [&'static str],
    end: &'static [&'static str],
}

const STOPPED: Fault = Fault { begin: &["stop"], end: &["start", "--wait"] };
const HANGING: Fault = Fault { begin: &["pause"], end: &["unpause"] };

fn during(
    scene: &Scene,
    store: &str,
    fault: Fault,
    check: fn(&Client, &Person, &Login) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let client = &scene.client;
    let person = Person::register(client)?;
    let login = person.log_in(client)?;
    scene.stack.compose(&[fault.begin, &[store]].concat())?;
    let result = check(client, &person, &login);
    scene.stack.compose(&[fault.end, &[store]].concat())?;
    result?;
    // The engine looks every few seconds only, and starts nothing that needs a store which was away when it last looked.
    scene.stack.containers(store)?.iter().try_for_each(|container| scene.stack.wait_until_healthy(container))?;
    refreshes_again(client, &login)?;
    let login = logs_in_again(client, &person)?;
    write_note(client, &login)?.expect(201).map(drop)
}

fn without_redis(client: &Client, person: &Person, login: &Login) -> Result<(), Failure> {
    for _ in 0..3 {
        refused_soon(&person.ask_for_login(client)?)?;
        refused_soon(&login.ask_for_refresh(client)?)?;
        client.get("/api/whoami", Some(&login.access_token))?.expect(200)?;
        write_note(client, login)?.expect(201)?;
    }
    Ok(())
}

fn without_postgres(client: &Client, person: &Person, login: &Login) -> Result<(), Failure> {
    let mut login = login.refresh(client)?;
    for _ in 0..3 {
        refused_soon(&person.ask_for_login(client)?)?;
        refused_soon(&write_note(client, &login)?)?;
        login = login.refresh(client)?;
        client.get("/api/whoami", Some(&login.access_token))?.expect(200)?;
    }
    Ok(())
}

fn refused_soon(answer: &Answer) -> Result<(), Failure> {
    ensure(answer.status == 503, || format!("{answer} instead of 503"))?;
    ensure(answer.header("Retry-After").is_some(), || format!("{answer} without Retry-After"))?;
    ensure(answer.took < SOON, || format!("{answer} after {:.1} s", answer.took.as_secs_f64()))
}

fn write_note(client: &Client, login: &Login) -> Result<Answer, Failure> {
    client.post("/api/notes", Some(&login.access_token), &json!({ "title": "a note", "body": "about nothing" }))
}
