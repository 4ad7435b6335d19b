//! `POST /auth/password`

use rstest::rstest;
use serde_json::json;

use crate::support::service::{
    Backend::{self, PostgresAndRedis, Sqlite},
    Person, TestService,
};

#[rstest]
#[tokio::test]
async fn a_new_password_ends_the_other_sessions(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let (here, elsewhere) = (service.log_in(&ada).await, service.log_in(&ada).await);
    let body = json!({"current_password": ada.password, "new_password": "copper-violet-harbour-4"});
    let answer = service.post_as(&here.access, "/auth/password", body).await;
    assert_eq!(answer.status, 204, "{answer}");

    assert_eq!(service.refresh(&elsewhere.refresh).await.code(), "login_required");
    assert_eq!(service.refresh(&here.refresh).await.status, 200);
    assert_eq!(service.try_log_in(&ada, json!(null)).await.code(), "invalid_credentials");
    service.log_in(&Person { password: "copper-violet-harbour-4".to_owned(), ..ada }).await;
}

#[rstest]
#[tokio::test]
async fn a_wrong_current_password_changes_nothing(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let tokens = service.log_in(&ada).await;
    let body = json!({"current_password": "not-the-password", "new_password": "copper-violet-harbour-4"});
    assert_snapshot!(service.post_as(&tokens.access, "/auth/password", body).await, @r#"
    403
    cache-control: no-store
    content-type: application/problem+json
    {
      "code": "wrong_password",
      "detail": "The password is not the current one",
      "request_id": "[request_id]",
      "status": 403,
      "title": "Forbidden",
      "type": "about:blank"
    }
    "#);
    service.log_in(&ada).await;
}

#[rstest]
#[tokio::test]
async fn a_weak_new_password_changes_nothing(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let tokens = service.log_in(&ada).await;
    let body = json!({"current_password": ada.password, "new_password": "password1"});
    assert_snapshot!(service.post_as(&tokens.access, "/auth/password", body).await, @r#"
    422
    cache-control: no-store
    content-type: application/problem+json
    {
      "code": "weak_password",
      "detail": "The password is too easy to guess",
      "errors": [
        {
          "detail": "This is a very common password.",
          "field": "new_password"
        },
        {
          "detail": "Add another word or two. Uncommon words are better.",
          "field": "new_password"
        }
      ],
      "request_id": "[request_id]",
      "status": 422,
      "title": "Unprocessable Content",
      "type": "about:blank"
    }
    "#);
    service.log_in(&ada).await;
}

#[rstest]
#[tokio::test]
async fn of_two_changes_at_once_one_wins(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let ada = service.registered("ada").await;
    let tokens = service.log_in(&ada).await;
    let change = |new: &str| {
        let body = json!({"current_password": ada.password, "new_password": new});
        service.post_as(&tokens.access, "/auth/password", body)
    };
    let (one, two) = tokio::join!(change("copper-violet-harbour-4"), change("walnut-saddle-orchid-7"));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 403]);
}

/// Whichever of the two comes first.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_login_under_way_does_not_survive_the_change(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let service = TestService::start(backend).await;
    let other = service.replica().await;
    for round in 0..10 {
        let person = service.registered(&format!("ada{round}")).await;
        let here = service.log_in(&person).await;
        let body = json!({"current_password": person.password, "new_password": "copper-violet-harbour-4"});
        let (changed, login) = tokio::join!(
            service.post_as(&here.access, "/auth/password", body),
            other.try_log_in(&person, json!("bearer"))
        );
        assert_eq!(changed.status, 204, "{changed}");
        if login.status == 200 {
            let tokens = login.tokens();
            assert_eq!(service.refresh(&tokens.refresh).await.code(), "login_required");
            assert_eq!(service.get_as(&tokens.access, "/auth/me").await.code(), "login_required");
        } else {
            assert_eq!(login.code(), "invalid_credentials");
        }
        assert_eq!(service.refresh(&here.refresh).await.status, 200);
    }
}
