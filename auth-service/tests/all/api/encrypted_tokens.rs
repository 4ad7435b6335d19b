//! Encrypted access tokens: auth-service issues them, takes them back, and loses nobody while the setting changes.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{clock::Clock, jwe::JweKey};
use reqwest::Method;
use serde_json::json;

use crate::peer::{Peer, Shared};
use crate::support::{
    answer::Answer,
    service::{Backend, ISSUER, JWT_SECRET, TestService, shared_secret},
};

fn key() -> String {
    URL_SAFE_NO_PAD.encode([1; 32])
}

/// The same service after a restart with another `JWE`.
async fn restarted(service: &TestService, mode: &str) -> TestService {
    service.replica_with(&[("JWE", mode), ("JWE_KEY", &key())]).await
}

#[tokio::test]
async fn from_off_to_require_and_back_every_token_stays_good() {
    let off = TestService::start(Backend::Sqlite).await;
    let ada = off.registered("ada").await;
    let (accept, require) = (restarted(&off, "accept").await, restarted(&off, "require").await);
    let mut parts = Vec::new();
    let mut tokens = Vec::new();
    for service in [&off, &accept, &require] {
        let token = service.log_in(&ada).await.access;
        parts.push(token.split('.').count());
        tokens.push(token);
    }
    assert_eq!(parts, [3, 3, 5]);
    for token in &tokens {
        // A replica that has the new setting already, and one that has the old one still.
        for service in [&accept, &require] {
            assert_eq!(service.get_as(token, "/auth/me").await.status, 200);
        }
    }
    assert_eq!(off.get_as(&tokens[2], "/auth/me").await.status, 401, "it has no key");
}

#[tokio::test]
async fn a_refresh_gives_an_encrypted_token_where_that_is_required_and_a_logout_takes_it() {
    let service = TestService::start_with(Backend::Sqlite, &[("JWE", "require"), ("JWE_KEY", &key())]).await;
    let ada = service.registered("ada").await;
    let refresh = service.log_in(&ada).await.refresh;
    let answer = service.post("/auth/refresh", json!({"refresh_token": refresh})).await;
    assert_eq!(answer.status, 200, "{answer}");
    let access = answer.tokens().access;
    assert_eq!(access.split('.').count(), 5);
    assert_eq!(service.get_as(&access, "/auth/me").await.status, 200);
    let logout = Answer::of(service.request(Method::POST, "/auth/logout").bearer_auth(&access)).await;
    assert_eq!(logout.status, 204, "{logout}");
    assert_eq!(service.get_as(&access, "/auth/me").await.status, 401);
}

#[tokio::test]
async fn other_services_read_its_tokens_with_other_libraries_and_cannot_mint_for_it() {
    let service = TestService::start_with(Backend::Sqlite, &[("JWE", "require"), ("JWE_KEY", &key())]).await;
    let ada = service.registered("ada").await;
    let token = service.log_in(&ada).await.access;
    let kid = JweKey::parse(&key().into()).unwrap().kid().to_owned();
    let now = service.clock.now().seconds();
    let shared = Shared { issuer: ISSUER, audience: "resource-service", secret: JWT_SECRET, now };
    for peer in Peer::ALL {
        let claims = peer.open(&shared, &token, &key(), &kid).unwrap();
        assert_eq!((&claims["client_id"], &claims["exp"]), (&json!("first-party"), &json!(now + 900)), "{peer:?}");
        let mut another = claims.clone();
        another["roles"] = json!(["admin"]);
        let header = json!({"alg": "HS256", "typ": "at+jwt", "kid": shared_secret().kid()});
        let outer = json!({"alg": "dir", "enc": "A256GCM", "cty": "JWT", "kid": kid});
        for (claims, status) in [(claims, 200), (another, 401)] {
            let token = peer.seal(&shared, &header, &claims, &outer, &key()).unwrap();
            assert_eq!(service.get_as(&token, "/auth/me").await.status, status, "{peer:?}");
        }
    }
}
