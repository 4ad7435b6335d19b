//! auth-service is away: what resource-service does meanwhile, and that it misses nothing.

use std::time::Duration;

use rstest::rstest;

use crate::support::{
    auth::service::Backend::{self, PostgresAndRedis, Sqlite},
    system::System,
};

const STALE: Duration = Duration::from_secs(61);

#[tokio::test]
async fn it_goes_on_with_what_it_knows() {
    let mut system = System::in_touch(Sqlite).await;
    let (_, ada) = system.logged_in("ada").await;
    let (_, eve) = system.logged_in("eve").await;
    system.log_out(&eve.access).await;
    system.resource.answers(&eve.access, 401).await;
    system.auth_goes_away().await;
    system.clock().advance(STALE);
    assert_eq!(system.resource.whoami(&ada.access).await, 200);
    assert_eq!(system.resource.whoami(&eve.access).await, 401);
    assert!(system.resource.is_ready().await);
    let age = system.resource.metric("resource_revocations_age_seconds").await.unwrap();
    assert!(age >= 61.0, "an operator can see it: {age}");
}

#[tokio::test]
async fn it_refuses_everybody_after_a_while_where_that_is_asked_for() {
    let settings = [("REVOCATION_STALE", "refuse"), ("REVOCATION_MAX_STALENESS", "60s")];
    let mut system = System::start_with(Sqlite, &[], &settings).await;
    system.resource.heard().await;
    let (_, ada) = system.logged_in("ada").await;
    system.auth_goes_away().await;
    assert_eq!(system.resource.whoami(&ada.access).await, 200);
    system.clock().advance(STALE);
    assert_eq!(system.resource.whoami(&ada.access).await, 503);
    system.auth_comes_back().await;
    system.resource.answers(&ada.access, 200).await;
}

#[rstest]
#[tokio::test]
async fn what_was_revoked_meanwhile_is_refused_once_it_is_back(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let mut system = System::in_touch(backend).await;
    let (_, ada) = system.logged_in("ada").await;
    system.auth_goes_away().await;
    // At another replica, which resource-service does not follow.
    system.log_out(&ada.access).await;
    assert_eq!(system.resource.whoami(&ada.access).await, 200);
    system.auth_comes_back().await;
    system.resource.answers(&ada.access, 401).await;
}

/// The service's own token runs out, or is not believed any more.
#[rstest]
#[tokio::test]
async fn it_gets_another_token_for_itself(
    #[values((6, "the-secret-that-only-auth-service-has-in-tests"), (0, "another-secret-that-only-auth-service-has"))]
    change: (u64, &str),
) {
    let (minutes, refresh_secret) = change;
    let mut system = System::in_touch(Sqlite).await;
    let (_, ada) = system.logged_in("ada").await;
    system.auth_goes_away().await;
    system.clock().advance(Duration::from_mins(minutes));
    system.auth_comes_back_with(&[("REFRESH_SECRET", refresh_secret)]).await;
    system.log_out(&ada.access).await;
    system.resource.answers(&ada.access, 401).await;
}
