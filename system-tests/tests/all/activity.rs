//! A second hop: resource-service asks another one on behalf of the user, with an exchanged token.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    auth::{
        answer::Answer,
        service::Backend::{self, PostgresAndRedis, Sqlite},
        token::claims,
        wait::until,
    },
    resource::Resource,
    system::{System, add_client},
};

/// The system, and the next service to ask, which trusts the same auth-service.
async fn with_archive(backend: Backend) -> (System, Resource) {
    let audiences = [("AUTH_FIRST_PARTY_AUDIENCES", "resource-service,archive")];
    let mut system = System::start_with(backend, &audiences, &[]).await;
    let secret = add_client(&system.home, "archive", "revocations:read users:deleted", &[]).await;
    let place = system.place_to_follow("archive", &secret);
    let mut settings: Vec<_> = place.iter().map(|(name, value)| (*name, value.as_str())).collect();
    settings.push(("JWT_AUDIENCE", "archive"));
    let archive = Resource::start(Arc::clone(&system.home.clock), &settings).await;
    system.resource.stop().await;
    system.resource.set("RESOURCE_PEER_URL", &archive.url(""));
    system.resource.set("RESOURCE_PEER_AUDIENCE", "archive");
    system.resource.start_again().await;
    system.resource.heard().await;
    archive.heard().await;
    (system, archive)
}

async fn activity(resource: &Resource, token: &str) -> Answer {
    Answer::of(resource.get("/api/activity").bearer_auth(token)).await
}

#[rstest]
#[tokio::test]
async fn the_next_service_knows_for_whom_it_is_asked_and_by_whom(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let (system, archive) = with_archive(backend).await;
    let (_, ada) = system.logged_in("ada").await;
    assert_eq!(system.resource.add_note(&ada.access).await, 201);
    for _ in 0..2 {
        assert_eq!(archive.add_note(&ada.access).await, 201);
    }
    let answer = activity(&system.resource, &ada.access).await;
    assert_eq!(answer.status, 200, "{answer}");
    let mut answer = answer.json();
    assert!(answer["last_changed_at"].is_string() && answer["peer"]["last_changed_at"].is_string());
    for of in ["", "/peer"] {
        answer.pointer_mut(of).unwrap()["last_changed_at"] = Value::Null;
    }
    let peer = json!({
        "service": "archive", "notes": 2, "last_changed_at": null, "actors": ["resource-service"], "peer": null,
    });
    assert_eq!(
        answer,
        json!({"service": "resource-service", "notes": 1, "last_changed_at": null, "actors": [], "peer": peer})
    );
}

#[tokio::test]
async fn a_service_that_is_its_own_next_asks_once() {
    let mut system = System::in_touch(Sqlite).await;
    let (_, ada) = system.logged_in("ada").await;
    // Its place is not known before it has one.
    let bind = system.resource.url("").replace("http://", "");
    system.resource.stop().await;
    system.resource.set("RESOURCE_BIND", &bind);
    system.resource.set("RESOURCE_PEER_URL", &format!("http://{bind}"));
    system.resource.start_again().await;
    system.resource.heard().await;
    let answer = activity(&system.resource, &ada.access).await.json();
    assert_eq!(answer["peer"]["actors"], json!(["resource-service"]), "{answer}");
    assert_eq!(answer["peer"]["peer"], Value::Null);
}

#[rstest]
#[tokio::test]
async fn the_end_of_a_session_ends_what_was_exchanged_for_its_tokens(
    #[values(Sqlite, PostgresAndRedis)] backend: Backend,
) {
    let (system, archive) = with_archive(backend).await;
    let (_, ada) = system.logged_in("ada").await;
    let exchanged = system.home.exchange(&system.client, &ada.access, &[]).await.member("access_token");
    assert_eq!(claims(&exchanged)["act"], json!({"sub": "resource-service"}));
    assert_eq!(archive.whoami(&exchanged).await, 200);
    system.log_out(&ada.access).await;
    let ended = Instant::now();
    archive.answers(&exchanged, 401).await;
    assert!(ended.elapsed() < Duration::from_secs(1), "after {:?}", ended.elapsed());
}

