//! Why a command failed, and the exit code for it.

use std::io;

use common::{env::SettingErrors, sql::MigrateError};

use crate::{
    app::StartError,
    service::{manage_clients::ManageClientError, manage_users::ManageError, signing_keys::KeysError},
};

/// Wrong settings, as in sysexits.h (`EX_USAGE`).
const WRONG_SETTINGS: i32 = 64;

/// Trying again later may help (`EX_TEMPFAIL`).
const TRY_AGAIN: i32 = 75;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// One line a variable.
    #[error("{0}")]
    Settings(#[from] SettingErrors),
    /// The service could not start.
    #[error("{0}\n")]
    Start(#[from] StartError),
    /// The database could not be migrated.
    #[error("{0}\n")]
    Migrate(#[from] MigrateError),
    /// A user was not changed.
    #[error("{0}\n")]
    Manage(#[from] ManageError),
    /// A client was not changed.
    #[error("{0}\n")]
    ManageClient(#[from] ManageClientError),
    /// The signing keys were not read or changed.
    #[error("{0}\n")]
    Keys(#[from] KeysError),
    /// What was given cannot be meant.
    #[error("{0}\n")]
    Input(String),
    /// The system did not do its part.
    #[error("{0}\n")]
    Io(#[from] io::Error),
    /// A check found something that a person has to mend.
    #[error("something is wrong\n")]
    Faults,
    /// A check could not reach a store.
    #[error("a store cannot be reached\n")]
    Away,
    /// The service is not ready.
    #[error("not ready\n")]
    NotReady,
}

impl Failure {
    /// Says why, on standard error, and returns the exit code.
    #[expect(clippy::print_stderr, reason = "this is the program's last word")]
    #[must_use]
    pub fn report(&self) -> i32 {
        eprint!("{self}");
        match self {
            Self::Settings(_) => WRONG_SETTINGS,
            Self::Away => TRY_AGAIN,
            _ => 1,
        }
    }
}
