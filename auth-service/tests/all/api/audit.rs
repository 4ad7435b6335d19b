//! The audit trail over HTTP: what is in it, and who may read it.

use std::time::Duration;

use auth_service::domain::user::Identifier;
use rstest::rstest;
use serde_json::{Value, json};

use crate::{
    process::{run, text},
    support::{
        service::{
            Backend::{self, PostgresAndRedis, Sqlite},
            Person, TestService, Tokens, Variables,
        },
        wait::until,
    },
};

/// A service with an administrator who is logged in.
async fn administered(backend: Backend) -> (TestService, Person, Tokens) {
    let service = TestService::start(backend).await;
    let (root, tokens) = service.administrator().await;
    (service, root, tokens)
}

async fn events(service: &TestService, admin: &Tokens, query: &str) -> Vec<Value> {
    service.audit_written().await;
    let answer = service.get_as(&admin.access, &format!("/admin/audit{query}")).await;
    assert_eq!(answer.status, 200, "{answer}");
    answer.json()["items"].as_array().unwrap().clone()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["kind"].as_str().unwrap()).collect()
}

#[rstest]
#[tokio::test]
async fn what_a_user_does_is_in_the_trail_newest_first(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let (service, _, admin) = administered(backend).await;
    // Events of one millisecond come in any order.
    let later = || service.clock.advance(Duration::from_millis(1));
    let ada = service.registered("ada").await;
    later();
    let tokens = service.log_in(&ada).await;
    let id = service.get_as(&tokens.access, "/auth/me").await.member("id");
    later();
    let wrong = Person { password: "a-wrong-password".to_owned(), ..ada.clone() };
    assert_eq!(service.try_log_in(&wrong, json!(null)).await.status, 401);
    later();
    service.post_as(&tokens.access, "/auth/reauth", json!({"password": ada.password})).await;
    later();
    service.post_as(&tokens.access, "/auth/reauth", json!({"password": "another-password"})).await;
    later();
    let change = json!({"current_password": ada.password, "new_password": "copper-violet-harbour-4"});
    service.post_as(&tokens.access, "/auth/password", change).await;
    later();
    service.post_as(&tokens.access, "/auth/logout-all", json!({})).await;
    later();
    let again = service.log_in(&Person { password: "copper-violet-harbour-4".to_owned(), ..ada }).await;
    later();
    service.post("/auth/logout", json!({"refresh_token": again.refresh})).await;

    let all = events(&service, &admin, &format!("?user={id}")).await;
    let expected = [
        "logout",
        "login",
        "logout_all",
        "password_changed",
        "wrong_password",
        "reauthenticated",
        "login_failed",
        "login",
        "registered",
    ];
    assert_eq!(kinds(&all), expected);
    for event in &all {
        assert_eq!(event["subject"], json!(id), "{event}");
        assert_eq!(event["address"], json!("127.0.0.1"), "{event}");
        assert!(!event.to_string().contains("password-") && !event.to_string().contains("plum"), "{event}");
    }
    let failed = events(&service, &admin, &format!("?user={id}&kind=login_failed")).await;
    assert_eq!(kinds(&failed), ["login_failed"]);
    assert_eq!(
        (&failed[0]["actor"], &failed[0]["detail"]["why"]),
        (&json!("anonymous"), &json!("invalid_credentials"))
    );
}

#[tokio::test]
async fn what_was_typed_as_a_name_is_not_kept() {
    let (service, _, admin) = administered(Sqlite).await;
    let confused = json!({"username": "my-secret-password", "password": "whatever-it-is"});
    assert_eq!(service.post("/auth/login", confused).await.status, 401);
    let failed = events(&service, &admin, "?kind=login_failed").await;
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["subject"], json!(null));
    assert!(!failed[0].to_string().contains("my-secret-password"), "{}", failed[0]);
}

