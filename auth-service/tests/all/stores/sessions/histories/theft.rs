//! Somebody who copies the owner's token at any time, and a session that ends. Nothing is lost but answers, and the
//! clock only goes forward.

use std::{collections::BTreeSet, fmt::Write, time::Duration};

use auth_service::domain::session::{CurrentToken, PresentedToken, Refusal, Rotation};
use common::clock::Timestamp;
use proptest::{
    prelude::{Just, Strategy, any},
    prop_oneof,
    sample::Index,
    test_runner::TestCaseError,
};

use super::{
    super::fixture::{DAY, NOW, RULES, SECOND, as_current, child_of},
    keeper::{Keeper, Outcome},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    Owner,
    Thief,
}

#[derive(Debug, Clone)]
pub enum Step {
    Refresh {
        by: Party,
        answer_arrives: bool,
    },
    /// The thief gets what the owner holds.
    Copy,
    Wait(Duration),
    /// Any token that was ever given out is presented.
    PresentAny(Index),
    LogOut,
}

pub fn steps() -> impl Strategy<Value = Step> + Clone {
    let by = prop_oneof![Just(Party::Owner), Just(Party::Thief)];
    let refresh = (by, any::<bool>()).prop_map(|(by, answer_arrives)| Step::Refresh { by, answer_arrives });
    let pause = prop_oneof![2 => 0_u64..5_000, 5 => 58_000_u64..64_000, 1 => 0_u64..86_400_000];
    prop_oneof![8 => refresh, 1 => Just(Step::Copy), 6 => pause.prop_map(Duration::from_millis).prop_map(Step::Wait)]
}

pub fn steps_to_the_end() -> impl Strategy<Value = Step> + Clone {
    let long = prop_oneof![Just(RULES.idle_ttl), (1_u32..20).prop_map(|days| days * DAY)];
    prop_oneof![
        16 => steps(),
        4 => any::<Index>().prop_map(Step::PresentAny),
        2 => long.prop_map(Step::Wait),
        1 => Just(Step::LogOut),
    ]
}

pub struct Theft<K> {
    keeper: K,
    now: Timestamp,
    current: CurrentToken,
    owned: PresentedToken,
    stolen: Option<PresentedToken>,
    /// Who holds a token that a promotion by the other has left behind.
    left_behind: BTreeSet<Party>,
    given: Vec<PresentedToken>,
    idle_expiry: Timestamp,
    over: bool,
    story: String,
}

impl<K: Keeper> Theft<K> {
    pub fn new(keeper: K) -> Self {
        let owned = keeper.first_token();
        Self {
            keeper,
            now: NOW,
            current: as_current(&owned),
            owned,
            stolen: None,
            left_behind: BTreeSet::new(),
            given: vec![owned],
            idle_expiry: NOW + RULES.idle_ttl,
            over: false,
            story: String::new(),
        }
    }

    /// R3: who is left behind ends the session by the next refresh, and nobody else ever does.
    pub fn live_through(mut self, steps: Vec<Step>) -> Result<(), TestCaseError> {
        for step in steps {
            match step {
                Step::Refresh { by, answer_arrives } => self.refresh_by(by, answer_arrives)?,
                Step::Copy => self.copy(),
                Step::Wait(pause) => self.now = self.now + pause,
                Step::PresentAny(_) | Step::LogOut => {}
            }
        }
        if self.stolen.is_none() {
            return Ok(());
        }
        // While both go on, neither can hide: at the latest, each promotes a token of its own.
        for by in [Party::Owner, Party::Thief].repeat(3) {
            self.now = self.now + RULES.hold + SECOND;
            self.refresh_by(by, true)?;
        }
        self.expect(self.over, "owner and thief both go on")
    }

    fn copy(&mut self) {
        self.tell("the thief copies");
        self.stolen = Some(self.owned);
        if self.left_behind.contains(&Party::Owner) {
            self.left_behind.insert(Party::Thief);
        } else {
            self.left_behind.remove(&Party::Thief);
        }
    }

    fn refresh_by(&mut self, by: Party, answer_arrives: bool) -> Result<(), TestCaseError> {
        let token = match by {
            Party::Owner => self.owned,
            Party::Thief => match self.stolen {
                Some(stolen) => stolen,
                None => return Ok(()),
            },
        };
        let before = self.current;
        let answer = self.present(token);
        let must_end = self.over || self.left_behind.contains(&by);
        match answer {
            Err(refusal) => {
                self.over = true;
                self.expect(must_end && refusal == Refusal::TokenReused, "this end has no reason")
            }
            Ok(received) => {
                self.expect(!must_end, "the session should have ended")?;
                if self.current != before {
                    self.promoted(by, token);
                }
                if answer_arrives {
                    match by {
                        Party::Owner => self.owned = received,
                        Party::Thief => self.stolen = Some(received),
                    }
                }
                Ok(())
            }
        }
    }

    fn promoted(&mut self, by: Party, token: PresentedToken) {
        let other = match by {
            Party::Owner => self.stolen.map(|stolen| (Party::Thief, stolen)),
            Party::Thief => Some((Party::Owner, self.owned)),
        };
        self.left_behind = other.filter(|(_, held)| held.id != token.id).map(|(party, _)| party).into_iter().collect();
    }

    /// R7: whatever ended it, nothing makes it live again.
    pub fn stays_over(mut self, steps: Vec<Step>) -> Result<(), TestCaseError> {
        for step in steps {
            let token = match step {
                Step::Refresh { by: Party::Owner, .. } => self.owned,
                Step::Refresh { by: Party::Thief, .. } => self.stolen.unwrap_or(self.owned),
                Step::PresentAny(which) => *which.get(&self.given),
                Step::Copy => {
                    self.copy();
                    continue;
                }
                Step::Wait(pause) => {
                    self.now = self.now + pause;
                    continue;
                }
                Step::LogOut => {
                    self.tell("logout");
                    self.keeper.log_out(self.now);
                    self.over = true;
                    continue;
                }
            };
            self.over |= self.now >= self.idle_expiry.min(NOW + 90 * DAY);
            match self.present(token) {
                Ok(received) => {
                    self.expect(!self.over, "a session that was over lives again")?;
                    self.owned = received;
                }
                Err(_) => self.over = true,
            }
        }
        Ok(())
    }

    fn present(&mut self, token: PresentedToken) -> Result<PresentedToken, Refusal> {
        match self.keeper.refresh(&token, self.now) {
            Outcome::Granted { current, rotation } => {
                self.tell(&format!("generation {} gets {rotation:?} of {}", token.generation, current.generation));
                self.current = current;
                self.idle_expiry = self.now + RULES.idle_ttl;
                Ok(match rotation {
                    Rotation::Same => token,
                    Rotation::Child => {
                        let child = child_of(current, self.now);
                        self.given.push(child);
                        child
                    }
                })
            }
            Outcome::Refused(refusal) => {
                self.tell(&format!("generation {}: {refusal:?}", token.generation));
                Err(refusal)
            }
        }
    }

    fn expect(&self, holds: bool, otherwise: &str) -> Result<(), TestCaseError> {
        if holds { Ok(()) } else { Err(TestCaseError::fail(format!("{otherwise}\n{}", self.story))) }
    }

    fn tell(&mut self, what: &str) {
        let since = (self.now.micros() - NOW.micros()) / 1_000;
        writeln!(self.story, "{since:>9} ms  {what}").unwrap();
    }
}
