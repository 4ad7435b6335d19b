//! Envoy that checks access tokens by public keys, before a service that knows nothing of them.

use auth_service::{
    crypto::master_key::MasterKey,
    ports::{Clock, SystemRng},
};
use common::testing::TestToken;
use reqwest::Method;
use rstest::rstest;
use uuid::Uuid;

use super::{public_address, sent_on, stand_in::StandIn};
use crate::support::{
    answer::Answer,
    gateway::{Behind, Gateway, sidecar},
    service::{Backend, TestService, shared_secret},
    token::claims,
};

const ISSUER: &str = "http://localhost:8080";

async fn start(algorithm: &str, scopes: &str) -> (TestService, StandIn, Gateway) {
    let master = MasterKey::new_text(&SystemRng);
    let settings = [
        ("JWT_ISSUER", ISSUER),
        ("AUTH_SIGNING_ALGORITHM", algorithm),
        ("JWT_ALGORITHMS", algorithm),
        ("AUTH_MASTER_KEY", &master),
        ("AUTH_FIRST_PARTY_SCOPES", scopes),
    ];
    let service = TestService::start_with(Backend::Sqlite, &settings).await;
    let behind = StandIn::mirror().await;
    let places = Behind { auth: public_address(&service), resource: behind.address.clone(), ..Behind::default() };
    let gateway = sidecar(&places, ISSUER, "resource-service").await;
    (service, behind, gateway)
}

#[rstest]
#[tokio::test]
async fn a_token_is_believed_by_its_public_key_and_its_claims_become_headers(
    #[values("EdDSA", "ES256", "RS256")] algorithm: &str,
) {
    let (service, _behind, gateway) = start(algorithm, "notes:read notes:write").await;
    let ada = service.registered("ada").await;
    let tokens = service.log_in(&ada).await;
    let request = gateway.request(Method::POST, "/api/notes").bearer_auth(&tokens.access);
    let passed = Answer::of(request.header("X-Auth-Subject", "spoofed").header("X-Auth-Roles", "admin")).await;
    let claims = claims(&tokens.access);
    assert_eq!(passed.status, 200, "{passed}");
    for (header, claim) in [
        ("X-Auth-Subject", "sub"),
        ("X-Auth-Session", "sid"),
        ("X-Auth-Client", "client_id"),
        ("X-Auth-Scope", "scope"),
    ] {
        assert_eq!(sent_on(&passed.text, header), claims[claim].as_str(), "{passed}");
    }
    assert!(!passed.text.contains("spoofed") && sent_on(&passed.text, "X-Auth-Roles").is_none(), "{passed}");
}

#[tokio::test]
async fn writing_notes_takes_another_scope_than_reading_them() {
    let (service, mut behind, gateway) = start("EdDSA", "notes:read").await;
    let ada = service.registered("ada").await;
    let token = service.log_in(&ada).await.access;
    let ask = async |method: Method, path: &str| Answer::of(gateway.request(method, path).bearer_auth(&token)).await;
    for path in ["/api/notes", "/api/notes/1", "/api/notes?limit=1"] {
        assert_eq!(ask(Method::GET, path).await.status, 200, "{path}");
    }
    assert_eq!(ask(Method::POST, "/api/whoami").await.status, 200);
    behind.asked();
    for (method, path) in [
        (Method::POST, "/api/notes"),
        (Method::DELETE, "/api/notes/1"),
        (Method::PUT, "/api//notes/1"),
        (Method::PATCH, "/api/%6eotes/1"),
        (Method::POST, "/api/notes?x=/api/whoami"),
    ] {
        let refused = ask(method, path).await;
        assert_eq!((refused.status, refused.code().as_str()), (403, "insufficient_scope"), "{path}");
        let challenge = refused.header("www-authenticate");
        assert_eq!(challenge, Some("Bearer realm=\"latchkey\", error=\"insufficient_scope\""), "{path}");
    }
    assert_eq!(behind.asked(), [""; 0]);
}

#[tokio::test]
async fn no_other_token_passes() {
    let (service, mut behind, gateway) = start("EdDSA", "notes:read notes:write").await;
    let ada = service.registered("ada").await;
    let tokens = service.log_in(&ada).await;
    let missing = Answer::of(gateway.request(Method::GET, "/api/notes")).await;
    assert_eq!((missing.status, missing.code().as_str()), (401, "missing_token"), "{missing}");
    assert_eq!(missing.header("www-authenticate"), Some("Bearer realm=\"latchkey\""));
    let in_the_query = format!("/api/notes?access_token={}", tokens.access);
    assert_eq!(Answer::of(gateway.request(Method::GET, &in_the_query)).await.code(), "missing_token");

    let (head, signature) = tokens.access.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
    let user = Uuid::from_u128(1);
    let shared = TestToken::new(&shared_secret(), ISSUER, "resource-service", user, service.clock.now()).sign();
    for token in [forged.as_str(), &tokens.refresh, &shared, "nonsense", ""] {
        let refused = Answer::of(gateway.request(Method::GET, "/api/notes").bearer_auth(token)).await;
        assert_eq!((refused.status, refused.code().as_str()), (401, "invalid_token"), "{token}: {refused}");
        let challenge = refused.header("www-authenticate");
        assert_eq!(challenge, Some("Bearer realm=\"latchkey\", error=\"invalid_token\""));
    }
    assert_eq!(behind.asked(), [""; 0]);
}

#[tokio::test]
async fn a_token_for_somebody_else_is_refused() {
    let (service, behind, _) = start("EdDSA", "notes:read").await;
    let places = Behind { auth: public_address(&service), resource: behind.address.clone(), ..Behind::default() };
    let ada = service.registered("ada").await;
    let token = service.log_in(&ada).await.access;
    for (issuer, audience) in [(ISSUER, "archive"), ("https://auth.example.org", "resource-service")] {
        let gateway = sidecar(&places, issuer, audience).await;
        let refused = Answer::of(gateway.request(Method::GET, "/api/notes").bearer_auth(&token)).await;
        assert_eq!((refused.status, refused.code().as_str()), (401, "invalid_token"), "{refused}");
    }
}
