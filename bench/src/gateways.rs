//! What a gateway costs: the same guarded request straight to resource-service, through nginx and through Envoy, in turn, again
//! and again.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::{
    arguments::{Options, Store},
    clients::{Clients, Guarded, Window},
    failure::Failure,
    gateway::Gateway,
    report::{Latency, Output, Spread},
    say,
    stack::{Plan, Stack},
    stop_request::StopRequest,
};

/// Before a phase counts: every connection is open, on both sides of a gateway.
const WARM_UP: Duration = Duration::from_secs(1);
const START: Duration = Duration::from_millis(100);

/// Clients that ask again as soon as they are answered.
const AT_ONCE: usize = 32;

/// The way that a request takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Without a gateway.
    Direct,
    /// Through nginx.
    Nginx,
    /// Through Envoy.
    Envoy,
}

impl Way {
    const ALL: [Self; 3] = [Self::Direct, Self::Nginx, Self::Envoy];

    fn title(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Nginx => "nginx",
            Self::Envoy => "envoy",
        }
    }
}

/// One way in one round.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Numbers {
    /// At a constant rate that everything here can keep up with.
    pub paced: Latency,
    /// Answered in a second when 32 clients ask again at once.
    pub per_second: f64,
    /// What such a client waits for.
    pub crowded: Latency,
}

/// Measures, prints and writes what came out.
pub fn run(options: &Options) -> Result<(), Failure> {
    let stop = StopRequest::watch()?;
    let mut output = Output::open(options.out.as_deref())?;
    say::line("Starting both services, nginx and Envoy");
    let stack = Stack::start(&Plan::shipped(&options.programs, &Store::Sqlite), &stop)?;
    let nginx = Gateway::nginx(options.programs.get("nginx")?, &options.root, &stack, &stop)?;
    let envoy = Gateway::envoy(options.programs.get("envoy")?, &options.root, &stack, &stop)?;
    let (mut clients, _) = Clients::log_in(&stack, &stop)?;
    let url = |way| match way {
        Way::Direct => stack.resource.clone(),
        Way::Nginx => nginx.url.clone(),
        Way::Envoy => envoy.url.clone(),
    };

    let mut rounds: [Vec<Numbers>; 3] = Default::default();
    for number in 1..=options.rounds {
        // Tokens do not live as long as many rounds take.
        let tokens = clients.refreshed(AT_ONCE)?;
        // Each time another one is the first.
        for turn in 0..Way::ALL.len() {
            let place = (turn + number as usize) % Way::ALL.len();
            let way = Way::ALL[place];
            let numbers = measure(&url(way), &tokens, options.phase, &stop)?;
            output.gateway(number, way, &numbers)?;
            say::line(format!(
                "round {number}: {:<7} {:>8.0}/s · p50 {:.2} ms, p99 {:.2} ms at a constant rate",
                way.title(),
                numbers.per_second,
                numbers.paced.p50,
                numbers.paced.p99
            ));
            rounds[place].push(numbers);
        }
    }
    say::line(table(&rounds));
    Ok(())
}

fn measure(url: &str, tokens: &[String], phase: Duration, stop: &StopRequest) -> Result<Numbers, Failure> {
    let mut clients: Vec<_> = tokens.iter().map(|token| Guarded::of(url, token)).collect();
    let begin = Instant::now() + START;
    let measured_from = begin + WARM_UP;
    let window = Window { begin, measured_from, end: measured_from + phase };
    let paced = Latency::of(&Guarded::paced(&mut clients, window, stop))?;
    let measured_from = Instant::now() + WARM_UP;
    let window = Window { begin: Instant::now(), measured_from, end: measured_from + phase };
    let crowded = Latency::of(&Guarded::crowded(&mut clients, window, stop))?;
    if stop.came() {
        return Err(Failure::Interrupted);
    }
    let failed = paced.failed + crowded.failed;
    if failed > 0 {
        return Err(Failure::Other(format!("{url} has not answered {failed} requests with 200.")));
    }
    #[expect(clippy::cast_precision_loss, reason = "a count of requests is far below 2^52")]
    let per_second = crowded.count as f64 / phase.as_secs_f64();
    Ok(Numbers { paced, per_second, crowded })
}

fn table(rounds: &[Vec<Numbers>; 3]) -> String {
    let spread = |of: &dyn Fn(usize, usize) -> f64, place: usize| {
        Spread::of((0..rounds[place].len()).map(|round| of(place, round))).to_string()
    };
    let mut text = format!(
        "\nGET /api/whoami, medians of {} rounds (smallest..largest)\n{:<8}{:>32}{:>26}{:>22}{:>22}{:>22}",
        rounds[0].len(),
        "",
        "requests/s",
        "of those without a gateway",
        "p50 ms",
        "p99 ms",
        "p99 ms, crowded"
    );
    for (place, way) in Way::ALL.into_iter().enumerate() {
        let per_second = |place: usize, round: usize| rounds[place][round].per_second;
        let line = format!(
            "\n{:<8}{:>32}{:>26}{:>22}{:>22}{:>22}",
            way.title(),
            spread(&per_second, place),
            spread(&|place, round| per_second(place, round) / per_second(0, round), place),
            spread(&|place, round| rounds[place][round].paced.p50, place),
            spread(&|place, round| rounds[place][round].paced.p99, place),
            spread(&|place, round| rounds[place][round].crowded.p99, place),
        );
        text.push_str(&line);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(per_second: f64) -> Numbers {
        let latency = Latency { count: 1, failed: 0, p50: 1.0, p99: 2.0, max: 3.0 };
        Numbers { paced: latency, per_second, crowded: latency }
    }

    #[test]
    fn a_gateway_is_compared_with_the_direct_way_of_its_round() {
        let rounds = [[100.0, 200.0], [50.0, 80.0], [20.0, 100.0]].map(|way| way.map(numbers).to_vec());
        let text = table(&rounds);
        for part in ["150.00 (100.00..200.00)", "0.45 (0.40..0.50)", "0.35 (0.20..0.50)", "1.00 (1.00..1.00)"] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }
}
