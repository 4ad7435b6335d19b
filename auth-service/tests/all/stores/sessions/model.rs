//! Random histories of a session, in every store and in a model: a plain [`Session`] that `decide_refresh`,
//! `decide_visit` and `decide_renewal` decide on.
//!
//! Several clients refresh or visit, some answers get lost, somebody steals tokens, used tokens and secrets come back,
//! the clock jumps, the store loses writes, the user changes. After every step the outcome and the record must be the model's.

use std::time::Duration;

use auth_service::{
    domain::{
        effect::{Effect, EndReason, PendingEffect},
        ids::{SessionId, UserId},
        session::{Decision, Mode, PresentedToken, RevokedReason, Rotation, Session, decide_refresh},
        session_secret::{SecretHash, SessionSecrets, decide_renewal, decide_visit},
    },
    ports::{RefreshOutcome, SessionStore},
};
use common::clock::Timestamp;
use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any},
    prop_assert_eq, prop_oneof,
    sample::Index,
    test_runner::{Config, TestCaseError, TestRunner},
};
use rstest::rstest;
use tokio::runtime::Runtime;

use super::fixture::{
    DAY, MICROSECOND, NOW, RULES, Random, Replicas,
    Store::{self, Cluster, Postgres, Redis, Sqlite},
    child_of, first_token, new_known_session, new_secret, new_session,
};

const HISTORIES: u32 = 48;
const STEPS: usize = 40;
const CLIENTS: usize = 3;

#[derive(Debug, Clone)]
enum Step {
    /// A client presents the token that it holds.
    Refresh {
        client: usize,
        answer_arrives: bool,
    },
    /// A client gets hold of what another holds.
    Copy {
        from: usize,
        to: usize,
    },
    /// Any token that was ever given out is presented.
    PresentAny(Index),
    /// A secret is presented.
    Visit(Secret),
    /// A new secret is asked for.
    Renew(Secret),
    Wait(Duration),
    /// The clock is set back.
    SetClockBack(Duration),
    /// The store is as it was after an earlier step.
    LoseWrites(Index),
    Reauthenticate,
    SetRoles,
    /// All other sessions of the user end.
    EndOthers,
    EndAll,
    LogOut,
}

#[derive(Debug, Clone)]
enum Secret {
    Current,
    /// The current one, where there is no previous one.
    Previous,
    /// Any that was ever given out.
    Any(Index),
    Unknown,
}

/// Most present what a session of this mode is known by.
fn step(mode: Mode) -> impl Strategy<Value = Step> {
    let (tokens, secrets) = if mode == Mode::Session { (1, 16) } else { (16, 1) };
    let refresh = (0..CLIENTS, any::<bool>());
    prop_oneof![
        tokens => refresh.prop_map(|(client, answer_arrives)| Step::Refresh { client, answer_arrives }),
        secrets => secret().prop_map(Step::Visit),
        secrets.div_ceil(2) => secret().prop_map(Step::Renew),
        2 => (0..CLIENTS, 0..CLIENTS).prop_map(|(from, to)| Step::Copy { from, to }),
        2 => any::<Index>().prop_map(Step::PresentAny),
        12 => pause().prop_map(Step::Wait),
        1 => pause().prop_map(Step::SetClockBack),
        3 => any::<Index>().prop_map(Step::LoseWrites),
        2 => Just(Step::Reauthenticate),
        2 => Just(Step::SetRoles),
        1 => Just(Step::EndOthers),
        1 => prop_oneof![Just(Step::EndAll), Just(Step::LogOut)],
    ]
}

fn secret() -> impl Strategy<Value = Secret> {
    prop_oneof![
        8 => Just(Secret::Current),
        4 => Just(Secret::Previous),
        2 => any::<Index>().prop_map(Secret::Any),
        1 => Just(Secret::Unknown),
    ]
}

/// Many are near `hold`, and near the time after which a visit is noted again; few near the expiries.
fn pause() -> impl Strategy<Value = Duration> {
    prop_oneof![
        6 => (0_u64..3_000_000).prop_map(Duration::from_micros),
        12 => (59_000_000_u64..63_000_000).prop_map(Duration::from_micros),
        2 => (1_u32..12).prop_map(|days| days * DAY),
        1 => Just(RULES.idle_ttl.checked_sub(MICROSECOND).unwrap()),
        1 => Just(RULES.idle_ttl),
    ]
}

