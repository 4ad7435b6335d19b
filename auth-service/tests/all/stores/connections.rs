//! What becomes of calls when the database restarts, hangs, or is locked by another.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use auth_service::storage::sql::SCHEMA;
use common::sql::{AnyConnection, DatabaseUrl, MigrateError, Sql, SqlError};
use diesel::{Connection, RunQueryDsl, SqliteConnection, connection::SimpleConnection, sql_query};
use rstest::rstest;

use crate::support::{
    database::{
        Kind::{self, Postgres, Sqlite},
        TestDatabase,
    },
    postgres::PrivatePostgres,
};

const SECOND: Duration = Duration::from_secs(1);

fn opened(server: &PrivatePostgres) -> Sql {
    let url: DatabaseUrl = server.url().parse().unwrap();
    SCHEMA.migrate(&url).unwrap();
    Sql::open(&url, "test").unwrap()
}

/// Every connection of the pool at once.
async fn busy(sql: &Sql) {
    let sleepers: Vec<_> = (0..8)
        .map(|_| {
            let sql = sql.clone();
            tokio::spawn(async move { sql.read(|conn| Ok(sql_query("SELECT pg_sleep(0.2)").execute(conn)?)).await })
        })
        .collect();
    for sleeper in sleepers {
        sleeper.await.unwrap().unwrap();
    }
}

async fn write(sql: &Sql) -> Result<(), SqlError> {
    sql.write(|conn| Ok(conn.batch_execute("UPDATE latchkey_owner SET service = service")?)).await
}

#[tokio::test]
async fn after_a_restart_of_postgres_not_one_call_fails() {
    let mut server = PrivatePostgres::start();
    let sql = opened(&server);
    for end in [PrivatePostgres::stop, PrivatePostgres::kill] {
        busy(&sql).await;
        end(&mut server);
        server.start_again();
        for _ in 0..20 {
            assert_eq!(sql.ping().await, Ok(()));
            assert_eq!(write(&sql).await, Ok(()));
        }
    }
}

#[tokio::test]
async fn while_postgres_is_away_calls_say_so_within_a_second_and_then_go_on() {
    let mut server = PrivatePostgres::start();
    let sql = opened(&server);
    busy(&sql).await;
    server.stop();
    for _ in 0..3 {
        let begun = Instant::now();
        let error = sql.ping().await.unwrap_err();
        assert!(matches!(error, SqlError::Unavailable(_)), "{error}");
        assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
        assert!(matches!(write(&sql).await, Err(SqlError::Unavailable(_))));
    }
    server.start_again();
    assert_eq!(sql.ping().await, Ok(()));
    assert_eq!(write(&sql).await, Ok(()));
}

#[tokio::test]
async fn a_postgres_that_hangs_is_unavailable_within_a_second_and_nothing_is_stored_late() {
    let mut server = PrivatePostgres::start();
    let sql = opened(&server);
    sql.write(|conn| Ok(conn.batch_execute("CREATE TABLE counter AS SELECT 0 AS n")?)).await.unwrap();
    busy(&sql).await;
    server.freeze();
    let begun = Instant::now();
    let calls: Vec<_> = (0..30)
        .map(|number| {
            let sql = sql.clone();
            tokio::spawn(async move {
                if number % 2 == 0 {
                    sql.ping().await
                } else {
                    sql.write(|conn| Ok(conn.batch_execute("UPDATE counter SET n = n + 1")?)).await
                }
            })
        })
        .collect();
    for call in calls {
        assert!(matches!(call.await.unwrap(), Err(SqlError::Unavailable(_))));
    }
    assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
    server.thaw();
    // The threads are free again as soon as the server has answered them.
    let begun = Instant::now();
    while sql.ping().await.is_err() {
        assert!(begun.elapsed() < 10 * SECOND);
    }
    busy(&sql).await;
    let stored = sql.read(|conn| Ok(sql_query("SELECT 1 FROM counter WHERE n = 0").execute(conn)?)).await;
    assert_eq!(stored, Ok(1), "a write whose caller has gone is undone");
}

#[tokio::test]
async fn a_service_starts_while_postgres_is_away() {
    let mut server = PrivatePostgres::start();
    server.stop();
    let url: DatabaseUrl = server.url().parse().unwrap();
    assert!(matches!(SCHEMA.migrate(&url), Err(MigrateError::Unavailable(_))));
    let sql = Sql::open(&url, "test").unwrap();
    assert!(matches!(sql.ping().await, Err(SqlError::Unavailable(_))));
    server.start_again();
    SCHEMA.migrate(&url).unwrap();
    assert_eq!(sql.ping().await, Ok(()));
}

