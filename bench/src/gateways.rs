//! What a gateway costs: guarded requests straight to resource-service, through nginx and through Envoy, and those for which
//! the gateway asks auth-service first.

use std::time::Instant;

use serde_json::json;

use crate::{
    accounts,
    arguments::{Options, Store},
    clients::{Clients, Guarded, Window},
    connection::{Connection, PATIENCE},
    contest::{self, Contestant, Turn},
    failure::Failure,
    floor::Floor,
    gateway::{Gateway, Upstreams, VerifyCache},
    report::Output,
    say,
    sessions::Getting,
    stack::{Plan, Stack, Which, address, wait_until_ready},
    stop_request::StopRequest,
};

/// Clients that ask again as soon as they are answered.
const AT_ONCE: usize = 32;

const NGINX: &str = "nginx";
const ENVOY: &str = "Envoy";
const DIRECT: &str = "no gateway";
const BARE: &str = "nginx, bare actix-web behind it";
const UNLOGGED: &str = "nginx, no line of log for a request";

/// Measures, prints and writes what came out.
pub fn run(options: &Options) -> Result<(), Failure> {
    let stop = StopRequest::watch()?;
    let mut output = Output::begin(options)?;
    say::line("Starting both services, nginx and Envoy");
    let stack = Stack::start(&Plan::shipped(&options.programs, &Store::Sqlite), &stop)?;
    let floor = Floor::start(options.programs.get("floor")?, &["plain"], None)?;
    let upstreams = Upstreams::of(&stack);
    let past_us = Upstreams { resource: floor.address("plain")?.to_string(), ..upstreams.clone() };
    let unlogged = [("LOG_LEVEL", "warn".to_owned())];
    let unlogged = stack.start_another(Which::Resource, Some("unlogged"), &unlogged)?;
    wait_until_ready(&unlogged.ready, &stop)?;
    let without_log = Upstreams { resource: address(&unlogged.url)?.to_string(), ..upstreams.clone() };
    let program = options.programs.get("nginx")?;
    let nginx = |upstreams, cache| Gateway::nginx(program, &options.root, upstreams, cache, &stop);
    let nginx_to_bare = nginx(&past_us, VerifyCache::Shipped)?;
    let nginx_without_log = nginx(&without_log, VerifyCache::Shipped)?;
    let nginx_without_cache = nginx(&upstreams, VerifyCache::Off)?;
    let nginx = nginx(&upstreams, VerifyCache::Shipped)?;
    let envoy = Gateway::envoy(options.programs.get("envoy")?, &options.root, &upstreams, &stop)?;

    let (mut clients, _) = Clients::log_in(&stack, &stop)?;
    let tokens = clients.refreshed(AT_ONCE)?;
    let cookies = cookies(&stack)?;
    let bearer = || {
        contest::closed_loop(
            tokens
                .iter()
                .map(|token| Getting::showing("/api/whoami", &format!("authorization: Bearer {token}")))
                .collect(),
        )
    };
    let cookie = || {
        contest::closed_loop(
            cookies.iter().map(|cookie| Getting::showing("/api/whoami", &format!("cookie: {cookie}"))).collect(),
        )
    };
    let through = |name: &str, base: Option<&str>, gateway: &Gateway, turn| -> Result<_, Failure> {
        let (name, base, address) = (name.to_owned(), base.map(str::to_owned), address(&gateway.url)?);
        Ok(Contestant { name, base, address, process: gateway.process(), turn })
    };
    let direct = |turn| -> Result<_, Failure> {
        let (name, address) = (DIRECT.to_owned(), address(&stack.resource)?);
        Ok(Contestant { name, base: None, address, process: stack.resource_process(), turn })
    };
    let mut crowded = [
        direct(bearer())?,
        through(BARE, None, &nginx_to_bare, bearer())?,
        through(NGINX, Some(BARE), &nginx, bearer())?,
        through(UNLOGGED, Some(BARE), &nginx_without_log, bearer())?,
        through(ENVOY, Some(NGINX), &envoy, bearer())?,
        through("nginx, a session's cookie", Some(NGINX), &nginx, cookie())?,
        through("nginx, a session's cookie, verified each time", Some(NGINX), &nginx_without_cache, cookie())?,
        through("Envoy, a session's cookie", Some(ENVOY), &envoy, cookie())?,
    ];
    contest::hold(
        "32 clients that ask again at once",
        &mut crowded,
        options.rounds,
        options.phase,
        &mut output,
        &stop,
    )?;

    let paced = |url: &str| paced(tokens.iter().map(|token| Guarded::of(url, token)).collect());
    let mut paced = [
        direct(paced(&stack.resource))?,
        through(NGINX, Some(DIRECT), &nginx, paced(&nginx.url))?,
        through(ENVOY, Some(DIRECT), &envoy, paced(&envoy.url))?,
    ];
    contest::hold("200 requests a second", &mut paced, options.rounds, options.phase, &mut output, &stop)?;
    Ok(())
}

/// A turn at a constant rate that everything here can keep up with.
fn paced<'a>(mut clients: Vec<Guarded>) -> Turn<'a> {
    Box::new(move |_, period, stop, begun| {
        let measured_from = Instant::now() + period.warm_up;
        let window = Window { begin: Instant::now(), measured_from, end: measured_from + period.measured };
        begun();
        let samples = Guarded::paced(&mut clients, window, stop);
        if stop.came() { Err(Failure::Interrupted) } else { Ok(samples) }
    })
}

/// The cookies of as many sessions in mode `session`.
fn cookies(stack: &Stack) -> Result<Vec<String>, Failure> {
    let login = format!("{}/auth/login", stack.auth);
    let of = |place| -> Result<String, Failure> {
        let mut body = json!(accounts::own_login(place));
        body["mode"] = json!("session");
        let answer = Connection::new().post(&login, &body, Some(accounts::address(place)), PATIENCE);
        let answer = answer.map_err(|error| Failure::Other(format!("A login was not answered: {error}.")))?;
        // Those of other modes are cleared.
        let pairs = answer.cookies.iter().filter_map(|cookie| cookie.split(';').next());
        let pairs: Vec<_> = pairs.filter(|pair| !pair.ends_with('=')).collect();
        if pairs.is_empty() {
            return Err(Failure::Other(format!("A login has set no cookie: {} {}", answer.status, answer.body)));
        }
        Ok(pairs.join("; "))
    };
    (0..).take(AT_ONCE).map(of).collect()
}
