//! Refreshes at one, two and four auth-services on one Redis. All of them, Redis and the driver share the machine, so this says
//! that they do not stand in each other's way, and no more than that where there are fewer processors than replicas.

use std::{
    fmt::Write,
    net::SocketAddr,
    num::NonZero,
    thread::{self, available_parallelism},
    time::Duration,
};

use super::{BCRYPT_COST, CLIENTS, empty_redis};
use crate::{
    accounts,
    arguments::{Options, Store},
    clients::Samples,
    contest::{Measured, WARM_UP},
    failure::Failure,
    finding::{AtReplicas, Finding},
    load::{self, Period},
    processor_time,
    report::{Output, Spread},
    say,
    sessions::{Refreshing, log_in_many},
    stack::{Plan, Stack, Which, address, wait_until_ready},
    stop_request::StopRequest,
};

const NUMBERS: [usize; 3] = [1, 2, 4];

const SESSIONS: u32 = 4_000;

/// Measures, prints and writes what came out.
pub fn run(options: &Options, output: &mut Output, stop: &StopRequest) -> Result<(), Failure> {
    let store = Store::SessionsAt(empty_redis()?);
    let processors = available_parallelism().map_or(1, NonZero::get);
    say::line("Refreshes at several auth-services on one Redis");
    let stack = Stack::start(&Plan { bcrypt_cost: BCRYPT_COST, ..Plan::shipped(&options.programs, &store) }, stop)?;
    let mut replicas = vec![(address(&stack.auth)?, stack.auth_process())];
    let mut others = Vec::new();
    for _ in 1..NUMBERS[NUMBERS.len() - 1] {
        let other = stack.start_another(Which::Auth, None, &[])?;
        wait_until_ready(&other.ready, stop)?;
        replicas.push((address(&other.url)?, other.process()));
        others.push(other);
    }
    let sessions = log_in_many(&stack.auth, SESSIONS, accounts::login_of, stop)?;
    let mut clients = Refreshing::share(&sessions, CLIENTS);

    let period = Period { warm_up: WARM_UP, measured: options.phase };
    let mut all = Vec::new();
    for round in 1..=options.rounds {
        for turn in 0..NUMBERS.len() {
            let replicas_now = NUMBERS[(turn + round as usize) % NUMBERS.len()];
            let measured = spread(&replicas[..replicas_now], &mut clients, period, stop)?;
            let line = AtReplicas { processors, replicas: replicas_now, round, measured };
            output.finding(&Finding::GrowthReplicas(line.clone()))?;
            all.push(line);
        }
        say::line(format!("round {round} of {} is over", options.rounds));
    }
    say::line(table(&all));
    Ok(())
}

/// An equal share of the clients at each of the replicas, each share in a thread of its own.
fn spread(
    replicas: &[(SocketAddr, u32)],
    clients: &mut [Refreshing],
    period: Period,
    stop: &StopRequest,
) -> Result<Measured, Failure> {
    let share = clients.len() / replicas.len();
    let turns = thread::scope(|scope| {
        let turn = |(&(address, process), clients): (&(SocketAddr, u32), _)| {
            scope.spawn(move || -> Result<_, Failure> {
                let mut before = Duration::ZERO;
                let samples = load::drive(address, clients, period, stop, || {
                    before = processor_time::of_tree(process);
                    Ok(())
                })?;
                Ok((samples, processor_time::of_tree(process).saturating_sub(before)))
            })
        };
        let threads: Vec<_> = replicas.iter().zip(clients.chunks_mut(share)).map(turn).collect();
        threads.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let (mut all, mut taken) = (Samples::default(), Duration::ZERO);
    for turn in turns {
        let (samples, time) = turn.map_err(|_| Failure::Other("A thread panicked.".to_owned()))??;
        all.latencies.extend(samples.latencies);
        all.failed += samples.failed;
        taken += time;
    }
    Measured::of("Some auth-service", &all, taken, period.measured)
}

fn table(all: &[AtReplicas]) -> String {
    let processors = all.first().map_or(1, |line| line.processors);
    let mut text = format!(
        "\nauth-services on one Redis, on a machine with {processors} processors, which Redis and the driver need as well\n\n| \
         auth-services | refreshes/s | of those of one | p50 ms | p99 ms | processor µs a refresh |\n|---:|---:|---:|---:|---:|---:|\n"
    );
    for replicas in NUMBERS {
        let turns = || all.iter().filter(move |line| line.replicas == replicas);
        let of = |number: fn(&Measured) -> f64| Spread::of(turns().map(|line| number(&line.measured)));
        let ratios = turns().filter_map(|line| {
            let one = all.iter().find(|other| other.replicas == 1 && other.round == line.round)?;
            Some(line.measured.per_second / one.measured.per_second)
        });
        _ = writeln!(
            text,
            "| {replicas} | {:.0} | {} | {} | {} | {} |",
            of(|it| it.per_second),
            Spread::of(ratios),
            of(|it| it.p50_ms),
            of(|it| it.p99_ms),
            of(|it| it.processor_us),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replicas_are_compared_with_one_in_the_same_round() {
        let line = |replicas, round, per_second| {
            let measured = Measured { per_second, p50_ms: 1.0, p99_ms: 2.0, processor_us: 10.0 };
            AtReplicas { processors: 2, replicas, round, measured }
        };
        let text = table(&[line(1, 1, 100.0), line(2, 1, 150.0), line(2, 2, 200.0), line(1, 2, 200.0)]);
        assert!(text.contains("with 2 processors"), "{text}");
        assert!(text.contains("| 2 | 175 (150..200) | 1.25 (1.00..1.50) |"), "{text}");
    }
}
