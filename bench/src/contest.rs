//! What is compared takes turns, round after round: whatever else changes on the machine meanwhile meets all alike.

use std::{net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    clients::Samples,
    failure::Failure,
    load::{self, Asker, Period},
    processor_time,
    report::{Latency, Output},
    say,
    stop_request::StopRequest,
    table,
};

/// Before a turn counts.
pub const WARM_UP: Duration = Duration::from_millis(500);

/// One who takes part.
pub struct Contestant<'a> {
    /// What the table names it.
    pub name: String,
    /// Whom it is compared with, if with anybody.
    pub base: Option<String>,
    /// Where it answers.
    pub address: SocketAddr,
    /// The process that answers, with its children.
    pub process: u32,
    /// Keeps it busy.
    pub turn: Turn<'a>,
}

/// Keeps somebody at an address busy for a while; calls the last when it begins to count.
pub type Turn<'a> = Box<dyn FnMut(SocketAddr, Period, &StopRequest, &mut dyn FnMut()) -> Result<Samples, Failure> + 'a>;

/// One turn.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq)]
pub struct Measured {
    /// Requests answered in a second.
    pub per_second: f64,
    /// How long half of them took at the most, in milliseconds.
    pub p50_ms: f64,
    /// How long 99 of 100 took at the most, in milliseconds.
    pub p99_ms: f64,
    /// The answering side's processor time for a request, in microseconds.
    pub processor_us: f64,
}

/// One turn of one of them, as it is written down.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub struct Entry {
    /// Which contest it is.
    pub contest: String,
    /// From 1.
    pub round: u32,
    /// Who.
    pub name: String,
    /// Compared with whom.
    pub base: Option<String>,
    /// What came out.
    #[serde(flatten)]
    pub measured: Measured,
}

/// A turn of clients that ask again as soon as they are answered.
pub fn closed_loop<'a, A: Asker + 'a>(mut askers: Vec<A>) -> Turn<'a> {
    Box::new(move |address, period, stop, begun| {
        load::drive(address, &mut askers, period, stop, || {
            begun();
            Ok(())
        })
    })
}

/// Lets all of them take turns, each time another one first, and prints a table.
pub fn hold(
    contest: &str,
    contestants: &mut [Contestant],
    rounds: u32,
    measured: Duration,
    output: &mut Output,
    stop: &StopRequest,
) -> Result<Vec<Entry>, Failure> {
    let period = Period { warm_up: WARM_UP, measured };
    let mut entries = Vec::new();
    for round in 1..=rounds {
        let all = contestants.len();
        for turn in 0..all {
            let contestant = &mut contestants[(turn + round as usize) % all];
            let entry = Entry {
                contest: contest.to_owned(),
                round,
                name: contestant.name.clone(),
                base: contestant.base.clone(),
                measured: take_turn(contestant, period, stop)?,
            };
            output.entry(&entry)?;
            entries.push(entry);
        }
        say::line(format!("round {round} of {rounds} is over"));
    }
    say::line(format!("\n{}", table::of(&entries)));
    Ok(entries)
}

/// One turn, which fails where anything is answered otherwise than it ought to be.
pub fn take_turn(contestant: &mut Contestant, period: Period, stop: &StopRequest) -> Result<Measured, Failure> {
    let process = contestant.process;
    let mut before = Duration::ZERO;
    let samples =
        (contestant.turn)(contestant.address, period, stop, &mut || before = processor_time::of_tree(process))?;
    let taken = processor_time::of_tree(process).saturating_sub(before);
    Measured::of(&contestant.name, &samples, taken, period.measured)
}

impl Measured {
    /// From what `name` has answered within `measured`, for which it has `taken` processor time.
    pub fn of(name: &str, samples: &Samples, taken: Duration, measured: Duration) -> Result<Self, Failure> {
        let latency = Latency::of(samples)?;
        if latency.failed > 0 || latency.count == 0 {
            let Latency { count, failed, .. } = latency;
            return Err(Failure::Other(format!(
                "{name} has answered {failed} requests otherwise than it ought to, and {count} well."
            )));
        }
        Ok(Self::of_answered(&latency, taken, measured))
    }

    /// The same of those that were answered well, however many were not.
    pub fn of_answered(latency: &Latency, taken: Duration, measured: Duration) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a count of requests is far below 2^52")]
        let count = latency.count as f64;
        Self {
            per_second: count / measured.as_secs_f64(),
            p50_ms: latency.p50,
            p99_ms: latency.p99,
            processor_us: taken.as_secs_f64() * 1e6 / count,
        }
    }
}
