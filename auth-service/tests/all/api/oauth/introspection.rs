//! Introspection (RFC 7662): nothing is said to a client whose business the token is not.

use std::time::Duration;

use auth_service::domain::{client::ClientChange, user::Identifier};
use rstest::rstest;
use serde_json::json;

use crate::support::{
    service::{Backend, ISSUER, TestService},
    token::claims,
    wait::until,
};

#[rstest]
#[tokio::test]
async fn a_service_learns_what_the_tokens_say_that_it_was_sent(
    #[values(Backend::Sqlite, Backend::PostgresAndRedis)] backend: Backend,
) {
    let service = TestService::start_with(backend, &[("AUTH_FIRST_PARTY_AUDIENCES", "notes")]).await;
    let (notes, other) = (service.client("notes", |_| ()).await, service.client("other", |_| ()).await);
    let person = service.registered("ada").await;
    let user = service.log_in(&person).await;

    let mut expected = claims(&user.access);
    for (name, value) in [("active", json!(true)), ("token_type", json!("Bearer"))] {
        expected.as_object_mut().unwrap().insert(name.to_owned(), value);
    }
    assert_eq!(service.introspect(&notes, &user.access).await, expected);
    // By another name, `service` says who the client is.
    let worker = service.client("notes-worker", |rights| rights.service = "notes".parse().unwrap()).await;
    assert_eq!(service.introspect(&worker, &user.access).await, expected);

    let inactive = json!({"active": false});
    assert_eq!(service.introspect(&other, &user.access).await, inactive);
    for token in ["x", &user.refresh, &format!("{}x", user.access)] {
        assert_eq!(service.introspect(&notes, token).await, inactive, "{token}");
    }
    service.clock.advance(Duration::from_secs(905));
    assert_eq!(service.introspect(&notes, &user.access).await, inactive);
}

#[tokio::test]
async fn a_client_learns_of_its_own_tokens_and_of_those_sent_to_it() {
    let service = TestService::start(Backend::Sqlite).await;
    let notes = service.client("notes", |rights| rights.audiences = vec!["archive".parse().unwrap()]).await;
    let (archive, other) = (service.client("archive", |_| ()).await, service.client("other", |_| ()).await);
    let token = service.own_token(&notes).await;
    for (client, active) in [(&notes, true), (&archive, true), (&other, false)] {
        assert_eq!(service.introspect(client, &token).await["active"], json!(active), "{}", client.id);
    }
    assert_eq!(service.introspect(&archive, &token).await["sub"], "notes");
    service.client_operator().set_disabled(&"notes".parse().unwrap(), true).await.unwrap();
    assert_eq!(service.introspect(&archive, &token).await, json!({"active": false}));
}

#[tokio::test]
async fn a_session_that_is_over_has_no_active_tokens() {
    let service = TestService::start_with(Backend::Sqlite, &[("AUTH_FIRST_PARTY_AUDIENCES", "notes")]).await;
    let notes = service.client("notes", |_| ()).await;
    let person = service.registered("ada").await;
    let user = service.log_in(&person).await;
    assert_eq!(service.introspect(&notes, &user.access).await["active"], json!(true));
    assert_eq!(service.log_out(&user.access).await.status, 204);
    assert_eq!(service.introspect(&notes, &user.access).await, json!({"active": false}));
}

