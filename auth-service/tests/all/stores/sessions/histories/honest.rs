//! Honest holders of a session: one client that retries, or tabs that share a token through storage. Requests and
//! answers are late or lost, two replicas have clocks of their own, the store may lose writes. Nobody may be refused.

use std::{collections::BTreeMap, fmt::Write};

use auth_service::domain::session::{PresentedToken, Rotation};
use common::clock::Timestamp;
use proptest::{
    prelude::{Just, Strategy, any},
    prop_oneof,
    sample::Index,
    test_runner::TestCaseError,
};

use super::{
    super::fixture::{NOW, child_of},
    keeper::{Keeper, Outcome},
};

/// Milliseconds of a clock's error, either way.
const CLOCK_ERROR: i64 = 2_000;

/// Milliseconds within which the gateway and the service have answered, or nobody has.
const ANSWER: u64 = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// One request after the other; an answer to a request that was given up is thrown away.
    OneClient,
    /// Several at once; whoever is answered last writes the storage.
    Tabs,
}

impl Way {
    /// How many milliseconds late a request may be: `hold` but for the error of two clocks. Between tabs a token that
    /// comes back as it is (step 3) may go round once more, so that all of it has to fit into `hold`.
    fn lateness(self) -> u64 {
        match self {
            Self::OneClient => 55_000,
            Self::Tabs => 10_000,
        }
    }
}

#[derive(Debug, Clone)]
pub enum Step {
    Send { replica: usize, late: u64, answer_takes: u64, answer_arrives: bool },
    Wait(u64),
    SetClock { replica: usize, error: i64 },
    LoseWrites(Index),
}

pub fn steps(way: Way, loses_writes: bool) -> impl Strategy<Value = Step> + Clone {
    let late = prop_oneof![4 => 0_u64..500, 1 => 0..=way.lateness(), 1 => Just(way.lateness())];
    let answer = prop_oneof![4 => 0_u64..500, 1 => 0..=ANSWER, 1 => Just(ANSWER)];
    let send = (0_usize..2, late, answer, any::<bool>()).prop_map(|(replica, late, answer_takes, answer_arrives)| {
        Step::Send { replica, late, answer_takes, answer_arrives }
    });
    let pause = prop_oneof![4 => 0_u64..5_000, 4 => 55_000_u64..66_000, 1 => 0_u64..120_000, 1 => Just(3_600_000_u64)];
    prop_oneof![
        12 => send,
        8 => pause.prop_map(Step::Wait),
        1 => (0_usize..2, -CLOCK_ERROR..=CLOCK_ERROR).prop_map(|(replica, error)| Step::SetClock { replica, error }),
        u32::from(loses_writes) * 3 => any::<Index>().prop_map(Step::LoseWrites),
    ]
}

enum Event {
    Arrives { token: PresentedToken, request: u32, replica: usize, answer_takes: u64, answer_arrives: bool },
    Answered { token: PresentedToken, request: u32 },
}

pub struct Honest<K> {
    keeper: K,
    way: Way,
    time: u64,
    clocks: [i64; 2],
    stored: PresentedToken,
    requests: u32,
    events: BTreeMap<(u64, u32), Event>,
    scheduled: u32,
    story: String,
}

impl<K: Keeper> Honest<K> {
    pub fn new(keeper: K, way: Way) -> Self {
        let stored = keeper.first_token();
        Self {
            keeper,
            way,
            time: 0,
            clocks: [0; 2],
            stored,
            requests: 0,
            events: BTreeMap::new(),
            scheduled: 0,
            story: String::new(),
        }
    }

    pub fn live_through(mut self, steps: Vec<Step>) -> Result<(), TestCaseError> {
        for step in steps {
            match step {
                Step::Send { replica, late, answer_takes, answer_arrives } => {
                    self.requests += 1;
                    let (token, request) = (self.stored, self.requests);
                    let arrives = Event::Arrives { token, request, replica, answer_takes, answer_arrives };
                    self.schedule(late, arrives);
                }
                Step::Wait(pause) => self.pass(pause)?,
                Step::SetClock { replica, error } => self.clocks[replica] = error,
                Step::LoseWrites(since) => {
                    self.tell("the store loses writes");
                    self.keeper.lose_writes(since);
                }
            }
        }
        self.pass(120_000)?;
        let (token, request) = (self.stored, self.requests + 1);
        self.arrives(token, request, 0, 0, true)
    }

    fn schedule(&mut self, after: u64, event: Event) {
        self.scheduled += 1;
        self.events.insert((self.time + after, self.scheduled), event);
    }

    fn pass(&mut self, pause: u64) -> Result<(), TestCaseError> {
        let until = self.time + pause;
        while let Some(next) = self.events.first_entry().filter(|next| next.key().0 <= until) {
            let ((time, _), event) = next.remove_entry();
            self.time = time;
            match event {
                Event::Arrives { token, request, replica, answer_takes, answer_arrives } => {
                    self.arrives(token, request, replica, answer_takes, answer_arrives)?;
                }
                Event::Answered { token, request } if self.way == Way::Tabs || request == self.requests => {
                    self.stored = token;
                }
                Event::Answered { .. } => {}
            }
        }
        self.time = until;
        Ok(())
    }

    fn arrives(
        &mut self,
        token: PresentedToken,
        request: u32,
        replica: usize,
        answer_takes: u64,
        answer_arrives: bool,
    ) -> Result<(), TestCaseError> {
        let by_the_clock = i64::try_from(self.time).unwrap() + self.clocks[replica];
        let now = Timestamp::from_micros(NOW.micros() + by_the_clock * 1_000);
        match self.keeper.refresh(&token, now) {
            Outcome::Granted { current, rotation } => {
                let answer = match rotation {
                    Rotation::Same => token,
                    Rotation::Child => child_of(current, now),
                };
                if answer_arrives {
                    self.schedule(answer_takes, Event::Answered { token: answer, request });
                }
                self.tell(&format!(
                    "request {request} presents generation {} to replica {replica} and gets {rotation:?}, current {}{}",
                    token.generation,
                    current.generation,
                    if answer_arrives { "" } else { "; the answer is lost" },
                ));
                Ok(())
            }
            Outcome::Refused(refusal) => {
                self.tell(&format!("request {request} presents generation {}: {refusal:?}", token.generation));
                Err(TestCaseError::fail(self.story.clone()))
            }
        }
    }

    fn tell(&mut self, what: &str) {
        writeln!(self.story, "{:>9} ms  {what}", self.time).unwrap();
    }
}
