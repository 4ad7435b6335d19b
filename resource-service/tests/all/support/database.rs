//! A database for one test: a file, or a fresh database on the Postgres of `cargo xtask test`.

use std::sync::atomic::{AtomicU32, Ordering};

use diesel::{Connection, PgConnection, connection::SimpleConnection};
use tempfile::TempDir;

use super::postgres::from_xtask;

#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Sqlite,
    Postgres,
}

pub enum TestDatabase {
    File(TempDir),
    OnServer { server: String, name: String },
}

impl TestDatabase {
    pub fn empty(kind: Kind) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        match kind {
            Kind::Sqlite => Self::File(tempfile::tempdir().unwrap()),
            Kind::Postgres => {
                let server = from_xtask("LATCHKEY_TEST_POSTGRES_URL");
                // Tests run in processes of their own.
                let number = NUMBER.fetch_add(1, Ordering::Relaxed);
                let name = format!("resource_{}_{number}", std::process::id());
                let mut connection = PgConnection::establish(&server).unwrap();
                connection.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).unwrap();
                connection.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
                Self::OnServer { server, name }
            }
        }
    }

    /// The address as the setting has it.
    pub fn url(&self) -> String {
        match self {
            Self::File(folder) => format!("sqlite:{}", folder.path().join("notes.db").display()),
            Self::OnServer { server, name } => {
                let (server, _) = server.rsplit_once('/').unwrap();
                format!("{server}/{name}")
            }
        }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Self::OnServer { server, name } = self else { return };
        let drop_it = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        // The server goes with the test run, and its databases with it.
        let _kept = PgConnection::establish(server).map(|mut connection| connection.batch_execute(&drop_it));
    }
}
