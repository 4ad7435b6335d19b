//! `check`: each fault it knows, provoked.

use std::{sync::Arc, time::Duration};

use auth_service::{
    cli::check::examine,
    config::Config,
    domain::diagnosis::{Finding, Level},
};
use common::{
    clock::{Clock, SystemClock},
    testing::ManualClock,
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{Variables, run, set, text};
use crate::support::{
    database::{
        Kind::{self, Postgres, Sqlite},
        TestDatabase,
    },
    redis::PrivateRedis,
    service::{TestService, least_variables, os},
};

/// A database with everything, in which nothing is wrong.
fn sound(kind: Kind) -> (TestDatabase, Variables) {
    let database = TestDatabase::migrated(kind);
    let variables = least_variables(&database.address());
    (database, variables)
}

fn with_redis(lines: &[&str]) -> (TestDatabase, PrivateRedis, Variables) {
    let (database, mut variables) = sound(Sqlite);
    let redis = PrivateRedis::start_with(lines);
    set(&mut variables, "REDIS_URL", redis.url().expose_secret());
    (database, redis, variables)
}

/// The exit code, and what is worse than a note.
fn check(variables: &Variables) -> (i32, Vec<Value>) {
    let output = run(variables, &["check", "--json"], "");
    let findings: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let bad = findings.into_iter().filter(|finding| finding["level"] == "wrong" || finding["level"] == "away");
    (output.status.code().unwrap(), bad.collect())
}

/// Exactly one thing is wrong; it says this, and what to do.
#[track_caller]
fn only(variables: &Variables, found: &str, remedy: &str) {
    let (code, bad) = check(variables);
    assert_eq!((code, bad.len()), (1, 1), "{bad:?}");
    assert!(bad[0]["found"].as_str().unwrap().contains(found), "{bad:?}");
    assert!(bad[0]["remedy"].as_str().unwrap().contains(remedy), "{bad:?}");
    let output = run(variables, &["check"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("WRONG") && text(&output.stdout).contains(remedy));
}

#[test]
fn a_sound_installation_passes() {
    let (_database, _redis, variables) = with_redis(&["appendfsync everysec"]);
    assert_eq!(check(&variables), (0, Vec::new()));
    let (_database, variables) = sound(Postgres);
    assert_eq!(check(&variables), (0, Vec::new()));
}

#[test]
fn wrong_settings_end_with_64() {
    let output = run(&Variables::new(), &["check"], "");
    assert_eq!(output.status.code(), Some(64));
    assert!(text(&output.stderr).contains("REFRESH_SECRET is not set"));
}

#[test]
fn redis_without_persistence() {
    let (_database, _redis, variables) = with_redis(&["appendonly no"]);
    only(&variables, "appendonly is off", "appendonly yes");
}

#[test]
fn redis_that_leaves_the_disk_to_the_system() {
    let (_database, _redis, variables) = with_redis(&["appendfsync no"]);
    only(&variables, "appendfsync is no", "appendfsync everysec");
}

#[test]
fn redis_that_evicts() {
    let (_database, _redis, variables) = with_redis(&["maxmemory-policy allkeys-lru"]);
    only(&variables, "maxmemory-policy is allkeys-lru", "noeviction");
}

#[test]
fn redis_that_refuses_the_password() {
    let (_database, redis, mut variables) = with_redis(&[]);
    set(&mut variables, "REDIS_URL", redis.url_for("", "wrong").expose_secret());
    only(&variables, "refuses the user or the password", "REDIS_URL");
}

#[test]
fn a_redis_user_who_may_not_ask() {
    let (_database, redis, mut variables) = with_redis(&[]);
    redis::cmd("ACL")
        .arg(&["SETUSER", "latchkey", "on", ">secret", "~lk:*", "+ping", "+evalsha"])
        .exec(&mut redis.connection())
        .unwrap();
    set(&mut variables, "REDIS_URL", redis.url_for("latchkey", "secret").expose_secret());
    only(&variables, "may not ask", "+info");
}

#[test]
fn a_replica_of_redis() {
    let (_database, redis, variables) = with_redis(&[]);
    redis::cmd("REPLICAOF").arg(&["127.0.0.1", "1"]).exec(&mut redis.connection()).unwrap();
    only(&variables, "it is a replica", "primary");
}

#[test]
fn a_store_that_is_away_is_worth_another_try() {
    let (_database, mut redis, variables) = with_redis(&[]);
    redis.stop();
    let (code, bad) = check(&variables);
    assert_eq!((code, bad.len()), (75, 1), "{bad:?}");
    assert_eq!((&bad[0]["subject"], &bad[0]["level"]), (&"redis".into(), &"away".into()));

    let (_database, mut variables) = sound(Sqlite);
    set(&mut variables, "AUTH_DATABASE_URL", "postgres://auth@127.0.0.1:1/auth");
    let (code, bad) = check(&variables);
    assert_eq!((code, &bad[0]["subject"]), (75, &"database".into()), "{bad:?}");
}

#[test]
fn postgres_that_refuses_the_password() {
    let (database, mut variables) = sound(Postgres);
    let address = database.address();
    let (before, after) = address.split_once('@').unwrap();
    let (before, _password) = before.rsplit_once(':').unwrap();
    set(&mut variables, "AUTH_DATABASE_URL", format!("{before}:wrong@{after}"));
    only(&variables, "refuses the user or the password", "AUTH_DATABASE_URL");
}

#[rstest::rstest]
#[tokio::test]
async fn a_database_that_lacks_a_migration(#[values(Sqlite, Postgres)] kind: Kind) {
    let (database, variables) = sound(kind);
    database.execute("DELETE FROM __diesel_schema_migrations WHERE version = '0009'").await;
    only(&variables, "lacks 1 migrations", "auth-service migrate");
}

#[tokio::test]
async fn a_database_that_takes_no_writes() {
    let (database, mut variables) = sound(Postgres);
    let separator = if database.address().contains('?') { '&' } else { '?' };
    let options = "options=-c%20default_transaction_read_only%3Don";
    set(&mut variables, "AUTH_DATABASE_URL", format!("{}{separator}{options}", database.address()));
    only(&variables, "takes no writes", "AUTH_DATABASE_URL");
}

#[tokio::test]
async fn clocks_that_are_a_minute_apart() {
    let (_redis_database, _redis, redis) = with_redis(&[]);
    let (_database, postgres) = sound(Postgres);
    for (variables, subject) in [(redis, "redis"), (postgres, "database")] {
        let config = Config::read(os(&variables)).unwrap();
        let late = Arc::new(ManualClock::at(SystemClock.now() + Duration::from_mins(1)));
        let findings = examine(&config, &*late).await;
        let wrong: Vec<&Finding> = findings.iter().filter(|finding| finding.level == Level::Wrong).collect();
        assert_eq!((wrong.len(), wrong[0].subject), (1, subject), "{wrong:?}");
        assert!(wrong[0].found.contains("s apart") && wrong[0].remedy.as_ref().unwrap().contains("chrony"));
    }
}

#[test]
fn a_master_key_that_opens_nothing() {
    let (_database, mut variables) = sound(Sqlite);
    let new_master = || text(&run(&Variables::new(), &["key", "new-master"], "").stdout).trim().to_owned();
    set(&mut variables, "AUTH_MASTER_KEY", new_master());
    set(&mut variables, "AUTH_SIGNING_ALGORITHM", "EdDSA");
    set(&mut variables, "JWT_ALGORITHMS", "EdDSA");
    // The first keys are made by whoever signs first.
    let mut served = super::Served::start(
        &variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>(),
        &variables.iter().find(|(name, _)| name == "AUTH_DATABASE_URL").unwrap().1,
    );
    served.signal(rustix::process::Signal::TERM);
    served.ended();
    assert_eq!(check(&variables), (0, Vec::new()));
    set(&mut variables, "AUTH_MASTER_KEY", new_master());
    only(&variables, "AUTH_MASTER_KEY is not the one", "encrypted under");
}

#[tokio::test]
async fn a_proxy_that_nobody_has_vouched_for() {
    let database = TestDatabase::migrated(Sqlite);
    let service = TestService::start_on(least_variables(&database.address())).await;
    let mut variables = service.variables.clone();
    set(&mut variables, "AUTH_INTERNAL_BIND", service.internal().strip_prefix("http://").unwrap());
    assert_eq!(check(&variables), (0, Vec::new()));
    let login = service.request(reqwest::Method::POST, "/auth/login").header("X-Forwarded-For", "203.0.113.7");
    login.json(&json!({"username": "ada", "password": "x"})).send().await.unwrap();
    only(&variables, "is not trusted", "AUTH_TRUSTED_PROXIES");

    let trusting = service.replica_with(&[("AUTH_TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    set(&mut variables, "AUTH_INTERNAL_BIND", trusting.internal().strip_prefix("http://").unwrap());
    let login = trusting.request(reqwest::Method::POST, "/auth/login").header("X-Forwarded-For", "203.0.113.7");
    login.json(&json!({"username": "ada", "password": "x"})).send().await.unwrap();
    assert_eq!(check(&variables), (0, Vec::new()));
}
