//! The migrations of both databases, and who may use a database.

use std::{collections::BTreeSet, fs, thread};

use auth_service::storage::sql::SCHEMA;
use common::sql::{AnyConnection, MigrateError, Schema};
use diesel::{
    QueryableByName, RunQueryDsl, migration::MigrationSource, pg::Pg, sql_types::Text, sqlite::Sqlite as SqliteBackend,
};
use diesel_migrations::EmbeddedMigrations;
use rstest::rstest;

use crate::support::database::{
    Kind::{self, Postgres, Sqlite},
    TestDatabase,
};

fn folder(database: &str) -> Vec<String> {
    let path = format!("{}/migrations/{database}", env!("CARGO_MANIFEST_DIR"));
    let mut names: Vec<_> =
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn both_folders_have_the_same_numbers_without_gaps_and_the_same_names() {
    let names = folder("postgres");
    assert_eq!(names, folder("sqlite"));
    for (position, name) in names.iter().enumerate() {
        assert!(name.starts_with(&format!("{:04}_", position + 1)), "{name}");
    }
}

#[test]
fn the_binary_has_what_the_folders_have() {
    let names = |mut names: Vec<String>| {
        names.sort();
        names
    };
    let postgres = MigrationSource::<Pg>::migrations(&SCHEMA.postgres).unwrap();
    assert_eq!(names(postgres.iter().map(|it| it.name().to_string()).collect()), folder("postgres"));
    let sqlite = MigrationSource::<SqliteBackend>::migrations(&SCHEMA.sqlite).unwrap();
    assert_eq!(names(sqlite.iter().map(|it| it.name().to_string()).collect()), folder("sqlite"));
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// `table.column null?` for every column there is, but for diesel's own table.
async fn columns(database: &TestDatabase) -> BTreeSet<String> {
    let sql = database.sql();
    let rows = sql.read(|connection| {
        let rows: Vec<Line> = match connection {
            AnyConnection::Postgres(postgres) => diesel::sql_query(
                "SELECT table_name || '.' || column_name || ' ' || lower(is_nullable) AS line \
                 FROM information_schema.columns WHERE table_schema = 'public'",
            )
            .load(postgres)?,
            AnyConnection::Sqlite(sqlite) => diesel::sql_query(
                "SELECT m.name || '.' || c.name || ' ' || CASE WHEN c.\"notnull\" OR c.pk THEN 'no' ELSE 'yes' END AS line \
                 FROM sqlite_schema m JOIN pragma_table_info(m.name) c \
                 WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%'",
            )
            .load(sqlite)?,
        };
        Ok(rows)
    });
    let lines = rows.await.unwrap().into_iter().map(|row| row.line);
    lines.filter(|line| !line.starts_with("__diesel")).collect()
}

/// The indexes that were made by hand.
async fn indexes(database: &TestDatabase) -> BTreeSet<String> {
    let sql = database.sql();
    let rows = sql.read(|connection| {
        let rows: Vec<Line> = match connection {
            AnyConnection::Postgres(postgres) => diesel::sql_query(
                "SELECT indexname::text AS line FROM pg_indexes \
                 WHERE schemaname = 'public' AND indexname NOT LIKE '%_key' AND indexname NOT LIKE '%_pkey'",
            )
            .load(postgres)?,
            AnyConnection::Sqlite(sqlite) => {
                diesel::sql_query("SELECT name AS line FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
                    .load(sqlite)?
            }
        };
        Ok(rows)
    });
    rows.await.unwrap().into_iter().map(|row| row.line).collect()
}

#[tokio::test]
async fn both_databases_get_the_same_tables() {
    let (postgres, sqlite) = (TestDatabase::migrated(Postgres), TestDatabase::migrated(Sqlite));
    let tables = columns(&postgres).await;
    assert!(tables.contains("users.email yes") && tables.contains("sessions.version no"), "{tables:?}");
    assert_eq!(tables, columns(&sqlite).await);
    assert_eq!(indexes(&postgres).await, indexes(&sqlite).await);
}

#[rstest]
fn two_that_migrate_at_once_both_succeed(#[values(Sqlite, Postgres)] kind: Kind) {
    for _ in 0..5 {
        let database = TestDatabase::empty(kind);
        let applied: Vec<_> = thread::scope(|scope| {
            let racing: Vec<_> = (0..4).map(|_| scope.spawn(|| SCHEMA.migrate(&database.url))).collect();
            racing.into_iter().map(|race| race.join().unwrap().unwrap()).collect()
        });
        let all = folder("sqlite").len();
        assert_eq!(applied.iter().filter(|applied| applied.len() == all).count(), 1, "{applied:?}");
        assert_eq!(applied.iter().filter(|applied| applied.is_empty()).count(), 3, "{applied:?}");
    }
}

#[rstest]
fn a_check_says_what_is_missing_and_changes_nothing(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::empty(kind);
    if matches!(kind, Postgres) {
        let error = SCHEMA.check(&database.url).unwrap_err().to_string();
        let missing = folder("postgres").len();
        assert_eq!(error, format!("the database lacks {missing} migrations: run `auth-service migrate`"));
    } else {
        let error = SCHEMA.check(&database.url).unwrap_err().to_string();
        assert!(error.contains("there is no database") && error.contains("migrate"), "{error}");
    }
    let all: Vec<_> = folder("sqlite").iter().map(|name| name[..4].to_owned()).collect();
    assert_eq!(SCHEMA.migrate(&database.url).unwrap(), all);
    assert_eq!(SCHEMA.check(&database.url), Ok(()));
}

/// Another service, with migrations of the same numbers.
const OTHER: Schema = Schema { service: "resource-service", ..SCHEMA };

#[rstest]
fn the_database_of_another_service_is_refused(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let refused = MigrateError::Refused(
        "the database belongs to auth-service: give resource-service a database of its own".to_owned(),
    );
    assert_eq!(OTHER.migrate(&database.url), Err(refused.clone()));
    assert_eq!(OTHER.check(&database.url), Err(refused));
}

#[rstest]
fn of_two_services_that_start_on_one_database_one_is_refused(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::empty(kind);
    let outcomes = thread::scope(|scope| {
        let racing = [scope.spawn(|| SCHEMA.migrate(&database.url)), scope.spawn(|| OTHER.migrate(&database.url))];
        racing.map(|race| race.join().unwrap())
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert_eq!(
        outcomes.iter().filter(|outcome| matches!(outcome, Err(MigrateError::Refused(_)))).count(),
        1,
        "{outcomes:?}"
    );
}

#[rstest]
fn a_database_from_a_newer_binary_is_refused(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let none = || EmbeddedMigrations::new(&[]);
    let old = Schema { service: SCHEMA.service, postgres: none(), sqlite: none() };
    let error = old.migrate(&database.url).unwrap_err();
    let newest = folder("sqlite").last().unwrap()[..4].to_owned();
    let text = format!(
        "the database has the migration {newest}, which this auth-service does not know: it was migrated by a newer one"
    );
    assert_eq!(error, MigrateError::Refused(text));
    assert_eq!(old.check(&database.url), Err(error));
}
