//! The services' memory: idle, under load, and in a flood of logins.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    accounts,
    clients::{Samples, Window},
    contest::WARM_UP,
    failure::Failure,
    finding::{Finding, ProcessMemory},
    flood::Flood,
    load::{self, Asker, Period},
    memory::{Memory, forget_peak, megabytes},
    report::Output,
    say,
    sessions::{Getting, Refreshing, Tokens, log_in_many},
    stack::{Stack, Which, address},
    stop_request::StopRequest,
};

/// After the start.
const IDLE: Duration = Duration::from_secs(5);

/// At each of the services.
const CLIENTS: usize = 32;

/// Sessions of the clients.
const SESSIONS: u32 = 100;

/// A line for each program in each phase.
pub fn measure(
    stack: &Stack,
    phase: Duration,
    output: &mut Output,
    stop: &StopRequest,
) -> Result<Vec<ProcessMemory>, Failure> {
    let services = [(Which::Auth, stack.auth_process()), (Which::Resource, stack.resource_process())];
    let mut all = Vec::new();
    let mut during = |name, work: &mut dyn FnMut() -> Result<(), Failure>| -> Result<(), Failure> {
        services.iter().try_for_each(|(_, process)| forget_peak(*process))?;
        work()?;
        for (which, process) in services {
            let Memory { resident, peak } = Memory::of(process)?;
            let (resident_mb, peak_mb) = (megabytes(resident), megabytes(peak));
            let memory = ProcessMemory { program: which.name(), phase: name, resident_mb, peak_mb };
            output.finding(&Finding::FootprintMemory(memory.clone()))?;
            all.push(memory);
        }
        Ok(())
    };
    during("idle", &mut || stop.sleep_until(Instant::now() + IDLE))?;
    let mut sessions = Vec::new();
    during("logins", &mut || {
        sessions = log_in_many(&stack.auth, SESSIONS, accounts::own_login, stop)?;
        Ok(())
    })?;
    say::line("Both services are under load");
    during("load", &mut || refresh_and_guard(stack, &sessions, phase, stop))?;
    say::line("auth-service is flooded with logins");
    during("flood of logins", &mut || flood(stack, phase, stop))?;
    Ok(all)
}

/// Refreshes at auth-service and guarded requests at resource-service, at once.
fn refresh_and_guard(stack: &Stack, sessions: &[Tokens], phase: Duration, stop: &StopRequest) -> Result<(), Failure> {
    let (auth, resource) = (address(&stack.auth)?, address(&stack.resource)?);
    let mut refreshing = Refreshing::share(sessions, CLIENTS);
    let mut guarded: Vec<_> =
        sessions.iter().take(CLIENTS).map(|tokens| Getting::new("/api/whoami", &tokens.access_token)).collect();
    let period = Period { warm_up: WARM_UP, measured: phase };
    let (refreshed, answered) = thread::scope(|scope| {
        let guarding = scope.spawn(|| drive(resource, &mut guarded, period, stop));
        (drive(auth, &mut refreshing, period, stop), guarding.join())
    });
    let answered = answered.map_err(|_| Failure::Other("A thread panicked.".to_owned()))??;
    let failed = refreshed?.failed + answered.failed;
    if failed > 0 {
        return Err(Failure::Other(format!("{failed} requests were not answered as they ought to be.")));
    }
    Ok(())
}

fn drive<A: Asker>(
    address: std::net::SocketAddr,
    askers: &mut [A],
    period: Period,
    stop: &StopRequest,
) -> Result<Samples, Failure> {
    load::drive(address, askers, period, stop, || Ok(()))
}

/// Many times what bcrypt can do, so that every place in the queue is taken.
fn flood(stack: &Stack, phase: Duration, stop: &StopRequest) -> Result<(), Failure> {
    let begin = Instant::now();
    let window = Window { begin, measured_from: begin, end: begin + phase };
    let logins = Flood::default().run(stack, window, stop);
    if stop.came() {
        return Err(Failure::Interrupted);
    }
    if logins.busy == 0 {
        return Err(Failure::Other("The flood was none: no login was turned away.".to_owned()));
    }
    Ok(())
}
