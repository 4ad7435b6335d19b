//! A database for one test: a file of SQLite, or a fresh database on the shared Postgres.

use auth_service::storage::sql::{SCHEMA, SqlAudit, SqlSessions, SqlThrottle, SqlUsers};
use common::sql::{DatabaseUrl, Sql};
use diesel::{QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_types::BigInt};
use tempfile::TempDir;

use super::postgres::PostgresDatabase;

#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Sqlite,
    Postgres,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

pub struct TestDatabase {
    pub url: DatabaseUrl,
    address: String,
    _home: Home,
}

enum Home {
    Folder { _folder: TempDir },
    Server { _database: PostgresDatabase },
}

impl TestDatabase {
    pub fn empty(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite:{}", folder.path().join("test.db").display());
                Self { url: url.parse().unwrap(), address: url, _home: Home::Folder { _folder: folder } }
            }
            Kind::Postgres => {
                let database = PostgresDatabase::empty();
                let url = database.url();
                Self { url: url.parse().unwrap(), address: url, _home: Home::Server { _database: database } }
            }
        }
    }

    /// The address as a setting has it.
    pub fn address(&self) -> String {
        self.address.clone()
    }

    pub fn migrated(kind: Kind) -> Self {
        let database = Self::empty(kind);
        SCHEMA.migrate(&database.url).unwrap();
        database
    }

    /// With threads and connections of its own, like a replica.
    pub fn sql(&self) -> Sql {
        Sql::open(&self.url, "test").unwrap()
    }

    pub fn users(&self) -> SqlUsers {
        SqlUsers::new(self.sql())
    }

    pub fn sessions(&self) -> SqlSessions {
        SqlSessions::new(self.sql())
    }

    pub fn throttle(&self) -> SqlThrottle {
        SqlThrottle::new(self.sql())
    }

    pub fn audit(&self) -> SqlAudit {
        SqlAudit::new(self.sql())
    }

    /// How many rows there are of a table, perhaps with a condition.
    pub async fn count(&self, of: &str) -> i64 {
        let query = format!("SELECT count(*) AS count FROM {of}");
        let sql = self.sql();
        sql.read(move |connection| Ok(diesel::sql_query(&query).get_result::<Count>(connection)?.count)).await.unwrap()
    }

    /// Runs statements behind the stores' back.
    pub async fn execute(&self, statements: impl Into<String>) {
        let statements = statements.into();
        self.sql().write(move |connection| Ok(connection.batch_execute(&statements)?)).await.unwrap();
    }
}
