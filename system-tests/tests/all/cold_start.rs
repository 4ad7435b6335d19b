//! resource-service starts while auth-service is away.

use rstest::rstest;

use crate::support::{
    auth::service::{
        Backend::{self, PostgresAndRedis, Sqlite},
        Tokens,
    },
    system::{System, sid},
};

/// One that is logged in and one that is not any more; then both services are down.
async fn both_down(backend: Backend, keeps_state: bool, settings: &[(&str, &str)]) -> (System, Tokens, Tokens) {
    let mut system = System::start_with(backend, &[], settings).await;
    if keeps_state {
        system.resource.stop().await;
        system.resource.keep_state();
        system.resource.start_again().await;
    }
    system.resource.heard().await;
    let ((_, good), (_, ended)) = (system.logged_in("ada").await, system.logged_in("eve").await);
    system.log_out(&ended.access).await;
    system.resource.answers(&ended.access, 401).await;
    if keeps_state {
        let sid = sid(&ended.access);
        system.written_down(&sid).await;
    }
    system.resource.stop().await;
    system.auth_goes_away().await;
    (system, good, ended)
}

#[rstest]
#[tokio::test]
async fn with_a_state_file_it_knows_what_it_knew_and_goes_on_from_there(
    #[values(Sqlite, PostgresAndRedis)] backend: Backend,
) {
    let (mut system, good, ended) = both_down(backend, true, &[]).await;
    // While nobody looks.
    let (_, late) = system.logged_in("bob").await;
    system.log_out(&late.access).await;
    system.resource.start_again().await;
    system.resource.answers(&good.access, 200).await;
    assert!(system.resource.is_ready().await);
    assert_eq!(system.resource.whoami(&ended.access).await, 401);
    assert_eq!(system.resource.whoami(&late.access).await, 200, "nobody could have told it");
    system.auth_comes_back().await;
    system.resource.answers(&late.access, 401).await;
}

#[tokio::test]
async fn without_one_it_refuses_everybody_until_it_has_heard() {
    let (mut system, good, ended) = both_down(Sqlite, false, &[]).await;
    system.resource.start_again().await;
    assert!(!system.resource.is_ready().await);
    assert_eq!(system.resource.whoami(&good.access).await, 503);
    assert_eq!(system.resource.whoami("no token").await, 401, "what is wrong in itself is refused as ever");
    system.auth_comes_back().await;
    system.resource.answers(&good.access, 200).await;
    assert_eq!(system.resource.whoami(&ended.access).await, 401);
    assert!(system.resource.is_ready().await);
}

#[tokio::test]
async fn without_one_it_serves_where_that_is_asked_for() {
    let (mut system, good, ended) = both_down(Sqlite, false, &[("REVOCATION_COLD_START", "serve")]).await;
    system.resource.start_again().await;
    assert!(system.resource.is_ready().await);
    assert_eq!(system.resource.whoami(&good.access).await, 200);
    assert_eq!(system.resource.whoami(&ended.access).await, 200, "nobody could have told it");
    system.auth_comes_back().await;
    system.resource.answers(&ended.access, 401).await;
}

#[tokio::test]
async fn a_state_file_that_cannot_be_read_is_as_good_as_none() {
    let (mut system, good, _) = both_down(Sqlite, true, &[]).await;
    system.resource.spoil_state();
    system.resource.start_again().await;
    assert_eq!(system.resource.whoami(&good.access).await, 503);
    system.auth_comes_back().await;
    system.resource.answers(&good.access, 200).await;
}
