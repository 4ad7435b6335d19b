//! Every row of the table of `decide_refresh`, and what a refresh leaves behind.

use auth_service::{
    domain::{
        ids::{SessionId, TokenId},
        session::{CurrentToken, PresentedToken, Refusal, RevokedReason, Rotation, Session},
    },
    ports::RefreshOutcome,
};
use common::clock::Timestamp;
use rstest::rstest;

use super::fixture::{
    DAY, MICROSECOND, NOW, RULES, Random, Replicas, SECOND,
    Store::{self, Cluster, Postgres, Redis, Sqlite},
    as_current, child_of, first_token, new_session,
};

const LOGIN_REQUIRED: RefreshOutcome = RefreshOutcome::Refused(Refusal::LoginRequired);
const TOKEN_REUSED: RefreshOutcome = RefreshOutcome::Refused(Refusal::TokenReused);

/// The session after a refresh at `now` with this token current.
fn refreshed(session: &Session, current: CurrentToken, now: Timestamp) -> Session {
    Session { current, last_seen: now, idle_expiry: now + RULES.idle_ttl, ..session.clone() }
}

fn granted(session: &Session, rotation: Rotation) -> RefreshOutcome {
    RefreshOutcome::Granted { session: Box::new(session.clone()), rotation, rolled_back: false }
}

fn granted_after_rollback(session: &Session, rotation: Rotation) -> RefreshOutcome {
    RefreshOutcome::Granted { session: Box::new(session.clone()), rotation, rolled_back: true }
}

/// Promotes a child of the login's token and returns it with the session as it is then.
async fn promoted(replicas: &Replicas, session: &Session, now: Timestamp) -> (PresentedToken, Session) {
    let child = child_of(session.current, now - RULES.hold - SECOND);
    let after = refreshed(session, as_current(&child), now);
    assert_eq!(replicas.refresh(session, &child, now).await, granted(&after, Rotation::Child));
    (child, after)
}

#[rstest]
#[tokio::test]
async fn the_current_token_gets_a_child_at_any_age(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let (replicas, session) = Replicas::with_session(store).await;
    for now in [NOW, NOW + RULES.hold, NOW + 20 * DAY] {
        let after = refreshed(&session, session.current, now);
        assert_eq!(replicas.refresh(&session, &first_token(&session), now).await, granted(&after, Rotation::Child));
        assert_eq!(replicas.find(&session, now).await, Some(after));
    }
}

#[rstest]
#[tokio::test]
async fn a_child_comes_back_as_it_is_until_it_is_older_than_hold(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let (replicas, session) = Replicas::with_session(store).await;
    let child = child_of(session.current, NOW);
    // Both instants are whole seconds, so all of the second after `hold` is still young.
    for now in [NOW, NOW + RULES.hold, NOW + RULES.hold + SECOND - MICROSECOND] {
        let after = refreshed(&session, session.current, now);
        assert_eq!(replicas.refresh(&session, &child, now).await, granted(&after, Rotation::Same));
        assert_eq!(replicas.find(&session, now).await, Some(after));
    }
    let now = NOW + RULES.hold + SECOND;
    let after = refreshed(&session, as_current(&child), now);
    assert_eq!(replicas.refresh(&session, &child, now).await, granted(&after, Rotation::Child));
    assert_eq!(replicas.find(&session, now).await, Some(after));
}

#[rstest]
#[tokio::test]
async fn a_promoted_token_may_come_back_at_any_later_time(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let (replicas, session) = Replicas::with_session(store).await;
    let (child, _) = promoted(&replicas, &session, NOW).await;
    for now in [NOW, NOW + DAY] {
        let after = refreshed(&session, as_current(&child), now);
        assert_eq!(replicas.refresh(&session, &child, now).await, granted(&after, Rotation::Child));
    }
}

#[rstest]
#[tokio::test]
async fn a_token_from_the_future_of_another_clock_is_young(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let (replicas, session) = Replicas::with_session(store).await;
    let child = child_of(session.current, NOW + DAY);
    let after = refreshed(&session, session.current, NOW);
    assert_eq!(replicas.refresh(&session, &child, NOW).await, granted(&after, Rotation::Same));
}

