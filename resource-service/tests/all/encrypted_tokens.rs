//! Encrypted access tokens: a service with the key reads them, one without answers 401.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{jwe::JweKey, rng::SystemRng};
use serde_json::json;

use crate::peer::{Peer, Shared};
use crate::support::{
    database::Kind::Sqlite,
    service::{ADA, AUDIENCE, ISSUER, JWT_SECRET, START, TestService, Variables, secret},
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

#[tokio::test]
async fn what_another_library_encrypts_is_read_with_the_key_and_refused_without() {
    let kid = JweKey::parse(&key(1).into()).unwrap().kid().to_owned();
    let shared = Shared { issuer: ISSUER, audience: AUDIENCE, secret: JWT_SECRET, now: START.seconds() };
    let header = json!({"alg": "HS256", "typ": "at+jwt", "kid": secret(JWT_SECRET).kid()});
    let outer = json!({"alg": "dir", "enc": "A256GCM", "cty": "JWT", "kid": kid});
    let settings = [vec![], vec![("JWE", "require".to_owned()), ("JWE_KEY", key(1))]];
    for (settings, status) in settings.into_iter().zip([401, 200]) {
        let service = TestService::start_with(Sqlite, settings).await;
        let claims = serde_json::to_value(service.token(ADA).claims).unwrap();
        for peer in Peer::ALL {
            let token = peer.seal(&shared, &header, &claims, &outer, &key(1)).unwrap();
            for other in Peer::ALL {
                assert_eq!(other.open(&shared, &token, &key(1), &kid).as_ref(), Ok(&claims), "{other:?} of {peer:?}");
            }
            assert_eq!(service.get_with(&token, "/api/whoami").await.status, status, "{peer:?}");
        }
    }
}
