//! The store of signing keys, on both databases.

use auth_service::{
    domain::signing_key::{KeyAlgorithm, KeyId, Retirement, SigningKey},
    ports::{KeyChange, KeyStore, SealedKey, StoreError, StoredKey},
    storage::sql::SqlKeys,
};
use common::clock::Timestamp;
use rstest::rstest;

use crate::support::database::{
    Kind::{self, Postgres, Sqlite},
    TestDatabase,
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn key(letter: &str, activates_at: i64) -> StoredKey {
    let key = SigningKey {
        kid: KeyId(letter.repeat(43)),
        algorithm: KeyAlgorithm::Es256,
        created_at: NOW,
        activates_at: Timestamp::from_seconds(activates_at),
        retirement: None,
    };
    StoredKey { key, sealed: SealedKey { master: "master".to_owned(), bytes: vec![0, 1, 255] } }
}

#[rstest]
#[tokio::test]
async fn changes_are_carried_out_together_and_read_back(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = SqlKeys::new(database.sql());
    let empty = store.load().await.unwrap();
    assert_eq!((empty.revision, empty.keys.len()), (0, 0));
    let (mut one, two) = (key("b", 10), key("a", 20));
    let inserts = [KeyChange::Insert(two.clone()), KeyChange::Insert(one.clone())];
    assert!(store.change(0, &inserts, &[]).await.unwrap());
    let ring = store.load().await.unwrap();
    assert_eq!((ring.revision, ring.keys), (1, vec![one.clone(), two.clone()]), "in the order in which they sign");

    let retirement = Retirement { at: NOW, verify_until: Timestamp::from_seconds(1_900_000_000) };
    let sealed = SealedKey { master: "another".to_owned(), bytes: vec![7] };
    let changes = [
        KeyChange::Activate(one.key.kid.clone(), Timestamp::from_seconds(5)),
        KeyChange::Retire(one.key.kid.clone(), retirement),
        KeyChange::Reseal(one.key.kid.clone(), sealed.clone()),
        KeyChange::Delete(two.key.kid.clone()),
    ];
    assert!(store.change(1, &changes, &[]).await.unwrap());
    (one.key.activates_at, one.key.retirement, one.sealed) = (Timestamp::from_seconds(5), Some(retirement), sealed);
    assert_eq!(store.load().await.unwrap().keys, [one]);
}

#[rstest]
#[tokio::test]
async fn of_two_replicas_that_decided_on_the_same_keys_one_is_told_so(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let stores: Vec<_> = (0..8).map(|_| SqlKeys::new(database.sql())).collect();
    for revision in 0..5 {
        let attempts: Vec<_> = stores
            .iter()
            .enumerate()
            .map(|(number, store)| {
                let letter = char::from(b'a' + u8::try_from(number).unwrap()).to_string();
                let mut made = key(&letter, revision);
                made.key.kid = KeyId(format!("{}{letter}", revision.to_string().repeat(42)));
                let store = store.clone();
                tokio::spawn(async move { store.change(revision, &[KeyChange::Insert(made)], &[]).await })
            })
            .collect();
        let mut done = 0;
        for attempt in attempts {
            match attempt.await.unwrap() {
                Ok(true) => done += 1,
                // Too many at once for the store's patience: nothing was done.
                Ok(false) | Err(StoreError::Unavailable(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(done, 1);
    }
    assert_eq!(stores[0].load().await.unwrap().keys.len(), 5);
}

#[rstest]
#[tokio::test]
async fn a_change_that_fails_half_way_leaves_nothing(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = SqlKeys::new(database.sql());
    let changes = [KeyChange::Insert(key("a", 10)), KeyChange::Delete(KeyId("b".repeat(43)))];
    assert!(matches!(store.change(0, &changes, &[]).await, Err(StoreError::Inconsistent(_))));
    let ring = store.load().await.unwrap();
    assert_eq!((ring.revision, ring.keys.len()), (0, 0));
}

#[rstest]
#[case("algorithm = 'none'", "algorithm")]
#[case("retires_at = 5, verify_until = 4", "verify_until")]
#[tokio::test]
async fn a_row_that_cannot_be_understood_is_said_so(
    #[values(Sqlite, Postgres)] kind: Kind,
    #[case] damage: &'static str,
    #[case] column: &str,
) {
    let database = TestDatabase::migrated(kind);
    let store = SqlKeys::new(database.sql());
    assert!(store.change(0, &[KeyChange::Insert(key("a", 10))], &[]).await.unwrap());
    database.execute(format!("UPDATE signing_keys SET {damage}")).await;
    let error = store.load().await.unwrap_err();
    assert_eq!(error, StoreError::Inconsistent(format!("signing_keys.{column} of {}", "a".repeat(43))));
}
