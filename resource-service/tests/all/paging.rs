//! `GET /api/notes`, a page at a time, on both databases.

use std::time::Duration;

use insta::{allow_duplicates, assert_snapshot};
use rstest::rstest;
use serde_json::Value;

use crate::support::{
    answer::Answer,
    database::Kind::{self, Postgres, Sqlite},
    service::{ADA, EVE, Person, TestService},
};

fn titles(page: &Answer) -> Vec<String> {
    let items = page.json()["items"].as_array().unwrap_or_else(|| panic!("no list: {page}")).clone();
    items.iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect()
}

async fn page(person: &Person<'_>, limit: usize, after: Option<&str>) -> Answer {
    let after = after.map(|cursor| format!("&after={cursor}")).unwrap_or_default();
    person.get(&format!("/api/notes?limit={limit}{after}")).await
}

/// The titles of this page and all that follow.
async fn rest(person: &Person<'_>, limit: usize, mut after: Option<String>) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        let page = page(person, limit, after.as_deref()).await;
        let titles = titles(&page);
        assert!(titles.len() <= limit, "{page}");
        seen.extend(titles);
        match page.json()["next"].clone() {
            Value::String(cursor) => after = Some(cursor),
            Value::Null => return seen,
            other => panic!("{other}"),
        }
    }
}

/// Notes with these numbers for titles, a millisecond apart; their addresses.
async fn noted(service: &TestService, person: &Person<'_>, numbers: impl Iterator<Item = u32>) -> Vec<String> {
    let mut addresses = Vec::new();
    for number in numbers {
        addresses.push(person.noted(&number.to_string()).await);
        service.clock.advance(Duration::from_millis(1));
    }
    addresses
}

fn down(numbers: impl DoubleEndedIterator<Item = u32>) -> Vec<String> {
    numbers.rev().map(|number| number.to_string()).collect()
}

#[rstest]
#[tokio::test]
async fn a_page_is_as_documented(#[values(Sqlite, Postgres)] kind: Kind) {
    let service = TestService::start(kind).await;
    let ada = service.person(ADA);
    noted(&service, &ada, 1..=2).await;
    let first = page(&ada, 1, None).await;
    allow_duplicates! {
        assert_snapshot!(first, @r#"
        200
        content-type: application/json
        {
          "items": [
            {
              "body": "",
              "created_at": "2026-01-01T00:00:00Z",
              "id": "[id]",
              "owner": "[owner]",
              "title": "2",
              "updated_at": "2026-01-01T00:00:00Z"
            }
          ],
          "next": "[next]"
        }
        "#);
    }
}

#[rstest]
#[tokio::test]
async fn pages_of_any_size_give_every_note_once_and_the_newest_first(#[values(Sqlite, Postgres)] kind: Kind) {
    let service = TestService::start(kind).await;
    let (ada, eve) = (service.person(ADA), service.person(EVE));
    noted(&service, &ada, 0..20).await;
    noted(&service, &eve, 100..103).await;
    noted(&service, &ada, 20..40).await;
    for limit in [1, 7, 20, 39, 40, 100] {
        assert_eq!(rest(&ada, limit, None).await, down(0..40), "{limit} a page");
    }
    assert_eq!(rest(&eve, 2, None).await, down(100..103));
    assert_eq!(titles(&ada.get("/api/notes").await), down(20..40), "20 a page unless asked otherwise");
}

#[rstest]
#[tokio::test]
async fn what_is_added_and_deleted_between_two_pages_repeats_and_hides_nothing(#[values(Sqlite, Postgres)] kind: Kind) {
    let service = TestService::start(kind).await;
    let ada = service.person(ADA);
    let addresses = noted(&service, &ada, 0..10).await;
    let first = page(&ada, 4, None).await;
    assert_eq!(titles(&first), down(6..10));
    noted(&service, &ada, 10..13).await;
    // One that was seen, the one that the cursor names, and one that would have come.
    for seen in [9, 6, 5] {
        assert_eq!(ada.delete(&addresses[seen]).await.status, 204);
    }
    assert_eq!(rest(&ada, 4, Some(first.member("next"))).await, down(0..5));
}

#[rstest]
#[tokio::test]
async fn notes_of_one_moment_are_each_given_once(#[values(Sqlite, Postgres)] kind: Kind) {
    let service = TestService::start(kind).await;
    let ada = service.person(ADA);
    for number in 0..10 {
        ada.noted(&number.to_string()).await;
    }
    let mut seen = rest(&ada, 3, None).await;
    seen.sort();
    assert_eq!(seen, (0..10).map(|number| number.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_cursor_of_somebody_else_opens_nothing() {
    let service = TestService::start(Sqlite).await;
    let (ada, eve) = (service.person(ADA), service.person(EVE));
    noted(&service, &ada, 0..3).await;
    let cursor = page(&ada, 1, None).await.member("next");
    assert_eq!(rest(&eve, 10, Some(cursor)).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_wrong_limit_and_a_wrong_cursor_are_both_named() {
    let service = TestService::start(Sqlite).await;
    assert_snapshot!(service.person(ADA).get("/api/notes?limit=0&after=7").await, @r#"
    400
    content-type: application/problem+json
    {
      "code": "bad_request",
      "detail": "Bad request parameters",
      "errors": [
        {
          "detail": "must be a number from 1 to 100",
          "field": "limit"
        },
        {
          "detail": "must be the `next` of a page",
          "field": "after"
        }
      ],
      "request_id": "[request_id]",
      "status": 400,
      "title": "Bad Request",
      "type": "about:blank"
    }
    "#);
}

#[rstest]
#[case("limit=101")]
#[case("limit=")]
#[case("limit=-1")]
#[case("limit=1&limit=2")]
#[case("after=")]
#[case("after=%FF")]
#[case("cursor=AAAA")]
#[tokio::test]
async fn a_wrong_query_is_a_bad_request(#[case] query: &str) {
    let service = TestService::start(Sqlite).await;
    let answer = service.person(ADA).get(&format!("/api/notes?{query}")).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "bad_request"), "{answer}");
}