#[tokio::test]
async fn a_connection_that_breaks_in_a_call_is_replaced_and_the_call_done_again() {
    let database = TestDatabase::migrated(Postgres);
    let sql = database.sql();
    let runs = Arc::new(AtomicU32::new(0));
    let dying = |runs: Arc<AtomicU32>| {
        move |conn: &mut AnyConnection| {
            if runs.fetch_add(1, Ordering::SeqCst) == 0 {
                sql_query("SELECT pg_terminate_backend(pg_backend_pid())").execute(conn)?;
            }
            Ok(sql_query("SELECT 1").execute(conn)?)
        }
    };
    assert_eq!(sql.read(dying(Arc::clone(&runs))).await, Ok(1));
    assert_eq!(runs.swap(0, Ordering::SeqCst), 2);
    assert_eq!(sql.write(dying(Arc::clone(&runs))).await, Ok(1));
    assert_eq!(runs.swap(0, Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_transaction_that_lost_against_another_is_done_again() {
    let database = TestDatabase::migrated(Postgres);
    let sql = database.sql();
    database.execute("CREATE TABLE pair (id INT PRIMARY KEY, n INT); INSERT INTO pair VALUES (1, 0), (2, 0)").await;
    // Each locks one row and waits for the other's: Postgres ends one of them.
    let crossing: Vec<_> = [(1, 2), (2, 1)]
        .map(|(first, second)| {
            let sql = sql.clone();
            tokio::spawn(async move {
                sql.write(move |conn| {
                    conn.batch_execute("SET LOCAL deadlock_timeout = '20ms'")?;
                    conn.batch_execute(&format!("UPDATE pair SET n = n + 1 WHERE id = {first}"))?;
                    conn.batch_execute("SELECT pg_sleep(0.1)")?;
                    conn.batch_execute(&format!("UPDATE pair SET n = n + 1 WHERE id = {second}"))?;
                    Ok(())
                })
                .await
            })
        })
        .into_iter()
        .collect();
    for crossed in crossing {
        assert_eq!(crossed.await.unwrap(), Ok(()));
    }
    let twice = sql.read(|conn| Ok(sql_query("SELECT 1 FROM pair WHERE n = 2").execute(conn)?)).await;
    assert_eq!(twice, Ok(2));
}

#[rstest]
#[tokio::test]
async fn a_transaction_whose_error_was_swallowed_is_not_reported_as_done(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let sql = database.sql();
    let written = sql.write(|conn| {
        conn.batch_execute("CREATE TABLE kept (n INT)")?;
        let _swallowed = conn.batch_execute("INSERT INTO nowhere VALUES (1)");
        Ok(())
    });
    let done = written.await;
    let kept = sql.read(|conn| Ok(sql_query("SELECT * FROM kept").execute(conn)?)).await;
    assert_eq!(done.is_ok(), kept.is_ok(), "{done:?} {kept:?}");
    assert_eq!(write(&sql).await, Ok(()), "the connection can be used again");
}

#[rstest]
#[tokio::test]
async fn a_call_that_panics_takes_nobody_with_it(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let sql = database.sql();
    for _ in 0..10 {
        let panicked = sql.write(|conn| {
            conn.batch_execute("UPDATE latchkey_owner SET service = 'nobody'")?;
            if true { panic!("on purpose") } else { Ok(()) }
        });
        assert!(matches!(panicked.await, Err(SqlError::Other(_))));
    }
    let kept =
        sql.read(|conn| Ok(sql_query("SELECT 1 FROM latchkey_owner WHERE service = 'auth-service'").execute(conn)?));
    assert_eq!(kept.await.map(drop), Ok(()));
    assert_eq!(write(&sql).await, Ok(()));
}

#[tokio::test]
async fn a_file_that_another_process_has_locked_is_unavailable_within_a_second() {
    let database = TestDatabase::migrated(Sqlite);
    let sql = database.sql();
    let path = database.url.to_string().replace("sqlite:", "");
    let mut other = SqliteConnection::establish(&path).unwrap();
    // The first connection of the pool may just be being made, which takes the lock for a moment.
    other.batch_execute("PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE").unwrap();
    let begun = Instant::now();
    let error = write(&sql).await.unwrap_err();
    assert_eq!(error, SqlError::Unavailable("database is locked".to_owned()));
    assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
    assert_eq!(sql.ping().await, Ok(()), "readers do not wait for writers");
    other.batch_execute("COMMIT").unwrap();
    assert_eq!(write(&sql).await, Ok(()));
}

#[tokio::test]
async fn many_writers_of_one_process_do_not_lock_each_other_out() {
    let database = TestDatabase::migrated(Sqlite);
    let sql = database.sql();
    let writers: Vec<_> = (0..100)
        .map(|_| {
            let sql = sql.clone();
            tokio::spawn(async move { write(&sql).await })
        })
        .collect();
    for writer in writers {
        assert_eq!(writer.await.unwrap(), Ok(()));
    }
}
