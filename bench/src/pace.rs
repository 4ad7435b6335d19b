//! When each request of a load is due: at a constant rate, whatever becomes of the requests before.

use std::{
    thread,
    time::{Duration, Instant},
};

/// Who sends how much.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// Of all clients together.
    pub per_second: u32,
    /// They take turns.
    pub clients: u32,
}

impl Rate {
    /// Between two requests of one client.
    fn every(self) -> Duration {
        Duration::from_secs(1) * self.clients / self.per_second
    }

    /// Between two requests of whichever clients.
    fn turn(self) -> Duration {
        Duration::from_secs(1) / self.per_second
    }
}

/// The requests of one client.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    next: Instant,
    every: Duration,
}

impl Pace {
    /// Of the client at `place`, from 0. `shift` is a part of a turn, in percent: loads with the same beginning keep out
    /// of step with it.
    pub fn of(rate: Rate, place: u32, shift: u32, begin: Instant) -> Self {
        Self { next: begin + rate.turn() * place + rate.turn() * shift / 100, every: rate.every() }
    }

    /// Sleeps until the next request is due, unless that is later than `end`, and says when it was due: time is counted
    /// from there, also where the client comes late because the request before took so long.
    pub fn wait(&mut self, end: Instant) -> Option<Instant> {
        let due = self.next;
        if due >= end {
            return None;
        }
        self.next += self.every;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        Some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dues(rate: Rate, shift: u32) -> Vec<u128> {
        // All of it is in the past, so that nothing sleeps.
        let begin = Instant::now().checked_sub(Duration::from_secs(2)).unwrap();
        let end = begin + Duration::from_secs(1);
        let mut dues: Vec<_> = (0..rate.clients)
            .flat_map(|place| {
                let mut pace = Pace::of(rate, place, shift, begin);
                std::iter::from_fn(move || pace.wait(end)).map(|due| (due - begin).as_micros()).collect::<Vec<_>>()
            })
            .collect();
        dues.sort_unstable();
        dues
    }

    #[test]
    fn together_the_clients_keep_the_rate_in_equal_steps() {
        for rate in [Rate { per_second: 50, clients: 100 }, Rate { per_second: 200, clients: 20 }] {
            let dues = dues(rate, 0);
            assert_eq!(dues.len(), rate.per_second as usize);
            let turn = 1_000_000 / u128::from(rate.per_second);
            assert!(dues.windows(2).all(|pair| pair[1] - pair[0] == turn), "{dues:?}");
        }
    }

    #[test]
    fn a_shift_moves_all_of_them_by_a_part_of_a_turn() {
        let rate = Rate { per_second: 50, clients: 10 };
        assert_eq!(dues(rate, 50)[..3], [10_000, 30_000, 50_000]);
    }

    #[test]
    fn a_client_that_is_late_is_told_when_it_ought_to_have_sent() {
        let begin = Instant::now().checked_sub(Duration::from_secs(1)).unwrap();
        let mut pace = Pace::of(Rate { per_second: 10, clients: 1 }, 0, 0, begin);
        let before = Instant::now();
        let end = begin + Duration::from_secs(1);
        assert_eq!(pace.wait(end), Some(begin));
        assert_eq!(pace.wait(end), Some(begin + Duration::from_millis(100)));
        assert!(before.elapsed() < Duration::from_millis(100), "nobody waits for what is past");
    }
}
