//! A hundred thousand revoked sessions.

use std::{fs, time::Instant};

use common::clock::Clock;
use diesel::connection::SimpleConnection;

use crate::support::{
    auth::{service::Backend::Sqlite, wait::until},
    system::{System, database},
};

const ENTRIES: u32 = 100_000;

/// Resident memory of this process, in MiB.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
    f64::from(line.unwrap().parse::<u32>().unwrap()) / 1024.0
}

#[tokio::test]
async fn they_are_mirrored_within_seconds_and_fit() {
    let mut system = System::in_touch(Sqlite).await;
    let (_, ada) = system.logged_in("ada").await;
    system.resource.stop().await;
    let until_at = system.clock().now().micros() + 3_600_000_000;
    let statements = format!(
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {ENTRIES}) \
         INSERT INTO revocations (id, kind, name, until_at) \
         SELECT n, 'sid', printf('%08x-0000-7000-8000-%012x', n, n), {until_at} FROM numbers; \
         UPDATE revocation_log SET last_id = {ENTRIES}"
    );
    let sql = database(&system.home);
    sql.write(move |connection| Ok(connection.batch_execute(&statements)?)).await.unwrap();

    let (before, begun) = (resident(), Instant::now());
    system.resource.start_again().await;
    system.resource.heard().await;
    let (grown, took) = (resident() - before, begun.elapsed());
    println!("{ENTRIES} revocations: {grown:.1} MiB more in both services together, mirrored in {took:.1?}");
    assert_eq!(system.resource.metric("resource_revocations").await, Some(f64::from(ENTRIES)));
    assert!(grown < 64.0, "{grown} MiB");

    assert_eq!(system.resource.whoami(&ada.access).await, 200);
    system.log_out(&ada.access).await;
    let ended = Instant::now();
    until("it is refused", async || system.resource.whoami(&ada.access).await == 401).await;
    assert!(ended.elapsed().as_secs() < 1, "after {:?}", ended.elapsed());
}
