//! The sweep of expired sessions, which auth-service does each minute in SQL: how long it takes, and what it does to refreshes.

use std::{
    fmt::Write,
    thread,
    time::{Duration, Instant},
};

use super::{
    sizes::Grown,
    sql_store::{Expired, SqlStore},
};
use crate::{
    arguments::Options,
    clients::Samples,
    contest::{Contestant, Measured, WARM_UP},
    failure::Failure,
    finding::{Finding, Sweep},
    load::Period,
    processor_time,
    report::{Latency, Output},
    say,
    stop_request::StopRequest,
};

/// Longer than until the sweep after the next one: on a busy machine one may fail.
const PATIENCE: Duration = Duration::from_mins(3);

/// Nobody waits longer than this for the end of a sweep: where every commit waits for a slow disk, refreshes leave it no time.
const MOST: Duration = Duration::from_mins(10);

/// Between two looks.
const LOOKS: Duration = Duration::from_millis(20);

/// Refreshes go on in pieces of this, as long as the sweep lasts.
const PIECE: Duration = Duration::from_secs(1);

/// A tenth expires and is swept with nothing else to do, then another tenth beside refreshes.
pub fn measure(
    grown: &mut Grown,
    database: &mut SqlStore,
    options: &Options,
    output: &mut Output,
    stop: &StopRequest,
) -> Result<Sweep, Failure> {
    let (title, added) = (grown.title, grown.added);
    say::line(format!("Waiting for the sweep: {title}"));
    let expired = database.expire_a_tenth(added, 1)?;
    let begun = wait_for_the_begin(database, expired, 1, stop)?;
    let alone_seconds = (wait_for_the_end(database, expired, stop)? - begun).as_secs_f64();

    let end_of_calm = Instant::now() + options.phase;
    let (calm, failed) = refresh_until(grown.refreshing, stop, || Ok(Instant::now() >= end_of_calm))?;
    if failed > 0 {
        return Err(Failure::Other(format!("{title} has refused {failed} refreshes without a sweep.")));
    }
    let expired = database.expire_a_tenth(added, 2)?;
    let begun = wait_for_the_begin(database, expired, 2, stop)?;
    let (meanwhile, over) = thread::scope(|scope| {
        let watch = scope.spawn(move || wait_for_the_end(database, expired, stop));
        let meanwhile = refresh_until(grown.refreshing, stop, || Ok(watch.is_finished()));
        (meanwhile, watch.join())
    });
    let over = over.map_err(|_| Failure::Other("A thread panicked.".to_owned()))??;
    let (meanwhile, failed_meanwhile) = meanwhile?;
    let sweep = Sweep {
        store: title,
        sessions: grown.sessions,
        expired: expired.number,
        alone_seconds,
        loaded_seconds: (over - begun).as_secs_f64(),
        calm,
        meanwhile,
        failed_meanwhile,
    };
    output.finding(&Finding::GrowthSweep(sweep.clone()))?;
    Ok(sweep)
}

fn wait_for_the_begin(
    database: &mut SqlStore,
    expired: Expired,
    turn: u32,
    stop: &StopRequest,
) -> Result<Instant, Failure> {
    let since = Instant::now();
    while !database.sweep_has_begun(expired, turn)? {
        if since.elapsed() > PATIENCE {
            return Err(Failure::Other("Nobody sweeps expired sessions.".to_owned()));
        }
        stop.sleep_until(Instant::now() + LOOKS)?;
    }
    Ok(Instant::now())
}

fn wait_for_the_end(database: &mut SqlStore, expired: Expired, stop: &StopRequest) -> Result<Instant, Failure> {
    let since = Instant::now();
    while !database.sweep_is_over(expired)? {
        if since.elapsed() > MOST {
            return Err(Failure::Other("The sweep of expired sessions does not come to its end.".to_owned()));
        }
        stop.sleep_until(Instant::now() + LOOKS)?;
    }
    Ok(Instant::now())
}

/// Piece after piece, at least one. With the number of those that were not answered as they ought to be.
fn refresh_until(
    refreshing: &mut Contestant,
    stop: &StopRequest,
    over: impl Fn() -> Result<bool, Failure>,
) -> Result<(Measured, u32), Failure> {
    let (mut all, mut taken, mut measured) = (Samples::default(), Duration::ZERO, Duration::ZERO);
    let mut warm_up = WARM_UP;
    loop {
        let (process, mut before) = (refreshing.process, Duration::ZERO);
        let period = Period { warm_up, measured: PIECE };
        let samples =
            (refreshing.turn)(refreshing.address, period, stop, &mut || before = processor_time::of_tree(process))?;
        taken += processor_time::of_tree(process).saturating_sub(before);
        measured += PIECE;
        all.latencies.extend(samples.latencies);
        all.failed += samples.failed;
        if over()? {
            let latency = Latency::of(&all)?;
            return Ok((Measured::of_answered(&latency, taken, measured), latency.failed));
        }
        warm_up = Duration::ZERO;
    }
}

/// A table of one line.
pub fn table(sweep: &Sweep) -> String {
    let mut text = "\nthe sweep of expired sessions; Redis expires them by itself\n\n| store | sessions | expired | s alone | \
                    s beside refreshes | refreshes/s | meanwhile | p99 ms | meanwhile | failed |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n"
        .to_owned();
    let Sweep { store, sessions, expired, alone_seconds, loaded_seconds, calm, meanwhile, failed_meanwhile } = sweep;
    _ = writeln!(
        text,
        "| {store} | {sessions} | {expired} | {alone_seconds:.1} | {loaded_seconds:.1} | {:.0} | {:.0} | {:.2} | {:.2} | {failed_meanwhile} |",
        calm.per_second, meanwhile.per_second, calm.p99_ms, meanwhile.p99_ms,
    );
    text
}