#[rstest]
#[tokio::test]
async fn a_parent_that_comes_back_after_the_promotion_ends_the_session(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let (replicas, session) = Replicas::with_session(store).await;
    let (_, after) = promoted(&replicas, &session, NOW).await;
    let reuse = replicas.refresh(&session, &first_token(&session), NOW + SECOND).await;
    assert_eq!(reuse, RefreshOutcome::Reuse(Box::new(after)), "the session as it was");
    assert_eq!(replicas.find(&session, NOW + SECOND).await, None);
    assert_eq!(replicas.store().list(session.user, NOW + SECOND).await, Ok(Vec::new()));
}

#[rstest]
#[tokio::test]
async fn after_a_reuse_every_token_is_told_so_until_the_session_expires(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let (replicas, session) = Replicas::with_session(store).await;
    let (child, after) = promoted(&replicas, &session, NOW).await;
    replicas.refresh(&session, &first_token(&session), NOW).await;
    let grandchild = child_of(after.current, NOW);
    for token in [first_token(&session), child, grandchild] {
        for now in [NOW, NOW + DAY, after.idle_expiry - MICROSECOND] {
            assert_eq!(replicas.refresh(&session, &token, now).await, TOKEN_REUSED);
        }
        assert_eq!(replicas.refresh(&session, &token, after.idle_expiry).await, LOGIN_REQUIRED);
    }
}

#[rstest]
#[tokio::test]
async fn a_sibling_of_the_promoted_token_is_reuse(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let (replicas, session) = Replicas::with_session(store).await;
    let sibling = child_of(session.current, NOW);
    let (_, after) = promoted(&replicas, &session, NOW).await;
    assert_eq!(replicas.refresh(&session, &sibling, NOW).await, RefreshOutcome::Reuse(Box::new(after)));
}

#[rstest]
#[tokio::test]
async fn a_token_that_nobody_was_given_is_reuse(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let replicas = Replicas::of(store);
    let at_generation_3 = |current: CurrentToken| CurrentToken { generation: 3, ..current };
    for (parent_is_current, generation) in [(true, 3), (true, 2), (false, 4), (false, 3), (false, 0)] {
        let mut session = new_session();
        session.current = at_generation_3(session.current);
        replicas.create(&session).await;
        let parent = if parent_is_current { session.current.id } else { TokenId::new(&Random) };
        let id = TokenId::new(&Random);
        let token = PresentedToken { id, parent: Some(parent), generation, issued_at: NOW.seconds() };
        let outcome = replicas.refresh(&session, &token, NOW).await;
        assert_eq!(outcome, RefreshOutcome::Reuse(Box::new(session)), "{parent_is_current} {generation}");
    }
}

#[rstest]
#[tokio::test]
async fn the_token_of_another_login_is_reuse_at_any_generation(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let replicas = Replicas::of(store);
    for generation in [0, 1, 2, u32::MAX] {
        let session = new_session();
        replicas.create(&session).await;
        let token = PresentedToken { id: TokenId::new(&Random), parent: None, generation, issued_at: NOW.seconds() };
        let outcome = replicas.refresh(&session, &token, NOW).await;
        assert_eq!(outcome, RefreshOutcome::Reuse(Box::new(session)), "{generation}");
    }
}

#[rstest]
#[tokio::test]
async fn a_young_token_from_after_lost_writes_puts_the_store_right(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let (replicas, session) = Replicas::with_session(store).await;
    let lost = CurrentToken { id: TokenId::new(&Random), generation: 4 };
    let token = child_of(lost, NOW);
    let after = refreshed(&session, lost, NOW);
    assert_eq!(replicas.refresh(&session, &token, NOW).await, granted_after_rollback(&after, Rotation::Same));
    assert_eq!(replicas.find(&session, NOW).await, Some(after.clone()));
    assert_eq!(replicas.refresh(&session, &token, NOW).await, granted(&after, Rotation::Same), "once");
}

#[rstest]
#[tokio::test]
async fn an_older_token_from_after_lost_writes_is_promoted(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let (replicas, session) = Replicas::with_session(store).await;
    let token = child_of(CurrentToken { id: TokenId::new(&Random), generation: 1 }, NOW);
    let now = NOW + DAY;
    let after = refreshed(&session, as_current(&token), now);
    assert_eq!(replicas.refresh(&session, &token, now).await, granted_after_rollback(&after, Rotation::Child));
    assert_eq!(replicas.find(&session, now).await, Some(after));
}

