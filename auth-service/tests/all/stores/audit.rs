//! The contract of the audit trail's store.

use std::time::Duration;

use auth_service::{
    domain::{
        audit::{Actor, AuditEvent, AuditFilter, AuditKind},
        ids::{SessionId, UserId},
    },
    ports::{AuditStore, SystemRng},
};
use common::clock::Timestamp;
use rstest::rstest;

use crate::support::database::{
    Kind::{self, Postgres, Sqlite},
    TestDatabase,
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const DAY: Duration = Duration::from_hours(24);

fn event(kind: AuditKind, at: Timestamp) -> AuditEvent {
    AuditEvent::new(kind, Actor::Anonymous, at, &SystemRng)
}

fn user() -> UserId {
    UserId::new(NOW, &SystemRng)
}

#[rstest]
#[tokio::test]
async fn what_is_added_is_found_as_it_was_the_newest_first(#[values(Sqlite, Postgres)] kind: Kind) {
    let store = TestDatabase::migrated(kind);
    let trail = store.audit();
    let full = event(AuditKind::Login, NOW)
        .to_user(user())
        .in_session(SessionId::new(NOW, &SystemRng))
        .of_client("first-party")
        .from_address(Some("2001:db8::1".parse().unwrap()))
        .with("mode", "bearer \" \u{e4}");
    let bare = event(AuditKind::KeyRetired, NOW + DAY);
    trail.append(&[full.clone(), bare.clone()]).await.unwrap();
    assert_eq!(trail.find(&AuditFilter::default(), 10).await.unwrap(), [bare.clone(), full]);
    assert_eq!(trail.find(&AuditFilter::default(), 1).await.unwrap(), [bare]);
}

#[rstest]
#[tokio::test]
async fn adding_again_what_is_there_already_changes_nothing(#[values(Sqlite, Postgres)] kind: Kind) {
    let store = TestDatabase::migrated(kind);
    let trail = store.audit();
    let (first, second) = (event(AuditKind::Login, NOW), event(AuditKind::Logout, NOW + DAY));
    trail.append(std::slice::from_ref(&first)).await.unwrap();
    trail.append(&[first.clone(), second.clone()]).await.unwrap();
    assert_eq!(trail.find(&AuditFilter::default(), 10).await.unwrap(), [second, first]);
}

#[rstest]
#[tokio::test]
async fn a_filter_shows_what_was_done_by_a_user_or_to_them(#[values(Sqlite, Postgres)] kind: Kind) {
    let store = TestDatabase::migrated(kind);
    let trail = store.audit();
    let (ada, root) = (user(), user());
    let to_ada = AuditEvent { actor: Actor::User(root), ..event(AuditKind::RolesChanged, NOW).to_user(ada) };
    let by_ada = AuditEvent { actor: Actor::User(ada), ..event(AuditKind::Registered, NOW + DAY) };
    let other = event(AuditKind::Registered, NOW + 2 * DAY).to_user(user());
    trail.append(&[to_ada.clone(), by_ada.clone(), other.clone()]).await.unwrap();
    let found = async |filter| trail.find(&filter, 10).await.unwrap();
    let all = AuditFilter::default;
    assert_eq!(found(AuditFilter { user: Some(ada), ..all() }).await, [by_ada.clone(), to_ada.clone()]);
    assert_eq!(found(AuditFilter { user: Some(root), ..all() }).await, vec![to_ada.clone()]);
    assert_eq!(
        found(AuditFilter { kind: Some(AuditKind::Registered), ..all() }).await,
        [other.clone(), by_ada.clone()]
    );
    assert_eq!(found(AuditFilter { since: Some(NOW + 2 * DAY), ..all() }).await, vec![other.clone()]);
    assert_eq!(found(AuditFilter { until: Some(NOW + DAY), ..all() }).await, vec![to_ada.clone()]);
    assert_eq!(found(AuditFilter { after: Some(other.id), ..all() }).await, [by_ada, to_ada]);
}

#[rstest]
#[tokio::test]
async fn addresses_are_erased_and_events_forgotten_in_batches(#[values(Sqlite, Postgres)] kind: Kind) {
    let store = TestDatabase::migrated(kind);
    let trail = store.audit();
    let address = Some("203.0.113.9".parse().unwrap());
    let events: Vec<_> = (0..3).map(|day| event(AuditKind::Login, NOW + day * DAY).from_address(address)).collect();
    trail.append(&events).await.unwrap();
    assert_eq!(trail.erase_addresses(NOW + 2 * DAY, 1).await, Ok(1));
    assert_eq!(trail.erase_addresses(NOW + 2 * DAY, 10).await, Ok(1));
    assert_eq!(trail.erase_addresses(NOW + 2 * DAY, 10).await, Ok(0));
    let addresses = async || -> Vec<bool> {
        let found = trail.find(&AuditFilter::default(), 10).await.unwrap();
        found.iter().map(|event| event.address.is_some()).collect()
    };
    assert_eq!(addresses().await, [true, false, false]);
    assert_eq!(trail.forget(NOW + 2 * DAY, 1).await, Ok(1));
    assert_eq!(trail.forget(NOW + 2 * DAY, 10).await, Ok(1));
    assert_eq!(addresses().await, [true]);
}

#[rstest]
#[tokio::test]
async fn a_row_that_cannot_be_understood_is_named(#[values(Sqlite, Postgres)] kind: Kind) {
    let store = TestDatabase::migrated(kind);
    let trail = store.audit();
    let event = event(AuditKind::Login, NOW);
    trail.append(std::slice::from_ref(&event)).await.unwrap();
    store.execute("UPDATE audit_events SET kind = 'whim'").await;
    let error = trail.find(&AuditFilter::default(), 10).await.unwrap_err();
    assert!(error.to_string().contains(&format!("audit_events.kind of {}", event.id)), "{error}");
}
