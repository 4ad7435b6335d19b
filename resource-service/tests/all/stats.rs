//! `GET /api/admin/stats`, on both databases.

use insta::{allow_duplicates, assert_snapshot};
use rstest::rstest;

use crate::support::{
    database::Kind::{self, Postgres, Sqlite},
    service::{ADA, EVE, TestService},
};

#[rstest]
#[tokio::test]
async fn an_admin_learns_how_many_notes_and_owners_there_are(#[values(Sqlite, Postgres)] kind: Kind) {
    let service = TestService::start(kind).await;
    let mut admin = service.token(ADA);
    admin.claims.roles = vec!["editor".to_owned(), "admin".to_owned()];
    let empty = service.get_with(&admin.sign(), "/api/admin/stats").await.json();
    assert_eq!(empty, serde_json::json!({"notes": 0, "owners": 0}));
    for person in [service.person(ADA), service.person(ADA), service.person(EVE)] {
        person.noted("x").await;
    }
    let stats = service.get_with(&admin.sign(), "/api/admin/stats").await;
    allow_duplicates! {
        assert_snapshot!(stats, @r#"
    200
    content-type: application/json
    {
      "notes": 3,
      "owners": 2
    }
    "#);
    }
}
