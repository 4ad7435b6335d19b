//! A browser that holds a session, and whoever else got hold of one of its secrets.

use std::{fmt::Write, time::Duration};

use auth_service::domain::session_secret::{SecretHash, noted_every};
use common::clock::Timestamp;
use proptest::{
    prelude::{Just, Strategy, any},
    prop_oneof,
    sample::Index,
    test_runner::TestCaseError,
};

use super::{
    super::super::fixture::{DAY, NOW, RULES, new_secret},
    keeper::Keeper,
};

/// The idle expiry may be early by as much as a visit goes without being noted.
fn longest_absence() -> Duration {
    RULES.idle_ttl.checked_sub(noted_every(RULES.idle_ttl)).unwrap()
}

#[derive(Debug, Clone)]
pub enum Step {
    /// The browser presents what it holds.
    Visit,
    /// The browser asks for a new secret.
    Renew {
        answer_arrives: bool,
    },
    /// Somebody presents any secret that was ever given out.
    PresentAny(Index),
    /// Somebody asks for a new one with any that was ever given out.
    RenewWithAny(Index),
    Wait(Duration),
    LogOut,
    /// Nobody comes for long.
    Expire,
}

pub fn honest_steps() -> impl Strategy<Value = Step> + Clone {
    let pause = prop_oneof![
        6 => (0_u64..150).prop_map(Duration::from_secs),
        3 => (1_u64..48).prop_map(Duration::from_hours),
        1 => Just(longest_absence()),
    ];
    prop_oneof![
        8 => Just(Step::Visit),
        6 => any::<bool>().prop_map(|answer_arrives| Step::Renew { answer_arrives }),
        4 => pause.prop_map(Step::Wait),
    ]
}

pub fn steps() -> impl Strategy<Value = Step> + Clone {
    prop_oneof![
        3 => honest_steps(),
        1 => any::<Index>().prop_map(Step::PresentAny),
        1 => any::<Index>().prop_map(Step::RenewWithAny),
    ]
}

pub fn steps_to_the_end() -> impl Strategy<Value = Step> + Clone {
    prop_oneof![20 => steps(), 1 => Just(Step::LogOut), 1 => Just(Step::Expire)]
}

pub struct World<K> {
    keeper: K,
    now: Timestamp,
    /// When the browser made its last visit.
    visited: Timestamp,
    /// All secrets that were given out, in order.
    given: Vec<SecretHash>,
    /// Which of them the browser holds.
    held: usize,
    /// None of those before this one is good any more.
    newest_seen: usize,
    /// Whether nobody else has presented anything yet, so that the browser cannot be refused.
    undisturbed: bool,
    over: bool,
    story: String,
}

impl<K: Keeper> World<K> {
    pub fn new(keeper: K) -> Self {
        Self {
            given: vec![keeper.first_secret()],
            keeper,
            now: NOW,
            visited: NOW,
            held: 0,
            newest_seen: 0,
            undisturbed: true,
            over: false,
            story: String::new(),
        }
    }

    pub fn live_through(mut self, steps: Vec<Step>) -> Result<(), TestCaseError> {
        for step in steps {
            match step {
                Step::Visit => self.visit()?,
                Step::Renew { answer_arrives } => {
                    let renewed = self.renew(self.held)?;
                    self.expect(renewed || !self.undisturbed || self.over, "the browser is logged out")?;
                    if renewed && answer_arrives {
                        self.held = self.given.len() - 1;
                    }
                }
                Step::PresentAny(secret) => {
                    self.undisturbed = false;
                    self.present(secret.index(self.given.len()))?;
                }
                Step::RenewWithAny(secret) => {
                    self.undisturbed = false;
                    self.renew(secret.index(self.given.len()))?;
                }
                Step::Wait(pause) => self.wait(pause)?,
                Step::LogOut => {
                    self.tell("the user logs out");
                    self.keeper.log_out(self.now);
                    self.over = true;
                }
                Step::Expire => {
                    self.tell("nobody comes for long");
                    self.now = self.now + RULES.idle_ttl;
                    self.over = true;
                }
            }
        }
        self.visit()
    }

    fn visit(&mut self) -> Result<(), TestCaseError> {
        self.visited = self.now;
        let good = self.present(self.held)?;
        self.expect(good || !self.undisturbed || self.over, "the browser is logged out")
    }

    /// The browser comes by before the session expires, as long as it may live at all.
    fn wait(&mut self, pause: Duration) -> Result<(), TestCaseError> {
        let until = self.now + pause;
        if until >= NOW + 90 * DAY {
            return Ok(());
        }
        if until.since(self.visited) > longest_absence() {
            self.visit()?;
        }
        self.now = until;
        Ok(())
    }

    fn present(&mut self, number: usize) -> Result<bool, TestCaseError> {
        let good = self.keeper.visit(&self.given[number], self.now);
        self.tell(&format!("secret {number} is {}", if good { "good" } else { "refused" }));
        self.has_been_presented(number, good)?;
        Ok(good)
    }

    fn renew(&mut self, number: usize) -> Result<bool, TestCaseError> {
        let new = new_secret();
        let good = self.keeper.renew(&self.given[number], &new, self.now);
        let granted = format!("gets secret {}", self.given.len());
        self.tell(&format!("secret {number} {}", if good { &granted } else { "gets no other" }));
        self.has_been_presented(number, good)?;
        if good {
            self.given.push(new);
        }
        Ok(good)
    }

    fn has_been_presented(&mut self, number: usize, good: bool) -> Result<(), TestCaseError> {
        if !good {
            return Ok(());
        }
        self.expect(!self.over, "the session was over")?;
        self.expect(number >= self.newest_seen, "a newer secret had been seen")?;
        if number + 1 == self.given.len() {
            self.newest_seen = number;
        }
        Ok(())
    }

    fn expect(&mut self, kept: bool, otherwise: &str) -> Result<(), TestCaseError> {
        if kept {
            return Ok(());
        }
        self.tell(otherwise);
        Err(TestCaseError::fail(self.story.clone()))
    }

    fn tell(&mut self, what: &str) {
        writeln!(self.story, "{:>9} s  {what}", self.now.since(NOW).as_secs()).unwrap();
    }
}
