//! Encrypted access tokens: a service with the key reads them, one without answers 401.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{jwe::JweKey, rng::SystemRng};

use crate::support::{
    database::Kind::Sqlite,
    service::{ADA, TestService, Variables},
};

fn key(byte: u8) -> String {
    URL_SAFE_NO_PAD.encode([byte; 32])
}

/// The status of a request to a service with these settings, with a token that is encrypted with key 1, or plain.
async fn statuses(settings: Variables) -> (u16, u16) {
    let service = TestService::start_with(Sqlite, settings).await;
    let plain = service.token(ADA).sign();
    let encrypted = JweKey::parse(&key(1).into()).unwrap().encrypt(&plain, &SystemRng).unwrap();
    let status = async |token: &str| service.get_with(token, "/api/whoami").await.status;
    (status(&encrypted).await, status(&plain).await)
}

#[tokio::test]
async fn only_a_service_with_the_key_reads_an_encrypted_token() {
    assert_eq!(statuses(vec![]).await, (401, 200));
    assert_eq!(statuses(vec![("JWE", "accept".to_owned()), ("JWE_KEY", key(1))]).await, (200, 200));
    assert_eq!(statuses(vec![("JWE", "accept".to_owned()), ("JWE_KEY", key(2))]).await, (401, 200));
    assert_eq!(statuses(vec![("JWE", "require".to_owned()), ("JWE_KEY", key(1))]).await, (200, 401));
}

#[tokio::test]
async fn the_key_changes_without_refusing_anybody() {
    let rolling = |other: &'static str| vec![("JWE", "require".to_owned()), ("JWE_KEY", key(2)), (other, key(1))];
    assert_eq!(statuses(rolling("JWE_KEY_NEXT")).await, (200, 401));
    assert_eq!(statuses(rolling("JWE_KEY_PREVIOUS")).await, (200, 401));
}
