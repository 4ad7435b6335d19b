//! `GET /api/whoami`

use std::time::Duration;

use insta::assert_snapshot;

use crate::support::{
    database::Kind::Sqlite,
    service::{ADA, TestService},
};

#[tokio::test]
async fn the_token_says_who_is_asking() {
    let service = TestService::start(Sqlite).await;
    let mut token = service.token(ADA);
    token.claims.scope = "notes:write notes:read".parse().unwrap();
    token.claims.roles = vec!["admin".to_owned()];
    service.clock.advance(Duration::from_mins(1));
    assert_snapshot!(service.get_with(&token.sign(), "/api/whoami").await, @r#"
    200
    content-type: application/json
    {
      "authenticated_at": "2026-01-01T00:00:00Z",
      "client_id": "first-party",
      "expires_at": "2026-01-01T00:15:00Z",
      "roles": [
        "admin"
      ],
      "scope": "notes:read notes:write",
      "sid": "00000000-0000-0000-0000-000000000000",
      "sub": "01920000-0000-7000-8000-000000000ada"
    }
    "#);
}

#[tokio::test]
async fn a_token_without_scope_and_roles_is_enough() {
    let service = TestService::start(Sqlite).await;
    let answer = service.get_with(&service.token(ADA).sign(), "/api/whoami").await;
    assert_eq!((answer.status, answer.member("scope").as_str()), (200, ""));
}
