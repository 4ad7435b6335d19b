//! What changes to a user do to the user's sessions.

use auth_service::{
    domain::{
        effect::{Effect, EndReason, PendingEffect},
        ids::{SessionId, UserId},
        session::{MOST_SESSIONS, Mode, Refusal, Session},
    },
    ports::{Creation, RefreshOutcome},
};
use rstest::rstest;

use super::fixture::{
    DAY, DONE, NOW, Replicas,
    Store::{self, Cluster, Postgres, Redis, Sqlite},
    first_token, new_session, new_user, session_of,
};

fn ending(user: UserId, epoch: i64, except: Option<SessionId>) -> PendingEffect {
    let effect = Effect::EndSessions { reason: EndReason::PasswordChange, except };
    PendingEffect { id: epoch, user, epoch, effect }
}

fn giving(user: UserId, epoch: i64, role: &str) -> PendingEffect {
    PendingEffect { id: epoch, user, epoch, effect: Effect::SetRoles { roles: vec![role.to_owned()] } }
}

async fn names(replicas: &Replicas, user: UserId) -> Vec<SessionId> {
    replicas.stores[1].list(user, NOW).await.unwrap().into_iter().map(|session| session.id).collect()
}

#[rstest]
#[tokio::test]
async fn ending_ends_all_sessions_of_the_user_and_nobody_elses(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let (replicas, first) = Replicas::with_session(store).await;
    let second = Session { mode: Mode::AccessOnly, ..session_of(first.user) };
    let of_another = new_session();
    replicas.create(&second).await;
    replicas.create(&of_another).await;
    replicas.store().apply(&ending(first.user, 1, None), NOW).await.unwrap();
    assert_eq!(names(&replicas, first.user).await, []);
    assert_eq!(replicas.find(&second, NOW).await, None);
    let refused = replicas.refresh(&first, &first_token(&first), NOW).await;
    assert_eq!(refused, RefreshOutcome::Refused(Refusal::LoginRequired));
    assert_eq!(replicas.find(&of_another, NOW).await, Some(of_another));
}

#[rstest]
#[case(EndReason::LogoutAll)]
#[case(EndReason::PasswordChange)]
#[case(EndReason::UserDisabled)]
#[tokio::test]
async fn sessions_end_for_any_reason(
    #[case] reason: EndReason,
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let (replicas, session) = Replicas::with_session(store).await;
    let effect = Effect::EndSessions { reason, except: None };
    replicas.store().apply(&PendingEffect { id: 1, user: session.user, epoch: 1, effect }, NOW).await.unwrap();
    assert_eq!(replicas.find(&session, NOW).await, None);
}

#[rstest]
#[tokio::test]
async fn the_session_that_asked_lives_on_under_the_new_epoch(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let (replicas, asking) = Replicas::with_session(store).await;
    let other = session_of(asking.user);
    replicas.create(&other).await;
    replicas.store().apply(&ending(asking.user, 1, Some(asking.id)), NOW).await.unwrap();
    let kept = Session { epoch: 1, ..asking.clone() };
    assert_eq!(replicas.stores[1].list(asking.user, NOW).await, Ok(vec![kept]));
}

#[rstest]
#[tokio::test]
async fn new_roles_reach_every_session(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let (replicas, first) = Replicas::with_session(store).await;
    let second = session_of(first.user);
    replicas.create(&second).await;
    replicas.store().apply(&giving(first.user, 1, "auditor"), NOW).await.unwrap();
    for session in [first, second] {
        let after = Session { roles: vec!["auditor".to_owned()], epoch: 1, ..session.clone() };
        assert_eq!(replicas.find(&session, NOW).await, Some(after.clone()));
        let RefreshOutcome::Granted { session: refreshed, .. } =
            replicas.refresh(&session, &first_token(&session), NOW).await
        else {
            panic!("a change of roles ends no session")
        };
        assert_eq!(refreshed.roles, after.roles);
    }
}

