//! The way to the database: bounded threads, bounded connections, bounded time.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use diesel::{
    Connection, RunQueryDsl,
    connection::{AnsiTransactionManager, SimpleConnection, TransactionManager},
    r2d2::{NopErrorHandler, Pool, PooledConnection},
};
use tokio::time::timeout;

use super::{
    any_connection::AnyConnection,
    connector::{Connector, Pooled},
    error::SqlError,
    url::DatabaseUrl,
};
use crate::threads::{NotDone, Priority, Threads};

/// The longest that a call takes, waiting included.
pub const TIME_LIMIT: Duration = Duration::from_millis(900);

/// When a job gives up by itself, so that its reason still reaches the caller.
const JOB_LIMIT: Duration = Duration::from_millis(850);

/// Calls that may wait for a thread. More are refused at once.
const QUEUE: usize = 256;

const POSTGRES_CONNECTIONS: u32 = 8;
const SQLITE_READERS: u32 = 4;

/// Attempts at a transaction that loses against others.
const ATTEMPTS: u32 = 3;

/// A database, asked from threads of its own. Cheap to clone.
///
/// - A call answers within [`TIME_LIMIT`], or says [`SqlError::Unavailable`]; it may then still be carried out.
/// - A connection that its server has closed is not handed out. One that breaks in a call is replaced, and the call is
///   done again where that can do no harm; so a restart of Postgres fails only what it interrupts in a commit.
/// - The writes of a process to SQLite queue for one thread: they are served in order and never wait for each other's
///   locks. Readers do not wait for writers.
#[derive(Clone)]
pub struct Sql(Arc<Shared>);

struct Shared {
    pool: Pool<Connector>,
    threads: Threads,
    /// SQLite's only.
    writer: Option<Threads>,
}

impl Sql {
    /// Starts the threads; `name` is theirs. Does not wait for the database, which may be away.
    pub fn open(url: &DatabaseUrl, name: &str) -> io::Result<Self> {
        let (connections, threads, writer) = if url.is_sqlite() {
            let writer = Threads::start(&format!("{name}-write"), 1, QUEUE, Priority::Normal)?;
            (SQLITE_READERS + 1, SQLITE_READERS, Some(writer))
        } else {
            (POSTGRES_CONNECTIONS, POSTGRES_CONNECTIONS, None)
        };
        let pool = Pool::builder()
            .max_size(connections)
            .min_idle(Some(1))
            .test_on_check_out(true)
            // Failed attempts to connect are repeated after half of this at most, for as long as it takes.
            .connection_timeout(Duration::from_millis(400))
            // What is wrong reaches whoever waits for a connection.
            .error_handler(Box::new(NopErrorHandler))
            .build_unchecked(Connector(url.clone()));
        let threads = Threads::start(name, threads as usize, QUEUE, Priority::Normal)?;
        Ok(Self(Arc::new(Shared { pool, threads, writer })))
    }

    /// Runs `job`, which only reads. After a lost connection it is run once more, on another one.
    pub async fn read<T, F>(&self, job: F) -> Result<T, SqlError>
    where
        F: Fn(&mut AnyConnection) -> Result<T, SqlError> + Send + 'static,
        T: Send + 'static,
    {
        let shared = Arc::clone(&self.0);
        bounded(&self.0.threads, move |deadline| shared.repeatable(deadline, &job)).await
    }

    /// Runs `job` with every statement a transaction of its own, which saves two round trips. After a lost connection
    /// it is run once more, also if the first run was carried out: it must come to the same then.
    pub async fn write_repeatable<T, F>(&self, job: F) -> Result<T, SqlError>
    where
        F: Fn(&mut AnyConnection) -> Result<T, SqlError> + Send + 'static,
        T: Send + 'static,
    {
        let shared = Arc::clone(&self.0);
        bounded(self.0.writers(), move |deadline| shared.repeatable(deadline, &job)).await
    }

    /// Runs `job` in a transaction that is committed when it answers `Ok` and undone when it answers `Err`. It is run
    /// again when the transaction lost against another one or the connection was lost before the commit. An error of a
    /// statement must come back from `job`: Postgres does nothing more in that transaction.
    ///
    /// SQLite: `BEGIN IMMEDIATE`. Postgres: `READ COMMITTED`, so put the expected state into the `WHERE` and count rows.
    pub async fn write<T, F>(&self, job: F) -> Result<T, SqlError>
    where
        F: Fn(&mut AnyConnection) -> Result<T, SqlError> + Send + 'static,
        T: Send + 'static,
    {
        let shared = Arc::clone(&self.0);
        bounded(self.0.writers(), move |deadline| shared.write(deadline, &job)).await
    }

