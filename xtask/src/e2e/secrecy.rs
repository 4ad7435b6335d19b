//! What must not be seen from outside, by whom, or in which place.

use std::collections::BTreeSet;

use super::{Scene, ensure};
use crate::Failure;

pub fn only_the_gateway_is_published(scene: &Scene) -> Result<(), Failure> {
    let published = scene.stack.every_container()?.into_iter().filter(|container| !container.published.is_empty());
    let published = published.map(|container| (container.service, container.published)).collect::<Vec<_>>();
    let gateway = scene.stack.gateway.name().to_owned();
    ensure(published == [(gateway, vec!["8080/tcp".to_owned()])], || format!("published: {published:?}"))
}

pub fn nothing_runs_as_root(scene: &Scene) -> Result<(), Failure> {
    for container in scene.stack.every_container()?.iter().filter(|container| container.running) {
        let users = scene.stack.docker(&["top", &container.id, "-eo", "uid,pid"])?;
        let users = users.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect::<BTreeSet<_>>();
        ensure(!users.is_empty() && !users.contains("0"), || format!("{} runs as {users:?}", container.service))?;
    }
    Ok(())
}

pub fn containers_may_do_no_more_than_they_must(scene: &Scene) -> Result<(), Failure> {
    for container in scene.stack.every_container()?.iter().filter(|container| OURS.contains(&&*container.service)) {
        ensure(container.confined, || format!("{} may write to its files, or has capabilities", container.name))?;
        let shell = scene.stack.docker(&["exec", &container.id, "/bin/sh", "-c", "true"]);
        ensure(shell.is_err(), || format!("{} has a shell", container.name))?;
    }
    Ok(())
}

/// What is made of our own images.
const OURS: [&str; 3] = ["auth-service", "resource-service", "legacy-app"];

pub fn nothing_leaks(scene: &Scene) -> Result<(), Failure> {
    let made = scene.stack.secrets()?;
    ensure(made.len() >= MADE, || format!("only {} secrets are in the volumes", made.len()))?;
    let mut secrets = scene.client.remembered();
    secrets.extend(made);
    let mut places = vec![("what `docker inspect` shows".to_owned(), scene.stack.inspection()?)];
    let gateway = scene.stack.gateway.name();
    for service in ["secrets", "postgres", "redis", "auth-service", "register-client", "resource-service", gateway] {
        places.push((format!("the log of {service}"), scene.stack.logs(service)?));
    }
    for (place, text) in &places {
        ensure(!text.is_empty(), || format!("{place} is empty"))?;
        let found = secrets.iter().filter(|secret| text.contains(secret.as_str())).count();
        ensure(found == 0, || format!("{place} holds {found} of the {} secrets, tokens and passwords", secrets.len()))?;
    }
    Ok(())
}

/// The tokens' two secrets, the master key, a client's secret, three passwords of Postgres, one of Redis.
const MADE: usize = 8;

/// They have nothing more to do.
const ONE_SHOT: [&str; 2] = ["secrets", "register-client"];

pub fn no_service_has_died(scene: &Scene) -> Result<(), Failure> {
    let all = scene.stack.every_container()?;
    for container in all.iter().filter(|container| !ONE_SHOT.contains(&container.service.as_str())) {
        ensure(container.running && container.restarts == 0, || {
            format!("{} was started again {} times; running: {}", container.name, container.restarts, container.running)
        })?;
    }
    Ok(())
}
