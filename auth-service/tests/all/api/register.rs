//! `POST /auth/register`

use rstest::rstest;
use serde_json::json;

use crate::support::service::{
    Backend::{self, PostgresAndRedis, Sqlite},
    TestService,
};

#[rstest]
#[tokio::test]
async fn a_user_is_registered(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let body = json!({"username": "Ada", "email": "Ada@Example.org", "password": "plum-anvil-tundra-9"});
    assert_snapshot!(service.post("/auth/register", body).await, @r#"
    201
    cache-control: no-store
    content-type: application/json
    {
      "email": "ada@example.org",
      "id": "[id]",
      "roles": [],
      "username": "ada"
    }
    "#);
}

#[rstest]
#[tokio::test]
async fn a_taken_name_is_a_conflict_in_any_case_of_letters(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    service.registered("ada").await;
    let body = json!({"username": "ADA", "password": "plum-anvil-tundra-9"});
    assert_snapshot!(service.post("/auth/register", body).await, @r#"
    409
    cache-control: no-store
    content-type: application/problem+json
    {
      "code": "username_taken",
      "detail": "The username is taken",
      "errors": [
        {
          "detail": "is taken",
          "field": "username"
        }
      ],
      "request_id": "[request_id]",
      "status": 409,
      "title": "Conflict",
      "type": "about:blank"
    }
    "#);
}

#[rstest]
#[tokio::test]
async fn a_taken_address_is_a_conflict(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let body = |name: &str| json!({"username": name, "email": "ada@example.org", "password": "plum-anvil-tundra-9"});
    assert_eq!(service.post("/auth/register", body("ada")).await.status, 201);
    assert_snapshot!(service.post("/auth/register", body("eve")).await, @r#"
    409
    cache-control: no-store
    content-type: application/problem+json
    {
      "code": "email_taken",
      "detail": "The e-mail address is taken",
      "errors": [
        {
          "detail": "is taken",
          "field": "email"
        }
      ],
      "request_id": "[request_id]",
      "status": 409,
      "title": "Conflict",
      "type": "about:blank"
    }
    "#);
}

#[rstest]
#[tokio::test]
async fn of_two_registrations_at_once_one_is_a_conflict(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let body = json!({"username": "ada", "password": "plum-anvil-tundra-9"});
    let register = || service.post("/auth/register", body.clone());
    let (one, two, three) = tokio::join!(register(), register(), register());
    let mut statuses = [one.status, two.status, three.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409]);
}

#[rstest]
#[tokio::test]
async fn a_password_made_of_ones_own_name_is_too_weak(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let body = json!({"username": "ada.lovelace", "password": "ada.lovelace1"});
    assert_snapshot!(service.post("/auth/register", body).await, @r#"
    422
    cache-control: no-store
    content-type: application/problem+json
    {
      "code": "weak_password",
      "detail": "The password is too easy to guess",
      "errors": [
        {
          "detail": "Add another word or two. Uncommon words are better.",
          "field": "password"
        }
      ],
      "request_id": "[request_id]",
      "status": 422,
      "title": "Unprocessable Content",
      "type": "about:blank"
    }
    "#);
}

#[rstest]
#[tokio::test]
async fn more_than_seventy_one_bytes_are_no_password(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let longest = json!({"username": "ada", "password": "ä plum anvil tundra 9 ".repeat(4)[..71]});
    assert_eq!(service.post("/auth/register", longest).await.status, 201);
    let too_long = json!({"username": "eve", "password": "x".repeat(72)});
    assert_snapshot!(service.post("/auth/register", too_long).await, @r#"
    400
    cache-control: no-store
    content-type: application/problem+json
    {
      "code": "bad_request",
      "detail": "Bad request parameters",
      "errors": [
        {
          "detail": "must have at most 71 bytes",
          "field": "password"
        }
      ],
      "request_id": "[request_id]",
      "status": 400,
      "title": "Bad Request",
      "type": "about:blank"
    }
    "#);
}

#[rstest]
#[tokio::test]
async fn a_nul_is_no_part_of_a_password(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let body = json!({"username": "ada", "password": "plum-anvil\u{0}tundra-9"});
    assert_snapshot!(service.post("/auth/register", body).await, @r#"
    400
    cache-control: no-store
    content-type: application/problem+json
    {
      "code": "bad_request",
      "detail": "Bad request parameters",
      "errors": [
        {
          "detail": "must not contain a NUL character",
          "field": "password"
        }
      ],
      "request_id": "[request_id]",
      "status": 400,
      "title": "Bad Request",
      "type": "about:blank"
    }
    "#);
}

#[rstest]
#[tokio::test]
async fn a_name_with_other_characters_is_refused(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let body = json!({"username": "ada@home", "password": "plum-anvil-tundra-9"});
    assert_snapshot!(service.post("/auth/register", body).await, @r#"
    400
    cache-control: no-store
    content-type: application/problem+json
    {
      "code": "bad_request",
      "detail": "Bad request parameters",
      "errors": [
        {
          "detail": "must be 3 to 32 letters a-z, digits, dots, dashes or underscores",
          "field": "username"
        }
      ],
      "request_id": "[request_id]",
      "status": 400,
      "title": "Bad Request",
      "type": "about:blank"
    }
    "#);
}

#[rstest]
#[tokio::test]
async fn closed_registration_registers_nobody(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start_with(backend, &[("AUTH_REGISTRATION", "closed")]).await;
    let body = json!({"username": "ada", "password": "plum-anvil-tundra-9"});
    assert_snapshot!(service.post("/auth/register", body).await, @r#"
    403
    cache-control: no-store
    content-type: application/problem+json
    {
      "code": "registration_closed",
      "detail": "Nobody can register here; ask an administrator",
      "request_id": "[request_id]",
      "status": 403,
      "title": "Forbidden",
      "type": "about:blank"
    }
    "#);
}

#[rstest]
#[tokio::test]
async fn registration_by_invitation_wants_one_that_is_valid(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start_with(backend, &[("AUTH_REGISTRATION", "invite")]).await;
    let mut body = json!({"username": "ada", "password": "plum-anvil-tundra-9"});
    assert_eq!(service.post("/auth/register", body.clone()).await.code(), "invite_required");
    body["invite"] = json!("lki_made-up");
    assert_snapshot!(service.post("/auth/register", body).await, @r#"
    403
    cache-control: no-store
    content-type: application/problem+json
    {
      "code": "invite_invalid",
      "detail": "The invitation is unknown, has expired or was used",
      "request_id": "[request_id]",
      "status": 403,
      "title": "Forbidden",
      "type": "about:blank"
    }
    "#);
}
