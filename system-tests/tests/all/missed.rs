//! Nothing that was revoked is missed: not over a restart, not when the log was put back.

use common::sql::Sql;
use diesel::connection::SimpleConnection;
use rstest::rstest;
use secrecy::ExposeSecret;

use crate::support::{
    auth::{
        redis::PrivateRedis,
        service::Backend::{self, PostgresAndRedis, Sqlite},
        wait::until,
    },
    system::{System, database},
};

#[rstest]
#[tokio::test]
async fn what_was_revoked_while_it_was_down(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let mut system = System::in_touch(backend).await;
    let (_, ada) = system.logged_in("ada").await;
    system.resource.stop().await;
    system.log_out(&ada.access).await;
    system.resource.start_again().await;
    // Before it has heard, it says 503 and never 200.
    while system.resource.whoami(&ada.access).await == 503 {}
    assert_eq!(system.resource.whoami(&ada.access).await, 401);
}

pub async fn execute(sql: &Sql, statements: &'static str) {
    sql.write(move |connection| Ok(connection.batch_execute(statements)?)).await.unwrap();
}

#[tokio::test]
async fn after_a_backup_of_the_database_was_put_back() {
    let system = System::in_touch(Sqlite).await;
    let [ada, bob, eve] = [system.logged_in("ada").await, system.logged_in("bob").await, system.logged_in("eve").await]
        .map(|(_, tokens)| tokens.access);
    for token in [&ada, &bob] {
        system.log_out(token).await;
        system.resource.answers(token, 401).await;
    }
    let sql = database(&system.home);
    // Bob's logout never happened; the next entry gets its number.
    execute(&sql, "DELETE FROM revocations WHERE id > 1; UPDATE revocation_log SET last_id = 1").await;
    system.log_out(&eve).await;
    system.resource.answers(&eve, 401).await;
    assert_eq!(system.resource.whoami(&bob).await, 401, "what was heard stays heard");
    assert_eq!(system.resource.whoami(&ada).await, 401);
}

#[tokio::test]
async fn after_redis_has_lost_everything() {
    let redis = PrivateRedis::start();
    let url = redis.url();
    let system = System::start_with(PostgresAndRedis, &[("REDIS_URL", url.expose_secret())], &[]).await;
    system.resource.heard().await;
    let (_, ada) = system.logged_in("ada").await;
    system.log_out(&ada.access).await;
    system.resource.answers(&ada.access, 401).await;
    ::redis::cmd("FLUSHALL").exec(&mut redis.connection()).unwrap();
    let (_, eve) = system.logged_in("eve").await;
    assert_eq!(system.resource.whoami(&eve.access).await, 200);
    system.log_out(&eve.access).await;
    system.resource.answers(&eve.access, 401).await;
    assert_eq!(system.resource.whoami(&ada.access).await, 401, "what was heard stays heard");
}

#[tokio::test]
async fn after_redis_was_killed_and_came_back() {
    let mut redis = PrivateRedis::start();
    let url = redis.url();
    let system = System::start_with(PostgresAndRedis, &[("REDIS_URL", url.expose_secret())], &[]).await;
    system.resource.heard().await;
    let ((_, ada), (_, eve)) = (system.logged_in("ada").await, system.logged_in("eve").await);
    redis.kill();
    assert_eq!(system.resource.whoami(&ada.access).await, 200, "it asks nobody");
    redis.start_again();
    until("the store answers", async || system.post(&ada.access, "/auth/logout").await.status == 204).await;
    system.resource.answers(&ada.access, 401).await;
    assert_eq!(system.resource.whoami(&eve.access).await, 200);
}
