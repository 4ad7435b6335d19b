//! A user shows a note to another one by name: resource-service asks auth-service who that is.

use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    auth::{
        answer::Answer,
        service::{
            Backend::{self, PostgresAndRedis, Sqlite},
            Tokens,
        },
        token::claims,
    },
    system::System,
};

async fn ask(system: &System, by: &Tokens, method: Method, path: &str, body: &Value) -> Answer {
    let request = system.resource.request(method, path).bearer_auth(&by.access);
    Answer::of(if body.is_null() { request } else { request.json(body) }).await
}

async fn get(system: &System, by: &Tokens, path: &str) -> Answer {
    ask(system, by, Method::GET, path, &Value::Null).await
}

/// The address of a new note.
async fn note(system: &System, by: &Tokens) -> String {
    let body = json!({"title": "Sums", "body": "1 + 1"});
    let answer = ask(system, by, Method::POST, "/api/notes", &body).await;
    answer.header("location").unwrap().to_owned()
}

async fn share(system: &System, by: &Tokens, note: &str, username: &str) -> Answer {
    ask(system, by, Method::POST, &format!("{note}/shares"), &json!({"username": username})).await
}

#[rstest]
#[tokio::test]
async fn whoever_is_named_reads_the_note_and_nobody_else_does(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let system = System::in_touch(backend).await;
    let ((_, ada), (_, bob), (_, eve)) =
        (system.logged_in("ada").await, system.logged_in("bob").await, system.logged_in("eve").await);
    let address = note(&system, &ada).await;
    assert_eq!(get(&system, &bob, &address).await.code(), "not_found");

    let shared = share(&system, &ada, &address, "Bob").await;
    assert_eq!((shared.status, shared.member("username").as_str()), (201, "bob"), "{shared}");
    assert_eq!(shared.member("user_id"), claims(&bob.access)["sub"]);
    assert_eq!(share(&system, &ada, &address, "bob").await.status, 200);

    let read = get(&system, &bob, &address).await;
    assert_eq!((read.status, read.member("body").as_str()), (200, "1 + 1"));
    assert_eq!(read.member("owner"), claims(&ada.access)["sub"]);
    assert_eq!(get(&system, &bob, "/api/shared-notes").await.json()["items"], json!([read.json()]));
    // Reading is all: neither the list of the owner's notes nor the note itself is his.
    assert_eq!(get(&system, &bob, "/api/notes").await.json()["items"], json!([]));
    let other = json!({"title": "Mine", "body": ""});
    assert_eq!(ask(&system, &bob, Method::PUT, &address, &other).await.code(), "not_found");
    assert_eq!(ask(&system, &bob, Method::DELETE, &address, &Value::Null).await.code(), "not_found");
    assert_eq!(share(&system, &bob, &address, "eve").await.code(), "not_found");
    assert_eq!(get(&system, &bob, &format!("{address}/shares")).await.code(), "not_found");
    assert_eq!(get(&system, &eve, &address).await.code(), "not_found");

    let list = get(&system, &ada, &format!("{address}/shares")).await;
    assert_eq!(list.json(), json!({"items": [shared.json()], "next": null}));
    let place = shared.header("location").unwrap();
    assert_eq!(ask(&system, &eve, Method::DELETE, place, &Value::Null).await.code(), "not_found");
    assert_eq!(ask(&system, &ada, Method::DELETE, place, &Value::Null).await.status, 204);
    assert_eq!(get(&system, &bob, &address).await.code(), "not_found");
}

#[tokio::test]
async fn nobody_is_shown_a_note_who_is_not_there() {
    let system = System::in_touch(Sqlite).await;
    let ((_, ada), (_, eve)) = (system.logged_in("ada").await, system.logged_in("eve").await);
    let (address, of_eve) = (note(&system, &ada).await, note(&system, &eve).await);
    for (note, username, status, code) in [
        (&address, "nobody", 422, "no_such_user"),
        (&address, "ada", 422, "own_note"),
        (&address, "eve@example.org", 422, "no_such_user"),
        (&address, "", 400, "bad_request"),
        (&address, "a b", 400, "bad_request"),
        (&of_eve, "eve", 404, "not_found"),
        (&of_eve, "nobody", 404, "not_found"),
    ] {
        let answer = share(&system, &ada, note, username).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{username}");
    }
}

#[tokio::test]
async fn while_auth_service_is_away_notes_are_read_and_nobody_new_is_shown_one() {
    let mut system = System::in_touch(Sqlite).await;
    let ((_, ada), (_, bob), _) =
        (system.logged_in("ada").await, system.logged_in("bob").await, system.logged_in("eve").await);
    let address = note(&system, &ada).await;
    assert_eq!(share(&system, &ada, &address, "bob").await.status, 201);
    system.auth_goes_away().await;
    let away = share(&system, &ada, &address, "eve").await;
    assert_eq!((away.status, away.code().as_str(), away.header("retry-after")), (503, "unavailable", Some("1")));
    assert_eq!(get(&system, &bob, &address).await.status, 200);
    system.auth_comes_back().await;
    crate::support::auth::wait::until("it can be asked again", async || {
        share(&system, &ada, &address, "eve").await.status == 201
    })
    .await;
}

#[tokio::test]
async fn a_client_without_the_scope_looks_nobody_up() {
    let system = System::in_touch(Sqlite).await;
    let ((_, ada), _) = (system.logged_in("ada").await, system.logged_in("bob").await);
    let address = note(&system, &ada).await;
    let less = auth_service::domain::client::ClientChange {
        scope: Some("revocations:read users:deleted".parse().unwrap()),
        ..Default::default()
    };
    let id = system.client.id.parse().unwrap();
    system.home.client_operator().change(&id, &less).await.unwrap();
    let failed = share(&system, &ada, &address, "bob").await;
    assert_eq!((failed.status, failed.code().as_str()), (502, "bad_gateway"), "trying again would not help");
}
