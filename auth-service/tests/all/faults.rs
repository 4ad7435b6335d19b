//! Stores that go away and come back: what is answered meanwhile, and that nothing needs a restart.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use auth_service::{
    domain::audit::Actor,
    service::{
        effects::Applied,
        manage_users::{Operator, UserPatch},
    },
};
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::support::{
    answer::Answer,
    held::Held,
    postgres::PrivatePostgres,
    redis::PrivateRedis,
    service::{Person, TestService, Tokens, Variables, least_variables, set},
};

fn variables(postgres: &PrivatePostgres, redis: &PrivateRedis) -> Variables {
    let mut variables = least_variables(&postgres.url());
    set(&mut variables, "REDIS_URL", redis.url().expose_secret());
    variables
}

/// Answers again and again, until it is not 503 any more.
async fn once_available(mut request: impl AsyncFnMut() -> Answer) -> Answer {
    let start = Instant::now();
    loop {
        let answer = request().await;
        if answer.status != 503 {
            return answer;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "it does not recover: {answer}");
        tokio::task::yield_now().await;
    }
}

fn assert_unavailable(answer: &Answer, code: &str, asked_at: Instant) {
    assert_eq!((answer.status, answer.code().as_str()), (503, code), "{answer}");
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(asked_at.elapsed() < Duration::from_millis(1_500), "{:?}", asked_at.elapsed());
}

#[tokio::test]
async fn while_redis_is_away_no_password_is_replaced_at_login() {
    let (postgres, mut redis) = (PrivatePostgres::start(), PrivateRedis::start());
    let service = TestService::start_on(variables(&postgres, &redis)).await;
    let ada = service.registered("ada").await;
    let login = || {
        service.post(
            "/auth/login",
            json!({"username": "ada", "password": ada.password, "new_password": "copper-violet-harbour-4"}),
        )
    };
    redis.stop();
    assert_eq!(login().await.code(), "unavailable");
    redis.start_again();
    let answer = once_available(async || login().await).await;
    assert_eq!(answer.status, 200, "the old one was still good: {answer}");
}

#[tokio::test]
async fn a_forged_refresh_token_is_refused_without_asking_any_store() {
    let (postgres, mut redis) = (PrivatePostgres::start(), PrivateRedis::start());
    let service = TestService::start_on(variables(&postgres, &redis)).await;
    let ada = service.registered("ada").await;
    let token = service.log_in(&ada).await.refresh;
    redis.stop();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let forged = format!("{signed}.{}", signature.chars().rev().collect::<String>());
    assert_eq!(service.refresh(&forged).await.code(), "login_required");
    assert_eq!(service.refresh(&token).await.code(), "retry", "this one is asked about");
}

#[tokio::test]
async fn redis_down_login_and_refresh_answer_503_and_recover_by_themselves() {
    let (postgres, mut redis) = (PrivatePostgres::start(), PrivateRedis::start());
    let service = TestService::start_on(variables(&postgres, &redis)).await;
    let ada = service.registered("ada").await;
    let tokens = service.log_in(&ada).await;

    redis.stop();
    let asked = Instant::now();
    assert_unavailable(&service.try_log_in(&ada, json!(null)).await, "unavailable", asked);
    let asked = Instant::now();
    assert_unavailable(&service.refresh(&tokens.refresh).await, "retry", asked);
    let asked = Instant::now();
    assert_unavailable(&service.get_as(&tokens.access, "/auth/me").await, "unavailable", asked);
    let ready = service.manage("/readyz").await;
    assert_eq!((ready.status, &ready.json()["dependencies"]["redis"]), (503, &json!("down")));
    assert_eq!(service.manage("/livez").await.status, 200);

    redis.start_again();
    let answer = once_available(async || service.refresh(&tokens.refresh).await).await;
    assert_eq!(answer.status, 200, "nobody was logged out: {answer}");
    assert_eq!(once_available(async || service.try_log_in(&ada, json!(null)).await).await.status, 200);
}

#[tokio::test]
async fn redis_killed_in_the_middle_logs_nobody_out() {
    let (postgres, mut redis) = (PrivatePostgres::start(), PrivateRedis::start());
    let service = TestService::start_on(variables(&postgres, &redis)).await;
    let ada = service.registered("ada").await;
    let mut refresh = service.log_in(&ada).await.refresh;
    for _ in 0..3 {
        service.clock.advance(Duration::from_secs(62));
        refresh = service.refresh(&refresh).await.tokens().refresh;
        redis.kill();
        redis.start_again();
        let answer = once_available(async || service.refresh(&refresh).await).await;
        assert_eq!(answer.status, 200, "{answer}");
    }
}

