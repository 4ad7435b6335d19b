//! Revocation (RFC 7009).

use std::time::Duration;

use rstest::rstest;
use serde_json::json;

use crate::support::{
    client::TestClient,
    service::{Backend, TestService},
    token::claims,
    wait::until,
};

async fn revoke(service: &TestService, token: &str) -> u16 {
    service.form("/oauth/revoke", &[("token", token), ("client_id", "first-party")]).await.status
}

async fn revoke_as(service: &TestService, client: &TestClient, token: &str) -> u16 {
    service.form_as(client, "/oauth/revoke", &[("token", token)]).await.status
}

#[rstest]
#[tokio::test]
async fn a_refresh_token_ends_its_session(#[values(Backend::Sqlite, Backend::PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let person = service.registered("ada").await;
    let (first, second) = (service.log_in(&person).await, service.log_in(&person).await);
    assert_eq!(revoke(&service, &first.refresh).await, 200);
    assert_eq!(service.refresh(&first.refresh).await.code(), "login_required");
    assert_eq!(service.get_as(&first.access, "/auth/me").await.code(), "login_required");
    assert_eq!(service.get_as(&second.access, "/auth/me").await.status, 200);
    // Twice is no error.
    assert_eq!(revoke(&service, &first.refresh).await, 200);
    service.audit_written().await;
    assert_eq!(service.audit_events("logout").await.len(), 1);
}

#[rstest]
#[tokio::test]
async fn an_access_token_goes_alone_and_at_every_replica(
    #[values(Backend::Sqlite, Backend::PostgresAndRedis)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let other_replica = service.replica().await;
    let person = service.registered("ada").await;
    let tokens = service.log_in(&person).await;
    assert_eq!(other_replica.get_as(&tokens.access, "/auth/me").await.status, 200);
    assert_eq!(revoke(&service, &tokens.access).await, 200);
    assert_eq!(service.get_as(&tokens.access, "/auth/me").await.code(), "invalid_token");
    until("the other replica knows", async || other_replica.get_as(&tokens.access, "/auth/me").await.status == 401)
        .await;
    // The session goes on, and other services hear of the token alone.
    let fresh = service.refresh(&tokens.refresh).await.tokens();
    assert_eq!(service.get_as(&fresh.access, "/auth/me").await.status, 200);
    service.audit_written().await;
    let [event] = &service.audit_events("token_revoked").await[..] else { panic!("one event") };
    assert_eq!(event.detail["jti"], claims(&tokens.access)["jti"].as_str().unwrap());
    // A replica that starts later reads it in the log.
    let later = service.replica().await;
    until("a new replica knows", async || later.get_as(&tokens.access, "/auth/me").await.status == 401).await;
    for replica in [later, other_replica] {
        replica.stop().await;
    }
}

#[tokio::test]
async fn the_only_token_of_a_session_ends_it() {
    let service = TestService::start(Backend::Sqlite).await;
    let person = service.registered("ada").await;
    let token = service.try_log_in(&person, json!("access_only")).await.member("access_token");
    assert_eq!(revoke(&service, &token).await, 200);
    assert_eq!(service.get_as(&token, "/auth/me").await.code(), "login_required");
}

#[tokio::test]
async fn a_client_revokes_its_own_tokens_and_nobody_elses() {
    let service = TestService::start_with(Backend::Sqlite, &[("AUTH_FIRST_PARTY_AUDIENCES", "notes")]).await;
    let (notes, other) = (service.client("notes", |_| ()).await, service.client("other", |_| ()).await);
    let person = service.registered("ada").await;
    let user = service.log_in(&person).await;
    let exchanged = service.exchange(&notes, &user.access, &[]).await.member("access_token");
    let own = service.own_token(&notes).await;

    for (client, token) in [(&other, &own), (&other, &exchanged), (&notes, &user.access), (&notes, &user.refresh)] {
        let answer = service.form_as(client, "/oauth/revoke", &[("token", token)]).await;
        assert_eq!((answer.status, answer.member("error").as_str()), (400, "invalid_grant"), "{}", client.id);
    }
    assert_eq!(revoke(&service, &own).await, 400);

    assert_eq!(revoke_as(&service, &notes, &own).await, 200);
    assert_eq!(service.introspect(&notes, &own).await, json!({"active": false}));
    assert_eq!(revoke_as(&service, &notes, &exchanged).await, 200);
    assert_eq!(service.get_as(&exchanged, "/auth/me").await.code(), "invalid_token");
    // Neither the user nor another exchange is touched.
    assert_eq!(service.get_as(&user.access, "/auth/me").await.status, 200);
    let again = service.exchange(&notes, &user.access, &[]).await.member("access_token");
    assert_eq!(service.get_as(&again, "/auth/me").await.status, 200);
    // A revoked token makes no further ones.
    assert_eq!(service.exchange(&notes, &exchanged, &[]).await.member("error"), "invalid_request");
}

#[tokio::test]
async fn what_holds_no_more_or_never_did_is_no_error() {
    let service = TestService::start(Backend::Sqlite).await;
    let person = service.registered("ada").await;
    let tokens = service.log_in(&person).await;
    for token in ["x", "a.b.c", &format!("{}x", tokens.access), &format!("{}x", tokens.refresh)] {
        assert_eq!(revoke(&service, token).await, 200, "{token}");
    }
    assert_eq!(service.get_as(&tokens.access, "/auth/me").await.status, 200);
    service.clock.advance(Duration::from_hours(1));
    assert_eq!(revoke(&service, &tokens.access).await, 200);
    assert_snapshot!(service.form("/oauth/revoke", &[("token", "x")]).await, @r#"
    401
    cache-control: no-store
    content-type: application/json
    www-authenticate: Basic realm="latchkey"
    {
      "error": "invalid_client",
      "error_description": "The client is not known or its secret is wrong"
    }
    "#);
    let answer = service.form("/oauth/revoke", &[("client_id", "first-party")]).await;
    assert_eq!((answer.status, answer.member("error").as_str()), (400, "invalid_request"));
}

#[tokio::test]
async fn whoever_revokes_one_token_after_the_other_has_no_session_in_the_end() {
    let service = TestService::start(Backend::Sqlite).await;
    let person = service.registered("ada").await;
    let tokens = service.log_in(&person).await;
    for _ in 0..20 {
        let fresh = service.refresh(&tokens.refresh).await.tokens();
        assert_eq!(revoke(&service, &fresh.access).await, 200);
    }
    let last = service.refresh(&tokens.refresh).await.tokens();
    assert_eq!(revoke(&service, &last.access).await, 200);
    assert_eq!(service.refresh(&tokens.refresh).await.code(), "login_required");
    service.audit_written().await;
    assert_eq!(service.audit_events("token_revoked").await.len(), 20);
}