    /// Whether the database answers and has been migrated.
    pub async fn ping(&self) -> Result<(), SqlError> {
        let query = "SELECT service FROM latchkey_owner";
        self.read(move |connection| Ok(diesel::sql_query(query).execute(connection).map(drop)?)).await
    }

    /// How many calls wait for a thread.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.threads.waiting() + self.0.writer.as_ref().map_or(0, Threads::waiting)
    }
}

async fn bounded<T, F>(threads: &Threads, job: F) -> Result<T, SqlError>
where
    F: FnOnce(Instant) -> Result<T, SqlError> + Send + 'static,
    T: Send + 'static,
{
    let deadline = Instant::now() + JOB_LIMIT;
    match timeout(TIME_LIMIT, threads.run(move || job(deadline))).await {
        Ok(Ok(answer)) => answer.map_err(SqlError::settled),
        Ok(Err(NotDone::QueueFull)) => Err(SqlError::Unavailable("too many calls wait for it".to_owned())),
        Ok(Err(NotDone::Panicked)) => Err(SqlError::Other("the call panicked".to_owned())),
        Err(_) => Err(late()),
    }
}

fn late() -> SqlError {
    SqlError::Unavailable(format!("no answer within {} ms", TIME_LIMIT.as_millis()))
}

impl Shared {
    fn writers(&self) -> &Threads {
        self.writer.as_ref().unwrap_or(&self.threads)
    }

    fn connection(&self, deadline: Instant) -> Result<PooledConnection<Connector>, SqlError> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(late());
        }
        self.pool.get_timeout(left).map_err(|error| SqlError::Unavailable(error.to_string()))
    }

    fn repeatable<T>(
        &self,
        deadline: Instant,
        job: &impl Fn(&mut AnyConnection) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        let mut lost = false;
        loop {
            let mut pooled = self.connection(deadline)?;
            let result = job(&mut pooled.connection);
            if !matches!(result, Err(SqlError::Closed(_))) {
                return result;
            }
            pooled.dead = true;
            if lost {
                return result;
            }
            lost = true;
        }
    }

    fn write<T>(
        &self,
        deadline: Instant,
        job: &impl Fn(&mut AnyConnection) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        let (mut lost, mut attempts) = (false, 1);
        loop {
            let mut pooled = self.connection(deadline)?;
            match transaction(&mut pooled, deadline, job) {
                Err(SqlError::Closed(_)) if !lost => lost = true,
                Err(SqlError::Conflict(_)) if attempts < ATTEMPTS => attempts += 1,
                result => return result,
            }
        }
    }
}

/// One attempt. [`SqlError::Closed`] and [`SqlError::Conflict`] mean that nothing was stored.
pub(super) fn transaction<T>(
    pooled: &mut Pooled,
    deadline: Instant,
    job: &impl Fn(&mut AnyConnection) -> Result<T, SqlError>,
) -> Result<T, SqlError> {
    let connection = &mut pooled.connection;
    let answer = begin(connection).and_then(|()| job(connection)).and_then(|value| {
        // The caller has been told that it was not done.
        if Instant::now() < deadline { Ok(value) } else { Err(late()) }
    });
    let error = match answer {
        Ok(value) => match commit(connection) {
            Ok(()) => return Ok(value),
            Err(SqlError::Closed(text)) => {
                pooled.dead = true;
                return Err(SqlError::Unavailable(format!("{text} (in a commit, which may have been carried out)")));
            }
            Err(error) => error,
        },
        Err(error) => error,
    };
    let lost = matches!(error, SqlError::Closed(_));
    let open = <AnyConnection as Connection>::TransactionManager::transaction_manager_status_mut(connection)
        .transaction_depth()
        .is_ok_and(|depth| depth.is_some());
    pooled.dead = lost || (open && rollback(connection).is_err());
    Err(error)
}

fn begin(connection: &mut AnyConnection) -> Result<(), SqlError> {
    match connection {
        AnyConnection::Postgres(postgres) => AnsiTransactionManager::begin_transaction_sql(postgres, "BEGIN")?,
        AnyConnection::Sqlite(sqlite) => AnsiTransactionManager::begin_transaction_sql(sqlite, "BEGIN IMMEDIATE")?,
    }
    Ok(())
}

fn commit(connection: &mut AnyConnection) -> Result<(), SqlError> {
    match connection {
        // COMMIT alone would undo a transaction in which a statement failed, and report success.
        AnyConnection::Postgres(postgres) => postgres.batch_execute("SELECT 1; COMMIT")?,
        AnyConnection::Sqlite(sqlite) => AnsiTransactionManager::commit_transaction(sqlite)?,
    }
    Ok(())
}

fn rollback(connection: &mut AnyConnection) -> Result<(), SqlError> {
    Ok(<AnyConnection as Connection>::TransactionManager::rollback_transaction(connection)?)
}
