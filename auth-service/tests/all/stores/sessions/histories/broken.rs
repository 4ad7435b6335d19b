//! `decide_refresh` with one rule broken.

use std::time::Duration;

use auth_service::domain::session::{CurrentToken, Decision, PresentedToken, Rotation, SessionState, decide_refresh};
use common::clock::Timestamp;

pub type Decide = fn(SessionState, &PresentedToken, Timestamp, Duration) -> Decision;

#[derive(Debug, Clone, Copy)]
pub enum Rule {
    CurrentIsGoodAgain,
    YoungIsNotPromoted,
    ChildIsGood,
    UsedIsReuse,
    SiblingIsReuse,
    OldIsPromoted,
    LostWritesAreRepaired,
    RevokedIsOver,
    ExpiredIsOver,
}

impl Rule {
    pub fn broken(self) -> Decide {
        match self {
            Self::CurrentIsGoodAgain => |state, token, now, hold| match state {
                SessionState::Alive(current) if token.id == current.id && token.generation > 0 => Decision::Reuse,
                _ => decide_refresh(state, token, now, hold),
            },
            Self::YoungIsNotPromoted => |state, token, now, _| {
                let old = PresentedToken { issued_at: now.seconds() - 1, ..*token };
                decide_refresh(state, &old, now, Duration::ZERO)
            },
            Self::ChildIsGood => |state, token, now, hold| match state {
                SessionState::Alive(current) if token.parent == Some(current.id) => Decision::Reuse,
                _ => decide_refresh(state, token, now, hold),
            },
            Self::UsedIsReuse => |state, token, now, hold| match (state, decide_refresh(state, token, now, hold)) {
                (SessionState::Alive(current), Decision::Reuse) => child_of(current),
                (_, decision) => decision,
            },
            Self::SiblingIsReuse => |state, token, now, hold| match state {
                SessionState::Alive(current) if token.generation == current.generation => child_of(current),
                _ => decide_refresh(state, token, now, hold),
            },
            Self::OldIsPromoted => |state, token, now, _| decide_refresh(state, token, now, Duration::MAX),
            Self::LostWritesAreRepaired => |state, token, now, hold| match state {
                SessionState::Alive(current) if token.generation > current.generation + 1 => Decision::Reuse,
                _ => decide_refresh(state, token, now, hold),
            },
            Self::RevokedIsOver => |state, token, now, hold| match state {
                SessionState::Revoked(_) => child_of(itself(token)),
                _ => decide_refresh(state, token, now, hold),
            },
            Self::ExpiredIsOver => |state, token, now, hold| match state {
                SessionState::Gone => child_of(itself(token)),
                _ => decide_refresh(state, token, now, hold),
            },
        }
    }
}

fn itself(token: &PresentedToken) -> CurrentToken {
    CurrentToken { id: token.id, generation: token.generation }
}

fn child_of(current: CurrentToken) -> Decision {
    Decision::Grant { current, rotation: Rotation::Child, rolled_back: false }
}
