//! Bringing a database up to date, under a lock, and refusing one that is not ours.

use std::{collections::BTreeSet, error::Error, thread, time::Duration};

use diesel::{
    OptionalExtension, QueryableByName, RunQueryDsl,
    backend::Backend,
    connection::SimpleConnection,
    migration::{Migration, MigrationSource},
    pg::{Pg, PgConnection},
    sql_types::{BigInt, Bool, Text},
    sqlite::{Sqlite, SqliteConnection},
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};

use super::{
    any_connection::AnyConnection,
    connector::{Purpose, connect},
    error::SqlError,
    sqlite,
    url::{DatabaseUrl, Location},
};

/// The tables of a service: one set of migrations a database, with the same numbers and names. Written as a constant:
///
/// ```ignore
/// const SCHEMA: Schema = Schema {
///     service: "notes-service",
///     postgres: embed_migrations!("migrations/postgres"),
///     sqlite: embed_migrations!("migrations/sqlite"),
/// };
/// ```
pub struct Schema {
    /// Who owns the database. Another service's is refused.
    pub service: &'static str,
    /// For Postgres.
    pub postgres: EmbeddedMigrations,
    /// For SQLite.
    pub sqlite: EmbeddedMigrations,
}

/// Why a database cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MigrateError {
    /// It is away, or somebody else has been busy with it for long: try again later.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// A person has to do something. The text says what.
    #[error("{0}")]
    Refused(String),
    /// A migration failed. It has been undone, unless it says that it is no transaction.
    #[error("the database could not be migrated: {0}")]
    Failed(String),
}

/// Only one migrates a Postgres database at a time.
const LOCK: i64 = 0x4c61_7463_686b_6579;

/// How often, and how long in between, the lock is asked for: a minute in all.
const LOCK_ATTEMPTS: u32 = 600;
const LOCK_PAUSE: Duration = Duration::from_millis(100);

impl Schema {
    /// Applies what has not been applied, and returns the versions of that. Blocks; for Postgres it waits up to a
    /// minute for another that migrates, for SQLite half a minute. A missing file of SQLite is made, for its owner
    /// alone to read.
    pub fn migrate(&self, url: &DatabaseUrl) -> Result<Vec<String>, MigrateError> {
        if let Location::Sqlite(path) = &url.0 {
            sqlite::create_file(path).map_err(MigrateError::Refused)?;
        }
        match &mut connected(url)? {
            AnyConnection::Postgres(connection) => {
                lock(connection)?;
                let applied = self.bring_up_to_date(connection, &self.postgres);
                // The connection is closed next, which frees the lock in any case.
                diesel::sql_query(format!("SELECT pg_advisory_unlock({LOCK})")).execute(connection).map_err(failure)?;
                applied
            }
            AnyConnection::Sqlite(connection) => {
                let migrated = connection.immediate_transaction(|connection| {
                    self.bring_up_to_date(connection, &self.sqlite).map_err(Undone::Because)
                });
                migrated.map_err(|undone| match undone {
                    Undone::Because(error) => error,
                    Undone::ByDiesel(error) => failure(error),
                })
            }
        }
    }

    /// Whether the database is ours and up to date, for a service that is told not to migrate. Changes nothing.
    pub fn check(&self, url: &DatabaseUrl) -> Result<(), MigrateError> {
        let pending = match &mut connected(url)? {
            AnyConnection::Postgres(connection) => self.pending(connection, &self.postgres)?.len(),
            AnyConnection::Sqlite(connection) => self.pending(connection, &self.sqlite)?.len(),
        };
        if pending == 0 {
            return Ok(());
        }
        Err(MigrateError::Refused(format!("the database lacks {pending} migrations: run `{} migrate`", self.service)))
    }

    fn bring_up_to_date<C: Inner>(
        &self,
        connection: &mut C,
        migrations: &EmbeddedMigrations,
    ) -> Result<Vec<String>, MigrateError> {
        let pending = self.pending(connection, migrations)?;
        if owner(connection)?.is_none() {
            let service = self.service;
            let mark = format!(
                "CREATE TABLE latchkey_owner (one SMALLINT PRIMARY KEY CHECK (one = 1), service TEXT NOT NULL); \
                 INSERT INTO latchkey_owner (one, service) VALUES (1, '{service}')"
            );
            connection.batch_execute(&mark).map_err(failure)?;
        }
        // Makes the table of the versions.
        connection.applied_migrations().map_err(|error| failed(&*error))?;
        let mut applied = Vec::new();
        for migration in pending {
            connection.run_migration(&*migration).map_err(|error| failed(&*error))?;
            applied.push(migration.name().version().to_string());
        }
        Ok(applied)
    }

