//! `decide_visit` and `decide_renewal` with one rule broken.

use auth_service::domain::{
    session::Session,
    session_secret::{SecretHash, SessionSecrets, decide_renewal, decide_visit},
};

use super::keeper::Rules;

#[derive(Debug, Clone, Copy)]
pub enum Rule {
    PreviousIsGood,
    PreviousIsGoodAgain,
    PreviousMayAsk,
    WhatAskedIsPrevious,
    VisitsPutTheEndOff,
    SeenForgets,
    AskingIsSeeing,
    RevokedIsOver,
    ExpiredIsOver,
}

impl Rule {
    pub fn broken(self) -> Rules {
        match self {
            Self::PreviousIsGood => Rules {
                visit: |session, presented, now, idle_ttl| {
                    decide_visit(session, presented, now, idle_ttl).filter(|_| is_current(session, presented))
                },
                ..Rules::WHOLE
            },
            Self::PreviousIsGoodAgain => Rules {
                visit: |session, presented, now, idle_ttl| {
                    decide_visit(session, presented, now, idle_ttl).map(|visited| with_previous(visited, None))
                },
                ..Rules::WHOLE
            },
            Self::PreviousMayAsk => Rules {
                renewal: |session, presented, new, now| {
                    decide_renewal(session, presented, new, now).filter(|_| is_current(session, presented))
                },
                ..Rules::WHOLE
            },
            Self::WhatAskedIsPrevious => Rules {
                renewal: |session, presented, new, now| {
                    let current = secrets(session).current;
                    Some(with_previous(decide_renewal(session, presented, new, now)?, Some(current)))
                },
                ..Rules::WHOLE
            },
            Self::VisitsPutTheEndOff => Rules {
                visit: |session, presented, now, idle_ttl| {
                    let visited = decide_visit(session, presented, now, idle_ttl)?;
                    Some(Session { idle_expiry: session.idle_expiry, ..visited })
                },
                ..Rules::WHOLE
            },
            Self::SeenForgets => Rules {
                visit: |session, presented, now, idle_ttl| {
                    let previous = secrets(session).previous;
                    Some(with_previous(decide_visit(session, presented, now, idle_ttl)?, previous))
                },
                ..Rules::WHOLE
            },
            Self::AskingIsSeeing => Rules {
                renewal: |session, presented, new, now| {
                    let previous = secrets(session).previous.unwrap_or(*presented);
                    Some(with_previous(decide_renewal(session, presented, new, now)?, Some(previous)))
                },
                ..Rules::WHOLE
            },
            Self::RevokedIsOver => Rules {
                visit: |session, presented, now, idle_ttl| {
                    decide_visit(&Session { revoked: None, ..session.clone() }, presented, now, idle_ttl)
                },
                ..Rules::WHOLE
            },
            Self::ExpiredIsOver => Rules {
                renewal: |session, presented, new, now| {
                    let idle_expiry = session.absolute_expiry;
                    decide_renewal(&Session { idle_expiry, ..session.clone() }, presented, new, now)
                },
                ..Rules::WHOLE
            },
        }
    }
}

fn secrets(session: &Session) -> SessionSecrets {
    session.secrets.unwrap()
}

fn is_current(session: &Session, presented: &SecretHash) -> bool {
    secrets(session).current == *presented
}

fn with_previous(session: Session, previous: Option<SecretHash>) -> Session {
    let current = secrets(&session).current;
    Session { secrets: Some(SessionSecrets { current, previous }), ..session }
}
