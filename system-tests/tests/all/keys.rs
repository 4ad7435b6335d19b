//! Signing keys that are public at resource-service.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use auth_service::{
    crypto::master_key::{MasterKey, MasterKeys},
    domain::signing_key::{KeyAlgorithm, KeyId, KeyRules},
    ports::{Clock, SystemRng},
    service::signing_keys::{KeyKeeper, KeyPolicy},
    storage::sql::SqlKeys,
};

use crate::support::{
    auth::{
        service::Backend::{self, PostgresAndRedis, Sqlite},
        token::header,
        wait::until,
    },
    system::{System, database},
};

const RESOURCE: [(&str, &str); 2] = [("JWT_ALGORITHMS", "EdDSA"), ("REVOCATION_MAX_STALENESS", "4s")];

async fn with_public_keys(backend: Backend, master: &str) -> System {
    let auth = [("AUTH_SIGNING_ALGORITHM", "EdDSA"), ("JWT_ALGORITHMS", "EdDSA"), ("AUTH_MASTER_KEY", master)];
    let system = System::start_with(backend, &auth, &RESOURCE).await;
    system.resource.heard().await;
    system
}

/// What `auth-service key` works with.
pub fn keeper(system: &System, master: &str) -> KeyKeeper {
    let masters = Arc::new(MasterKeys::new(master.parse().unwrap(), []));
    let rules = KeyRules::new(
        Duration::from_hours(24),
        Duration::from_mins(5),
        Duration::from_mins(15),
        Duration::from_secs(5),
    );
    let policy = KeyPolicy { algorithm: Some(KeyAlgorithm::EdDsa), first_at_once: true, rules };
    let store = Arc::new(SqlKeys::new(database(&system.home)));
    KeyKeeper::new(store, masters, policy, Arc::clone(&system.home.clock) as Arc<dyn Clock>, Arc::new(SystemRng))
}

#[rstest::rstest]
#[tokio::test]
async fn the_tokens_of_a_key_that_was_taken_away_are_refused_within_a_second(
    #[values(Sqlite, PostgresAndRedis)] backend: Backend,
) {
    let master = MasterKey::new_text(&SystemRng);
    let system = with_public_keys(backend, &master).await;
    let (person, before) = system.logged_in("ada").await;
    system.resource.answers(&before.access, 200).await;
    let kid = header(&before.access)["kid"].as_str().unwrap().to_owned();
    keeper(&system, &master).retire_at_once(&KeyId(kid.clone())).await.unwrap();
    let retired = Instant::now();
    system.resource.answers(&before.access, 401).await;
    assert!(retired.elapsed() < Duration::from_secs(1), "after {:?}", retired.elapsed());

    let mut after = system.home.log_in(&person).await;
    until("another key signs", async || {
        after = system.home.log_in(&person).await;
        header(&after.access)["kid"] != *kid
    })
    .await;
    assert_eq!(system.resource.whoami(&after.access).await, 200);
}

#[tokio::test]
async fn the_keys_are_in_the_state_file_too() {
    let mut system = with_public_keys(Sqlite, &MasterKey::new_text(&SystemRng)).await;
    system.resource.stop().await;
    system.resource.keep_state();
    system.resource.start_again().await;
    let (_, ada) = system.logged_in("ada").await;
    system.resource.answers(&ada.access, 200).await;
    let kid = header(&ada.access)["kid"].as_str().unwrap().to_owned();
    system.written_down(&kid).await;
    system.auth_goes_away().await;
    system.resource.stop().await;
    system.resource.start_again().await;
    system.resource.answers(&ada.access, 200).await;
}
