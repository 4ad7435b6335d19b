//! What went wrong, in the words that a caller can act on. The one place that reads the databases' own texts.

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error};

/// Why a call was not carried out.
///
/// [`Closed`](Self::Closed) and [`Conflict`](Self::Conflict) exist between a closure and [`Sql`](super::Sql), which
/// tries again and then says [`Unavailable`](Self::Unavailable); a caller of `Sql` never sees them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SqlError {
    /// The database is down, slow, locked or full: try again later.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The connection is gone.
    #[error("the connection to the database was lost: {0}")]
    Closed(String),
    /// The transaction lost against another: it has to be done again from its beginning.
    #[error("the transaction has to be done again: {0}")]
    Conflict(String),
    /// A unique rule, named `<table>_<column>_key` on both databases (as Postgres names it by itself; a primary key is
    /// `<table>_pkey` on Postgres unless the migration names it).
    #[error("the unique rule {0} is violated")]
    Unique(String),
    /// A row cannot be understood. The text names the place, not the content.
    #[error("the database is inconsistent: {0}")]
    Inconsistent(String),
    /// Anything else: a mistake in a statement, a missing table or right.
    #[error("the database refused a statement: {0}")]
    Other(String),
}

impl SqlError {
    /// What a caller is told once nothing is tried again.
    pub(super) fn settled(self) -> Self {
        match self {
            Self::Closed(text) | Self::Conflict(text) => Self::Unavailable(text),
            other => other,
        }
    }
}

impl From<Error> for SqlError {
    fn from(error: Error) -> Self {
        match error {
            Error::DatabaseError(kind, information) => of_database(kind, &*information),
            // Postgres answers a commit after an error with a rollback; what failed first says why.
            Error::RollbackErrorOnCommit { commit_error, .. } => Self::from(*commit_error),
            Error::BrokenTransactionManager => Self::Closed("a transaction was left open".to_owned()),
            Error::DeserializationError(cause) => Self::Inconsistent(cause.to_string()),
            other => Self::Other(other.to_string()),
        }
    }
}

fn of_database(kind: DatabaseErrorKind, information: &dyn DatabaseErrorInformation) -> SqlError {
    let text = information.message().trim_end();
    let says = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    match kind {
        DatabaseErrorKind::UniqueViolation => SqlError::Unique(violated_rule(information)),
        DatabaseErrorKind::SerializationFailure => SqlError::Conflict(text.to_owned()),
        // After a fail-over the connection may lead to what is a standby now.
        DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::ReadOnlyTransaction => {
            SqlError::Closed(text.to_owned())
        }
        _ if says(&["deadlock detected"]) => SqlError::Conflict(text.to_owned()),
        _ if says(&LOST) => SqlError::Closed(text.to_owned()),
        _ if says(&BUSY) => SqlError::Unavailable(text.to_owned()),
        _ if says(&DAMAGED) => SqlError::Inconsistent(text.to_owned()),
        _ => SqlError::Other(text.to_owned()),
    }
}

/// diesel has a kind for some codes of SQLSTATE and does not hand out the others, so that the text has to be read: Postgres
/// must speak English (`lc_messages = C`, the images' default), or such an error is taken for another one, which a caller
/// does not try again.
///
/// libpq's words for a connection that is gone, where diesel has no kind for it; and a server's, which is going.
const LOST: [&str; 6] = [
    "no connection to the server",
    "server closed the connection",
    "could not receive data from server",
    "could not send data to server",
    "terminating connection",
    "SSL connection has been closed",
];

/// SQLite: another holds the lock, or the disk is full. Postgres: `statement_timeout`, `lock_timeout`, no more room.
const BUSY: [&str; 8] = [
    "database is locked",
    "database table is locked",
    "database schema is locked",
    "database or disk is full",
    "disk I/O error",
    "canceling statement due to",
    "could not extend file",
    "out of shared memory",
];

const DAMAGED: [&str; 2] = ["database disk image is malformed", "file is not a database"];

/// Postgres has the rule's name; SQLite has the columns, and only in its text:
/// `UNIQUE constraint failed: users.username`.
fn violated_rule(information: &dyn DatabaseErrorInformation) -> String {
    if let Some(name) = information.constraint_name() {
        return name.to_owned();
    }
    let columns = information.message().rsplit(": ").next().unwrap_or_default();
    let mut rule = String::new();
    for (position, column) in columns.split(", ").enumerate() {
        let (table, column) = column.split_once('.').unwrap_or(("", column));
        if position == 0 {
            rule.push_str(table);
        }
        rule.push('_');
        rule.push_str(column);
    }
    rule + "_key"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: DatabaseErrorKind, text: &str) -> SqlError {
        Error::DatabaseError(kind, Box::new(text.to_owned())).into()
    }

    #[test]
    fn a_unique_rule_of_sqlite_gets_the_name_that_postgres_gives() {
        let one = of(DatabaseErrorKind::UniqueViolation, "UNIQUE constraint failed: users.username");
        assert_eq!(one, SqlError::Unique("users_username_key".to_owned()));
        let two = of(DatabaseErrorKind::UniqueViolation, "UNIQUE constraint failed: grants.user_id, grants.scope");
        assert_eq!(two, SqlError::Unique("grants_user_id_scope_key".to_owned()));
    }

    #[test]
    fn a_locked_database_is_unavailable() {
        let locked = of(DatabaseErrorKind::Unknown, "database is locked");
        assert_eq!(locked, SqlError::Unavailable("database is locked".to_owned()));
    }

    #[test]
    fn a_connection_that_cannot_be_written_to_is_closed() {
        let lost = of(DatabaseErrorKind::UnableToSendCommand, "no connection to the server\n");
        assert_eq!(lost, SqlError::Closed("no connection to the server".to_owned()));
    }

    #[test]
    fn what_nobody_tries_again_is_unavailable() {
        assert_eq!(SqlError::Conflict("x".to_owned()).settled(), SqlError::Unavailable("x".to_owned()));
        assert_eq!(SqlError::Other("x".to_owned()).settled(), SqlError::Other("x".to_owned()));
    }
}
