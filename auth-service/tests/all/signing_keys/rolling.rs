//! Secrets and keys change while clients never pause: nobody is rejected.

use std::{sync::Arc, time::Duration};

use auth_service::{
    config::{self, Config},
    ports::{Clock, SystemRng},
    service::signing_keys::KeyKeeper,
    storage::sql::SqlKeys,
};
use common::sql::Sql;

use super::{
    fleet::{ACCESS_TTL, Fleet},
    jwks::master,
};
use crate::support::service::{JWT_SECRET, os};

const NEW_JWT_SECRET: &str = "the-next-secret-that-all-services-share-in-tests";
const NEW_REFRESH_SECRET: &str = "the-next-secret-that-only-auth-service-has-in-tests";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_rotate_in_rolling_restarts_without_a_rejected_request() {
    let mut fleet = Fleet::start(&[]).await;
    let refresh_secret = fleet.variables().iter().find(|(name, _)| name == "REFRESH_SECRET").unwrap().1.clone();
    fleet.roll(&[("JWT_SECRET_NEXT", NEW_JWT_SECRET), ("REFRESH_SECRET_NEXT", NEW_REFRESH_SECRET)]).await;
    fleet
        .roll(&[
            ("JWT_SECRET", NEW_JWT_SECRET),
            ("JWT_SECRET_NEXT", ""),
            ("JWT_SECRET_PREVIOUS", JWT_SECRET),
            ("REFRESH_SECRET", NEW_REFRESH_SECRET),
            ("REFRESH_SECRET_NEXT", ""),
            ("REFRESH_SECRET_PREVIOUS", &refresh_secret),
        ])
        .await;
    fleet.pass(ACCESS_TTL).await;
    fleet.roll(&[("JWT_SECRET_PREVIOUS", ""), ("REFRESH_SECRET_PREVIOUS", "")]).await;
    let outcome = fleet.stop().await;
    assert_eq!(outcome.rejected, Vec::<String>::new(), "of {}", outcome.requests);
    assert_eq!(outcome.kids, 2);
    println!("{} requests", outcome.requests);
}

/// `auth-service key rotate`, by the clock of the test.
async fn rotate(fleet: &Fleet) {
    let (masters, policy) = config::keys(os(fleet.variables())).unwrap();
    let url = Config::read(os(fleet.variables())).unwrap().database;
    let store = Arc::new(SqlKeys::new(Sql::open(&url, "rotate").unwrap()));
    let clock = Arc::clone(fleet.clock()) as Arc<dyn Clock>;
    KeyKeeper::new(store, masters, policy, clock, Arc::new(SystemRng)).rotate().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_rotate_and_algorithms_change_without_a_rejected_request() {
    let master = master();
    let mut fleet = Fleet::start(&[("AUTH_MASTER_KEY", &master), ("AUTH_JWKS_MAX_AGE", "10s")]).await;
    // Verifiers first learn that other algorithms will come, then the signers change.
    fleet
        .roll(&[
            ("JWT_ALGORITHMS", "HS256,EdDSA,ES256"),
            ("AUTH_MASTER_KEY", &master),
            ("AUTH_JWKS_MAX_AGE", "10s"),
            ("AUTH_KEY_ROTATION", "60s"),
        ])
        .await;
    fleet.roll(&[("AUTH_SIGNING_ALGORITHM", "EdDSA")]).await;
    fleet.pass(Duration::from_secs(28)).await;
    rotate(&fleet).await;
    fleet.pass(Duration::from_secs(28)).await;
    rotate(&fleet).await;
    fleet.pass(Duration::from_secs(28)).await;
    // The third one comes by schedule.
    fleet.pass(Duration::from_secs(64)).await;
    fleet.roll(&[("AUTH_SIGNING_ALGORITHM", "ES256")]).await;
    fleet.pass(Duration::from_secs(28)).await;
    fleet.roll(&[("AUTH_SIGNING_ALGORITHM", "HS256")]).await;
    fleet.pass(Duration::from_secs(16)).await;
    let outcome = fleet.stop().await;
    assert_eq!(outcome.rejected, Vec::<String>::new(), "of {}", outcome.requests);
    assert_eq!(outcome.algorithms, ["HS256", "EdDSA", "ES256"]);
    assert_eq!(outcome.kids, 6, "the secret, four keys of one kind, one of the other");
    println!("{} requests, {} keys", outcome.requests, outcome.kids);
}
