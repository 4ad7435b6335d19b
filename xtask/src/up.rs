//! `cargo xtask up`: from a fresh clone to a running instance.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::Failure;
use crate::arguments;
use crate::binaries::Binaries;
use crate::greeting;
use crate::http::{self, Answer};
use crate::instance::Instance;
use crate::legacy_app;
use crate::lock::{Attempt, Lock};
use crate::nginx;
use crate::ports::Ports;
use crate::process::{Recorded, Running};
use crate::say;
use crate::services::Services;
use crate::settings::{self, Service, Urls};
use crate::stop_request::StopRequest;
use crate::tools;

/// How long a service may take until it is ready; it takes a fraction of a second unless something is wrong.
const PATIENCE: Duration = Duration::from_mins(1);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The programs of an instance in the order in which they are stopped, each with the signal that makes it finish what it
/// has begun: the gateway first, as it has requests with the services.
pub const PROGRAMS: [(&str, Signal); 4] = [
    (nginx::NAME, Signal::QUIT),
    (legacy_app::NAME, Signal::TERM),
    (Service::Auth.name(), Signal::TERM),
    (Service::Resource.name(), Signal::TERM),
];

pub fn run(root: &Path, options: &arguments::Up) -> Result<(), Failure> {
    let ports = Ports::plan(options.gateway_port).ok_or_else(|| Failure::usage("There is no such port."))?;
    let instance = Instance::of(root, ports);
    instance.prepare()?;
    let _lock = match Lock::attempt(&instance.lock())? {
        Attempt::Taken(lock) => lock,
        Attempt::HeldBy(_) => return already_up(&instance),
    };
    if PROGRAMS.iter().any(|(name, _)| Recorded::find(&instance.pid_file(name)).is_some()) {
        return already_up(&instance);
    }
    ports.check_free()?;

    tools::ensure(&tools::TO_BUILD)?;
    let nginx = gateway();
    let binaries = say::step("Building the services (the first time takes some minutes)", || Binaries::build(root))?;
    let urls = Urls::of(&instance, nginx.is_some());
    let settings = settings::ensure(&instance, &urls)?;
    let services = Services { binaries: &binaries, settings: &settings, instance: &instance };
    say::step("Migrating the databases", || services.migrate())?;

    let stop = StopRequest::watch()?;
    let mut running = Vec::new();
    let started = say::step("Starting", || start(&mut running, &services, nginx.as_deref(), root, &stop));
    if let Err(failure) = started {
        stop_all(running, &stop, &instance);
        return Err(failure);
    }
    say::line(greeting::text(&instance, &urls, !options.detach));
    if options.detach { Ok(()) } else { watch(running, &stop, &instance) }
}

/// The services are of use without nginx, so that a missing one is no failure.
fn gateway() -> Option<PathBuf> {
    match tools::NGINX.find_or_install() {
        Ok(nginx) => Some(nginx),
        Err(failure) => {
            say::note(format!("There will be no gateway. {failure}"));
            None
        }
    }
}

fn already_up(instance: &Instance) -> Result<(), Failure> {
    let runs = |name: &str| Recorded::find(&instance.pid_file(name)).is_some();
    let down = instance.command("down");
    match Service::ALL.into_iter().find(|service| !runs(service.name())) {
        None => {
            let urls = Urls::of(instance, runs(nginx::NAME));
            say::line(format!("Latchkey is already running at {}. `{down}` stops it.", urls.auth));
            Ok(())
        }
        Some(service) => {
            Err(Failure::new(format!("This instance is half up: {} is not running (yet).", service.name()))
                .remedy(format!("Wait for the `up` that is at work, or run `{down}` and start again.")))
        }
    }
}

fn start(
    running: &mut Vec<Running>,
    services: &Services<'_>,
    nginx: Option<&Path>,
    root: &Path,
    stop: &StopRequest,
) -> Result<(), Failure> {
    // Building may have taken minutes, and somebody else the ports.
    services.instance.ports.check_free()?;
    for service in Service::ALL {
        running.push(services.launch(service).start()?);
    }
    for (service, program) in Service::ALL.into_iter().zip(running.iter_mut()) {
        let url = format!("http://127.0.0.1:{}/readyz", service.internal_port(services.instance));
        wait_until_ready(program, &url, stop)?;
    }
    if let Some(nginx) = nginx {
        running.push(legacy_app::launch(services.binaries.legacy_app(), services.instance).start()?);
        if let Some(app) = running.last_mut() {
            wait_until_ready(app, &legacy_app::probe(services.instance), stop)?;
        }
        running.push(nginx::launch(nginx, root, services.instance)?.start()?);
        let url = format!("http://127.0.0.1:{}/healthz", services.instance.ports.gateway);
        if let Some(gateway) = running.last_mut() {
            wait_until_ready(gateway, &url, stop)?;
        }
    }
    Ok(())
}

fn wait_until_ready(program: &mut Running, url: &str, stop: &StopRequest) -> Result<(), Failure> {
    let begun = Instant::now();
    loop {
        stop.give_up_if_asked()?;
        if let Some(status) = program.ended() {
            return Err(program.failure(&format!("ended while it was being started ({status})")));
        }
        let answer = http::get(url);
        let last = match answer {
            Answer::Ok => return Ok(()),
            Answer::NotYet(words) => words,
            Answer::Silent => "nothing".to_owned(),
        };
        if begun.elapsed() > PATIENCE {
            let patience = PATIENCE.as_secs();
            return Err(program.failure(&format!("is not ready after {patience} s; {url} answers: {last}")));
        }
        thread::sleep(LOOK_AGAIN);
    }
}

/// Until somebody stops it, or one of the programs ends by itself, which ends the others.
fn watch(mut running: Vec<Running>, stop: &StopRequest, instance: &Instance) -> Result<(), Failure> {
    loop {
        if stop.take().is_some() {
            say::line("Stopping (once more to do it at once) …");
            stop_all(running, stop, instance);
            say::line("Stopped.");
            return Ok(());
        }
        let dead = running.iter_mut().find_map(|program| program.ended().map(|status| (program, status)));
        if let Some((program, status)) = dead {
            let failure = program.failure(&format!("has ended by itself ({status}), so the others are stopped too"));
            stop_all(running, stop, instance);
            return Err(failure);
        }
        thread::sleep(LOOK_AGAIN);
    }
}

fn stop_all(mut running: Vec<Running>, stop: &StopRequest, instance: &Instance) {
    for (name, signal) in PROGRAMS {
        for program in running.extract_if(.., |program| program.name == name) {
            program.stop(signal, || stop.take().is_some());
        }
    }
    clean_up(instance);
}

/// Once the programs of an instance are gone.
pub fn clean_up(instance: &Instance) {
    if let Err(error) = nginx::forget(&instance.nginx_dir()) {
        say::note(format!("What the gateway remembered of logins could not be deleted: {error}."));
    }
}