    /// What has not been applied, in order; an error if the database is not ours or newer than we are.
    fn pending<C: Inner>(
        &self,
        connection: &mut C,
        migrations: &EmbeddedMigrations,
    ) -> Result<Vec<Box<dyn Migration<C::Backend>>>, MigrateError> {
        let owner = owner(connection)?;
        if let Some(owner) = owner.filter(|owner| owner != self.service) {
            return Err(MigrateError::Refused(format!(
                "the database belongs to {owner}: give {} a database of its own",
                self.service
            )));
        }
        let applied = versions(connection)?;
        let mut known = migrations.migrations().map_err(|error| failed(&*error))?;
        known.sort_by(|one, other| one.name().version().cmp(&other.name().version()));
        let names: BTreeSet<_> = known.iter().map(|migration| migration.name().version().to_string()).collect();
        if let Some(version) = applied.difference(&names).last() {
            return Err(MigrateError::Refused(format!(
                "the database has the migration {version}, which this {} does not know: it was migrated by a newer one",
                self.service
            )));
        }
        known.retain(|migration| !applied.contains(&migration.name().version().to_string()));
        Ok(known)
    }
}

fn connected(url: &DatabaseUrl) -> Result<AnyConnection, MigrateError> {
    connect(url, Purpose::Migrating).map_err(|error| match url.0 {
        // A file that cannot be opened does not come back by itself.
        Location::Sqlite(_) if !error.0.contains("locked") => MigrateError::Refused(error.0),
        _ => MigrateError::Unavailable(error.0),
    })
}

/// Asks again and again instead of waiting inside the server: a statement that waits holds a snapshot, and
/// `CREATE INDEX CONCURRENTLY` in a migration waits for all snapshots.
fn lock(connection: &mut PgConnection) -> Result<(), MigrateError> {
    for _ in 0..LOCK_ATTEMPTS {
        let query = format!("SELECT pg_try_advisory_lock({LOCK}) AS yes");
        let locked: Answer = diesel::sql_query(query).get_result(connection).map_err(failure)?;
        if locked.yes {
            return Ok(());
        }
        thread::sleep(LOCK_PAUSE);
    }
    Err(MigrateError::Unavailable("another process has been migrating it for a minute".to_owned()))
}

/// The name of the service that has marked the database as its own.
fn owner<C: Inner>(connection: &mut C) -> Result<Option<String>, MigrateError> {
    if !connection.has_table("latchkey_owner")? {
        return Ok(None);
    }
    connection.texts("SELECT service AS text FROM latchkey_owner").map(|names| names.into_iter().next())
}

/// The versions that have been applied. Reads the table itself: diesel's own way makes it, which a role without that
/// right cannot do.
fn versions<C: Inner>(connection: &mut C) -> Result<BTreeSet<String>, MigrateError> {
    if !connection.has_table("__diesel_schema_migrations")? {
        return Ok(BTreeSet::new());
    }
    Ok(connection.texts("SELECT version AS text FROM __diesel_schema_migrations")?.into_iter().collect())
}

/// A connection to one of the two databases.
trait Inner: MigrationHarness<Self::Backend> + SimpleConnection {
    type Backend: Backend;

    fn has_table(&mut self, name: &'static str) -> Result<bool, MigrateError>;

    fn texts(&mut self, query: &'static str) -> Result<Vec<String>, MigrateError>;
}

impl Inner for PgConnection {
    type Backend = Pg;

    fn has_table(&mut self, name: &'static str) -> Result<bool, MigrateError> {
        let query = diesel::sql_query("SELECT to_regclass($1) IS NOT NULL AS yes").bind::<Text, _>(name);
        query.get_result(self).map(|answer: Answer| answer.yes).map_err(failure)
    }

    fn texts(&mut self, query: &'static str) -> Result<Vec<String>, MigrateError> {
        let rows: Vec<TextRow> = diesel::sql_query(query).load(self).map_err(failure)?;
        Ok(rows.into_iter().map(|row| row.text).collect())
    }
}

impl Inner for SqliteConnection {
    type Backend = Sqlite;

    fn has_table(&mut self, name: &'static str) -> Result<bool, MigrateError> {
        let query = diesel::sql_query("SELECT count(*) AS number FROM sqlite_schema WHERE type = 'table' AND name = ?");
        let count: Option<Count> = query.bind::<Text, _>(name).get_result(self).optional().map_err(failure)?;
        Ok(count.is_some_and(|count| count.number > 0))
    }

    fn texts(&mut self, query: &'static str) -> Result<Vec<String>, MigrateError> {
        let rows: Vec<TextRow> = diesel::sql_query(query).load(self).map_err(failure)?;
        Ok(rows.into_iter().map(|row| row.text).collect())
    }
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct TextRow {
    #[diesel(sql_type = Text)]
    text: String,
}

/// Why diesel rolled a transaction back.
enum Undone {
    Because(MigrateError),
    ByDiesel(diesel::result::Error),
}

impl From<diesel::result::Error> for Undone {
    fn from(error: diesel::result::Error) -> Self {
        Self::ByDiesel(error)
    }
}

fn failure(error: diesel::result::Error) -> MigrateError {
    match SqlError::from(error).settled() {
        SqlError::Unavailable(text) => MigrateError::Unavailable(text),
        other => MigrateError::Failed(other.to_string()),
    }
}

fn failed(error: &(dyn Error + Send + Sync)) -> MigrateError {
    MigrateError::Failed(error.to_string())
}
