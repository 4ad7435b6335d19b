//! `grant_type=refresh_token` (RFC 6749, section 6): the same rules as `/auth/refresh`, in the words of the standard.

use std::time::Duration;

use rstest::rstest;

use crate::support::{
    service::{Backend, TestService},
    token::claims,
};

fn form(token: &str) -> Vec<(&'static str, String)> {
    vec![("grant_type", "refresh_token".to_owned()), ("refresh_token", token.to_owned())]
}

async fn ask(service: &TestService, form: &[(&'static str, String)]) -> crate::support::answer::Answer {
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    service.form("/oauth/token", &form).await
}

#[rstest]
#[tokio::test]
async fn a_refresh_token_is_enough_in_itself(#[values(Backend::Sqlite, Backend::PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let person = service.registered("ada").await;
    let tokens = service.log_in(&person).await;
    assert_snapshot!(ask(&service, &form(&tokens.refresh)).await, @r#"
    200
    cache-control: no-store
    content-type: application/json
    {
      "access_token": "[access_token]",
      "expires_in": 900,
      "refresh_token": "[refresh_token]",
      "scope": "notes:read notes:write",
      "token_type": "Bearer"
    }
    "#);
    let named = [form(&tokens.refresh), vec![("client_id", "first-party".to_owned())]].concat();
    assert_eq!(ask(&service, &named).await.status, 200);
    let other = [form(&tokens.refresh), vec![("client_id", "reports".to_owned())]].concat();
    assert_eq!(ask(&service, &other).await.status, 401);
}

#[tokio::test]
async fn less_may_be_asked_for_and_more_is_refused_without_harm() {
    let service = TestService::start(Backend::Sqlite).await;
    let person = service.registered("ada").await;
    let tokens = service.log_in(&person).await;
    let with = |scope: &str| [form(&tokens.refresh), vec![("scope", scope.to_owned())]].concat();
    let less = ask(&service, &with("notes:read")).await;
    assert_eq!((less.status, less.member("scope").as_str()), (200, "notes:read"));
    assert_eq!(claims(&less.member("access_token"))["scope"], "notes:read");
    let more = ask(&service, &with("notes:read users:read")).await;
    assert_eq!((more.status, more.member("error").as_str()), (400, "invalid_scope"));
    // The session allows what it did before.
    let all = ask(&service, &form(&less.member("refresh_token"))).await;
    assert_eq!(all.member("scope"), claims(&tokens.access)["scope"].as_str().unwrap());
}

#[tokio::test]
async fn what_does_not_refresh_is_an_invalid_grant() {
    let service = TestService::start(Backend::Sqlite).await;
    let person = service.registered("ada").await;
    let tokens = service.log_in(&person).await;
    let client = service.client("reports", |_| ()).await;
    let foreign = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())];
    let foreign = service.form_as(&client, "/oauth/token", &foreign).await;
    assert_eq!((foreign.status, foreign.member("error").as_str()), (400, "invalid_grant"));
    for token in ["x", &tokens.access, &format!("{}x", tokens.refresh)] {
        let answer = ask(&service, &form(token)).await;
        assert_eq!((answer.status, answer.member("error").as_str()), (400, "invalid_grant"), "{answer}");
    }
    let missing = service.form("/oauth/token", &[("grant_type", "refresh_token")]).await;
    assert_eq!((missing.status, missing.member("error").as_str()), (400, "invalid_request"));

    let child = ask(&service, &form(&tokens.refresh)).await.member("refresh_token");
    service.clock.advance(Duration::from_secs(61));
    assert_eq!(ask(&service, &form(&child)).await.status, 200);
    let reused = ask(&service, &form(&tokens.refresh)).await;
    assert_snapshot!(reused, @r#"
    400
    cache-control: no-store
    content-type: application/json
    {
      "error": "invalid_grant",
      "error_description": "A used refresh token came back, so the session was ended everywhere"
    }
    "#);
    assert_eq!(service.get_as(&tokens.access, "/auth/me").await.code(), "login_required");
}
