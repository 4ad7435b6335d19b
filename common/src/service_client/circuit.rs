//! Whether a peer is asked, or left alone because it keeps failing. Pure: time and chance are arguments.

use std::time::Duration;

use crate::clock::Timestamp;

/// So many failures in a row open the circuit.
pub(super) const FAILURES: u32 = 5;

/// How long a peer is left alone at first; twice as long after each probe that fails. Chance takes up to half of it.
const FIRST_PAUSE: Duration = Duration::from_secs(2);

/// A probe that has not ended after so long is given up, and another one may try.
const PROBE_LIMIT: Duration = Duration::from_secs(10);

/// What callers are told while a probe is under way.
const SOON: Duration = Duration::from_secs(1);

/// The memory of how a peer has answered.
#[derive(Debug)]
pub(super) struct Circuit {
    state: State,
    /// Counts changes of the state: what was sent before one says nothing about the state after it.
    generation: u64,
    failed_probes: u32,
    longest_pause: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Everybody asks.
    Closed { failures: u32 },
    /// Nobody asks.
    Open { since: Timestamp, pause: Duration },
    /// One asks.
    HalfOpen { since: Timestamp },
}

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// Ask, and say how it went.
    Ask(Permit),
    /// Not ask; it may be worth while after this.
    LeaveAlone(Duration),
}

/// Somebody asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Permit {
    generation: u64,
}

/// The state as operators see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Closed = 0,
    HalfOpen = 1,
    Open = 2,
}

impl Circuit {
    /// A closed one, whose pauses grow up to `longest_pause`.
    pub fn new(longest_pause: Duration) -> Self {
        Self { state: State::Closed { failures: 0 }, generation: 0, failed_probes: 0, longest_pause }
    }

    pub fn phase(&self) -> Phase {
        match self.state {
            State::Closed { .. } => Phase::Closed,
            State::Open { .. } => Phase::Open,
            State::HalfOpen { .. } => Phase::HalfOpen,
        }
    }

    /// Whether nothing has gone wrong since the last answer.
    pub fn is_sound(&self) -> bool {
        self.state == State::Closed { failures: 0 }
    }

    pub fn admit(&mut self, now: Timestamp) -> Admission {
        let (since, pause) = match self.state {
            State::Closed { .. } => return Admission::Ask(self.permit()),
            State::Open { since, pause } => (since, pause),
            State::HalfOpen { since } => (since, PROBE_LIMIT),
        };
        // A clock that was put back is no reason to wait.
        if now < since || now.since(since) >= pause {
            self.turn(State::HalfOpen { since: now });
            return Admission::Ask(self.permit());
        }
        let left = pause.saturating_sub(now.since(since));
        Admission::LeaveAlone(if self.phase() == Phase::HalfOpen { SOON } else { left })
    }

    /// The peer has answered.
    pub fn succeeded(&mut self, permit: Permit) {
        if permit != self.permit() {
            return;
        }
        self.failed_probes = 0;
        match self.state {
            State::Closed { .. } => self.state = State::Closed { failures: 0 },
            State::Open { .. } | State::HalfOpen { .. } => self.turn(State::Closed { failures: 0 }),
        }
    }

    /// The peer has not answered, or said that it cannot. `chance` in 0..256 keeps many callers apart.
    pub fn failed(&mut self, permit: Permit, now: Timestamp, chance: u8) {
        if permit != self.permit() {
            return;
        }
        match self.state {
            State::Closed { failures } if failures + 1 < FAILURES => {
                self.state = State::Closed { failures: failures + 1 };
            }
            State::Closed { .. } => self.open(now, chance),
            State::Open { .. } | State::HalfOpen { .. } => {
                self.failed_probes = self.failed_probes.saturating_add(1);
                self.open(now, chance);
            }
        }
    }

    /// Whoever asked did not wait for the answer, so the next one may ask.
    pub fn abandoned(&mut self, permit: Permit, now: Timestamp) {
        if permit == self.permit() && self.phase() == Phase::HalfOpen {
            self.turn(State::Open { since: now, pause: Duration::ZERO });
        }
    }

    fn open(&mut self, now: Timestamp, chance: u8) {
        let longest = FIRST_PAUSE.saturating_mul(1 << self.failed_probes.min(10)).min(self.longest_pause);
        let pause = longest / 2 + longest * u32::from(chance) / 512;
        self.turn(State::Open { since: now, pause });
    }

    fn turn(&mut self, state: State) {
        self.state = state;
        self.generation += 1;
    }

    fn permit(&self) -> Permit {
        Permit { generation: self.generation }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_000);
    const LONGEST: Duration = Duration::from_secs(30);

    fn asked(circuit: &mut Circuit, now: Timestamp) -> Permit {
        match circuit.admit(now) {
            Admission::Ask(permit) => permit,
            Admission::LeaveAlone(_) => panic!("left alone in {circuit:?}"),
        }
    }

    fn left_alone(circuit: &mut Circuit, now: Timestamp) -> Duration {
        match circuit.admit(now) {
            Admission::LeaveAlone(pause) => pause,
            Admission::Ask(_) => panic!("asked in {circuit:?}"),
        }
    }

    fn opened() -> Circuit {
        let mut circuit = Circuit::new(LONGEST);
        for _ in 0..FAILURES {
            let permit = asked(&mut circuit, START);
            circuit.failed(permit, START, 255);
        }
        circuit
    }

