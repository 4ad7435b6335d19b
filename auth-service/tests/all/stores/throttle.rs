//! The contract of the throttle's counters: every store does what the pure functions say.

use std::{sync::Arc, time::Duration};

use auth_service::{
    domain::{
        ids::TokenId,
        throttle::{Counters, Settlement, Verdict, decide, settle},
    },
    ports::{AttemptKeys, StoreError, SystemRng, ThrottleStore},
};
use common::clock::Timestamp;
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use rstest::rstest;
use tokio::task::JoinSet;

use crate::support::{
    database::{Kind, TestDatabase},
    redis::{shared_connection, shared_throttle},
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

#[derive(Debug, Clone, Copy)]
enum Store {
    Sqlite,
    Postgres,
    Redis,
}

/// Two replicas with the same counters.
struct Replicas {
    stores: [Arc<dyn ThrottleStore>; 2],
    database: Option<TestDatabase>,
}

impl Replicas {
    fn of(store: Store) -> Self {
        let kind = match store {
            Store::Sqlite => Kind::Sqlite,
            Store::Postgres => Kind::Postgres,
            Store::Redis => {
                return Self { stores: [Arc::new(shared_throttle()), Arc::new(shared_throttle())], database: None };
            }
        };
        let database = TestDatabase::migrated(kind);
        let stores: [Arc<dyn ThrottleStore>; 2] = [Arc::new(database.throttle()), Arc::new(database.throttle())];
        Self { stores, database: Some(database) }
    }
}

/// 22 characters that no other test has.
fn code() -> String {
    TokenId::new(&SystemRng).to_string()
}

fn attempt() -> AttemptKeys {
    AttemptKeys { pair: code(), account: code(), address: Some(code()), known: code() }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Reserve,
    Succeed,
    Withdraw,
    /// Milliseconds; a clock may also be set back.
    Wait(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let wait = prop_oneof![
        -5_000_i64..5_000,
        Just(-70_000),
        Just(1_000),
        Just(2_000),
        Just(60_000),
        Just(600_000),
        Just(3_600_000),
        Just(31 * 86_400_000)
    ];
    let step = prop_oneof![
        12 => Just(Step::Reserve),
        1 => Just(Step::Succeed),
        1 => Just(Step::Withdraw),
        3 => wait.prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 1..80)
}

/// Of a history on two addresses and one account, every verdict is the model's.
#[rstest]
#[tokio::test]
async fn every_store_decides_like_the_model(
    #[values(Store::Sqlite, Store::Postgres, Store::Redis)] store: Store,
    #[values(true, false)] has_address: bool,
) {
    let replicas = Replicas::of(store);
    let mut runner = TestRunner::new(Config::default());
    for _ in 0..30 {
        let history = (steps(), proptest::collection::vec(any::<bool>(), 80)).new_tree(&mut runner).unwrap().current();
        let (steps, sides) = history;
        let mut keys = [attempt(), attempt()];
        keys[1].account = keys[0].account.clone();
        if !has_address {
            keys[1].pair = keys[0].pair.clone();
            for keys in &mut keys {
                keys.address = None;
            }
        }
        let (mut models, mut now) = ([Counters::default(); 2], NOW);
        for (step, side) in steps.iter().zip(&sides) {
            let one = usize::from(*side);
            let (store, keys) = (&replicas.stores[one], &keys[one]);
            let after = match step {
                Step::Reserve => {
                    let (verdict, after) = decide(models[one], has_address, now);
                    assert_eq!(store.reserve(keys, now).await, Ok(verdict), "{step:?} of {steps:?} at {now:?}");
                    after
                }
                Step::Succeed | Step::Withdraw => {
                    let settlement =
                        if matches!(step, Step::Succeed) { Settlement::Succeeded } else { Settlement::Withdrawn };
                    store.settle(keys, settlement, &[], now).await.unwrap();
                    settle(models[one], settlement, has_address, now)
                }
                Step::Wait(millis) => {
                    now = Timestamp::from_micros(now.micros() + millis * 1_000);
                    continue;
                }
            };
            models[one] = after;
            models[1 - one].account = after.account;
            if !has_address {
                models[1 - one].pair = after.pair;
            }
        }
    }
}

#[rstest]
#[tokio::test]
async fn of_a_hundred_guesses_at_once_only_the_free_ones_pass(
    #[values(Store::Sqlite, Store::Postgres, Store::Redis)] store: Store,
) {
    let replicas = Replicas::of(store);
    let keys = attempt();
    let mut guesses = JoinSet::new();
    for number in 0..100 {
        let (store, keys) = (Arc::clone(&replicas.stores[number % 2]), keys.clone());
        guesses.spawn(async move { store.reserve(&keys, NOW).await });
    }
    let verdicts = guesses.join_all().await;
    let passed = verdicts.iter().filter(|verdict| matches!(verdict, Ok(Verdict::Admitted { .. }))).count();
    assert_eq!(passed, 5, "{verdicts:?}");
}

#[rstest]
#[tokio::test]
async fn a_success_makes_the_address_known_under_the_other_name_too(
    #[values(Store::Sqlite, Store::Postgres, Store::Redis)] store: Store,
) {
    let replicas = Replicas::of(store);
    let (by_name, by_email) = (attempt(), attempt());
    let [store, other] = &replicas.stores;
    store.reserve(&by_name, NOW).await.unwrap();
    store.settle(&by_name, Settlement::Succeeded, std::slice::from_ref(&by_email.known), NOW).await.unwrap();
    for _ in 0..25 {
        let botnet = AttemptKeys { account: by_email.account.clone(), ..attempt() };
        store.reserve(&botnet, NOW).await.unwrap();
    }
    let stranger = AttemptKeys { account: by_email.account.clone(), ..attempt() };
    assert!(matches!(other.reserve(&stranger, NOW).await, Ok(Verdict::Refused { .. })));
    assert!(matches!(other.reserve(&by_email, NOW).await, Ok(Verdict::Admitted { .. })));
}

#[tokio::test]
async fn counters_leave_redis_by_themselves() {
    let replicas = Replicas::of(Store::Redis);
    let keys = attempt();
    for _ in 0..2 {
        replicas.stores[0].reserve(&keys, NOW).await.unwrap();
    }
    replicas.stores[0].settle(&keys, Settlement::Withdrawn, &[], NOW).await.unwrap();
    let mut connection = shared_connection();
    for (code, most) in [(&keys.pair, 3_600_000), (&keys.account, 600_000), (keys.address.as_ref().unwrap(), 600_000)] {
        let key = format!("lk:{{throttle}}:{code}");
        let left: i64 = redis::cmd("PTTL").arg(&key).query(&mut connection).unwrap();
        assert!((1..=most).contains(&left), "{key}: {left}");
    }
}

/// Or a flood of invented names that finds the queue full would fill the store.
#[rstest]
#[tokio::test]
async fn an_attempt_that_was_withdrawn_leaves_nothing_in_the_store(
    #[values(Store::Sqlite, Store::Postgres, Store::Redis)] store: Store,
) {
    let replicas = Replicas::of(store);
    let keys = attempt();
    replicas.stores[0].reserve(&keys, NOW).await.unwrap();
    replicas.stores[0].settle(&keys, Settlement::Withdrawn, &[], NOW).await.unwrap();
    if let Some(database) = &replicas.database {
        let long_after = NOW + Duration::from_hours(24 * 365);
        assert_eq!(database.throttle().sweep(long_after, 100).await, Ok(0));
        return;
    }
    let mut connection = shared_connection();
    for code in [&keys.pair, &keys.account, keys.address.as_ref().unwrap(), &keys.known] {
        let there: bool = redis::cmd("EXISTS").arg(format!("lk:{{throttle}}:{code}")).query(&mut connection).unwrap();
        assert!(!there, "{code}");
    }
}

#[rstest]
#[tokio::test]
async fn what_counts_no_more_is_swept_out_of_sql(#[values(Store::Sqlite, Store::Postgres)] store: Store) {
    let replicas = Replicas::of(store);
    let throttle = replicas.database.as_ref().unwrap().throttle();
    throttle.reserve(&attempt(), NOW).await.unwrap();
    assert_eq!(throttle.sweep(NOW + Duration::from_mins(10), 100).await, Ok(2));
    assert_eq!(throttle.sweep(NOW + Duration::from_hours(1), 100).await, Ok(1));
}

#[tokio::test]
async fn a_counter_that_cannot_be_understood_is_said_so() {
    let replicas = Replicas::of(Store::Redis);
    let keys = attempt();
    let key = format!("lk:{{throttle}}:{}", keys.account);
    let mut connection = shared_connection();
    redis::cmd("HSET").arg(&key).arg("failures").arg("many").exec(&mut connection).unwrap();
    redis::cmd("EXPIRE").arg(&key).arg(60).exec(&mut connection).unwrap();
    assert_eq!(replicas.stores[0].reserve(&keys, NOW).await, Err(StoreError::Inconsistent(key)));
}