#[rstest]
#[tokio::test]
async fn no_session_is_created_under_an_older_epoch(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let (replicas, user) = (Replicas::of(store), new_user());
    let store = replicas.store();
    store.apply(&ending(user, 2, None), NOW).await.unwrap();
    for epoch in [0, 1] {
        let late = Session { epoch, ..session_of(user) };
        assert_eq!(store.create(&late, NOW).await, Ok(Creation::StaleEpoch));
        assert_eq!(replicas.find(&late, NOW).await, None);
    }
    let new = Session { epoch: 2, ..session_of(user) };
    assert_eq!(store.create(&new, NOW).await, Ok(DONE));
    assert_eq!(names(&replicas, user).await, [new.id]);
}

#[rstest]
#[tokio::test]
async fn a_change_of_roles_also_refuses_logins_from_before_it(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let (replicas, user) = (Replicas::of(store), new_user());
    replicas.store().apply(&giving(user, 1, "auditor"), NOW).await.unwrap();
    assert_eq!(replicas.store().create(&session_of(user), NOW).await, Ok(Creation::StaleEpoch));
}

#[rstest]
#[tokio::test]
async fn applying_twice_leaves_the_logins_in_between_alone(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let (replicas, before) = Replicas::with_session(store).await;
    let user = before.user;
    for effect in [ending(user, 1, None), giving(user, 2, "auditor")] {
        replicas.store().apply(&effect, NOW).await.unwrap();
        let between = Session { epoch: effect.epoch, ..session_of(user) };
        replicas.create(&between).await;
        replicas.store().apply(&effect, NOW).await.unwrap();
        assert_eq!(replicas.find(&between, NOW).await, Some(between));
    }
}

#[rstest]
#[tokio::test]
async fn a_login_that_knows_of_the_change_before_the_store_does_is_left_alone(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let (replicas, before) = Replicas::with_session(store).await;
    let new = Session { epoch: 1, ..session_of(before.user) };
    replicas.create(&new).await;
    replicas.store().apply(&ending(before.user, 1, None), NOW).await.unwrap();
    assert_eq!(names(&replicas, before.user).await, [new.id]);
}

#[rstest]
#[tokio::test]
async fn an_older_effect_that_comes_again_undoes_nothing(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let (replicas, session) = Replicas::with_session(store).await;
    let user = session.user;
    let (first, second) = (giving(user, 1, "auditor"), giving(user, 2, "admin"));
    for effect in [&first, &second, &first, &ending(user, 1, None)] {
        replicas.store().apply(effect, NOW).await.unwrap();
    }
    let after = Session { roles: vec!["admin".to_owned()], epoch: 2, ..session.clone() };
    assert_eq!(replicas.find(&session, NOW).await, Some(after));
    let stale = Session { epoch: 1, ..session_of(user) };
    assert_eq!(replicas.store().create(&stale, NOW).await, Ok(Creation::StaleEpoch), "the epoch never falls");
}

#[rstest]
#[tokio::test]
async fn what_is_over_stays_as_it_is(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let replicas = Replicas::of(store);
    let expired = Session { idle_expiry: NOW + DAY, ..new_session() };
    replicas.create(&expired).await;
    replicas.store().apply(&giving(expired.user, 1, "auditor"), NOW + DAY).await.unwrap();
    // With the clock back, one can look at it again.
    assert_eq!(replicas.find(&expired, NOW).await, Some(expired));
}

#[rstest]
#[tokio::test]
async fn all_sessions_that_a_user_may_have_end_at_once(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let (replicas, user) = (Replicas::of(store), new_user());
    for mode in [Mode::Bearer, Mode::AccessOnly].repeat(MOST_SESSIONS) {
        replicas.create(&Session { mode, ..session_of(user) }).await;
    }
    assert_eq!(names(&replicas, user).await.len(), 2 * MOST_SESSIONS);
    replicas.store().apply(&giving(user, 1, "auditor"), NOW).await.unwrap();
    assert!(replicas.store().list(user, NOW).await.unwrap().iter().all(|session| session.roles == ["auditor"]));
    replicas.store().apply(&ending(user, 2, None), NOW).await.unwrap();
    assert_eq!(names(&replicas, user).await, []);
}
