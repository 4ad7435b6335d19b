//! What a new secret leaves behind.

use auth_service::domain::{
    effect::{Effect, EndReason, PendingEffect},
    session::Session,
};
use rstest::rstest;

use super::super::fixture::{
    DAY, NOW, Replicas, SECOND,
    Store::{self, Cluster, Postgres, Redis, Sqlite},
    known_by, new_secret, new_user,
};

#[rstest]
#[tokio::test]
async fn a_renewal_keeps_the_secret_that_asked_for_it_and_moves_nothing_else(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let (replicas, session, first) = Replicas::with_known_session(store).await;
    let second = new_secret();
    let later = NOW + DAY;
    assert!(replicas.renew(&session, &first, &second, later).await);
    assert_eq!(replicas.find(&session, later).await, Some(known_by(&session, second, Some(first))));
}

#[rstest]
#[tokio::test]
async fn however_many_answers_are_lost_the_secret_that_asked_goes_on(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let (replicas, session, held) = Replicas::with_known_session(store).await;
    let lost = [new_secret(), new_secret(), new_secret()];
    for (number, new) in lost.iter().enumerate() {
        assert!(replicas.renew(&session, &held, new, NOW).await, "{number}");
        assert!(replicas.visit(&session, &held, NOW).await.is_some(), "{number}");
    }
    assert_eq!(replicas.find(&session, NOW).await, Some(known_by(&session, lost[2], Some(held))));
    for forgotten in &lost[..2] {
        assert_eq!(replicas.visit(&session, forgotten, NOW).await, None);
    }
    assert!(replicas.visit(&session, &lost[2], NOW).await.is_some());
    assert_eq!(replicas.visit(&session, &held, NOW).await, None);
}

#[rstest]
#[tokio::test]
async fn a_secret_has_been_seen_when_it_asks_for_the_next(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let (replicas, session, first) = Replicas::with_known_session(store).await;
    let (second, third) = (new_secret(), new_secret());
    assert!(replicas.renew(&session, &first, &second, NOW).await);
    assert!(replicas.renew(&session, &second, &third, NOW).await);
    assert_eq!(replicas.visit(&session, &first, NOW).await, None);
    assert!(!replicas.renew(&session, &first, &new_secret(), NOW).await);
    assert_eq!(replicas.find(&session, NOW).await, Some(known_by(&session, third, Some(second))));
}

#[rstest]
#[tokio::test]
async fn a_renewal_that_is_carried_out_twice_comes_to_the_same(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let (replicas, session, first) = Replicas::with_known_session(store).await;
    let second = new_secret();
    for _ in 0..2 {
        assert!(replicas.renew(&session, &first, &second, NOW).await);
        assert_eq!(replicas.find(&session, NOW).await, Some(known_by(&session, second, Some(first))));
    }
}

#[rstest]
#[tokio::test]
async fn a_secret_that_nobody_was_given_gets_no_other(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let (replicas, session, first) = Replicas::with_known_session(store).await;
    let new = new_secret();
    assert!(!replicas.renew(&session, &new_secret(), &new, NOW).await);
    assert!(!replicas.renew(&session, &new, &new, NOW).await);
    let of_a_stranger = Session { user: new_user(), ..session.clone() };
    assert!(!replicas.renew(&of_a_stranger, &first, &new, NOW).await);
    assert_eq!(replicas.find(&session, NOW).await, Some(session));
}

#[rstest]
#[tokio::test]
async fn secrets_survive_new_roles_and_the_end_of_other_sessions(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let (replicas, session, first) = Replicas::with_known_session(store).await;
    let second = new_secret();
    assert!(replicas.renew(&session, &first, &second, NOW).await);
    let effects = [
        Effect::SetRoles { roles: vec!["auditor".to_owned()] },
        Effect::EndSessions { reason: EndReason::PasswordChange, except: Some(session.id) },
    ];
    for (epoch, effect) in (1..).zip(effects) {
        let effect = PendingEffect { id: epoch, user: session.user, epoch, effect };
        replicas.store().apply(&effect, NOW).await.unwrap();
    }
    for secret in [first, second] {
        assert!(replicas.visit(&session, &secret, NOW + SECOND).await.is_some());
    }
    let end = Effect::EndSessions { reason: EndReason::LogoutAll, except: None };
    let effect = PendingEffect { id: 3, user: session.user, epoch: 3, effect: end };
    replicas.store().apply(&effect, NOW).await.unwrap();
    assert_eq!(replicas.visit(&session, &second, NOW + SECOND).await, None);
}
