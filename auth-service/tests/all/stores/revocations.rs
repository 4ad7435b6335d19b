//! The revocation log: what ends a session is in it, in an order that a reader can follow, and nothing is lost.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use auth_service::{
    domain::{
        effect::{Effect, EndReason, PendingEffect},
        ids::UserId,
        revocation::{Cursor, Revocation, Revoked},
        session::{MOST_SESSIONS, RevokedReason, Session},
    },
    ports::{LogPage, RevocationLog, SessionStore},
};
use rstest::rstest;

use super::sessions::fixture::{
    NOW, RULES, SECOND,
    Store::{self, Postgres, Redis, Sqlite},
    as_current, child_of, first_token, new_user, session_of,
};
use crate::support::{
    database::{Kind, TestDatabase},
    redis::shared_sessions,
};

const KEPT: Duration = Duration::from_secs(3665);

struct Stores {
    sessions: Arc<dyn SessionStore>,
    log: Arc<dyn RevocationLog>,
    database: Option<TestDatabase>,
}

impl Stores {
    fn of(store: Store) -> Self {
        let kind = match store {
            Sqlite => Kind::Sqlite,
            Postgres => Kind::Postgres,
            _ => {
                let sessions = shared_sessions().keeping_revocations_for(KEPT);
                let log = Arc::new(sessions.log());
                return Self { sessions: Arc::new(sessions), log, database: None };
            }
        };
        let database = TestDatabase::migrated(kind);
        let sessions = database.sessions().keeping_revocations_for(KEPT);
        let log = Arc::new(sessions.log());
        Self { sessions: Arc::new(sessions), log, database: Some(database) }
    }

    async fn session(&self, user: UserId) -> Session {
        let session = session_of(user);
        self.sessions.create(&session, NOW).await.unwrap();
        session
    }

    /// Everything after the cursor, by pages of three.
    async fn follow(&self, mut after: Option<Cursor>) -> (Vec<Revocation>, Cursor) {
        let mut all = Vec::new();
        loop {
            let LogPage::Entries { cursor, entries } = self.log.read(after.as_ref(), 3).await.unwrap() else {
                panic!("the place is not known: {after:?}");
            };
            let done = entries.is_empty();
            all.extend(entries.into_iter().map(|entry| entry.revocation));
            if done {
                return (all, cursor);
            }
            after = Some(cursor);
        }
    }

    async fn end(&self) -> Cursor {
        self.follow(None).await.1
    }

    /// Which of the sessions the log names after the cursor, in its order.
    async fn named(&self, after: Cursor, sessions: &[&Session]) -> Vec<usize> {
        let (entries, _) = self.follow(Some(after)).await;
        entries
            .iter()
            .filter_map(|entry| sessions.iter().position(|session| entry.revoked == Revoked::Session(session.id)))
            .collect()
    }
}

#[rstest]
#[tokio::test]
async fn whatever_ends_a_session_is_said_once(#[values(Sqlite, Postgres, Redis)] store: Store) {
    let stores = Stores::of(store);
    let (user, start) = (new_user(), stores.end().await);
    let (one, two, three) = (stores.session(user).await, stores.session(user).await, stores.session(user).await);
    for expected in [true, false] {
        let ended = stores.sessions.revoke(user, one.id, RevokedReason::Logout, NOW).await;
        assert_eq!(ended, Ok(expected));
    }
    assert_eq!(stores.named(start.clone(), &[&one, &two, &three]).await, [0]);

    let effect = Effect::EndSessions { reason: EndReason::PasswordChange, except: Some(three.id) };
    let pending = PendingEffect { id: 1, user, epoch: 1, effect };
    for _ in 0..2 {
        stores.sessions.apply(&pending, NOW).await.unwrap();
    }
    assert_eq!(stores.named(start, &[&one, &two, &three]).await, [0, 1], "the third was kept");
}

#[rstest]
#[tokio::test]
async fn a_session_that_ends_for_a_newer_one_is_said(#[values(Sqlite, Postgres, Redis)] store: Store) {
    let stores = Stores::of(store);
    let (user, start) = (new_user(), stores.end().await);
    let oldest = Session { created_at: NOW - SECOND, ..session_of(user) };
    stores.sessions.create(&oldest, NOW).await.unwrap();
    for _ in 1..MOST_SESSIONS {
        stores.session(user).await;
    }
    assert!(stores.named(start.clone(), &[&oldest]).await.is_empty());
    stores.session(user).await;
    assert_eq!(stores.named(start, &[&oldest]).await, [0]);
}

#[rstest]
#[tokio::test]
async fn a_theft_is_said(#[values(Sqlite, Postgres, Redis)] store: Store) {
    let stores = Stores::of(store);
    let start = stores.end().await;
    let session = stores.session(new_user()).await;
    let first = first_token(&session);
    let child = child_of(as_current(&first), NOW);
    let refresh = async |token, after| {
        stores.sessions.refresh(session.user, session.id, token, NOW + after, RULES).await.unwrap()
    };
    refresh(&first, Duration::ZERO).await;
    refresh(&child, 100 * SECOND).await;
    assert!(stores.named(start.clone(), &[&session]).await.is_empty());
    for _ in 0..2 {
        refresh(&first, 200 * SECOND).await;
    }
    assert_eq!(stores.named(start, &[&session]).await, [0]);
}

