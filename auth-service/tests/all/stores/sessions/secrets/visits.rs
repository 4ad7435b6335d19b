//! Every row of the table of `decide_visit`, and what a visit leaves behind.

use std::time::Duration;

use auth_service::{
    domain::{
        ids::SessionId,
        session::{MOST_SESSIONS, Mode, Refusal, RevokedReason, Session},
        session_secret::SessionSecrets,
    },
    ports::{Creation, RefreshOutcome},
};
use rstest::rstest;

use super::super::fixture::{
    DAY, DONE, MICROSECOND, NOW, RULES, Random, Replicas, SECOND,
    Store::{self, Cluster, Postgres, Redis, Sqlite},
    first_token, known_by, known_session_of, new_known_session, new_secret, new_session, new_user, noted, session_of,
};

const MINUTE: Duration = Duration::from_mins(1);

#[rstest]
#[tokio::test]
async fn a_session_of_any_mode_is_found_as_it_was_stored(
    #[values(Mode::Bearer, Mode::AccessOnly, Mode::Cookie, Mode::Session)] mode: Mode,
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let replicas = Replicas::of(store);
    for previous in [None, Some(new_secret())] {
        let secrets = (mode == Mode::Session).then(|| SessionSecrets { current: new_secret(), previous });
        let session = Session { mode, secrets, ..new_session() };
        replicas.create(&session).await;
        assert_eq!(replicas.find(&session, NOW).await, Some(session.clone()));
        assert_eq!(replicas.store().list(session.user, NOW).await, Ok(vec![session]));
    }
}

#[rstest]
#[tokio::test]
async fn visits_are_noted_once_a_minute(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let (replicas, session, secret) = Replicas::with_known_session(store).await;
    for now in [NOW, NOW + SECOND, NOW + MINUTE - MICROSECOND] {
        assert_eq!(replicas.visit(&session, &secret, now).await, Some(session.clone()));
        assert_eq!(replicas.find(&session, now).await, Some(session.clone()));
    }
    let now = NOW + MINUTE;
    let after = noted(&session, now);
    assert_eq!(replicas.visit(&session, &secret, now).await, Some(after.clone()));
    assert_eq!(replicas.find(&session, now).await, Some(after.clone()));
    let later = now + MINUTE - MICROSECOND;
    assert_eq!(replicas.visit(&session, &secret, later).await, Some(after));
}

#[rstest]
#[tokio::test]
async fn of_a_short_idle_time_a_quarter_may_pass_unnoted(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let idle_ttl = Duration::from_secs(100);
    let (replicas, (new, secret)) = (Replicas::of(store), new_known_session());
    let session = Session { idle_expiry: NOW + idle_ttl, ..new };
    replicas.create(&session).await;
    let visit = |now| replicas.store().visit(session.user, session.id, &secret, now, idle_ttl);
    assert_eq!(visit(NOW + 25 * SECOND - MICROSECOND).await, Ok(Some(session.clone())));
    let now = NOW + 25 * SECOND;
    let after = Session { last_seen: now, idle_expiry: now + idle_ttl, ..session.clone() };
    assert_eq!(visit(now).await, Ok(Some(after.clone())));
    // So somebody who comes every 75 seconds is never late.
    let mut now = now;
    for _ in 0..10 {
        now = now + 75 * SECOND - MICROSECOND;
        assert!(visit(now).await.unwrap().is_some_and(|session| session.last_seen == now));
    }
    assert_eq!(visit(now + idle_ttl).await, Ok(None));
}

#[rstest]
#[tokio::test]
async fn a_clock_that_steps_back_changes_nothing(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let (replicas, session, secret) = Replicas::with_known_session(store).await;
    let after = noted(&session, NOW + DAY);
    assert_eq!(replicas.visit(&session, &secret, NOW + DAY).await, Some(after.clone()));
    assert_eq!(replicas.visit(&session, &secret, NOW).await, Some(after.clone()));
    assert_eq!(replicas.find(&session, NOW).await, Some(after));
}

#[rstest]
#[tokio::test]
async fn a_secret_that_nobody_was_given_opens_nothing(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let (replicas, session, secret) = Replicas::with_known_session(store).await;
    let (other, secret_of_other) = known_session_of(session.user);
    replicas.create(&other).await;
    let later = NOW + DAY;
    for wrong in [new_secret(), secret_of_other] {
        assert_eq!(replicas.visit(&session, &wrong, later).await, None);
    }
    let of_a_stranger = Session { user: new_user(), ..session.clone() };
    let of_nobody = Session { id: SessionId::new(NOW, &Random), ..session.clone() };
    for wrong in [of_a_stranger, of_nobody, other] {
        assert_eq!(replicas.visit(&wrong, &secret, later).await, None);
    }
    assert_eq!(replicas.find(&session, later).await, Some(session), "nothing has changed");
}

#[rstest]
#[tokio::test]
async fn a_session_of_another_mode_is_known_by_no_secret(
    #[values(Mode::Bearer, Mode::AccessOnly, Mode::Cookie)] mode: Mode,
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let (replicas, session) = (Replicas::of(store), Session { mode, ..new_session() });
    replicas.create(&session).await;
    let later = NOW + DAY;
    assert_eq!(replicas.visit(&session, &new_secret(), later).await, None);
    assert!(!replicas.renew(&session, &new_secret(), &new_secret(), later).await);
    assert_eq!(replicas.find(&session, later).await, Some(session));
}