#[tokio::test]
async fn a_client_that_is_disabled_or_a_token_that_is_revoked_acts_no_more() {
    let (system, archive) = with_archive(Sqlite).await;
    let (_, ada) = system.logged_in("ada").await;
    let exchange = async || system.home.exchange(&system.client, &ada.access, &[]).await.member("access_token");
    let (first, second) = (exchange().await, exchange().await);
    let revoked = system.home.form_as(&system.client, "/oauth/revoke", &[("token", &first)]).await;
    assert_eq!(revoked.status, 200, "{revoked}");
    archive.answers(&first, 401).await;
    assert_eq!(archive.whoami(&second).await, 200);
    system.home.client_operator().set_disabled(&"resource-service".parse().unwrap(), true).await.unwrap();
    archive.answers(&second, 401).await;
    assert_eq!(archive.whoami(&ada.access).await, 200, "the user's own token is as good as before");
}

#[tokio::test]
async fn an_exchanged_token_is_for_the_next_service_and_no_other() {
    let (system, archive) = with_archive(Sqlite).await;
    let (_, ada) = system.logged_in("ada").await;
    let further = [("audience", "archive"), ("scope", "notes:read")];
    let exchanged = system.home.exchange(&system.client, &ada.access, &further).await.member("access_token");
    assert_eq!(system.resource.whoami(&exchanged).await, 401);
    assert_eq!(archive.whoami(&exchanged).await, 200);
    assert_eq!(archive.add_note(&exchanged).await, 403, "it may read and not write");
}

#[tokio::test]
async fn the_token_that_the_next_service_is_sent_is_good_nowhere_else() {
    let (mut system, _archive) = with_archive(Sqlite).await;
    let (_, ada) = system.logged_in("ada").await;
    // It is sent a token for `archive`, and is another service.
    let other = Resource::start(Arc::clone(&system.home.clock), &[]).await;
    assert_eq!(other.whoami(&ada.access).await, 200);
    system.resource.stop().await;
    system.resource.set("RESOURCE_PEER_URL", &other.url(""));
    system.resource.start_again().await;
    system.resource.heard().await;
    let refused = activity(&system.resource, &ada.access).await;
    assert_eq!((refused.status, refused.code().as_str()), (502, "bad_gateway"));
}

#[tokio::test]
async fn nothing_is_done_for_a_user_whose_session_is_over() {
    let (mut system, _archive) = with_archive(Sqlite).await;
    let (_, ada) = system.logged_in("ada").await;
    // A service that does not hear of it in time.
    system.resource.stop().await;
    system.resource.set("REVOCATION_FEED_URL", "");
    system.resource.start_again().await;
    system.log_out(&ada.access).await;
    assert_eq!(system.resource.whoami(&ada.access).await, 200);
    let refused = activity(&system.resource, &ada.access).await;
    assert_eq!((refused.status, refused.code().as_str()), (401, "invalid_token"));
}

#[tokio::test]
async fn while_the_next_service_is_away_it_says_so_and_comes_back_by_itself() {
    let (mut system, mut archive) = with_archive(Sqlite).await;
    let (_, ada) = system.logged_in("ada").await;
    assert_eq!(activity(&system.resource, &ada.access).await.status, 200);
    let bind = archive.url("").replace("http://", "");
    archive.stop().await;
    let away = activity(&system.resource, &ada.access).await;
    assert_eq!((away.status, away.code().as_str()), (503, "unavailable"));
    archive.set("RESOURCE_BIND", &bind);
    archive.start_again().await;
    until("it answers again", async || {
        // It may be left alone for a moment, by a clock that only this moves.
        system.clock().advance(Duration::from_secs(1));
        activity(&system.resource, &ada.access).await.status == 200
    })
    .await;
    // auth-service away: the exchanged token is good as long as it lives, and nobody notices.
    system.auth_goes_away().await;
    assert_eq!(activity(&system.resource, &ada.access).await.status, 200);
}
