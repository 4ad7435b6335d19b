//! The migrations of both databases, and who may use a database.

use std::{fs, sync::Arc};

use common::{clock::SystemClock, sql::Schema};
use insta::{allow_duplicates, assert_snapshot};
use resource_service::{app::App, config::Config, ports::SystemRng, storage::sql::SCHEMA};
use rstest::rstest;

use crate::support::{
    database::{
        Kind::{self, Postgres, Sqlite},
        TestDatabase,
    },
    service::{least_variables, os},
};

fn folder(database: &str) -> Vec<String> {
    let path = format!("{}/migrations/{database}", env!("CARGO_MANIFEST_DIR"));
    let mut names: Vec<_> =
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[rstest]
fn the_binary_has_what_both_folders_have(#[values(Sqlite, Postgres)] kind: Kind) {
    let names = folder("postgres");
    assert_eq!(names, folder("sqlite"));
    let database = TestDatabase::empty(kind);
    let applied = SCHEMA.migrate(&database.url().parse().unwrap()).unwrap();
    assert_eq!(applied, names.iter().map(|name| name.split('_').next().unwrap()).collect::<Vec<_>>());
}

#[rstest]
#[tokio::test]
async fn the_database_of_another_service_is_refused(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::empty(kind);
    let other = Schema { service: "auth-service", ..SCHEMA };
    other.migrate(&database.url().parse().unwrap()).unwrap();
    let config = Config::read(os(&least_variables(database.url()))).unwrap();
    let error = App::start(&config, Arc::new(SystemClock), Arc::new(SystemRng)).await.err().unwrap();
    allow_duplicates! {
        assert_snapshot!(error, @"RESOURCE_DATABASE_URL: the database belongs to auth-service: give resource-service a database of its own");
    }
}

#[rstest]
#[tokio::test]
async fn a_service_that_may_not_migrate_says_what_to_run(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::empty(kind);
    let variables = [least_variables(database.url()), vec![("RESOURCE_MIGRATE", "false".to_owned())]].concat();
    let config = Config::read(os(&variables)).unwrap();
    let start = || App::start(&config, Arc::new(SystemClock), Arc::new(SystemRng));
    let error = start().await.err().unwrap().to_string();
    assert!(error.starts_with("RESOURCE_DATABASE_URL: ") && error.contains("migrate"), "{error}");
    SCHEMA.migrate(&config.database).unwrap();
    start().await.unwrap().stop().await;
}
