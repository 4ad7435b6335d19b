//! Keeping the keys: several replicas at once, a store that fails, master keys that change or are wrong, rows that were
//! tampered with.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use auth_service::{
    crypto::master_key::{MasterKey, MasterKeys},
    domain::{
        audit::AuditEvent,
        signing_key::{KeyAlgorithm, KeyRules, Phase, SigningKey},
    },
    ports::{Clock, KeyChange, KeyRing, KeyStore, StoreError, SystemRng},
    service::signing_keys::{KeyKeeper, KeyPolicy, KeysError},
    storage::sql::SqlKeys,
};
use common::{clock::Timestamp, testing::ManualClock};
use rstest::rstest;

use crate::support::database::{
    Kind::{self, Postgres, Sqlite},
    TestDatabase,
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const HOUR: Duration = Duration::from_hours(1);

struct Fixture {
    store: Arc<dyn KeyStore>,
    clock: Arc<ManualClock>,
    algorithm: Option<KeyAlgorithm>,
}

impl Fixture {
    fn on(store: impl KeyStore + 'static) -> Self {
        let clock = Arc::new(ManualClock::at(NOW));
        Self { store: Arc::new(store), clock, algorithm: Some(KeyAlgorithm::EdDsa) }
    }

    /// A replica with these master keys, the current one first.
    fn keeper(&self, masters: &[&str]) -> KeyKeeper {
        let [current, others @ ..] = masters else { panic!("a master key") };
        let others: Vec<MasterKey> = others.iter().map(|text| text.parse().unwrap()).collect();
        let masters = Arc::new(MasterKeys::new(current.parse().unwrap(), others));
        let rules = KeyRules::new(HOUR, Duration::from_mins(5), Duration::from_mins(15), Duration::from_secs(5));
        let policy = KeyPolicy { algorithm: self.algorithm, first_at_once: true, rules };
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as Arc<dyn Clock>;
        KeyKeeper::new(Arc::clone(&self.store), masters, policy, clock, Arc::new(SystemRng))
    }

    fn phases(&self, keys: &[SigningKey]) -> Vec<Phase> {
        keys.iter().map(|key| key.phase(self.clock.now())).collect()
    }
}

fn master() -> String {
    MasterKey::new_text(&SystemRng).to_string()
}

#[rstest]
#[tokio::test]
async fn replicas_that_start_and_rotate_at_once_agree(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let fixture = Fixture::on(SqlKeys::new(database.sql()));
    let master = master();
    let replicas: Vec<_> = (0..4).map(|_| Arc::new(fixture.keeper(&[&master]))).collect();
    let all = async |act: fn(Arc<KeyKeeper>) -> tokio::task::JoinHandle<Result<(), KeysError>>| {
        let acts: Vec<_> = replicas.iter().map(|replica| act(Arc::clone(replica))).collect();
        for act in acts {
            match act.await.unwrap() {
                Ok(()) | Err(KeysError::Contended | KeysError::Refused(_) | KeysError::Store(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
    };
    let keep = |replica: Arc<KeyKeeper>| tokio::spawn(async move { replica.keep().await.map(drop) });
    all(|replica| tokio::spawn(async move { replica.align().await.map(drop) })).await;
    all(keep).await;
    let first = replicas[0].list().await.unwrap();
    assert_eq!(fixture.phases(&first), [Phase::Active, Phase::Next]);

    for round in 0..3 {
        fixture.clock.advance(Duration::from_mins(10));
        all(|replica| tokio::spawn(async move { replica.rotate().await.map(drop) })).await;
        fixture.clock.advance(Duration::from_secs(10));
        all(keep).await;
        let mut signing = Vec::new();
        for replica in &replicas {
            let keys = replica.keep().await.unwrap();
            signing.push(keys.signing_at(fixture.clock.now()).unwrap().key.kid.clone());
        }
        signing.dedup();
        assert_eq!(signing.len(), 1, "round {round}");
        assert_ne!(signing[0], first[0].kid);
    }
}

#[rstest]
#[tokio::test]
async fn a_wrong_master_key_is_named_and_makes_no_new_keys(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let fixture = Fixture::on(SqlKeys::new(database.sql()));
    let (right, wrong) = (master(), master());
    fixture.keeper(&[&right]).align().await.unwrap();
    let before = fixture.store.load().await.unwrap();
    let other = fixture.keeper(&[&wrong]);
    fixture.clock.advance(10 * HOUR);
    let errors = [
        other.align().await.unwrap_err(),
        other.keep().await.unwrap_err(),
        other.rotate().await.unwrap_err(),
        other.rewrap().await.unwrap_err(),
    ];
    for error in errors {
        assert!(error.to_string().starts_with("AUTH_MASTER_KEY is not the one"), "{error}");
    }
    assert_eq!(fixture.store.load().await.unwrap(), before);
    // Whoever has lost the master key lets the keys go, one by one.
    let lost = before.keys[0].key.kid.clone();
    let keys = other.retire_at_once(&lost).await.unwrap();
    assert!(keys.iter().all(|key| key.kid != lost));
    other.keep().await.unwrap();
}

#[rstest]
#[tokio::test]
async fn the_master_key_changes_without_losing_a_key(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let fixture = Fixture::on(SqlKeys::new(database.sql()));
    let (old, new) = (master(), master());
    fixture.keeper(&[&old]).align().await.unwrap();
    // Step by step as in docs/operations.md: every replica can open what any other one makes.
    let (ahead, behind) = (fixture.keeper(&[&new, &old]), fixture.keeper(&[&old, &new]));
    ahead.keep().await.unwrap();
    behind.keep().await.unwrap();
    let kids: Vec<_> = ahead.list().await.unwrap().into_iter().map(|key| key.kid).collect();
    assert_eq!(kids.len(), 2);
    assert_eq!(ahead.rewrap().await.unwrap(), 1, "the one that was made under the old one");
    assert_eq!(ahead.rewrap().await.unwrap(), 0);
    let done = fixture.keeper(&[&new]);
    let open = done.keep().await.unwrap();
    assert_eq!(open.iter().map(|open| open.key.kid.clone()).collect::<Vec<_>>(), kids);
    assert!(behind.keep().await.is_ok());
    assert!(fixture.keeper(&[&old]).keep().await.is_err());
}

#[rstest]
#[case("UPDATE signing_keys SET algorithm = 'ES256'")]
#[case("UPDATE signing_keys SET kid = 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' WHERE retires_at IS NULL")]
#[case("UPDATE signing_keys SET private_key = (SELECT max(private_key) FROM signing_keys)")]
#[case("UPDATE signing_keys SET private_key = kid")]
#[tokio::test]
async fn a_row_that_was_tampered_with_is_noticed_and_not_used(#[case] damage: &str) {
    let database = TestDatabase::migrated(Sqlite);
    let fixture = Fixture::on(SqlKeys::new(database.sql()));
    let master = master();
    let running = fixture.keeper(&[&master]);
    running.align().await.unwrap();
    let before = running.keep().await.unwrap();
    database.execute(damage).await;
    let error = fixture.keeper(&[&master]).align().await.unwrap_err();
    assert!(error.to_string().contains("has been tampered with"), "{error}");
    // A replica that runs keeps what it has, and says so as soon as it looks at the rows again.
    assert!(Arc::ptr_eq(&running.keep().await.unwrap(), &before));
    database.execute("UPDATE signing_keys_revision SET revision = revision + 1").await;
    assert!(running.keep().await.is_err());
}

/// A store that fails at the worst moment: after a change has been carried out.
struct Failing {
    inner: SqlKeys,
    failures: AtomicUsize,
}

#[async_trait]
impl KeyStore for Failing {
    async fn load(&self) -> Result<KeyRing, StoreError> {
        self.inner.load().await
    }

    async fn change(&self, revision: i64, changes: &[KeyChange], audit: &[AuditEvent]) -> Result<bool, StoreError> {
        let answer = self.inner.change(revision, changes, audit).await;
        if self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return Err(StoreError::Unavailable("lost in a commit".to_owned()));
        }
        answer
    }
}

#[tokio::test]
async fn a_store_that_dies_in_the_middle_leaves_one_line() {
    let database = TestDatabase::migrated(Sqlite);
    let store = Failing { inner: SqlKeys::new(database.sql()), failures: AtomicUsize::new(2) };
    let fixture = Fixture::on(store);
    let keeper = fixture.keeper(&[&master()]);
    assert!(keeper.align().await.is_err());
    keeper.align().await.unwrap();
    assert!(keeper.keep().await.is_err());
    keeper.keep().await.unwrap();
    assert_eq!(fixture.phases(&keeper.list().await.unwrap()), [Phase::Active, Phase::Next]);
}
