//! Stores that are killed in the middle of a run of many honest clients. A client sends its token again on 503, and takes
//! the token of the last answer that it got. None of them may be logged out.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use rstest::rstest;
use secrecy::ExposeSecret;
use tokio::{
    task::{JoinSet, block_in_place},
    time::sleep,
};

use crate::support::{
    postgres::PrivatePostgres,
    redis::PrivateRedis,
    service::{TestService, least_variables, set},
};

const PEOPLE: usize = 6;
const CLIENTS_OF_EACH: usize = 8;
const CRASHES: usize = 3;
const REFRESHES_BETWEEN: u32 = 500;

/// The clock moves with the work, so that tokens are promoted all the time and no request is as late as `hold`.
const TICK: Duration = Duration::from_millis(250);

#[derive(Default)]
struct Tally {
    refreshes: AtomicU32,
    retries: AtomicU32,
    lost: AtomicU32,
    done: AtomicBool,
}

/// Refreshes until told to stop, and then until it has been answered once more.
async fn be_honest(service: Arc<TestService>, mut token: String, tally: Arc<Tally>) {
    loop {
        let last = tally.done.load(Relaxed);
        let answer = service.refresh(&token).await;
        match answer.status {
            200 => {
                token = answer.tokens().refresh;
                tally.refreshes.fetch_add(1, Relaxed);
                service.clock.advance(TICK);
                if last {
                    return;
                }
            }
            503 => {
                tally.retries.fetch_add(1, Relaxed);
                sleep(Duration::from_millis(20)).await;
            }
            _ => {
                tally.lost.fetch_add(1, Relaxed);
                return;
            }
        }
    }
}

#[expect(clippy::print_stdout, reason = "the figures of the run")]
async fn nobody_is_logged_out(what: &str, service: TestService, mut crash: impl FnMut()) {
    let (service, tally) = (Arc::new(service), Arc::new(Tally::default()));
    let mut clients = JoinSet::new();
    for number in 0..PEOPLE {
        let person = service.registered(&format!("person-{number}")).await;
        for _ in 0..CLIENTS_OF_EACH {
            let token = service.log_in(&person).await.refresh;
            clients.spawn(be_honest(Arc::clone(&service), token, Arc::clone(&tally)));
        }
    }
    for _ in 0..CRASHES {
        let (before, begun) = (tally.refreshes.load(Relaxed), Instant::now());
        while tally.refreshes.load(Relaxed) < before + REFRESHES_BETWEEN {
            assert!(begun.elapsed() < Duration::from_mins(1), "the clients do not get on");
            sleep(Duration::from_millis(5)).await;
        }
        block_in_place(&mut crash);
    }
    tally.done.store(true, Relaxed);
    clients.join_all().await;
    let Tally { refreshes, retries, lost, .. } = &*tally;
    println!(
        "{what}: {CRASHES} crashes, {} clients, {} refreshes, {} answers 503, {} logged out",
        PEOPLE * CLIENTS_OF_EACH,
        refreshes.load(Relaxed),
        retries.load(Relaxed),
        lost.load(Relaxed),
    );
    assert_eq!(lost.load(Relaxed), 0);
}

#[rstest]
#[case::every_write_is_on_the_disk("always", 0)]
#[case::the_system_lives_on("everysec", 0)]
#[case::the_last_writes_are_lost("everysec", 30_000)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_killed_under_load_logs_nobody_out(#[case] fsync: &str, #[case] lost_bytes: u64) {
    let postgres = PrivatePostgres::start();
    let mut redis = PrivateRedis::start_with(&[&format!("appendfsync {fsync}")]);
    let mut variables = least_variables(&postgres.url());
    set(&mut variables, "REDIS_URL", redis.url().expose_secret());
    let service = TestService::start_on(variables).await;
    nobody_is_logged_out(&format!("Redis, {fsync}, {lost_bytes} bytes lost"), service, || {
        redis.kill();
        redis.lose_end_of_log(lost_bytes);
        redis.start_again();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_killed_under_load_logs_nobody_out() {
    let mut postgres = PrivatePostgres::start();
    let service = TestService::start_on(least_variables(&postgres.url())).await;
    nobody_is_logged_out("Postgres", service, || {
        postgres.kill();
        postgres.start_again();
    })
    .await;
}