    #[test]
    fn failures_in_a_row_open_it_and_an_answer_between_them_does_not() {
        let mut circuit = Circuit::new(LONGEST);
        for _ in 0..10 {
            for _ in 1..FAILURES {
                let permit = asked(&mut circuit, START);
                circuit.failed(permit, START, 0);
            }
            let permit = asked(&mut circuit, START);
            circuit.succeeded(permit);
        }
        assert_eq!(circuit.phase(), Phase::Closed);
        assert_eq!(opened().phase(), Phase::Open);
    }

    #[test]
    fn after_the_pause_one_asks_and_its_answer_decides() {
        let mut circuit = opened();
        assert!(left_alone(&mut circuit, START) > Duration::from_secs(1));
        let later = START + Duration::from_secs(2);
        let probe = asked(&mut circuit, later);
        assert_eq!(left_alone(&mut circuit, later), SOON);
        circuit.succeeded(probe);
        assert_eq!(circuit.phase(), Phase::Closed);
        asked(&mut circuit, later);
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_begin_anew_after_an_answer() {
        let mut circuit = opened();
        let mut now = START;
        for nominal in [2, 4, 8, 16, 30, 30] {
            let pause = left_alone(&mut circuit, now);
            assert!(
                pause <= Duration::from_secs(nominal) && pause > Duration::from_secs(nominal) * 9 / 10,
                "{pause:?}"
            );
            // An instant has whole microseconds.
            now = now + pause + Duration::from_micros(1);
            let probe = asked(&mut circuit, now);
            circuit.failed(probe, now, 255);
        }
        now = now + LONGEST;
        let probe = asked(&mut circuit, now);
        circuit.succeeded(probe);
        for _ in 0..FAILURES {
            let permit = asked(&mut circuit, now);
            circuit.failed(permit, now, 255);
        }
        assert!(left_alone(&mut circuit, now) <= Duration::from_secs(2));
    }

    #[test]
    fn what_was_sent_before_it_opened_says_nothing_after() {
        let mut circuit = Circuit::new(LONGEST);
        let early = asked(&mut circuit, START);
        for _ in 0..FAILURES {
            let permit = asked(&mut circuit, START);
            circuit.failed(permit, START, 0);
        }
        circuit.succeeded(early);
        assert_eq!(circuit.phase(), Phase::Open);
        let probe = asked(&mut circuit, START + Duration::from_secs(1));
        circuit.failed(early, START, 0);
        assert_eq!(circuit.phase(), Phase::HalfOpen);
        circuit.succeeded(probe);
        assert_eq!(circuit.phase(), Phase::Closed);
    }

    #[test]
    fn a_probe_that_nobody_waits_for_makes_room_for_the_next() {
        let mut circuit = opened();
        let later = START + LONGEST;
        let probe = asked(&mut circuit, later);
        circuit.abandoned(probe, later);
        asked(&mut circuit, later);
        asked(&mut circuit, later + PROBE_LIMIT);
        asked(&mut circuit, START);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Ask,
        Succeed(usize),
        Fail(usize, u8),
        Abandon(usize),
        Wait(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => Just(Step::Ask),
            1 => any::<usize>().prop_map(Step::Succeed),
            4 => (any::<usize>(), any::<u8>()).prop_map(|(which, chance)| Step::Fail(which, chance)),
            1 => any::<usize>().prop_map(Step::Abandon),
            2 => (0..40_000_u64).prop_map(Step::Wait),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_048))]

        #[test]
        fn it_never_asks_more_than_one_while_not_closed_and_never_pauses_for_ever(steps in vec(step(), 0..120)) {
            let mut circuit = Circuit::new(LONGEST);
            let (mut now, mut under_way) = (START, Vec::new());
            let mut probe: Option<(Permit, Timestamp)> = None;
            for step in steps {
                match step {
                    Step::Ask => {
                        let was = circuit.phase();
                        match circuit.admit(now) {
                            Admission::Ask(permit) => {
                                if was != Phase::Closed {
                                    let free = probe.is_none_or(|(_, since)| now.since(since) >= PROBE_LIMIT);
                                    prop_assert!(free, "two probes at once");
                                    probe = Some((permit, now));
                                }
                                under_way.push(permit);
                            }
                            Admission::LeaveAlone(pause) => {
                                prop_assert_ne!(was, Phase::Closed);
                                prop_assert!(pause <= LONGEST);
                            }
                        }
                    }
                    Step::Succeed(which) | Step::Fail(which, _) | Step::Abandon(which) if !under_way.is_empty() => {
                        let permit = under_way.swap_remove(which % under_way.len());
                        match step {
                            Step::Succeed(_) => circuit.succeeded(permit),
                            Step::Fail(_, chance) => circuit.failed(permit, now, chance),
                            _ => circuit.abandoned(permit, now),
                        }
                    }
                    Step::Wait(millis) => now = now + Duration::from_millis(millis),
                    _ => {}
                }
                if circuit.phase() != Phase::HalfOpen {
                    probe = None;
                }
            }
            let permit = asked(&mut circuit, now + LONGEST);
            circuit.succeeded(permit);
            prop_assert!(circuit.is_sound());
        }
    }
}
