//! Token exchange (RFC 8693): a service acts for a user whose token it was sent.

use std::time::Duration;

use auth_service::domain::{client::GrantType, user::Identifier};
use common::clock::Clock;
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    answer::Answer,
    client::{ACCESS_TOKEN, TOKEN_EXCHANGE, TestClient},
    service::{Backend, TestService, Tokens},
    token::claims,
};

/// A user whose tokens are for `notes`, and two services: `notes` may call `archive`, and `archive` may call `notes`.
struct Hop {
    service: TestService,
    notes: TestClient,
    archive: TestClient,
    user: Tokens,
}

impl Hop {
    async fn start(backend: Backend) -> Self {
        let service = TestService::start_with(backend, &[("AUTH_FIRST_PARTY_AUDIENCES", "notes")]).await;
        let notes = service.client("notes", |rights| {
            rights.scope = "notes:read archive:read".parse().unwrap();
            rights.audiences = vec!["archive".parse().unwrap()];
            rights.roles = vec!["editor".parse().unwrap()];
        });
        let notes = notes.await;
        let archive = service.client("archive", |rights| {
            rights.scope = "notes:read notes:write".parse().unwrap();
            rights.audiences = vec!["notes".parse().unwrap()];
        });
        let archive = archive.await;
        let person = service.registered("ada").await;
        let roles = vec!["admin".to_owned(), "editor".to_owned()];
        service.operator().set_roles(&Identifier::parse("ada").unwrap(), roles).await.unwrap();
        let user = service.log_in(&person).await;
        Self { service, notes, archive, user }
    }

    async fn exchanged(&self) -> String {
        let answer = self.service.exchange(&self.notes, &self.user.access, &[]).await;
        assert_eq!(answer.status, 200, "{answer}");
        answer.member("access_token")
    }

    async fn refused(&self, client: &TestClient, subject: &str, further: &[(&str, &str)]) -> String {
        let answer = self.service.exchange(client, subject, further).await;
        assert_eq!(answer.status, 400, "{answer}");
        answer.member("error")
    }
}

