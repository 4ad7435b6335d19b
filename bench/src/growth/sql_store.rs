//! Users and sessions added to Postgres or SQLite, by statements that both understand.

use std::ops::Range;

use common::clock::{Clock, SystemClock};
use diesel::{
    Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection,
    connection::SimpleConnection,
    sql_query,
    sql_types::{BigInt, Nullable},
};

use super::added::{Added, DEVICE, SESSION_NAMES, SESSIONS_OF_ONE, USER_NAMES, USERS};
use crate::{failure::Failure, finding::RedisRecord};

/// Rows in one statement: with SQLite, nobody else can write meanwhile.
const AT_ONCE: u32 = 50_000;

/// Names of what is real are after this.
const REAL: &str = "01900000-0000-7001";

/// How long ago what is made to expire has expired, in microseconds.
const EXPIRED_FOR: i64 = 2 * 3_600 * 1_000_000;

/// auth-service's database.
pub enum SqlStore {
    /// A file.
    Sqlite(SqliteConnection),
    /// A server.
    Postgres(PgConnection),
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = Nullable<BigInt>)]
    number: Option<i64>,
}

/// Sessions that have been made to expire.
#[derive(Debug, Clone, Copy)]
pub struct Expired {
    /// How many.
    pub number: u32,
    /// When the first of them ought to be deleted, in microseconds; the others follow within a second.
    first: i64,
}

impl SqlStore {
    /// `url` is as in `AUTH_DATABASE_URL`.
    pub fn open(url: &str) -> Result<Self, Failure> {
        let failed = |error: diesel::ConnectionError| Failure::Other(format!("The database: {error}."));
        match url.strip_prefix("sqlite:") {
            Some(path) => {
                let mut store = Self::Sqlite(SqliteConnection::establish(path).map_err(failed)?);
                store.execute("PRAGMA busy_timeout = 60000; PRAGMA synchronous = NORMAL")?;
                Ok(store)
            }
            None => PgConnection::establish(url).map(Self::Postgres).map_err(failed),
        }
    }

    /// All users that are to have sessions.
    pub fn add_users(&mut self) -> Result<(), Failure> {
        for numbers in parts(0..USERS) {
            let (series, id) = (series(&numbers), name(USER_NAMES, "n"));
            self.execute(&format!(
                "{series} INSERT INTO users (id, username, password, roles, epoch, created_at) \
                 SELECT {id}, 'added-' || n, pattern.password, pattern.roles, pattern.epoch, pattern.created_at \
                 FROM (SELECT * FROM users WHERE id > '{REAL}' ORDER BY id LIMIT 1) AS pattern CROSS JOIN numbers"
            ))?;
            self.execute(&format!("{series} INSERT INTO session_epochs (user_id, epoch) SELECT {id}, 0 FROM numbers"))?;
        }
        self.tidy(&["users", "session_epochs"])
    }

    /// Lets a tenth of the added sessions, of which there are `added`, have expired; another one for each `turn`.
    pub fn expire_a_tenth(&mut self, added: u32, turn: u32) -> Result<Expired, Failure> {
        let first = SystemClock.now().micros() - EXPIRED_FOR;
        let number = "CAST(substr(id, 25) AS BIGINT)";
        self.execute(&format!(
            "UPDATE sessions SET absolute_expires_at = {first}, idle_expires_at = {first}, \
             delete_after = {first} + {number} WHERE id < '{REAL}' AND {number} % 10 = {turn}"
        ))?;
        Ok(Expired { number: added / 10, first })
    }

    /// Whether the sweep has come to them.
    pub fn sweep_has_begun(&mut self, expired: Expired, turn: u32) -> Result<bool, Failure> {
        Ok(self.next_to_go()?.is_none_or(|next| next > expired.first + i64::from(turn)))
    }

    /// Whether it is over.
    pub fn sweep_is_over(&mut self, expired: Expired) -> Result<bool, Failure> {
        Ok(self.next_to_go()?.is_none_or(|next| next > expired.first + 1_000_000))
    }

    fn next_to_go(&mut self) -> Result<Option<i64>, Failure> {
        self.number("SELECT min(delete_after) AS number FROM sessions")
    }

    /// What has been written to `tables` goes where it stays, so that nobody does it while something is measured.
    fn tidy(&mut self, tables: &[&str]) -> Result<(), Failure> {
        match self {
            Self::Sqlite(_) => self.execute("PRAGMA wal_checkpoint(TRUNCATE)"),
            Self::Postgres(_) => {
                for table in tables {
                    self.execute(&format!("VACUUM ANALYZE {table}"))?;
                }
                self.execute("CHECKPOINT")
            }
        }
    }

    fn execute(&mut self, statements: &str) -> Result<(), Failure> {
        match self {
            Self::Sqlite(connection) => connection.batch_execute(statements),
            Self::Postgres(connection) => connection.batch_execute(statements),
        }
        .map_err(|error| failed(&error))
    }