/// The session as it must be, and the world around it.
struct Model {
    now: Timestamp,
    session: Session,
    newest_epoch: i64,
    /// What there was after each step.
    past: Vec<Session>,
    tokens: Vec<PresentedToken>,
    held: [PresentedToken; CLIENTS],
    secrets: Vec<SecretHash>,
}

impl Model {
    fn new(mode: Mode) -> Self {
        let (known, secret) = new_known_session();
        let session = if mode == Mode::Session { known } else { Session { mode, ..new_session() } };
        let token = first_token(&session);
        Self {
            now: NOW,
            session,
            newest_epoch: 0,
            past: Vec::new(),
            tokens: vec![token],
            held: [token; CLIENTS],
            secrets: vec![secret],
        }
    }

    fn refresh(&mut self, presented: &PresentedToken) -> RefreshOutcome {
        match decide_refresh(self.session.refresh_state(self.now), presented, self.now, RULES.hold) {
            Decision::Refuse(refusal) => RefreshOutcome::Refused(refusal),
            Decision::Reuse => {
                let as_it_was = Box::new(self.session.clone());
                self.session.revoked = Some(RevokedReason::Reuse);
                RefreshOutcome::Reuse(as_it_was)
            }
            Decision::Grant { current, rotation, rolled_back } => {
                self.session.current = current;
                self.session.last_seen = self.now;
                self.session.idle_expiry = self.now + RULES.idle_ttl;
                RefreshOutcome::Granted { session: Box::new(self.session.clone()), rotation, rolled_back }
            }
        }
    }

    /// The refresh token that comes with a granted refresh.
    fn issued(&mut self, presented: PresentedToken, outcome: &RefreshOutcome) -> Option<PresentedToken> {
        let RefreshOutcome::Granted { session, rotation, .. } = outcome else { return None };
        match rotation {
            Rotation::Same => Some(presented),
            Rotation::Child => {
                let child = child_of(session.current, self.now);
                self.tokens.push(child);
                Some(child)
            }
        }
    }

    fn secret(&self, which: &Secret) -> SecretHash {
        match (which, self.session.secrets) {
            (Secret::Current, Some(SessionSecrets { current, .. })) => current,
            (Secret::Previous, Some(SessionSecrets { current, previous })) => previous.unwrap_or(current),
            (Secret::Any(index), _) => *index.get(&self.secrets),
            _ => new_secret(),
        }
    }

    fn visit(&mut self, secret: &SecretHash) -> Option<Session> {
        let visited = decide_visit(&self.session, secret, self.now, RULES.idle_ttl)?;
        self.session = visited.clone();
        Some(visited)
    }

    fn renew(&mut self, presented: &SecretHash, new: SecretHash) -> bool {
        let renewed = decide_renewal(&self.session, presented, &new, self.now);
        self.secrets.push(new);
        renewed.map(|renewed| self.session = renewed).is_some()
    }

    fn is_alive(&self) -> bool {
        self.session.is_alive(self.now)
    }

    fn revoke(&mut self, reason: RevokedReason) -> bool {
        let alive = self.is_alive();
        if alive {
            self.session.revoked = Some(reason);
        }
        alive
    }

    fn reauthenticate(&mut self) -> bool {
        let alive = self.is_alive();
        if alive {
            self.session.authenticated_at = self.now;
        }
        alive
    }

    /// An effect of a new change to the user, and what it does to the session.
    fn effect(&mut self, effect: Effect) -> PendingEffect {
        self.newest_epoch += 1;
        let epoch = self.newest_epoch;
        if self.is_alive() {
            match &effect {
                Effect::EndSessions { except, .. } if *except == Some(self.session.id) => self.session.epoch = epoch,
                Effect::EndSessions { reason, .. } => self.session.revoked = Some((*reason).into()),
                Effect::SetRoles { roles } => {
                    self.session.roles.clone_from(roles);
                    self.session.epoch = epoch;
                }
            }
        }
        PendingEffect { id: epoch, user: self.session.user, epoch, effect }
    }

