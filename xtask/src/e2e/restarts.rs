//! Stores that go and come back with what they held.

use std::thread;
use std::time::{Duration, Instant};

use super::client::Client;
use super::person::{Login, Person};
use super::{Scene, ensure};
use crate::Failure;

/// A service finds its stores again within this time, without being restarted.
const RECOVERY: Duration = Duration::from_secs(15);

pub fn redis_restarted(scene: &Scene) -> Result<(), Failure> {
    outlived(scene, || scene.stack.compose(&["restart", "redis"]).map(drop))
}

pub fn redis_killed(scene: &Scene) -> Result<(), Failure> {
    outlived(scene, || {
        scene.stack.compose(&["kill", "--signal", "KILL", "redis"])?;
        scene.stack.compose(&["start", "--wait", "redis"]).map(drop)
    })
}

fn outlived(scene: &Scene, event: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    let person = Person::register(&scene.client)?;
    let [first, second] = [person.log_in(&scene.client)?, person.log_in(&scene.client)?];
    let second = second.refresh(&scene.client)?;
    event()?;
    for login in [first, second] {
        refreshes_again(&scene.client, &login)?;
    }
    Ok(())
}

/// Waits while the store is still away; any other refusal is one too many.
pub fn refreshes_again(client: &Client, login: &Login) -> Result<Login, Failure> {
    let begun = Instant::now();
    loop {
        let answer = login.ask_for_refresh(client)?;
        if answer.status == 503 && begun.elapsed() < RECOVERY {
            thread::sleep(Duration::from_millis(200));
            continue;
        }
        answer.expect(200)?;
        // By this answer: another replica may still be looking for the store.
        return Login::read(client, &answer);
    }
}

/// The same for a login.
pub fn logs_in_again(client: &Client, person: &Person) -> Result<Login, Failure> {
    let begun = Instant::now();
    loop {
        let answer = person.ask_for_login(client)?;
        if answer.status == 503 && begun.elapsed() < RECOVERY {
            thread::sleep(Duration::from_millis(200));
            continue;
        }
        return Login::read(client, &answer);
    }
}

pub fn down_and_up(scene: &Scene) -> Result<(), Failure> {
    let client = &scene.client;
    let person = Person::register(client)?;
    let login = person.log_in(client)?;
    let secrets = scene.stack.secrets()?;
    scene.stack.compose(&["down"])?;
    scene.stack.up()?;
    ensure(secrets == scene.stack.secrets()?, || "the secrets are not the same any more".to_owned())?;
    login.refresh(client)?;
    person.log_in(client)?;
    client.get("/api/whoami", Some(&login.access_token))?.expect(200).map(drop)
}