#[rstest]
#[tokio::test]
async fn an_entry_stays_as_long_as_a_token_could(#[values(Sqlite, Postgres, Redis)] store: Store) {
    let stores = Stores::of(store);
    let start = stores.end().await;
    let token = new_user().to_string();
    let revoked = vec![Revoked::Token(token.clone()), Revoked::Client("revoked-reports".parse().unwrap())];
    stores.log.append(revoked, None, NOW).await.unwrap();
    let (entries, _) = stores.follow(Some(start)).await;
    let own = entries.into_iter().find(|entry| entry.revoked == Revoked::Token(token.clone())).unwrap();
    assert_eq!((own.before, own.until), (None, NOW + KEPT));
}

#[rstest]
#[tokio::test]
async fn a_place_that_the_log_does_not_have_is_not_known(#[values(Sqlite, Postgres, Redis)] store: Store) {
    let stores = Stores::of(store);
    stores.log.append(vec![Revoked::Token("x".to_owned())], None, NOW).await.unwrap();
    let end = stores.end().await;
    let other_log = Cursor { epoch: "another".to_owned(), ..end.clone() };
    let elsewhere = |position: &str| Cursor { position: position.to_owned(), ..end.clone() };
    for cursor in [other_log, elsewhere("99999999999999-7"), elsewhere("1-nonsense"), elsewhere("x"), elsewhere("-")] {
        assert_eq!(stores.log.read(Some(&cursor), 3).await, Ok(LogPage::UnknownCursor), "{cursor}");
    }
}

#[rstest]
#[tokio::test]
async fn after_a_restore_a_place_is_not_taken_for_another(#[values(Sqlite, Postgres)] store: Store) {
    let stores = Stores::of(store);
    let add = async |name: &str| stores.log.append(vec![Revoked::Token(name.to_owned())], None, NOW).await.unwrap();
    add("one").await;
    let before = stores.end().await;
    add("two").await;
    let lost = stores.end().await;
    let restore = "DELETE FROM revocations WHERE id > 1; UPDATE revocation_log SET last_id = 1";
    stores.database.as_ref().unwrap().execute(restore).await;
    assert_eq!(stores.log.read(Some(&lost), 3).await, Ok(LogPage::UnknownCursor), "there is no such number");
    add("three").await;
    assert_eq!(stores.log.read(Some(&lost), 3).await, Ok(LogPage::UnknownCursor), "the number is another's now");
    assert_eq!(stores.follow(Some(before)).await.0.len(), 1);
}

/// Sessions are ended by many at once while a reader follows: ids that were committed out of order would be passed over.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_who_follows_misses_nothing(#[values(Sqlite, Postgres, Redis)] store: Store) {
    const WRITERS: usize = 8;
    const EACH: usize = 25;
    let stores = Arc::new(Stores::of(store));
    let start = stores.end().await;
    let mut expected = BTreeSet::new();
    let mut writers = Vec::new();
    for _ in 0..WRITERS {
        let user = new_user();
        let mut sessions = Vec::new();
        for _ in 0..EACH {
            sessions.push(stores.session(user).await.id);
        }
        expected.extend(sessions.iter().copied());
        let stores = Arc::clone(&stores);
        writers.push(tokio::spawn(async move {
            for session in sessions {
                assert_eq!(stores.sessions.revoke(user, session, RevokedReason::Logout, NOW).await, Ok(true));
            }
        }));
    }
    let mut cursor = start;
    let mut seen = BTreeSet::new();
    while seen.len() < expected.len() {
        let finished = writers.iter().all(tokio::task::JoinHandle::is_finished);
        let (entries, next) = stores.follow(Some(cursor)).await;
        cursor = next;
        seen.extend(entries.iter().filter_map(|entry| match entry.revoked {
            Revoked::Session(id) if expected.contains(&id) => Some(id),
            _ => None,
        }));
        assert!(!finished || seen.len() == expected.len(), "{} of {} were seen", seen.len(), expected.len());
    }
    for writer in writers {
        writer.await.unwrap();
    }
}

#[rstest]
#[tokio::test]
async fn what_is_about_no_token_any_more_goes_and_the_end_stays_known(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let database = TestDatabase::migrated(kind);
    let log = database.sessions().keeping_revocations_for(KEPT).log();
    for name in ["one", "two", "three"] {
        log.append(vec![Revoked::Token(name.to_owned())], None, NOW).await.unwrap();
    }
    let LogPage::Entries { cursor: end, entries } = log.read(None, 10).await.unwrap() else { panic!() };
    assert_eq!(entries.len(), 3);
    assert_eq!(log.sweep(NOW + KEPT - SECOND, 10).await, Ok(0));
    assert_eq!(log.sweep(NOW + KEPT, 1).await, Ok(1));
    assert_eq!(log.sweep(NOW + KEPT, 10).await, Ok(1));
    assert_eq!(log.sweep(NOW + KEPT, 10).await, Ok(0));
    assert!(matches!(log.read(Some(&end), 10).await, Ok(LogPage::Entries { .. })));
}
