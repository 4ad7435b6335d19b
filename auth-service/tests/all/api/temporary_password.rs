//! `POST /admin/users/{id}/password`, and the login that replaces what was given there.

use std::{sync::Arc, time::Duration};

use auth_service::{
    crypto::bcrypt_pool::{BcryptOptions, BcryptPool},
    domain::{password::Password, user::Identifier},
    ports::{PasswordHasher, SystemRng},
};
use common::telemetry::metrics::Metrics;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{
    answer::Answer,
    service::{
        Backend::{self, PostgresAndRedis, Sqlite},
        Person, TestService, Tokens,
    },
};

const TEMPORARY: &str = "granite-falcon-letter-7";
const OWN: &str = "copper-violet-harbour-4";

async fn log_in_with(service: &TestService, password: &str, new: Option<&str>) -> Answer {
    let body = match new {
        Some(new) => json!({"username": "ada", "password": password, "new_password": new}),
        None => json!({"username": "ada", "password": password}),
    };
    service.post("/auth/login", body).await
}

async fn give(service: &TestService, token: &str, id: &str, body: Value) -> Answer {
    service.post_as(token, &format!("/admin/users/{id}/password"), body).await
}

/// Ada's session from before, and who gave her a temporary password.
async fn given(service: &TestService) -> (Person, Tokens, Tokens) {
    let ada = service.registered("ada").await;
    let before = service.log_in(&ada).await;
    let (_, admin) = service.administrator().await;
    let id = service.get_as(&before.access, "/auth/me").await.member("id");
    let answer = give(service, &admin.access, &id, json!({"password": TEMPORARY})).await;
    assert_eq!(answer.status, 204, "{answer}");
    (ada, before, admin)
}