#[rstest]
#[tokio::test]
async fn a_service_acts_for_the_user_whose_token_it_was_sent(
    #[values(Backend::Sqlite, Backend::PostgresAndRedis)] backend: Backend,
) {
    let hop = Hop::start(backend).await;
    let answer = hop.service.exchange(&hop.notes, &hop.user.access, &[]).await;
    assert_snapshot!(answer, @r#"
    200
    cache-control: no-store
    content-type: application/json
    {
      "access_token": "[access_token]",
      "expires_in": 300,
      "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
      "scope": "notes:read",
      "token_type": "Bearer"
    }
    "#);
    let (before, mut after) = (claims(&hop.user.access), claims(&answer.member("access_token")));
    for name in ["sub", "sid", "auth_time", "iss"] {
        assert_eq!(after[name], before[name], "{name}");
    }
    for name in ["sub", "sid", "auth_time", "iss", "iat", "exp", "jti"] {
        after.as_object_mut().unwrap().remove(name).unwrap();
    }
    assert_eq!(
        after,
        json!({
            "aud": ["http://localhost:8080", "archive"], "client_id": "notes", "scope": "notes:read",
            "roles": ["editor"], "act": {"sub": "notes"},
        })
    );
}

#[tokio::test]
async fn the_chain_grows_with_every_hop_and_ends_at_the_fourth() {
    let hop = Hop::start(Backend::Sqlite).await;
    let mut token = hop.exchanged().await;
    let mut chain = json!({"sub": "notes"});
    for client in [&hop.archive, &hop.notes, &hop.archive] {
        let answer = hop.service.exchange(client, &token, &[]).await;
        assert_eq!(answer.status, 200, "{answer}");
        token = answer.member("access_token");
        chain = json!({"sub": client.id, "act": chain});
        assert_eq!(claims(&token)["act"], chain);
        // `archive` may write notes, but what the first hop has dropped does not come back.
        assert_eq!(claims(&token)["scope"], "notes:read");
        assert_eq!(claims(&token)["sid"], claims(&hop.user.access)["sid"]);
    }
    assert_eq!(hop.refused(&hop.notes, &token, &[]).await, "invalid_request");
}

#[tokio::test]
async fn only_a_token_that_was_sent_to_the_client_is_exchanged() {
    let hop = Hop::start(Backend::Sqlite).await;
    // Not for `archive`.
    assert_eq!(hop.refused(&hop.archive, &hop.user.access, &[]).await, "invalid_request");
    // Nobody acts for a service.
    let own = hop.service.own_token(&hop.archive).await;
    assert_eq!(hop.refused(&hop.notes, &own, &[]).await, "invalid_request");
    for token in ["x", &hop.user.refresh, &format!("{}x", hop.user.access)] {
        assert_eq!(hop.refused(&hop.notes, token, &[]).await, "invalid_request", "{token}");
    }
    let without = hop.service.client("without", |rights| {
        rights.grants = vec![GrantType::ClientCredentials];
        rights.service = "notes".parse().unwrap();
    });
    assert_eq!(hop.refused(&without.await, &hop.user.access, &[]).await, "unauthorized_client");
    // By another name, `service` says who the client is.
    let worker = hop.service.client("notes-worker", |rights| rights.service = "notes".parse().unwrap()).await;
    assert_eq!(hop.service.exchange(&worker, &hop.user.access, &[]).await.status, 200);
}

#[tokio::test]
async fn the_public_client_exchanges_nothing() {
    let hop = Hop::start(Backend::Sqlite).await;
    let form = [
        ("grant_type", TOKEN_EXCHANGE),
        ("subject_token", hop.user.access.as_str()),
        ("subject_token_type", ACCESS_TOKEN),
        ("client_id", "first-party"),
    ];
    assert_eq!(hop.service.form("/oauth/token", &form).await.member("error"), "invalid_client");
}

#[rstest]
#[case(&[("scope", "notes:write")], "invalid_scope")]
#[case(&[("scope", "archive:read")], "invalid_scope")]
#[case(&[("scope", "a  b")], "invalid_scope")]
#[case(&[("audience", "notes")], "invalid_target")]
#[case(&[("audience", "archive"), ("audience", "mail")], "invalid_target")]
#[case(&[("resource", "https://archive.example.org")], "invalid_target")]
#[case(&[("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token")], "invalid_request")]
#[case(&[("actor_token", "x")], "invalid_request")]
#[case(&[("actor_token_type", ACCESS_TOKEN)], "invalid_request")]
#[case(&[("subject_token_type", ACCESS_TOKEN)], "invalid_request")]
#[tokio::test]
async fn what_there_is_not_to_give_is_refused(#[case] further: &[(&str, &str)], #[case] error: &str) {
    let hop = Hop::start(Backend::Sqlite).await;
    assert_eq!(hop.refused(&hop.notes, &hop.user.access, further).await, error);
}

#[tokio::test]
async fn less_may_be_asked_for() {
    let hop = Hop::start(Backend::Sqlite).await;
    let further = [("scope", "notes:read"), ("audience", "archive"), ("requested_token_type", ACCESS_TOKEN)];
    let answer = hop.service.exchange(&hop.notes, &hop.user.access, &further).await;
    assert_eq!(answer.status, 200, "{answer}");
    for form in [
        vec![("subject_token", hop.user.access.as_str())],
        vec![("subject_token_type", ACCESS_TOKEN)],
        vec![
            ("subject_token", hop.user.access.as_str()),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ],
    ] {
        let form = [&[("grant_type", TOKEN_EXCHANGE)], &form[..]].concat();
        let answer = hop.service.form_as(&hop.notes, "/oauth/token", &form).await;
        assert_eq!((answer.status, answer.member("error").as_str()), (400, "invalid_request"), "{form:?}");
    }
}

#[tokio::test]
async fn no_token_outlives_the_one_it_was_made_from() {
    let hop = Hop::start(Backend::Sqlite).await;
    let issued = hop.service.clock.now().seconds();
    let ends = |token: &str| claims(token)["exp"].as_i64().unwrap() - issued;
    assert_eq!(ends(&hop.exchanged().await), 300);
    hop.service.clock.advance(Duration::from_secs(890));
    let answer = hop.service.exchange(&hop.notes, &hop.user.access, &[]).await;
    assert_eq!((ends(&answer.member("access_token")), answer.json()["expires_in"].as_i64()), (900, Some(10)));
    // Within the leeway it is believed, but there is nothing left of it to give.
    hop.service.clock.advance(Duration::from_secs(11));
    assert_eq!(hop.refused(&hop.notes, &hop.user.access, &[]).await, "invalid_request");
}

#[rstest]
#[tokio::test]
async fn nothing_is_exchanged_of_a_session_that_is_over(
    #[values(Backend::Sqlite, Backend::PostgresAndRedis)] backend: Backend,
) {
    let hop = Hop::start(backend).await;
    let exchanged = hop.exchanged().await;
    let again = hop.service.exchange(&hop.archive, &exchanged, &[]).await;
    assert_eq!(again.status, 200, "{again}");
    assert_eq!(hop.service.log_out(&hop.user.access).await.status, 204);
    assert_eq!(hop.refused(&hop.notes, &hop.user.access, &[]).await, "invalid_request");
    assert_eq!(hop.refused(&hop.archive, &exchanged, &[]).await, "invalid_request");
    assert_eq!(hop.service.get_as(&exchanged, "/auth/me").await.code(), "login_required");
    assert_eq!(hop.service.introspect(&hop.archive, &exchanged).await, json!({"active": false}));
}

#[tokio::test]
async fn a_role_that_the_user_has_lost_is_not_in_it() {
    let hop = Hop::start(Backend::Sqlite).await;
    hop.service.operator().set_roles(&Identifier::parse("ada").unwrap(), vec!["admin".to_owned()]).await.unwrap();
    let roles = async || claims(&hop.exchanged().await)["roles"].clone();
    crate::support::wait::until("the session has lost the role", async || roles().await == json!([])).await;
}

#[tokio::test]
async fn a_service_that_acts_for_a_user_sees_the_user_and_does_nothing_to_the_account() {
    let hop = Hop::start(Backend::Sqlite).await;
    let token = hop.exchanged().await;
    let me = hop.service.get_as(&token, "/auth/me").await;
    assert_eq!((me.status, me.member("username").as_str()), (200, "ada"), "{me}");
    let sid = claims(&token)["sid"].as_str().unwrap().to_owned();
    for (method, path, body) in [
        (Method::PATCH, "/auth/me", json!({"username": "eve"})),
        (Method::DELETE, "/auth/me", Value::Null),
        (Method::GET, "/auth/sessions", Value::Null),
        (Method::DELETE, &format!("/auth/sessions/{sid}"), Value::Null),
        (Method::POST, "/auth/password", json!({"current_password": "x", "new_password": "y"})),
        (Method::POST, "/auth/reauth", json!({"password": "x"})),
        (Method::POST, "/auth/logout", Value::Null),
        (Method::POST, "/auth/logout-all", Value::Null),
        (Method::GET, "/admin/audit", Value::Null),
        (Method::GET, "/admin/clients", Value::Null),
        (Method::POST, "/admin/clients", json!({"client_id": "eve"})),
        (Method::DELETE, "/admin/clients/notes", Value::Null),
        (Method::POST, "/admin/clients/notes/secret", Value::Null),
    ] {
        let request = hop.service.request(method.clone(), path).bearer_auth(&token);
        let request = if body.is_null() { request } else { request.json(&body) };
        let answer = Answer::of(request).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "users_only"), "{method} {path}");
    }
    assert_eq!(hop.service.get_as(&hop.user.access, "/auth/me").await.status, 200);
}

#[tokio::test]
async fn a_client_that_is_gone_acts_for_nobody() {
    let hop = Hop::start(Backend::Sqlite).await;
    let token = hop.exchanged().await;
    let id = "notes".parse().unwrap();
    hop.service.client_operator().set_disabled(&id, true).await.unwrap();
    assert_eq!(hop.service.get_as(&token, "/auth/me").await.code(), "invalid_token");
    assert_eq!(hop.refused(&hop.archive, &token, &[]).await, "invalid_request");
    assert_eq!(hop.service.introspect(&hop.archive, &token).await, json!({"active": false}));
    hop.service.client_operator().remove(&id).await.unwrap();
    assert_eq!(hop.service.get_as(&token, "/auth/me").await.code(), "invalid_token");
    assert_eq!(hop.service.get_as(&hop.user.access, "/auth/me").await.status, 200);
}
