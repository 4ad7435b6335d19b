//! Tokens that auth-service's own routes must not believe.

use common::{
    claims::{AccessClaims, UserClaims},
    clock::Clock,
    secret::SigningSecret,
    testing::{TestToken, header, sign},
};
use jsonwebtoken::Algorithm;
use reqwest::Method;
use rstest::rstest;
use serde_json::json;
use uuid::Uuid;

use crate::support::{
    answer::Answer,
    service::{Backend, ISSUER, TestService, shared_secret},
    token::claims,
};

async fn service() -> TestService {
    TestService::start(Backend::Sqlite).await
}

fn minted(service: &TestService) -> TestToken {
    TestToken::new(&shared_secret(), ISSUER, "resource-service", Uuid::from_u128(7), service.clock.now())
}

#[tokio::test]
async fn a_missing_header_is_said_so() {
    assert_snapshot!(service().await.get("/auth/me").await, @r#"
    401
    cache-control: no-store
    content-type: application/problem+json
    www-authenticate: Bearer realm="latchkey"
    {
      "code": "missing_token",
      "detail": "Missing Authorization Header",
      "request_id": "[request_id]",
      "status": 401,
      "title": "Unauthorized",
      "type": "about:blank"
    }
    "#);
}

#[tokio::test]
async fn another_scheme_is_refused() {
    let service = service().await;
    let request = service.request(Method::GET, "/auth/me").header("Authorization", "Basic YWRhOng=");
    assert_snapshot!(Answer::of(request).await, @r#"
    401
    cache-control: no-store
    content-type: application/problem+json
    www-authenticate: Bearer realm="latchkey"
    {
      "code": "wrong_scheme",
      "detail": "The Authorization header must be of the form \"Bearer <token>\"",
      "request_id": "[request_id]",
      "status": 401,
      "title": "Unauthorized",
      "type": "about:blank"
    }
    "#);
}

#[tokio::test]
async fn two_headers_are_a_bad_request() {
    let service = service().await;
    let request = service.request(Method::GET, "/auth/me").bearer_auth("one").header("Authorization", "Bearer two");
    let answer = Answer::of(request).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "bad_request"));
}