#[rstest]
#[tokio::test]
async fn it_is_good_for_being_replaced_and_for_nothing_else(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let (ada, before, _) = given(&service).await;
    assert_eq!(service.refresh(&before.refresh).await.code(), "login_required");
    assert_eq!(service.try_log_in(&ada, json!(null)).await.code(), "invalid_credentials");
    assert_snapshot!(log_in_with(&service, TEMPORARY, None).await, @r#"
    403
    cache-control: no-store
    content-type: application/problem+json
    {
      "code": "password_change_required",
      "detail": "The password is a temporary one: log in with a new_password beside it",
      "request_id": "[request_id]",
      "status": 403,
      "title": "Forbidden",
      "type": "about:blank"
    }
    "#);

    assert_eq!(log_in_with(&service, "not-the-password", Some(OWN)).await.code(), "invalid_credentials");
    assert_eq!(log_in_with(&service, TEMPORARY, Some("password1")).await.code(), "weak_password");
    assert_snapshot!(log_in_with(&service, TEMPORARY, Some(TEMPORARY)).await, @r#"
    422
    cache-control: no-store
    content-type: application/problem+json
    {
      "code": "weak_password",
      "detail": "The password is too easy to guess",
      "errors": [
        {
          "detail": "This is the password that is to be replaced.",
          "field": "new_password"
        }
      ],
      "request_id": "[request_id]",
      "status": 422,
      "title": "Unprocessable Content",
      "type": "about:blank"
    }
    "#);
    let nul = log_in_with(&service, TEMPORARY, Some("nul\0")).await;
    assert_eq!((nul.status, nul.code().as_str()), (400, "bad_request"));

    let own = log_in_with(&service, TEMPORARY, Some(OWN)).await;
    assert_eq!(service.get_as(&own.tokens().access, "/auth/me").await.member("username"), "ada");
    assert_eq!(log_in_with(&service, TEMPORARY, None).await.code(), "invalid_credentials");
    assert_eq!(log_in_with(&service, TEMPORARY, Some("another-violet-harbour-9")).await.code(), "invalid_credentials");
    service.log_in(&Person { password: OWN.to_owned(), ..ada }).await;
    assert_eq!(service.refresh(&own.tokens().refresh).await.status, 200);
}

#[tokio::test]
async fn a_session_that_is_about_to_end_makes_nothing_of_it() {
    let service = TestService::start(Sqlite).await;
    let ada = service.registered("ada").await;
    let tokens = service.log_in(&ada).await;
    let options = BcryptOptions { cost: 4, threads: 1, queue: 4 };
    let hasher = BcryptPool::start(options, Arc::new(SystemRng), &Metrics::new("test")).unwrap();
    let turn = hasher.admit(None).unwrap();
    let password = Password::new(TEMPORARY.to_owned().into()).unwrap();
    // As the command does it: a running service ends the sessions in its own time.
    service.operator().set_password(&Identifier::parse("ada").unwrap(), password, &*turn).await.unwrap();
    let answer = service.post_as(&tokens.access, "/auth/reauth", json!({"password": TEMPORARY})).await;
    assert!(["wrong_password", "login_required"].contains(&answer.code().as_str()), "{answer}");
}

#[rstest]
#[tokio::test]
async fn it_does_not_wait_for_ever(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    given(&service).await;
    service.clock.advance(Duration::from_hours(72) - Duration::from_secs(1));
    assert_eq!(log_in_with(&service, TEMPORARY, None).await.code(), "password_change_required");
    service.clock.advance(Duration::from_secs(1));
    assert_eq!(log_in_with(&service, TEMPORARY, Some(OWN)).await.code(), "password_expired");
    assert_snapshot!(log_in_with(&service, TEMPORARY, None).await, @r#"
    403
    cache-control: no-store
    content-type: application/problem+json
    {
      "code": "password_expired",
      "detail": "The temporary password was not replaced in time; ask an administrator for another",
      "request_id": "[request_id]",
      "status": 403,
      "title": "Forbidden",
      "type": "about:blank"
    }
    "#);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_replace_it_at_once_one_succeeds(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    given(&service).await;
    let mut logins = JoinSet::new();
    for number in 0..8 {
        let body = json!({"username": "ada", "password": TEMPORARY, "new_password": format!("{OWN}-{number}")});
        logins.spawn(Answer::of(service.request(reqwest::Method::POST, "/auth/login").json(&body)));
    }
    let (mut winners, mut codes) = (Vec::new(), Vec::new());
    while let Some(answer) = logins.join_next().await {
        let answer = answer.unwrap();
        if answer.status == 200 { winners.push(answer.tokens()) } else { codes.push(answer.code()) }
    }
    assert_eq!(winners.len(), 1, "{codes:?}");
    assert_eq!(service.refresh(&winners[0].refresh).await.status, 200);
    for code in codes {
        assert!(["invalid_credentials", "too_many_attempts", "unavailable"].contains(&code.as_str()), "{code}");
    }
}

#[rstest]
#[tokio::test]
async fn a_password_of_ones_own_may_be_replaced_at_login_too(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let elsewhere = service.log_in(&ada).await;
    let here = log_in_with(&service, &ada.password, Some(OWN)).await.tokens();
    assert_eq!(service.refresh(&elsewhere.refresh).await.code(), "login_required");
    assert_eq!(service.refresh(&here.refresh).await.status, 200);
    assert_eq!(service.try_log_in(&ada, json!(null)).await.code(), "invalid_credentials");
    service.log_in(&Person { password: OWN.to_owned(), ..ada }).await;
}

#[rstest]
#[tokio::test]
async fn nobody_gives_one_to_themselves(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let (root, admin) = service.administrator().await;
    let answer = give(&service, &admin.access, &sub(&admin), json!({"password": TEMPORARY})).await;
    assert_eq!((answer.status, answer.code().as_str()), (409, "own_account"), "{answer}");
    assert_eq!(service.refresh(&admin.refresh).await.status, 200);
    service.log_in(&root).await;
}

#[tokio::test]
async fn only_an_administrator_gives_one_and_only_with_a_recent_password() {
    let service = TestService::start(Sqlite).await;
    let (_, _, admin) = given(&service).await;
    let bob = service.registered("bob").await;
    let bob = service.log_in(&bob).await;
    let id = service.get_as(&bob.access, "/auth/me").await.member("id");
    let body = json!({"password": TEMPORARY});
    assert_eq!(give(&service, &bob.access, &id, body.clone()).await.code(), "insufficient_role");
    assert_eq!(
        give(&service, &admin.access, "018f0000-0000-7000-8000-000000000000", body.clone()).await.code(),
        "not_found"
    );
    assert_eq!(give(&service, &admin.access, &id, json!({"password": "password1"})).await.code(), "weak_password");
    for wrong in [json!({}), json!({"password": ""}), json!({"password": "x", "more": 1}), json!({"password": 7})] {
        assert_eq!(give(&service, &admin.access, &id, wrong).await.code(), "bad_request");
    }
    assert_eq!(give(&service, &admin.access, "ada", body.clone()).await.status, 404);
    assert_eq!(service.refresh(&bob.refresh).await.status, 200, "nothing has happened to bob");

    service.clock.advance(Duration::from_secs(15 * 60 + 1));
    let admin = service.refresh(&admin.refresh).await.tokens();
    assert_snapshot!(give(&service, &admin.access, &id, body.clone()).await, @r#"
    401
    cache-control: no-store
    content-type: application/problem+json
    www-authenticate: Bearer realm="latchkey", error="insufficient_user_authentication", max_age="900"
    {
      "code": "reauthentication_required",
      "detail": "Give your password again for this",
      "request_id": "[request_id]",
      "status": 401,
      "title": "Unauthorized",
      "type": "about:blank"
    }
    "#);
    let root = json!({"password": "plum-anvil-tundra-9"});
    let fresh = service.post_as(&admin.access, "/auth/reauth", root).await.member("access_token");
    assert_eq!(give(&service, &fresh, &id, body).await.status, 204);
}

#[tokio::test]
async fn the_trail_says_who_gave_it_and_who_did_not_replace_it() {
    let service = TestService::start(Sqlite).await;
    let (_, before, admin) = given(&service).await;
    log_in_with(&service, TEMPORARY, None).await;
    log_in_with(&service, TEMPORARY, Some(OWN)).await;
    service.audit_written().await;
    let [set, failed, changed] = ["password_set", "login_failed", "password_changed"];
    let set = &service.audit_events(set).await[0];
    assert_eq!(set.actor.to_string(), format!("user:{}", sub(&admin)));
    assert_eq!(set.subject.unwrap().to_string(), sub(&before));
    assert_eq!(service.audit_events(failed).await[0].detail["why"], "temporary_password");
    assert_eq!(service.audit_events(changed).await[0].subject.unwrap().to_string(), sub(&before));
}

fn sub(tokens: &Tokens) -> String {
    tokens.user().to_string()
}
