//! Drives the compose stack as its users and operators do: over HTTP and with `docker`, from the outside.

mod accounts;
mod client;
mod faults;
mod gateway;
mod person;
mod replicas;
mod restarts;
mod secrecy;
mod sharing;
mod stack;

use std::path::Path;
use std::sync::OnceLock;
use std::time::Instant;

use accounts::Generations;
use client::Client;
use stack::{Gateway, Stack};

use crate::Failure;
use crate::say;
use crate::stop_request::{StopRequest, interrupted};

/// What a step gets to work with. Each one makes the users it needs.
struct Scene<'a> {
    stack: &'a Stack<'a>,
    client: Client,
    /// A login from an early step, for a late one that needs an old refresh token.
    growing_old: OnceLock<Generations>,
}

type Step = (&'static str, fn(&Scene) -> Result<(), Failure>);

/// In this order: what goes wrong in an early step explains later ones; containers that are removed take their logs with
/// them, so those are read before.
const STEPS: &[Step] = &[
    ("only the gateway is published", secrecy::only_the_gateway_is_published),
    ("nothing runs as root", secrecy::nothing_runs_as_root),
    ("our containers may do no more than they must", secrecy::containers_may_do_no_more_than_they_must),
    ("a user registers, logs in and is known to both services", accounts::a_user_is_known_to_both_services),
    ("notes are created, listed, changed and deleted by their owner alone", accounts::notes_belong_to_their_owner),
    ("a note is shared by name, in one trace through all services", sharing::a_note_is_shared_by_name_in_one_trace),
    ("a service acts for a user at the next one", sharing::a_service_acts_for_a_user_at_the_next_one),
    ("the metadata says where tokens are", sharing::the_metadata_says_where_tokens_are),
    ("a refresh token is exchanged for the next one", accounts::a_refresh_token_is_exchanged),
    ("logout ends the session", accounts::logout_ends_the_session),
    ("a wrong password and an unknown user look alike", accounts::a_wrong_password_and_an_unknown_user_look_alike),
    ("a request without a token is told what is missing", accounts::a_missing_token_is_named),
    ("an admin is made on the command line", accounts::an_admin_is_made_on_the_command_line),
    ("a browser's session is a token for services", gateway::a_session_is_a_token_for_services),
    ("a folder and an app are behind the login", gateway::a_folder_and_an_app_are_behind_the_login),
    ("a request keeps its id", gateway::a_request_keeps_its_id),
    ("internal addresses do not exist at the gateway", gateway::internal_addresses_do_not_exist),
    ("a body that is too large is refused", gateway::a_body_that_is_too_large_is_refused),
    ("every replica gets requests", replicas::every_replica_gets_requests),
    ("replicas restarted one by one cost no request", replicas::restarts_cost_no_request),
    ("Redis restarted: nobody is logged out", restarts::redis_restarted),
    ("Redis killed: nobody is logged out", restarts::redis_killed),
    ("Redis stopped: logins and refreshes are refused soon, resource-service goes on", faults::redis_stopped),
    ("Redis hanging: the same", faults::redis_hanging),
    ("Postgres stopped: logins are refused soon, sessions go on", faults::postgres_stopped),
    ("Postgres hanging: the same", faults::postgres_hanging),
    ("a used refresh token ends the session", accounts::a_used_refresh_token_ends_the_session),
    ("too many logins from one address are refused", gateway::too_many_logins_are_refused),
    ("no secret, token or password is in a log or in `docker inspect`", secrecy::nothing_leaks),
    ("no service has died", secrecy::no_service_has_died),
    ("the gateway follows replicas that go and come", replicas::the_gateway_follows_replicas),
    ("taken down and up again: users, logins and secrets are still there", restarts::down_and_up),
];

struct Options {
    keep: bool,
    build: bool,
    gateway: Gateway,
}

/// `--gateway envoy` puts Envoy in the place of nginx, `--keep` leaves the stack running, `--no-build` takes the images of the
/// run before.
pub fn run(root: &Path, args: &[String]) -> Result<(), Failure> {
    let options = parse(args)?;
    let stop = StopRequest::watch()?;
    stack::check_engine()?;
    let stack = Stack::new(root, options.gateway, &stop)?;
    let outcome = say::step("removing what an earlier run may have left", || stack.remove())
        .and_then(|()| start(&stack, options.build))
        .and_then(|()| drive(&stack, &stop));
    if options.keep {
        say::line(format!("The stack is still at {}. To take it down: {}", stack.url(), stack.how_to_remove()));
        return outcome;
    }
    let removed = say::step("taking the stack down, with its volumes", || stack.remove());
    outcome.and(removed)
}

fn start(stack: &Stack, build: bool) -> Result<(), Failure> {
    if build {
        say::step("building the images", || stack.build())?;
    }
    say::step("starting the stack, with two replicas of auth-service and three of resource-service", || stack.up())
        .inspect_err(|_| say::line(stack.last_words()))
}

fn drive(stack: &Stack, stop: &StopRequest) -> Result<(), Failure> {
    let scene = Scene { stack, client: Client::new(stack.url()), growing_old: OnceLock::new() };
    let mut failed = 0;
    for (name, step) in STEPS {
        let begun = Instant::now();
        let result = step(&scene);
        stop.give_up_if_asked()?;
        let took = say::seconds(begun.elapsed());
        match result {
            Ok(()) => say::line(format!("ok      {name} ({took})")),
            Err(failure) if failure.code() == interrupted().code() => return Err(failure),
            Err(failure) => {
                failed += 1;
                say::line(format!(
                    "FAILED  {name} ({took})\n        {}",
                    failure.to_string().replace('\n', "\n        ")
                ));
            }
        }
    }
    if failed > 0 {
        say::line(stack.last_words());
    }
    say::line(format!("{} passed, {failed} failed", STEPS.len() - failed));
    if failed == 0 { Ok(()) } else { Err(Failure::new("The compose stack does not do what it should.")) }
}

fn parse(args: &[String]) -> Result<Options, Failure> {
    let mut options = Options { keep: false, build: true, gateway: Gateway::Nginx };
    let mut args = args.iter().map(String::as_str);
    let usage = |what: String| Failure::usage(what).remedy("`cargo xtask help e2e` tells the options.");
    while let Some(arg) = args.next() {
        match arg {
            "--keep" => options.keep = true,
            "--no-build" => options.build = false,
            "--gateway" => {
                let name = args.next().unwrap_or_default();
                let gateway = Gateway::ALL.into_iter().find(|gateway| gateway.name() == name);
                options.gateway =
                    gateway.ok_or_else(|| usage(format!("{name:?} is no gateway: it is nginx or envoy.")))?;
            }
            other => return Err(usage(format!("{other:?} means nothing here."))),
        }
    }
    Ok(options)
}

/// A step's own way to say what it found wrong.
fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(Failure::new(otherwise())) }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Gateway, STEPS, parse};

    #[test]
    fn unknown_options_are_refused() {
        let parsed = |line: &str| parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert!(parsed("--keep --no-build").is_ok_and(|options| options.keep && !options.build));
        assert!(
            parsed("--gateway envoy --keep").is_ok_and(|options| options.gateway == Gateway::Envoy && options.build)
        );
        for line in ["--kep", "--gateway", "--gateway apache"] {
            assert!(parsed(line).is_err_and(|failure| failure.code() == 2), "{line}");
        }
    }

    #[test]
    fn no_two_steps_have_one_name() {
        assert_eq!(STEPS.iter().map(|(name, _)| name).collect::<HashSet<_>>().len(), STEPS.len());
    }
}
