//! How many logins this machine could do in a second, if it did nothing else: processors ÷ time of one bcrypt.

use std::{
    num::NonZero,
    thread::{self, available_parallelism},
    time::{Duration, Instant},
};

use serde::Serialize;

/// The services' default.
pub const COST: u32 = 12;

/// Hashes on each thread; the first is not counted.
const HASHES: u32 = 5;

/// What bcrypt costs here.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Capacity {
    /// Processors, and so threads of auth-service's pool.
    pub processors: u32,
    /// The time of one hash while all processors are at it: on processors that share their units it is longer than that of
    /// one alone.
    pub hash_ms: f64,
}

impl Capacity {
    /// Measures it, which takes a second or two.
    pub fn measure() -> Self {
        let processors = available_parallelism().map_or(1, NonZero::get);
        let times: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..processors).map(|_| scope.spawn(time_of_one)).collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
        });
        let all: Duration = times.iter().sum();
        Self {
            processors: u32::try_from(processors).unwrap_or(u32::MAX),
            hash_ms: all.as_secs_f64() * 1_000.0 / f64::from(u32::try_from(times.len().max(1)).unwrap_or(u32::MAX)),
        }
    }

    /// Logins in a second.
    pub fn per_second(self) -> f64 {
        f64::from(self.processors) * 1_000.0 / self.hash_ms
    }
}

fn time_of_one() -> Duration {
    hash();
    let begin = Instant::now();
    for _ in 1..HASHES {
        hash();
    }
    begin.elapsed() / (HASHES - 1)
}

/// One hash, and nothing else.
pub fn hash() {
    std::hint::black_box(bcrypt::bcrypt(COST, [7; 16], b"a password like any other\0"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_processors_that_take_250_ms_do_8_a_second() {
        let capacity = Capacity { processors: 2, hash_ms: 250.0 };
        assert!((capacity.per_second() - 8.0).abs() < 1e-9);
    }
}