#[tokio::test]
async fn postgres_down_login_answers_503_and_refresh_works() {
    let (mut postgres, redis) = (PrivatePostgres::start(), PrivateRedis::start());
    let service = TestService::start_on(variables(&postgres, &redis)).await;
    let ada = service.registered("ada").await;
    let tokens = service.log_in(&ada).await;

    postgres.stop();
    let asked = Instant::now();
    assert_unavailable(&service.try_log_in(&ada, json!(null)).await, "unavailable", asked);
    let refreshed = service.refresh(&tokens.refresh).await;
    assert_eq!(refreshed.status, 200, "{refreshed}");
    assert_eq!(service.get_as(&tokens.access, "/auth/sessions").await.status, 200);
    let ready = service.manage("/readyz").await;
    assert_eq!((ready.status, &ready.json()["dependencies"]["database"]), (503, &json!("down")));

    postgres.start_again();
    assert_eq!(once_available(async || service.try_log_in(&ada, json!(null)).await).await.status, 200);
}

#[tokio::test]
async fn a_service_that_starts_while_postgres_is_away_serves_refreshes_and_migrates_later() {
    let (mut postgres, redis) = (PrivatePostgres::start(), PrivateRedis::start());
    let before = TestService::start_on(variables(&postgres, &redis)).await;
    let ada = before.registered("ada").await;
    let tokens = before.log_in(&ada).await;
    postgres.stop();
    let after = before.replica().await;
    before.stop().await;
    let refreshed = after.refresh(&tokens.refresh).await;
    assert_eq!(refreshed.status, 200, "{refreshed}");
    postgres.start_again();
    assert_eq!(once_available(async || after.try_log_in(&ada, json!(null)).await).await.status, 200);
}

#[tokio::test]
async fn a_password_change_while_redis_is_away_ends_the_other_sessions_later() {
    let (postgres, redis) = (PrivatePostgres::start(), PrivateRedis::start());
    let mut variables = variables(&postgres, &redis);
    set(&mut variables, "AUTH_BCRYPT_COST", "12");
    let service = TestService::start_on(variables).await;
    let ada = service.registered("ada").await;
    let (here, elsewhere) = (service.log_in(&ada).await, service.log_in(&ada).await);
    let body = json!({"current_password": ada.password, "new_password": "copper-violet-harbour-4"});
    // The request is let in while Redis answers; it goes away while the password is being hashed.
    let change = service.post_as(&here.access, "/auth/password", body);
    let hashes = async || service.metric("auth_bcrypt_hashes_total").await;
    let before = hashes().await;
    let freeze = async {
        while hashes().await == before {
            tokio::task::yield_now().await;
        }
        redis.freeze();
    };
    let (answer, ()) = tokio::join!(change, freeze);
    assert_eq!(answer.status, 202, "{answer}");
    assert_eq!(answer.json(), json!({"status": "pending"}));
    redis.thaw();

    let ended = async || {
        let start = Instant::now();
        while service.refresh(&elsewhere.refresh).await.status != 401 {
            assert!(start.elapsed() < Duration::from_secs(20), "the sessions do not follow");
            tokio::task::yield_now().await;
        }
    };
    ended().await;
    assert_eq!(service.refresh(&here.refresh).await.status, 200);
    service.log_in(&Person { password: "copper-violet-harbour-4".to_owned(), ..ada }).await;
}