#[rstest]
#[tokio::test]
async fn large_generations_are_compared_exactly(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let replicas = Replicas::of(store);
    for generation in [u32::MAX - 2, u32::MAX - 1] {
        let mut session = new_session();
        session.current.generation = generation;
        replicas.create(&session).await;
        let child = child_of(session.current, NOW);
        let after = refreshed(&session, as_current(&child), NOW + DAY);
        assert_eq!(replicas.refresh(&session, &child, NOW + DAY).await, granted(&after, Rotation::Child));
        assert_eq!(replicas.find(&session, NOW + DAY).await, Some(after));
    }
}

#[rstest]
#[tokio::test]
async fn a_session_that_is_not_there_asks_for_a_login(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let (replicas, session) = Replicas::with_session(store).await;
    let token = first_token(&session);
    for wrong in [Session { id: SessionId::new(NOW, &Random), ..session.clone() }, new_session()] {
        assert_eq!(replicas.refresh(&wrong, &token, NOW).await, LOGIN_REQUIRED);
    }
    let of_a_stranger = Session { user: new_session().user, ..session.clone() };
    assert_eq!(replicas.refresh(&of_a_stranger, &token, NOW).await, LOGIN_REQUIRED);
    assert_eq!(replicas.find(&session, NOW).await, Some(session));
}

#[rstest]
#[tokio::test]
async fn an_expired_session_asks_for_a_login_and_never_for_more(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let replicas = Replicas::of(store);
    for (absolute, idle) in [(DAY, 2 * DAY), (2 * DAY, DAY)] {
        let session = Session { absolute_expiry: NOW + absolute, idle_expiry: NOW + idle, ..new_session() };
        replicas.create(&session).await;
        let used = child_of(CurrentToken { id: TokenId::new(&Random), generation: 0 }, NOW);
        for token in [first_token(&session), used] {
            assert_eq!(replicas.refresh(&session, &token, NOW + DAY).await, LOGIN_REQUIRED);
        }
        assert_eq!(replicas.find(&session, NOW).await, Some(session), "nothing has changed");
    }
}

#[rstest]
#[tokio::test]
async fn a_refresh_in_the_last_moment_puts_the_idle_expiry_off_and_not_the_absolute_one(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let (replicas, session) = Replicas::with_session(store).await;
    let token = first_token(&session);
    for step in 1..=3 {
        let now = NOW + step * RULES.idle_ttl - step * MICROSECOND;
        assert!(matches!(replicas.refresh(&session, &token, now).await, RefreshOutcome::Granted { .. }), "{step}");
    }
    assert_eq!(replicas.refresh(&session, &token, session.absolute_expiry).await, LOGIN_REQUIRED);
}

#[rstest]
#[tokio::test]
async fn a_clock_that_steps_back_takes_the_idle_expiry_with_it(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let (replicas, session) = Replicas::with_session(store).await;
    let token = first_token(&session);
    replicas.refresh(&session, &token, NOW + DAY).await;
    let after = refreshed(&session, session.current, NOW);
    assert_eq!(replicas.refresh(&session, &token, NOW).await, granted(&after, Rotation::Child));
    assert_eq!(replicas.find(&session, NOW).await, Some(after));
}

#[rstest]
#[case(RevokedReason::Logout)]
#[case(RevokedReason::PasswordChange)]
#[case(RevokedReason::UserDisabled)]
#[tokio::test]
async fn a_session_that_was_ended_on_purpose_asks_for_a_login(
    #[case] reason: RevokedReason,
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let (replicas, session) = Replicas::with_session(store).await;
    assert_eq!(replicas.store().revoke(session.user, session.id, reason, NOW).await, Ok(true));
    let used = child_of(CurrentToken { id: TokenId::new(&Random), generation: 0 }, NOW);
    for token in [first_token(&session), used] {
        assert_eq!(replicas.refresh(&session, &token, NOW).await, LOGIN_REQUIRED);
    }
}