#[tokio::test]
async fn only_clients_ask() {
    let service = TestService::start(Backend::Sqlite).await;
    let notes = service.client("notes", |_| ()).await;
    assert_snapshot!(service.form_as(&notes, "/oauth/introspect", &[]).await, @r#"
    400
    cache-control: no-store
    content-type: application/json
    {
      "error": "invalid_request",
      "error_description": "token is missing"
    }
    "#);
    for form in [vec![("token", "x")], vec![("token", "x"), ("client_id", "first-party")]] {
        let answer = service.form("/oauth/introspect", &form).await;
        assert_eq!((answer.status, answer.member("error").as_str()), (401, "invalid_client"), "{form:?}");
    }
    let hinted = [("token", "x"), ("token_type_hint", "something")];
    assert_snapshot!(service.form_as(&notes, "/oauth/introspect", &hinted).await, @r#"
    200
    cache-control: no-store
    content-type: application/json
    {
      "active": false
    }
    "#);
}

#[tokio::test]
async fn what_was_taken_away_since_is_not_told() {
    let service = TestService::start_with(Backend::Sqlite, &[("AUTH_FIRST_PARTY_AUDIENCES", "notes")]).await;
    let notes = service.client("notes", |rights| rights.scope = "a b notes:read".parse().unwrap()).await;
    let person = service.registered("ada").await;
    let ada = Identifier::parse("ada").unwrap();
    service.operator().set_roles(&ada, vec!["admin".to_owned()]).await.unwrap();
    let user = service.log_in(&person).await;
    let (own, exchanged) = (service.own_token(&notes).await, service.exchange(&notes, &user.access, &[]).await);
    let exchanged = exchanged.member("access_token");
    assert_eq!(service.introspect(&notes, &user.access).await["roles"], json!(["admin"]));

    service.operator().set_roles(&ada, Vec::new()).await.unwrap();
    let less = ClientChange { scope: Some("a".parse().unwrap()), ..ClientChange::default() };
    service.client_operator().change(&"notes".parse().unwrap(), &less).await.unwrap();
    assert_eq!(service.introspect(&notes, &own).await["scope"], "a");
    assert_eq!(service.introspect(&notes, &exchanged).await["scope"], "");
    until("the session has lost the role", async || {
        service.introspect(&notes, &user.access).await["roles"] == json!([])
    })
    .await;
}

#[tokio::test]
async fn a_client_that_was_disabled_for_a_while_has_lost_its_tokens() {
    let service = TestService::start_with(Backend::Sqlite, &[("AUTH_FIRST_PARTY_AUDIENCES", "notes")]).await;
    let notes = service.client("notes", |_| ()).await;
    let person = service.registered("ada").await;
    let user = service.log_in(&person).await;
    let own = service.own_token(&notes).await;
    let exchanged = service.exchange(&notes, &user.access, &[]).await.member("access_token");
    let (operator, id) = (service.client_operator(), "notes".parse().unwrap());
    operator.set_disabled(&id, true).await.unwrap();
    operator.set_disabled(&id, false).await.unwrap();
    until("its tokens from before are refused", async || {
        service.introspect(&notes, &own).await == json!({"active": false})
    })
    .await;
    assert_eq!(service.get_as(&exchanged, "/auth/me").await.code(), "invalid_token");
    // One of the same second would be taken for one from before.
    service.clock.advance(Duration::from_secs(1));
    let fresh = service.own_token(&notes).await;
    assert_eq!(service.introspect(&notes, &fresh).await["active"], json!(true));
    assert_eq!(service.get_as(&user.access, "/auth/me").await.status, 200);
}

#[tokio::test]
async fn nobody_is_told_of_tokens_by_calling_itself_auth_service() {
    let service = TestService::start(Backend::Sqlite).await;
    let false_name = service.client("notes", |rights| rights.service = ISSUER.parse().unwrap()).await;
    let person = service.registered("ada").await;
    let user = service.log_in(&person).await;
    assert_eq!(service.introspect(&false_name, &user.access).await, json!({"active": false}));
    assert_eq!(service.exchange(&false_name, &user.access, &[]).await.member("error"), "invalid_request");
}

#[rstest]
#[tokio::test]
async fn many_who_ask_at_once_are_all_answered(#[values(Backend::Sqlite, Backend::PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let notes = service.client("notes", |_| ()).await;
    let token = service.own_token(&notes).await;
    let ask = || async { service.introspect(&notes, &token).await["active"] == json!(true) };
    let answers = tokio::join!(ask(), ask(), ask(), ask(), ask(), ask(), ask(), ask(), ask(), ask());
    assert_eq!(answers, (true, true, true, true, true, true, true, true, true, true));
}