#[tokio::test]
async fn what_an_administrator_takes_away_while_redis_is_away_is_gone_later() {
    let (postgres, redis) = (PrivatePostgres::start(), PrivateRedis::start());
    let service = TestService::start_on(variables(&postgres, &redis)).await;
    let (_, root) = service.administrator().await;
    let pending = async |method: Method, path: &str, body: Value| {
        let mut held = Held::user(&service, "ada");
        let change = Answer::of(service.request(method, path).bearer_auth(&root.access).json(&body));
        let freeze = async {
            held.wanted().await;
            redis.freeze();
            drop(held);
        };
        let (answer, ()) = tokio::join!(change, freeze);
        redis.thaw();
        assert_eq!((answer.status, answer.json()), (202, json!({"status": "pending"})), "{answer}");
    };
    let ada = service.registered("ada").await;
    let ends = async |tokens: &Tokens| {
        let start = Instant::now();
        while service.refresh(&tokens.refresh).await.status != 401 {
            assert!(start.elapsed() < Duration::from_secs(20), "the sessions do not follow");
            tokio::task::yield_now().await;
        }
    };
    let tokens = service.log_in(&ada).await;
    let path = format!("/admin/users/{}", service.get_as(&tokens.access, "/auth/me").await.member("id"));
    pending(Method::DELETE, &format!("{path}/sessions"), json!({})).await;
    ends(&tokens).await;
    let tokens = service.log_in(&ada).await;
    pending(Method::PATCH, &path, json!({"disabled": true})).await;
    ends(&tokens).await;
    assert_eq!(service.patch_as(&root.access, &path, json!({"disabled": false})).await.status, 200);
    let tokens = service.log_in(&ada).await;
    pending(Method::DELETE, &path, json!({})).await;
    ends(&tokens).await;
}

#[tokio::test]
async fn what_is_asked_for_again_while_redis_is_away_is_not_said_to_be_done() {
    let (postgres, mut redis) = (PrivatePostgres::start(), PrivateRedis::start());
    let service = TestService::start_on(variables(&postgres, &redis)).await;
    let (_, root) = service.administrator().await;
    let ada = service.registered("ada").await;
    let tokens = service.log_in(&ada).await;
    let (root, ada) = (root.user(), tokens.user());
    // Over HTTP nobody is let in while Redis is away: the session is asked about first.
    let operator =
        Operator { sessions: Some(Arc::new(redis.sessions())), actor: Actor::User(root), ..service.operator() };
    let patch = UserPatch { disabled: Some(true), roles: Some(vec!["editor".to_owned()]) };
    let patched = async || operator.patch(ada, patch.clone()).await.unwrap();
    redis.stop();
    for _ in 0..2 {
        let (user, applied) = patched().await;
        assert_eq!((user.disabled, user.roles, applied), (true, vec!["editor".to_owned()], Applied::Later));
    }
    let (_, applied) = operator.patch(ada, UserPatch::default()).await.unwrap();
    assert_eq!(applied, Applied::Now, "nothing was asked for");
    redis.start_again();
    let start = Instant::now();
    while patched().await.1 == Applied::Later {
        assert!(start.elapsed() < Duration::from_secs(20), "the sessions do not follow");
    }
    let over = once_available(async || service.refresh(&tokens.refresh).await).await;
    assert_eq!(over.code(), "login_required");
}

/// Keys stay where they are: what is asked is whether services get tokens, and may be asked about them.
#[tokio::test]
async fn while_the_stores_are_away_services_are_told_to_try_again_in_the_words_of_the_standard() {
    let (mut postgres, mut redis) = (PrivatePostgres::start(), PrivateRedis::start());
    let mut variables = variables(&postgres, &redis);
    set(&mut variables, "AUTH_FIRST_PARTY_AUDIENCES", "notes");
    let service = TestService::start_on(variables).await;
    let notes = service.client("notes", |_| ()).await;
    let ada = service.registered("ada").await;
    let user = service.log_in(&ada).await;
    let away = |answer: &Answer| (answer.status, answer.member("error")) == (503, "temporarily_unavailable".to_owned());

    redis.stop();
    assert!(away(&service.exchange(&notes, &user.access, &[]).await));
    assert!(away(&service.form_as(&notes, "/oauth/introspect", &[("token", &user.access)]).await));
    assert!(away(&service.form("/oauth/revoke", &[("token", &user.refresh), ("client_id", "first-party")]).await));
    assert!(away(
        &service.form("/oauth/token", &[("grant_type", "refresh_token"), ("refresh_token", &user.refresh)]).await
    ));
    // A service's own token needs the database alone.
    service.own_token(&notes).await;
    postgres.stop();
    let refused = service.form_as(&notes, "/oauth/token", &[("grant_type", "client_credentials")]).await;
    assert_snapshot!(refused, @r#"
    503
    cache-control: no-store
    content-type: application/json
    retry-after: 1
    {
      "error": "temporarily_unavailable",
      "error_description": "Try again in a moment"
    }
    "#);
    redis.start_again();
    postgres.start_again();
    let ask = async || service.exchange(&notes, &user.access, &[]).await;
    assert_eq!(once_available(ask).await.status, 200);
}