    /// The column `number` of the only row.
    fn number(&mut self, query: &str) -> Result<Option<i64>, Failure> {
        let query = sql_query(query);
        let row: Number = match self {
            Self::Sqlite(connection) => query.get_result(connection),
            Self::Postgres(connection) => query.get_result(connection),
        }
        .map_err(|error| failed(&error))?;
        Ok(row.number)
    }
}

impl Added for SqlStore {
    fn add(&mut self, numbers: Range<u32>) -> Result<(), Failure> {
        let (id, user) = (name(SESSION_NAMES, "n"), name(USER_NAMES, &format!("n / {SESSIONS_OF_ONE}")));
        for numbers in parts(numbers.clone()) {
            self.execute(&format!(
                "{} INSERT INTO sessions (id, user_id, device, epoch, version, current_token, generation, {COPIED}) \
                 SELECT {id}, {user}, '{DEVICE}', epoch, version, current_token, generation, {COPIED} \
                 FROM (SELECT * FROM sessions WHERE id > '{REAL}' ORDER BY id LIMIT 1) AS pattern CROSS JOIN numbers",
                series(&numbers),
            ))?;
        }
        // What is known of a table without rows would be wrong as soon as there are some.
        if numbers.is_empty() { Ok(()) } else { self.tidy(&["sessions"]) }
    }

    fn bytes(&mut self) -> Result<u64, Failure> {
        let bytes = self.number(match self {
            Self::Sqlite(_) => "SELECT page_count * page_size AS number FROM pragma_page_count(), pragma_page_size()",
            Self::Postgres(_) => "SELECT pg_total_relation_size('sessions') AS number",
        })?;
        Ok(bytes.and_then(|bytes| bytes.try_into().ok()).unwrap_or(0))
    }

    fn record(&mut self) -> Result<Option<RedisRecord>, Failure> {
        Ok(None)
    }
}

const COPIED: &str = "roles, client_id, mode, scope, created_at, authenticated_at, absolute_expires_at, idle_expires_at, \
                      last_seen_at, address, revoked_reason, delete_after, secret, previous_secret";

/// `numbers`, a table with the column `n`.
fn series(numbers: &Range<u32>) -> String {
    let Range { start, end } = numbers;
    format!("WITH RECURSIVE numbers(n) AS (SELECT {start} UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {end})")
}

/// The name of what has the number `number`, as in `added`.
fn name(begin: &str, number: &str) -> String {
    format!("'{begin}' || substr(CAST(1000000000000 + {number} AS TEXT), 2)")
}

fn parts(numbers: Range<u32>) -> impl Iterator<Item = Range<u32>> {
    let end = numbers.end;
    numbers.step_by(AT_ONCE as usize).map(move |start| start..end.min(start + AT_ONCE))
}

fn failed(error: &diesel::result::Error) -> Failure {
    Failure::Other(format!("The database: {error}."))
}

#[cfg(test)]
mod tests {
    use super::{super::added, *};

    #[test]
    fn parts_are_all_of_it_and_none_is_too_large() {
        assert_eq!(parts(10..10).count(), 0);
        assert_eq!(parts(0..AT_ONCE + 1).collect::<Vec<_>>(), [0..AT_ONCE, AT_ONCE..AT_ONCE + 1]);
    }

    #[test]
    fn a_name_in_sql_is_the_same_as_elsewhere() {
        let mut store = SqlStore::open("sqlite::memory:").unwrap();
        let name = name(SESSION_NAMES, "n");
        let query = format!(
            "{} SELECT count(*) AS number FROM numbers WHERE {name} = '{}'",
            series(&(7..20)),
            added::session(12)
        );
        assert_eq!(store.number(&query).unwrap(), Some(1));
        assert_eq!(
            store.number(&format!("{} SELECT count(*) AS number FROM numbers", series(&(7..20)))).unwrap(),
            Some(13)
        );
    }

    #[test]
    fn a_tenth_expires_and_the_sweep_is_seen() {
        let mut store = SqlStore::open("sqlite::memory:").unwrap();
        store
            .execute(
                "CREATE TABLE sessions (id TEXT, absolute_expires_at BIGINT, idle_expires_at BIGINT, delete_after BIGINT);",
            )
            .unwrap();
        let name = name(SESSION_NAMES, "n");
        let series = series(&(0..100));
        store
            .execute(&format!(
                "{series} INSERT INTO sessions (id, delete_after) SELECT {name}, {} FROM numbers",
                i64::MAX
            ))
            .unwrap();
        let expired = store.expire_a_tenth(100, 3).unwrap();
        assert_eq!(expired.number, 10);
        let left = "SELECT count(*) AS number FROM sessions WHERE idle_expires_at IS NOT NULL";
        assert_eq!(store.number(left).unwrap(), Some(10));
        assert!(!store.sweep_has_begun(expired, 3).unwrap());
        store.execute(&format!("DELETE FROM sessions WHERE id = '{}'", added::session(3))).unwrap();
        assert!(store.sweep_has_begun(expired, 3).unwrap() && !store.sweep_is_over(expired).unwrap());
        store.execute("DELETE FROM sessions WHERE idle_expires_at IS NOT NULL").unwrap();
        assert!(store.sweep_is_over(expired).unwrap());
    }
}