#[tokio::test]
async fn garbage_is_refused() {
    assert_snapshot!(service().await.get_as("garbage", "/auth/me").await, @r#"
    401
    cache-control: no-store
    content-type: application/problem+json
    www-authenticate: Bearer realm="latchkey", error="invalid_token", error_description="the token is malformed"
    {
      "code": "invalid_token",
      "detail": "the token is malformed",
      "request_id": "[request_id]",
      "status": 401,
      "title": "Unauthorized",
      "type": "about:blank"
    }
    "#);
}

#[tokio::test]
async fn an_expired_token_is_said_so() {
    let service = service().await;
    let ada = service.registered("ada").await;
    let tokens = service.log_in(&ada).await;
    service.clock.advance(std::time::Duration::from_secs(906));
    assert_snapshot!(service.get_as(&tokens.access, "/auth/me").await, @r#"
    401
    cache-control: no-store
    content-type: application/problem+json
    www-authenticate: Bearer realm="latchkey", error="invalid_token", error_description="the token has expired"
    {
      "code": "token_expired",
      "detail": "the token has expired",
      "request_id": "[request_id]",
      "status": 401,
      "title": "Unauthorized",
      "type": "about:blank"
    }
    "#);
}

#[tokio::test]
async fn a_refresh_token_is_no_access_token() {
    let service = service().await;
    let ada = service.registered("ada").await;
    let tokens = service.log_in(&ada).await;
    assert_snapshot!(service.get_as(&tokens.refresh, "/auth/me").await, @r#"
    401
    cache-control: no-store
    content-type: application/problem+json
    www-authenticate: Bearer realm="latchkey", error="invalid_token", error_description="the token is of the wrong type"
    {
      "code": "invalid_token",
      "detail": "the token is of the wrong type",
      "request_id": "[request_id]",
      "status": 401,
      "title": "Unauthorized",
      "type": "about:blank"
    }
    "#);
}

/// Whoever breaks into a resource service holds `JWT_SECRET`, and can sign whatever they like with it.
#[rstest]
#[case(Method::GET, "/auth/me")]
#[case(Method::GET, "/auth/sessions")]
#[case(Method::DELETE, "/auth/sessions/00000000-0000-7000-8000-000000000000")]
#[case(Method::POST, "/auth/logout")]
#[case(Method::POST, "/auth/logout-all")]
#[case(Method::POST, "/auth/password")]
#[case(Method::POST, "/auth/reauth")]
#[case(Method::POST, "/auth/refresh")]
#[tokio::test]
async fn a_token_minted_with_the_shared_secret_opens_nothing_here(#[case] method: Method, #[case] path: &str) {
    let service = service().await;
    let ada = service.registered("ada").await;
    let tokens = service.log_in(&ada).await;
    let AccessClaims::User(own) = claims_of(&tokens.access) else { panic!("a service's") };
    let forged = {
        let mut token = minted(&service);
        token.claims = UserClaims { roles: vec!["admin".to_owned()], ..own };
        token.sign()
    };
    for token in [minted(&service).sign(), forged] {
        let mut request = service.request(method.clone(), path).bearer_auth(token);
        request = match path {
            "/auth/password" => request.json(&json!({"current_password": ada.password, "new_password": "x"})),
            "/auth/reauth" => request.json(&json!({"password": ada.password})),
            _ => request,
        };
        let answer = Answer::of(request).await;
        assert_eq!(answer.status, 401, "{answer}");
    }
    assert_eq!(service.refresh(&tokens.refresh).await.status, 200, "the session is untouched");
}

fn claims_of(token: &str) -> AccessClaims {
    serde_json::from_value(claims(token)).unwrap()
}

#[tokio::test]
async fn no_signature_at_all_is_refused() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let service = service().await;
    let ada = service.registered("ada").await;
    let token = service.log_in(&ada).await.access;
    let claims = token.split('.').nth(1).unwrap();
    let kid = shared_secret().kid();
    let header = URL_SAFE_NO_PAD.encode(json!({"alg": "none", "typ": "at+jwt", "kid": kid}).to_string());
    for signature in ["", "AA"] {
        let answer = service.get_as(&format!("{header}.{claims}.{signature}"), "/auth/me").await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_token"));
    }
}

#[tokio::test]
async fn another_issuer_audience_secret_or_algorithm_is_refused() {
    let service = service().await;
    let (secret, now) = (shared_secret(), service.clock.now());
    let other_secret = SigningSecret::new("another service's secret, long enough".to_owned().into()).unwrap();
    let token = |secret: &SigningSecret, change: fn(&mut UserClaims)| {
        let mut token = TestToken::new(secret, ISSUER, "resource-service", Uuid::from_u128(7), now);
        change(&mut token.claims);
        token
    };
    let mut hs512 = header(&secret);
    hs512.alg = Algorithm::HS512;
    let tokens = [
        (token(&secret, |claims| claims.iss = "http://elsewhere".to_owned()).sign(), "issuer"),
        (token(&secret, |claims| claims.aud = vec!["resource-service".to_owned()]).sign(), "audience"),
        (token(&secret, |claims| claims.iat += 60).sign(), "not valid yet"),
        (token(&other_secret, |_| {}).sign(), "key is not known"),
        (sign(&header(&secret), &token(&secret, |_| {}).claims, &other_secret), "signature"),
        (sign(&hs512, &token(&secret, |_| {}).claims, &secret), "algorithm"),
    ];
    for (token, reason) in tokens {
        let answer = service.get_as(&token, "/auth/me").await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_token"), "{reason}");
        assert!(answer.text.contains(reason), "{reason}: {answer}");
    }
}
