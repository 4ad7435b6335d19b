//! Idle, busy and flood in turn, again and again: whatever else changes on the machine meanwhile meets both alike.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    arguments::Options,
    capacity::Capacity,
    clients::{Clients, Samples, Window},
    failure::Failure,
    flood::{Flood, Logins},
    report::{FloodNumbers, Latency, Output, Report, Round, Setting},
    say, spinners,
    stack::{Plan, PoolCounts, Stack},
    stop_request::StopRequest,
};

/// Before a phase counts: the flood fills the queue, and every connection is open.
const WARM_UP: Duration = Duration::from_secs(2);

/// Until all threads are there.
const START: Duration = Duration::from_millis(100);

/// After a flood, with the queue empty again.
const SETTLE: Duration = Duration::from_millis(500);

/// Measures, prints and writes what came out.
pub fn run(options: &Options) -> Result<(), Failure> {
    let stop = StopRequest::watch()?;
    let mut output = Output::begin(options)?;
    say::line(format!("Starting both services on {}", options.store.name()));
    let stack = Stack::start(&Plan::shipped(&options.programs, &options.store), &stop)?;
    let capacity = Capacity::measure();
    let (mut clients, logins_per_second) = Clients::log_in(&stack, &stop)?;
    let setting = Setting::of(options, capacity, logins_per_second);
    output.setting(&setting)?;

    let flood = Flood::default();
    let mut report = Report::new(setting);
    for number in 1..=options.rounds {
        let idle = quiet(&mut clients, options.phase, &stop)?;
        let busy = spinners::beside(capacity.processors, || quiet(&mut clients, options.phase, &stop))?;
        let (flooded, numbers) = flooded(&stack, &mut clients, &flood, options.phase, capacity, &stop)?;
        let round = Round { number, idle, busy, flooded, flood: numbers };
        output.round(options.store.name(), &round)?;
        say::line(round.to_string());
        report.add(round);
    }
    say::line(report.to_string());
    Ok(())
}

/// Without a flood.
fn quiet(clients: &mut Clients, phase: Duration, stop: &StopRequest) -> Result<[Latency; 3], Failure> {
    let samples = clients.run(window(phase), stop);
    if stop.came() { Err(Failure::Interrupted) } else { latencies(samples) }
}

fn flooded(
    stack: &Stack,
    clients: &mut Clients,
    flood: &Flood,
    phase: Duration,
    capacity: Capacity,
    stop: &StopRequest,
) -> Result<([Latency; 3], FloodNumbers), Failure> {
    let window = window(phase);
    let (samples, logins, counts) = thread::scope(|scope| {
        let logins = scope.spawn(|| flood.run(stack, window, stop));
        let counts = scope.spawn(|| -> Result<_, Failure> {
            stop.sleep_until(window.measured_from)?;
            let before = stack.pool()?;
            stop.sleep_until(window.end)?;
            Ok((before, stack.pool()?))
        });
        (clients.run(window, stop), logins.join(), counts.join())
    });
    let panicked = |_| Failure::Other("A thread panicked.".to_owned());
    let (logins, (before, after)) = (logins.map_err(panicked)?, counts.map_err(panicked)??);
    settle(stack, stop)?;
    Ok((latencies(samples)?, numbers(logins, before, after, phase, capacity)))
}

fn window(phase: Duration) -> Window {
    let begin = Instant::now() + START;
    let measured_from = begin + WARM_UP;
    Window { begin, measured_from, end: measured_from + phase }
}

fn latencies(samples: [Samples; 3]) -> Result<[Latency; 3], Failure> {
    let [refresh, guarded, echo] = samples;
    Ok([Latency::of(&refresh)?, Latency::of(&guarded)?, Latency::of(&echo)?])
}

/// Those who have hung up are not hashed for, so this takes moments.
fn settle(stack: &Stack, stop: &StopRequest) -> Result<(), Failure> {
    while stack.pool()?.waiting > 0 {
        stop.look()?;
    }
    stop.sleep_until(Instant::now() + SETTLE)
}

fn numbers(logins: Logins, before: PoolCounts, after: PoolCounts, phase: Duration, capacity: Capacity) -> FloodNumbers {
    let seconds = phase.as_secs_f64();
    let per_second = |count: u32| f64::from(count) / seconds;
    FloodNumbers {
        seconds,
        logins,
        pool_use: per_second(after.hashes - before.hashes) / capacity.per_second(),
        turned_away_per_second: per_second(after.turned_away - before.turned_away),
        waiting: [before.waiting, after.waiting],
    }
}