#[tokio::test]
async fn a_reused_refresh_token_is_in_the_trail_with_its_session() {
    let (service, root, admin) = administered(Sqlite).await;
    let first = service.log_in(&root).await.refresh;
    let step = Duration::from_secs(62);
    service.clock.advance(step);
    let second = service.refresh(&first).await.tokens().refresh;
    service.clock.advance(step);
    service.refresh(&second).await;
    assert_eq!(service.refresh(&first).await.code(), "token_reused");
    let reused = events(&service, &admin, "?kind=token_reused").await;
    assert_eq!(reused.len(), 1);
    assert!(reused[0]["session"].is_string(), "{}", reused[0]);
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let (service, root, admin) = administered(Sqlite).await;
    for _ in 0..5 {
        service.log_in(&root).await;
    }
    let all = events(&service, &admin, "").await;
    let mut paged: Vec<Value> = Vec::new();
    let mut after = String::new();
    loop {
        let page = service.get_as(&admin.access, &format!("/admin/audit?limit=3{after}")).await.json();
        paged.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(paged, all);
}

#[tokio::test]
async fn what_an_operator_does_with_clients_and_keys_is_in_the_trail() {
    let master = text(&run(&Variables::new(), &["key", "new-master"], "").stdout).trim().to_owned();
    let settings =
        [("AUTH_SIGNING_ALGORITHM", "EdDSA"), ("JWT_ALGORITHMS", "EdDSA"), ("AUTH_MASTER_KEY", master.as_str())];
    let service = TestService::start_with(Sqlite, &settings).await;
    let operate = |arguments: &[&str]| {
        let output = run(&service.variables, arguments, "");
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let trail = || -> Vec<Value> {
        let mut events: Vec<Value> = serde_json::from_str(&operate(&["audit", "--json"])).unwrap();
        events.reverse();
        events
    };
    let added = || trail().into_iter().filter(|event| event["kind"] == "key_added").collect::<Vec<_>>();
    until("the next key", async || added().len() == 2).await;
    for event in added() {
        assert_eq!((&event["actor"], &event["detail"]["algorithm"]), (&json!("system"), &json!("EdDSA")), "{event}");
    }
    let secret = operate(&["client", "add", "reports", "--scope", "notes:read"]);
    operate(&["client", "rotate-secret", "reports"]);
    operate(&["client", "disable", "reports"]);
    operate(&["client", "enable", "reports"]);
    let keys: Vec<Value> = serde_json::from_str(&operate(&["key", "list", "--json"])).unwrap();
    operate(&["key", "rotate"]);
    let kid = keys[0]["kid"].as_str().unwrap();
    operate(&["key", "retire", kid]);

    let done: Vec<Value> = trail().into_iter().filter(|event| event["actor"] == "operator").collect();
    let mut kinds: Vec<_> = done.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds[..4], ["client_added", "client_secret_changed", "client_disabled", "client_enabled"]);
    kinds.sort_unstable();
    kinds.dedup();
    for kind in ["key_deleted", "key_retired", "key_scheduled"] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
    let deleted = done.iter().find(|event| event["kind"] == "key_deleted").unwrap();
    assert_eq!(deleted["detail"]["kid"], json!(kid));
    let told = operate(&["audit", "--json"]);
    let secret = secret.lines().last().unwrap().rsplit(' ').next().unwrap();
    assert!(secret.starts_with("lkc_") && !told.contains(secret), "{told}");
}

#[rstest]
#[case("?limit=0", "limit")]
#[case("?limit=201", "limit")]
#[case("?kind=whim", "kind")]
#[case("?since=yesterday", "since")]
#[case("?user=ada", "user")]
#[case("?after=1", "after")]
#[tokio::test]
async fn a_parameter_that_is_wrong_is_named(#[case] query: &str, #[case] field: &str) {
    let (service, _, admin) = administered(Sqlite).await;
    let answer = service.get_as(&admin.access, &format!("/admin/audit{query}")).await;
    assert_eq!((answer.status, answer.json()["errors"][0]["field"].as_str()), (400, Some(field)), "{answer}");
}

#[rstest]
#[tokio::test]
async fn only_who_is_an_administrator_at_this_moment_may_read(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let (service, root, admin) = administered(backend).await;
    assert_eq!(service.get("/admin/audit").await.code(), "missing_token");
    let ada = service.registered("ada").await;
    let tokens = service.log_in(&ada).await;
    let refused = service.get_as(&tokens.access, "/admin/audit").await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "insufficient_role"), "{refused}");

    assert_eq!(service.get_as(&admin.access, "/admin/audit").await.status, 200);
    // The token still says `admin`; the record does not.
    service.operator().set_roles(&Identifier::parse(&root.username).unwrap(), Vec::new()).await.unwrap();
    let refused = service.get_as(&admin.access, "/admin/audit").await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "insufficient_role"), "{refused}");
}