#[rstest]
#[tokio::test]
async fn the_new_secret_forgets_the_previous_one_at_its_first_visit(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let (replicas, session, first) = Replicas::with_known_session(store).await;
    let second = new_secret();
    assert!(replicas.renew(&session, &first, &second, NOW).await);
    // Within the minute, and noted all the same.
    let after = noted(&known_by(&session, second, None), NOW + SECOND);
    assert_eq!(replicas.visit(&session, &second, NOW + SECOND).await, Some(after.clone()));
    assert_eq!(replicas.visit(&session, &first, NOW + SECOND).await, None);
    assert_eq!(replicas.visit(&session, &second, NOW + 2 * SECOND).await, Some(after.clone()));
    assert_eq!(replicas.find(&session, NOW + SECOND).await, Some(after));
}

#[rstest]
#[tokio::test]
async fn the_previous_secret_is_good_as_often_as_it_comes(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let (replicas, session, first) = Replicas::with_known_session(store).await;
    let second = new_secret();
    assert!(replicas.renew(&session, &first, &second, NOW).await);
    let renewed = known_by(&session, second, Some(first));
    assert_eq!(replicas.visit(&session, &first, NOW).await, Some(renewed.clone()));
    for days in 1..=3 {
        let now = NOW + days * DAY;
        assert_eq!(replicas.visit(&session, &first, now).await, Some(noted(&renewed, now)));
    }
    assert!(replicas.visit(&session, &second, NOW + 3 * DAY).await.is_some());
}

#[rstest]
#[tokio::test]
async fn no_visit_brings_an_expired_session_back(#[values(Sqlite, Postgres, Redis, Cluster)] store: Store) {
    let replicas = Replicas::of(store);
    for (absolute, idle) in [(DAY, 2 * DAY), (2 * DAY, DAY)] {
        let (new, secret) = new_known_session();
        let session = Session { absolute_expiry: NOW + absolute, idle_expiry: NOW + idle, ..new };
        replicas.create(&session).await;
        for now in [NOW + DAY, NOW + 3 * DAY] {
            assert_eq!(replicas.visit(&session, &secret, now).await, None);
            assert!(!replicas.renew(&session, &secret, &new_secret(), now).await);
        }
        assert_eq!(replicas.find(&session, NOW).await, Some(session), "nothing has changed");
    }
}

#[rstest]
#[tokio::test]
async fn a_visit_in_the_last_moment_puts_the_idle_expiry_off_and_not_the_absolute_one(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let (replicas, session, secret) = Replicas::with_known_session(store).await;
    for step in 1..=3 {
        let now = NOW + step * RULES.idle_ttl - step * MICROSECOND;
        assert_eq!(replicas.visit(&session, &secret, now).await, Some(noted(&session, now)), "{step}");
    }
    assert_eq!(replicas.visit(&session, &secret, session.absolute_expiry).await, None);
}

#[rstest]
#[tokio::test]
async fn no_visit_brings_a_revoked_session_back(
    #[values(RevokedReason::Logout, RevokedReason::Reuse, RevokedReason::UserDisabled)] reason: RevokedReason,
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let (replicas, session, secret) = Replicas::with_known_session(store).await;
    let previous = secret;
    let current = new_secret();
    assert!(replicas.renew(&session, &previous, &current, NOW).await);
    assert_eq!(replicas.store().revoke(session.user, session.id, reason, NOW).await, Ok(true));
    for secret in [current, previous] {
        for now in [NOW, NOW + DAY] {
            assert_eq!(replicas.visit(&session, &secret, now).await, None);
            assert!(!replicas.renew(&session, &secret, &new_secret(), now).await);
        }
    }
    assert_eq!(replicas.find(&session, NOW).await, None);
}

#[rstest]
#[tokio::test]
async fn a_session_that_is_known_by_a_secret_is_never_refreshed(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    const LOGIN_REQUIRED: RefreshOutcome = RefreshOutcome::Refused(Refusal::LoginRequired);
    let (replicas, session, _) = Replicas::with_known_session(store).await;
    let token = first_token(&session);
    let later = NOW + DAY;
    assert_eq!(replicas.refresh(&session, &token, later).await, LOGIN_REQUIRED);
    assert_eq!(replicas.find(&session, later).await, Some(session.clone()), "nothing has changed");
    replicas.store().revoke(session.user, session.id, RevokedReason::Reuse, NOW).await.unwrap();
    assert_eq!(replicas.refresh(&session, &token, later).await, LOGIN_REQUIRED);
}

#[rstest]
#[tokio::test]
async fn sessions_of_all_modes_that_go_on_are_counted_together(
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let (replicas, user) = (Replicas::of(store), new_user());
    let mut oldest_first = Vec::new();
    for age in (1..=u32::try_from(MOST_SESSIONS).unwrap()).rev() {
        let of_mode = match age % 3 {
            0 => session_of(user),
            1 => Session { mode: Mode::Cookie, ..session_of(user) },
            _ => known_session_of(user).0,
        };
        let session = Session { created_at: NOW - age * SECOND, ..of_mode };
        replicas.create(&session).await;
        oldest_first.push(session.id);
    }
    let store = replicas.store();
    assert_eq!(store.create(&Session { mode: Mode::AccessOnly, ..session_of(user) }, NOW).await, Ok(DONE));
    for (new, oldest) in [known_session_of(user).0, session_of(user)].iter().zip(&oldest_first) {
        let ended = vec![*oldest];
        assert_eq!(store.create(new, NOW).await, Ok(Creation::Done { ended }));
    }
}
