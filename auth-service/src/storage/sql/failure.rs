//! What a failure of the database means to a use case.

use common::sql::SqlError;

use crate::ports::StoreError;

impl From<SqlError> for StoreError {
    fn from(error: SqlError) -> Self {
        match error {
            SqlError::Inconsistent(place) => Self::Inconsistent(place),
            SqlError::Unavailable(cause) => Self::Unavailable(cause),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

/// A column that cannot be understood, or contradicts another.
pub(super) fn inconsistent(table: &str, column: &str, id: impl std::fmt::Display) -> SqlError {
    SqlError::Inconsistent(format!("{table}.{column} of {id}"))
}
