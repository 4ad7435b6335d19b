//! Connections to SQLite, and the file they lead to.

use std::{
    fs::OpenOptions,
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt,
    path::{Path, absolute},
    thread,
    time::{Duration, Instant},
};

use diesel::{Connection, RunQueryDsl, connection::SimpleConnection, sql_types::Text, sqlite::SqliteConnection};

use super::error::SqlError;

/// How long a connection that serves requests waits for another process to finish writing.
pub(super) const SERVING_PATIENCE: Duration = Duration::from_millis(600);

/// How long a migration waits for that.
pub(super) const MIGRATING_PATIENCE: Duration = Duration::from_secs(30);

/// Makes an empty file that only its owner may read, unless there is a file already. Returns a sentence for the person
/// who has to do something about it.
pub(super) fn create_file(path: &Path) -> Result<(), String> {
    let folder = folder_of(path);
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(format!("the folder {folder} of the database does not exist: make it, or name another path"))
        }
        Err(error) => Err(format!(
            "the database {} cannot be made ({}): the folder {folder} must be writable for the user that runs this",
            path.display(),
            error.kind()
        )),
    }
}

fn folder_of(path: &Path) -> String {
    let path = absolute(path).unwrap_or_else(|_| path.to_owned());
    path.parent().unwrap_or(&path).display().to_string()
}

/// Opens an existing file. Foreign keys are looked after when `foreign_keys` says so; a migration that makes a table
/// anew would otherwise delete what refers to it.
pub(super) fn connect(path: &Path, patience: Duration, foreign_keys: bool) -> Result<SqliteConnection, String> {
    if !path.exists() {
        return Err(format!("there is no database {}: `migrate` makes it", path.display()));
    }
    let explain = |error: &dyn std::fmt::Display| {
        let folder = folder_of(path);
        let name = path.display();
        format!("{name}: {error}. The file and its folder {folder} must be writable for the user that runs this")
    };
    // As an address, since only then nothing is created.
    let address = format!("file:{}?mode=rw", escaped(&absolute(path).map_err(|error| explain(&error))?));
    let mut connection = SqliteConnection::establish(&address).map_err(|error| explain(&error))?;
    let pragmas = format!(
        "PRAGMA busy_timeout = {}; PRAGMA foreign_keys = {}; PRAGMA synchronous = FULL;",
        patience.as_millis(),
        if foreign_keys { "ON" } else { "OFF" },
    );
    connection.batch_execute(&pragmas).map_err(|error| explain(&error))?;
    let mode = write_ahead(&mut connection, patience).map_err(|error| explain(&error))?;
    if mode.journal_mode != "wal" {
        return Err(explain(&"its file system cannot do write-ahead logging"));
    }
    Ok(connection)
}

/// The first switch of a new file does not wait for another process by itself, as other statements do.
fn write_ahead(connection: &mut SqliteConnection, patience: Duration) -> Result<JournalMode, SqlError> {
    let begun = Instant::now();
    loop {
        let switched = diesel::sql_query("PRAGMA journal_mode = WAL").get_result(connection).map_err(SqlError::from);
        match switched {
            Err(SqlError::Unavailable(_)) if begun.elapsed() < patience => thread::sleep(Duration::from_millis(5)),
            switched => return switched,
        }
    }
}

#[derive(diesel::QueryableByName)]
struct JournalMode {
    #[diesel(sql_type = Text)]
    journal_mode: String,
}

fn escaped(path: &Path) -> String {
    path.display().to_string().replace('%', "%25").replace('?', "%3f").replace('#', "%23")
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn a_new_file_is_for_its_owner_alone_and_an_old_one_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("50% #1.db");
        create_file(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let mut connection = connect(&path, SERVING_PATIENCE, true).unwrap();
        connection.batch_execute("CREATE TABLE t (x)").unwrap();
        create_file(&path).unwrap();
        assert!(fs::metadata(&path).unwrap().len() > 0 || folder.path().join("50% #1.db-wal").exists());
        let wal = fs::metadata(folder.path().join("50% #1.db-wal")).unwrap();
        assert_eq!(wal.permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_missing_folder_is_named_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let error = create_file(&folder.path().join("not/there.db")).unwrap_err();
        assert!(
            error.contains(&format!("the folder {}/not", folder.path().display())) && error.contains("make it"),
            "{error}"
        );
    }

    #[test]
    fn a_folder_that_is_none_is_named_with_the_remedy() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = create_file(&file.path().join("x.db")).unwrap_err();
        assert!(error.contains("must be writable"), "{error}");
    }

    #[derive(diesel::QueryableByName)]
    struct Settings {
        #[diesel(sql_type = Text)]
        settings: String,
    }

    #[test]
    fn every_connection_has_the_settings_that_keep_what_is_stored() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (foreign_keys, expected) in [(true, "wal 2 600 1"), (false, "wal 2 600 0")] {
            let mut connection = connect(file.path(), SERVING_PATIENCE, foreign_keys).unwrap();
            let found: Settings = diesel::sql_query(
                "SELECT concat_ws(' ', journal_mode, synchronous, timeout, foreign_keys) AS settings \
                 FROM pragma_journal_mode, pragma_synchronous, pragma_busy_timeout, pragma_foreign_keys",
            )
            .get_result(&mut connection)
            .unwrap();
            assert_eq!(found.settings, expected);
        }
    }

    #[test]
    fn opening_creates_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        assert!(connect(&path, SERVING_PATIENCE, true).is_err_and(|error| error.contains("migrate")));
        assert!(!path.exists());
    }
}
