//! A store, as two replicas see it, and a session in it.

use std::{sync::Arc, time::Duration};

use auth_service::{
    domain::{
        ids::{SessionId, TokenId, UserId},
        session::{CurrentToken, Mode, PresentedToken, RefreshRules, Session},
        session_secret::{SecretHash, SessionSecrets},
    },
    ports::{Creation, RefreshOutcome, Rng, SessionStore},
};
use common::clock::Timestamp;

use crate::support::{
    database::{Kind, TestDatabase},
    redis::{PrivateCluster, shared_sessions},
};

pub const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
pub const SECOND: Duration = Duration::from_secs(1);
pub const MICROSECOND: Duration = Duration::from_micros(1);
pub const DAY: Duration = Duration::from_hours(24);
pub const RULES: RefreshRules = RefreshRules { hold: Duration::from_mins(1), idle_ttl: Duration::from_hours(24 * 30) };

/// A session is stored, and none has ended for it.
pub const DONE: Creation = Creation::Done { ended: Vec::new() };

/// The chance of tests.
pub struct Random;

impl Rng for Random {
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).unwrap();
    }
}

#[derive(Debug, Clone, Copy)]
pub enum Store {
    Sqlite,
    Postgres,
    Redis,
    Cluster,
}

/// Two replicas with the same sessions.
pub struct Replicas {
    pub stores: [Arc<dyn SessionStore>; 2],
    _home: Home,
}

/// What goes when the test is over.
enum Home {
    Shared,
    Database { _database: TestDatabase },
    Cluster { _cluster: PrivateCluster },
}

impl Replicas {
    /// Within a Tokio runtime.
    pub fn of(store: Store) -> Self {
        match store {
            Store::Sqlite => Self::in_database(Kind::Sqlite),
            Store::Postgres => Self::in_database(Kind::Postgres),
            Store::Redis => {
                Self { stores: [Arc::new(shared_sessions()), Arc::new(shared_sessions())], _home: Home::Shared }
            }
            Store::Cluster => {
                let cluster = PrivateCluster::start();
                let stores: [Arc<dyn SessionStore>; 2] = [Arc::new(cluster.sessions()), Arc::new(cluster.sessions())];
                Self { stores, _home: Home::Cluster { _cluster: cluster } }
            }
        }
    }

    fn in_database(kind: Kind) -> Self {
        let database = TestDatabase::migrated(kind);
        let stores: [Arc<dyn SessionStore>; 2] = [Arc::new(database.sessions()), Arc::new(database.sessions())];
        Self { stores, _home: Home::Database { _database: database } }
    }

    /// With a new session of a new user, of mode `session`.
    pub async fn with_known_session(store: Store) -> (Self, Session, SecretHash) {
        let (replicas, (session, secret)) = (Self::of(store), new_known_session());
        replicas.create(&session).await;
        (replicas, session, secret)
    }

    /// With a new session of a new user.
    pub async fn with_session(store: Store) -> (Self, Session) {
        let (replicas, session) = (Self::of(store), new_session());
        replicas.create(&session).await;
        (replicas, session)
    }

    /// One of them: which one makes no difference.
    pub fn store(&self) -> &dyn SessionStore {
        &*self.stores[0]
    }

    pub async fn create(&self, session: &Session) {
        assert_eq!(self.store().create(session, session.created_at).await, Ok(DONE));
    }

    /// By the other replica than the one that writes.
    pub async fn find(&self, session: &Session, now: Timestamp) -> Option<Session> {
        self.stores[1].find(session.user, session.id, now).await.unwrap()
    }

    /// Presents a secret, to the replica that writes.
    pub async fn visit(&self, session: &Session, secret: &SecretHash, now: Timestamp) -> Option<Session> {
        self.store().visit(session.user, session.id, secret, now, RULES.idle_ttl).await.unwrap()
    }

    pub async fn renew(&self, session: &Session, presented: &SecretHash, new: &SecretHash, now: Timestamp) -> bool {
        self.store().renew_secret(session.user, session.id, presented, new, now).await.unwrap()
    }

    pub async fn refresh(&self, session: &Session, token: &PresentedToken, now: Timestamp) -> RefreshOutcome {
        self.store().refresh(session.user, session.id, token, now, RULES).await.unwrap()
    }
}

pub fn new_user() -> UserId {
    UserId::new(NOW, &Random)
}

pub fn new_session() -> Session {
    session_of(new_user())
}

pub fn session_of(user: UserId) -> Session {
    Session {
        id: SessionId::new(NOW, &Random),
        user,
        epoch: 0,
        current: CurrentToken { id: TokenId::new(&Random), generation: 0 },
        roles: vec!["admin".to_owned(), "on-call".to_owned()],
        client_id: "first-party".to_owned(),
        mode: Mode::Bearer,
        scope: "notes:read notes:write".parse().unwrap(),
        created_at: NOW,
        authenticated_at: NOW,
        absolute_expiry: NOW + 90 * DAY,
        idle_expiry: NOW + 30 * DAY,
        last_seen: NOW,
        device: "Firefox on Linux".to_owned(),
        address: Some("2001:db8::1".parse().unwrap()),
        revoked: None,
        secrets: None,
    }
}

pub fn new_secret() -> SecretHash {
    let mut secret = [0; 32];
    Random.fill(&mut secret);
    SecretHash::of(&secret)
}

/// A session of mode `session`, and the secret that its login gave out.
pub fn known_session_of(user: UserId) -> (Session, SecretHash) {
    let secret = new_secret();
    let secrets = Some(SessionSecrets::first(secret));
    (Session { mode: Mode::Session, secrets, ..session_of(user) }, secret)
}

pub fn new_known_session() -> (Session, SecretHash) {
    known_session_of(new_user())
}

/// The session with these secrets.
pub fn known_by(session: &Session, current: SecretHash, previous: Option<SecretHash>) -> Session {
    Session { secrets: Some(SessionSecrets { current, previous }), ..session.clone() }
}

/// The session after a visit at `now` that was noted.
pub fn noted(session: &Session, now: Timestamp) -> Session {
    Session { last_seen: now, idle_expiry: now + RULES.idle_ttl, ..session.clone() }
}

/// The token that the login gave out.
pub fn first_token(session: &Session) -> PresentedToken {
    PresentedToken {
        id: session.current.id,
        parent: None,
        generation: session.current.generation,
        issued_at: session.created_at.seconds(),
    }
}

/// What a client gets that is given a child of `parent`.
pub fn child_of(parent: CurrentToken, issued_at: Timestamp) -> PresentedToken {
    PresentedToken {
        id: TokenId::new(&Random),
        parent: Some(parent.id),
        generation: parent.generation + 1,
        issued_at: issued_at.seconds(),
    }
}

/// What a token is when it is current.
pub fn as_current(token: &PresentedToken) -> CurrentToken {
    CurrentToken { id: token.id, generation: token.generation }
}
