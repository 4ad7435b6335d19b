//! How the pool makes connections and tells the living from the dead.

use diesel::r2d2::{ManageConnection, R2D2Connection};

use super::{
    any_connection::AnyConnection,
    postgres, sqlite,
    url::{DatabaseUrl, Location},
};

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Serving,
    Migrating,
}

/// Why there is no connection. The text has nothing of the address that is secret.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(super) struct ConnectError(pub(super) String);

/// Connects to the database that the scheme names, and says why if it cannot.
pub(super) fn connect(url: &DatabaseUrl, purpose: Purpose) -> Result<AnyConnection, ConnectError> {
    let serving = purpose == Purpose::Serving;
    let connected = match &url.0 {
        Location::Sqlite(path) => {
            let patience = if serving { sqlite::SERVING_PATIENCE } else { sqlite::MIGRATING_PATIENCE };
            sqlite::connect(path, patience, serving).map(AnyConnection::Sqlite)
        }
        Location::Postgres(address) => {
            let session = if serving { postgres::SERVING } else { postgres::MIGRATING };
            postgres::connect(address, session).map(AnyConnection::Postgres)
        }
    };
    connected.map_err(|text| ConnectError(without_secrets(&text, url)))
}

/// libpq quotes what it cannot read.
fn without_secrets(text: &str, url: &DatabaseUrl) -> String {
    if url.secrets().iter().any(|secret| text.contains(secret)) {
        return "libpq cannot read the address".to_owned();
    }
    text.trim_end().to_owned()
}

/// The pool's way to connections.
#[derive(Debug)]
pub(super) struct Connector(pub(super) DatabaseUrl);

/// A connection, and whether it has been found dead.
pub(super) struct Pooled {
    pub(super) connection: AnyConnection,
    pub(super) dead: bool,
}

impl ManageConnection for Connector {
    type Connection = Pooled;
    type Error = ConnectError;

    fn connect(&self) -> Result<Pooled, ConnectError> {
        connect(&self.0, Purpose::Serving).map(|connection| Pooled { connection, dead: false })
    }

    /// Costs no round trip: after a restart of the server none of the old connections is handed out.
    fn is_valid(&self, pooled: &mut Pooled) -> Result<(), ConnectError> {
        match &mut pooled.connection {
            AnyConnection::Postgres(connection) => postgres::look_for_the_end(connection)
                .map_err(|error| ConnectError(error.to_string().trim_end().to_owned())),
            AnyConnection::Sqlite(_) => Ok(()),
        }
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        pooled.dead || std::thread::panicking() || pooled.connection.is_broken()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_away_is_named_without_the_password() {
        let url: DatabaseUrl = "postgres://ada:hunter2@127.0.0.1:1/x".parse().unwrap();
        let error = connect(&url, Purpose::Serving).err().unwrap().to_string();
        assert!(error.contains("127.0.0.1") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn what_libpq_quotes_is_not_passed_on() {
        let url: DatabaseUrl = "postgres://ada@127.0.0.1:1/x?password=hunter2=".parse().unwrap();
        let error = connect(&url, Purpose::Serving).err().unwrap().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
