//! Whatever ends a session ends it at resource-service too, within a second.

use std::time::{Duration, Instant};

use auth_service::domain::user::Identifier;
use reqwest::Method;
use rstest::rstest;
use serde_json::json;

use crate::support::{
    auth::{
        answer::Answer,
        service::{
            Backend::{self, PostgresAndRedis, Sqlite},
            Person, Tokens,
        },
        wait::until,
    },
    system::{System, add_client, sid},
};

#[derive(Debug, Clone, Copy)]
enum End {
    Logout,
    LogoutEverywhere,
    LogoutOfADevice,
    PasswordChange,
    Disabled,
    Deleted,
    Theft,
    TooManySessions,
}

/// Ends the session of `tokens`; the access token that must be refused from then on.
async fn end(system: &System, how: End, person: &Person, tokens: &Tokens) -> String {
    let auth = &system.home;
    let other = || auth.log_in(person);
    match how {
        End::Logout => system.log_out(&tokens.access).await,
        End::LogoutEverywhere => {
            let answer = system.post(&other().await.access, "/auth/logout-all").await;
            assert_eq!(answer.status, 204, "{answer}");
        }
        End::LogoutOfADevice => {
            let path = format!("/auth/sessions/{}", sid(&tokens.access));
            assert_eq!(auth.delete_as(&other().await.access, &path).await.status, 204);
        }
        End::PasswordChange => {
            let body = json!({"current_password": person.password, "new_password": "copper-violet-harbour-4"});
            let other = other().await;
            assert_eq!(auth.post_as(&other.access, "/auth/password", body).await.status, 204);
            assert_eq!(system.resource.whoami(&other.access).await, 200);
        }
        End::Disabled => {
            auth.operator().disable(&Identifier::parse(&person.username).unwrap()).await.unwrap();
        }
        End::Deleted => assert_eq!(auth.delete_as(&tokens.access, "/auth/me").await.status, 204),
        End::Theft => {
            let thief = auth.refresh(&tokens.refresh).await.tokens();
            system.clock().advance(Duration::from_secs(61));
            let thief = auth.refresh(&thief.refresh).await.tokens();
            assert_eq!(system.resource.whoami(&thief.access).await, 200);
            assert_eq!(auth.refresh(&tokens.refresh).await.code(), "token_reused");
            return thief.access;
        }
        End::TooManySessions => {
            for _ in 0..50 {
                system.clock().advance(Duration::from_secs(1));
                other().await;
            }
        }
    }
    tokens.access.clone()
}

#[rstest]
#[tokio::test]
async fn it_is_refused_within_a_second(
    #[values(Sqlite, PostgresAndRedis)] backend: Backend,
    #[values(
        End::Logout,
        End::LogoutEverywhere,
        End::LogoutOfADevice,
        End::PasswordChange,
        End::Disabled,
        End::Deleted,
        End::Theft,
        End::TooManySessions
    )]
    how: End,
) {
    let system = System::in_touch(backend).await;
    let (_, bystander) = system.logged_in("eve").await;
    let (person, tokens) = system.logged_in("ada").await;
    assert_eq!(system.resource.whoami(&tokens.access).await, 200);
    let refused = end(&system, how, &person, &tokens).await;
    let ended = Instant::now();
    system.resource.answers(&refused, 401).await;
    assert!(ended.elapsed() < Duration::from_secs(1), "after {:?}", ended.elapsed());
    assert_eq!(system.resource.whoami(&bystander.access).await, 200);
}

#[rstest]
#[tokio::test]
async fn a_token_without_a_refresh_token_is_revocable_all_the_same(
    #[values(Sqlite, PostgresAndRedis)] backend: Backend,
) {
    let system = System::in_touch(backend).await;
    let person = system.home.registered("ada").await;
    let token = system.home.try_log_in(&person, json!("access_only")).await.member("access_token");
    assert_eq!(system.resource.whoami(&token).await, 200);
    system.log_out(&token).await;
    let ended = Instant::now();
    system.resource.answers(&token, 401).await;
    assert!(ended.elapsed() < Duration::from_secs(1), "after {:?}", ended.elapsed());
}

/// A service is no user: 403 says that its token is good.
#[rstest]
#[tokio::test]
async fn a_disabled_client_is_refused_and_an_enabled_one_is_not(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let system = System::in_touch(backend).await;
    let secret = add_client(&system.home, "reports", "notes:read", &["resource-service"]).await;
    let token = async || {
        let request = system.home.request(Method::POST, "/oauth/token").basic_auth("reports", Some(secret.as_str()));
        Answer::of(request.form(&[("grant_type", "client_credentials")])).await.member("access_token")
    };
    let (first, operator, id) = (token().await, system.home.client_operator(), "reports".parse().unwrap());
    assert_eq!(system.resource.whoami(&first).await, 403);
    operator.set_disabled(&id, true).await.unwrap();
    let ended = Instant::now();
    system.resource.answers(&first, 401).await;
    assert!(ended.elapsed() < Duration::from_secs(1), "after {:?}", ended.elapsed());

    operator.set_disabled(&id, false).await.unwrap();
    // One issued in the second of the disabling would be taken for one from before.
    system.clock().advance(Duration::from_secs(1));
    assert_eq!(system.resource.whoami(&token().await).await, 403);
    assert_eq!(system.resource.whoami(&first).await, 401);
}

/// The test only bounds it; the distribution is printed.
#[rstest]
#[tokio::test]
async fn most_are_refused_much_sooner(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    const LOGOUTS: usize = 100;
    let system = System::in_touch(backend).await;
    let person = system.home.registered("ada").await;
    let mut delays = Vec::with_capacity(LOGOUTS);
    for _ in 0..LOGOUTS {
        let token = system.home.log_in(&person).await.access;
        assert_eq!(system.resource.whoami(&token).await, 200);
        system.log_out(&token).await;
        let ended = Instant::now();
        until("it is refused", async || system.resource.whoami(&token).await == 401).await;
        delays.push(ended.elapsed());
    }
    delays.sort();
    let (median, p99) = (delays[LOGOUTS / 2], delays[LOGOUTS - 2]);
    println!("{backend:?}: from the answer to a logout to the refusal, p50 {median:.1?}, p99 {p99:.1?} of {LOGOUTS}");
    assert!(p99 < Duration::from_secs(1), "{delays:?}");
}