    /// A store that has lost writes, as far as its own interface lets one make one: the session as it was, under new
    /// names. Tokens say nothing of those.
    fn lose_writes(&mut self, since: Index) {
        let as_it_was = since.get(&self.past).clone();
        let (user, id) = (UserId::new(NOW, &Random), SessionId::new(NOW, &Random));
        self.session = Session { id, user, ..as_it_was };
    }
}

async fn present(
    store: &dyn SessionStore,
    model: &mut Model,
    token: PresentedToken,
) -> Result<Option<PresentedToken>, TestCaseError> {
    let (user, id) = (model.session.user, model.session.id);
    let outcome = store.refresh(user, id, &token, model.now, RULES).await.unwrap();
    prop_assert_eq!(&outcome, &model.refresh(&token));
    Ok(model.issued(token, &outcome))
}

async fn apply(store: &dyn SessionStore, model: &mut Model, effect: Effect) {
    let effect = model.effect(effect);
    // Twice: as after a crash in between.
    store.apply(&effect, model.now).await.unwrap();
    store.apply(&effect, model.now).await.unwrap();
}

async fn take(store: &dyn SessionStore, model: &mut Model, step: Step) -> Result<(), TestCaseError> {
    let Session { user, id, .. } = model.session;
    match step {
        Step::Refresh { client, answer_arrives } => {
            let issued = present(store, model, model.held[client]).await?;
            if let Some(token) = issued.filter(|_| answer_arrives) {
                model.held[client] = token;
            }
        }
        Step::Copy { from, to } => model.held[to] = model.held[from],
        Step::PresentAny(token) => {
            present(store, model, *token.get(&model.tokens)).await?;
        }
        Step::Visit(which) => {
            let secret = model.secret(&which);
            let visited = store.visit(user, id, &secret, model.now, RULES.idle_ttl).await;
            prop_assert_eq!(visited, Ok(model.visit(&secret)));
        }
        Step::Renew(which) => {
            let (presented, new) = (model.secret(&which), new_secret());
            let renewed = store.renew_secret(user, id, &presented, &new, model.now).await;
            prop_assert_eq!(renewed, Ok(model.renew(&presented, new)));
        }
        Step::Wait(pause) => model.now = model.now + pause,
        Step::SetClockBack(pause) => model.now = model.now - pause,
        Step::LoseWrites(since) => {
            model.lose_writes(since);
            store.create(&model.session, model.now).await.unwrap();
        }
        Step::Reauthenticate => {
            prop_assert_eq!(store.reauthenticated(user, id, model.now).await, Ok(model.reauthenticate()));
        }
        Step::SetRoles => {
            let roles = vec![format!("role-{}", model.newest_epoch)];
            apply(store, model, Effect::SetRoles { roles }).await;
        }
        Step::EndOthers => {
            let effect = Effect::EndSessions { reason: EndReason::PasswordChange, except: Some(id) };
            apply(store, model, effect).await;
        }
        Step::EndAll => {
            let effect = Effect::EndSessions { reason: EndReason::LogoutAll, except: None };
            apply(store, model, effect).await;
        }
        Step::LogOut => {
            let ended = store.revoke(user, id, RevokedReason::Logout, model.now).await;
            prop_assert_eq!(ended, Ok(model.revoke(RevokedReason::Logout)));
        }
    }
    Ok(())
}

async fn live_through(replicas: &Replicas, mode: Mode, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut model = Model::new(mode);
    replicas.create(&model.session).await;
    model.past.push(model.session.clone());
    for (number, step) in steps.into_iter().enumerate() {
        take(&*replicas.stores[number % 2], &mut model, step).await?;
        let expected = model.is_alive().then(|| model.session.clone());
        let listed = replicas.store().list(model.session.user, model.now).await.unwrap();
        prop_assert_eq!(listed, Vec::from_iter(expected.clone()));
        prop_assert_eq!(replicas.find(&model.session, model.now).await, expected);
        model.past.push(model.session.clone());
    }
    Ok(())
}

#[rstest]
fn every_store_does_what_the_decision_says(
    #[values(Mode::Bearer, Mode::Session)] mode: Mode,
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let runtime = Runtime::new().unwrap();
    let replicas = runtime.block_on(async { Replicas::of(store) });
    let config = Config { cases: HISTORIES, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&vec(step(mode), 1..=STEPS), |steps| runtime.block_on(live_through(&replicas, mode, steps)))
        .unwrap();
}
