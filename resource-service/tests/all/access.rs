//! Scopes and roles: what a token must allow, beside being believed.

use common::{clock::Clock, testing::TestToken};
use insta::assert_snapshot;
use reqwest::Method;
use rstest::rstest;
use serde_json::json;

use crate::support::{
    answer::Answer,
    database::Kind::Sqlite,
    service::{ADA, AUDIENCE, ISSUER, JWT_SECRET, TestService, secret},
};

#[tokio::test]
async fn a_token_that_lacks_the_scope_is_told_which() {
    let service = TestService::start(Sqlite).await;
    let token = service.token_for(ADA, "notes:write");
    assert_snapshot!(service.get_with(&token, "/api/notes").await, @r#"
    403
    content-type: application/problem+json
    www-authenticate: Bearer realm="latchkey", error="insufficient_scope", scope="notes:read"
    {
      "code": "insufficient_scope",
      "detail": "The token lacks the scope notes:read",
      "request_id": "[request_id]",
      "status": 403,
      "title": "Forbidden",
      "type": "about:blank"
    }
    "#);
}

#[tokio::test]
async fn a_user_who_lacks_the_role_is_told_which() {
    let service = TestService::start(Sqlite).await;
    let mut token = service.token(ADA);
    token.claims.roles = vec!["administrator".to_owned(), "Admin".to_owned()];
    assert_snapshot!(service.get_with(&token.sign(), "/api/admin/stats").await, @r#"
    403
    content-type: application/problem+json
    {
      "code": "insufficient_role",
      "detail": "This needs the role admin",
      "request_id": "[request_id]",
      "status": 403,
      "title": "Forbidden",
      "type": "about:blank"
    }
    "#);
}

#[rstest]
#[case(Method::GET, "/api/notes", "notes:read")]
#[case(Method::POST, "/api/notes", "notes:write")]
#[case(Method::GET, "/api/notes/{}", "notes:read")]
#[case(Method::PUT, "/api/notes/{}", "notes:write")]
#[case(Method::DELETE, "/api/notes/{}", "notes:write")]
#[tokio::test]
async fn a_route_needs_its_scope_and_no_other(#[case] method: Method, #[case] address: &str, #[case] needed: &str) {
    let service = TestService::start(Sqlite).await;
    let note = service.person(ADA).noted("mine").await;
    let path = address.replace("/api/notes/{}", &note);
    for (scope, passes) in [("notes:read", needed == "notes:read"), ("notes:write", needed == "notes:write")] {
        let request = service.request(method.clone(), &path).bearer_auth(service.token_for(ADA, scope));
        let answer = Answer::of(request.json(&json!({"title": "x", "body": "x"}))).await;
        assert_eq!(answer.status < 300, passes, "{scope}: {answer}");
        assert_eq!(answer.status == 403, !passes, "{scope}: {answer}");
    }
}

#[tokio::test]
async fn whoever_may_not_is_told_so_before_anything_is_said_about_the_request() {
    let service = TestService::start(Sqlite).await;
    let reader = service.token_for(ADA, "notes:read");
    for (path, body) in [("/api/notes/no-uuid", "{}"), ("/api/notes/no-uuid", "{")] {
        let request = service.request(Method::PUT, path).bearer_auth(&reader).body(body);
        assert_eq!(Answer::of(request).await.code(), "insufficient_scope");
        let request = service.request(Method::PUT, path).body(body);
        assert_eq!(Answer::of(request).await.code(), "missing_token");
    }
}

#[tokio::test]
async fn a_services_own_token_opens_nothing_that_is_for_users() {
    let service = TestService::start(Sqlite).await;
    let mut token = TestToken::service(&secret(JWT_SECRET), ISSUER, AUDIENCE, "reports", service.clock.now());
    token.claims.scope = "notes:read".parse().unwrap();
    assert_snapshot!(service.get_with(&token.sign(), "/api/notes").await, @r#"
    403
    content-type: application/problem+json
    {
      "code": "users_only",
      "detail": "the token is a service's own, and this is for users",
      "request_id": "[request_id]",
      "status": 403,
      "title": "Forbidden",
      "type": "about:blank"
    }
    "#);
}
