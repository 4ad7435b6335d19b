//! `/api/notes` and `/api/notes/{id}`, on both databases.

use std::time::Duration;

use insta::{allow_duplicates, assert_snapshot};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    database::{
        Kind::{self, Postgres, Sqlite},
        TestDatabase,
    },
    service::{ADA, EVE, TestService, least_variables},
};

#[rstest]
#[tokio::test]
async fn a_new_note_has_an_address_and_is_found_there(#[values(Sqlite, Postgres)] kind: Kind) {
    let service = TestService::start(kind).await;
    let ada = service.person(ADA);
    let created = ada.post(&json!({"title": "Groceries", "body": "Bread, olives"})).await;
    allow_duplicates! {
        assert_snapshot!(created, @r#"
        201
        content-type: application/json
        location: /api/notes/[id]
        {
          "body": "Bread, olives",
          "created_at": "2026-01-01T00:00:00Z",
          "id": "[id]",
          "owner": "[owner]",
          "title": "Groceries",
          "updated_at": "2026-01-01T00:00:00Z"
        }
        "#);
    }
    let address = created.header("location").unwrap();
    assert!(address.ends_with(&created.member("id")));
    let read = ada.get(address).await;
    assert_eq!((read.status, read.json()), (200, created.json()));
}

#[rstest]
#[tokio::test]
async fn a_note_is_replaced_as_a_whole_and_keeps_its_beginning(#[values(Sqlite, Postgres)] kind: Kind) {
    let service = TestService::start(kind).await;
    let ada = service.person(ADA);
    let note = ada.noted("Groceries").await;
    service.clock.advance(Duration::from_mins(1));
    let replaced = ada.put(&note, &json!({"title": "Shopping", "body": "Bread"})).await;
    allow_duplicates! {
        assert_snapshot!(replaced, @r#"
        200
        content-type: application/json
        {
          "body": "Bread",
          "created_at": "2026-01-01T00:00:00Z",
          "id": "[id]",
          "owner": "[owner]",
          "title": "Shopping",
          "updated_at": "2026-01-01T00:01:00Z"
        }
        "#);
    }
    assert_eq!(ada.get(&note).await.json(), replaced.json());
    let again = ada.put(&note, &json!({"title": "Shopping", "body": "Bread"})).await;
    assert_eq!(again.json(), replaced.json(), "doing it twice is doing it once");
}

#[rstest]
#[tokio::test]
async fn a_deleted_note_is_gone(#[values(Sqlite, Postgres)] kind: Kind) {
    let service = TestService::start(kind).await;
    let ada = service.person(ADA);
    let (note, other) = (ada.noted("one").await, ada.noted("two").await);
    let deleted = ada.delete(&note).await;
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    assert_eq!(ada.get(&note).await.status, 404);
    assert_eq!(ada.put(&note, &json!({"title": "x", "body": ""})).await.status, 404, "PUT makes no notes");
    assert_eq!(ada.delete(&note).await.status, 404);
    assert_eq!(ada.get(&other).await.status, 200);
}

#[rstest]
#[tokio::test]
async fn the_notes_of_others_are_as_if_they_were_not(#[values(Sqlite, Postgres)] kind: Kind) {
    let service = TestService::start(kind).await;
    let (ada, eve) = (service.person(ADA), service.person(EVE));
    let note = ada.noted("secret").await;
    let before = ada.get(&note).await.json();
    service.clock.advance(Duration::from_secs(1));
    let refused =
        [eve.get(&note).await, eve.put(&note, &json!({"title": "stolen", "body": ""})).await, eve.delete(&note).await];
    let missing = eve.get("/api/notes/00000000-0000-7000-8000-000000000000").await.to_string();
    for answer in refused {
        assert_eq!(answer.to_string(), missing);
    }
    assert_eq!(eve.get("/api/notes").await.json(), json!({"items": [], "next": null}));
    assert_eq!(ada.get(&note).await.json(), before);
}

#[rstest]
#[tokio::test]
async fn the_largest_note_fits_however_it_is_written(#[values(Sqlite, Postgres)] kind: Kind) {
    let service = TestService::start(kind).await;
    let ada = service.person(ADA);
    let (title, body) = ("\u{1f511}".repeat(200), "\u{1}".repeat(64 * 1024));
    let largest = json!({"title": title, "body": body});
    let created = ada.post(&largest).await;
    assert_eq!(created.status, 201, "{}", created.status);
    let read = ada.get(created.header("location").unwrap()).await.json();
    assert_eq!((&read["title"], &read["body"]), (&largest["title"], &largest["body"]));
}

#[rstest]
#[tokio::test]
async fn every_character_comes_back_as_it_went(#[values(Sqlite, Postgres)] kind: Kind) {
    let service = TestService::start(kind).await;
    let ada = service.person(ADA);
    let text = " ' \" \\ % _ ; -- \u{7f}\u{85}\u{2028}\u{feff}\u{fffd}\u{10ffff} é e\u{301} \r\n\t ";
    let created = ada.post(&json!({"title": text, "body": text})).await.json();
    assert_eq!((&created["title"], &created["body"]), (&Value::from(text), &Value::from(text)));
}

#[rstest]
#[tokio::test]
async fn notes_outlive_the_service(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::empty(kind);
    let variables = least_variables(database.url());
    let service = TestService::start_on(&variables).await;
    let note = service.person(ADA).noted("kept").await;
    service.stop().await;
    let service = TestService::start_on(&variables).await;
    assert_eq!(service.person(ADA).get(&note).await.member("title"), "kept");
}
