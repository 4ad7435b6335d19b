//! The mirror on disk, for a service that starts while auth-service is away. What it says is the feed's, up to a cursor:
//! the follower goes on from there and misses nothing.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::live::Entry;

/// What is kept.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// Where in the feed it is.
    pub cursor: String,
    /// The second at which it was as good as the feed.
    pub heard: i64,
    /// The revocations.
    pub entries: Vec<Entry>,
    /// The JWKS document, where tokens are signed with its keys.
    #[serde(default)]
    pub jwks: Option<String>,
}

/// A file that only its owner may read.
#[derive(Debug, Clone)]
pub(super) struct StateFile(PathBuf);

impl StateFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// `None` where there is no file yet. One that cannot be understood is an error: it is not overwritten unseen.
    pub(super) fn load(&self) -> io::Result<Option<State>> {
        match fs::read(&self.0) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces the file as a whole: whoever reads it sees the old state or the new one.
    pub(super) fn save(&self, state: &State) -> io::Result<()> {
        let beside = self.beside();
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(&serde_json::to_vec(state)?)?;
        file.sync_all()?;
        fs::rename(&beside, &self.0)
    }

    fn beside(&self) -> PathBuf {
        let mut name = self.0.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        self.0.parent().unwrap_or(Path::new(".")).join(name)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_state_comes_back_as_it_was_and_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revocations.json");
        let file = StateFile::new(path.clone());
        assert_eq!(file.load().unwrap(), None);
        for cursor in ["e.1", "e.2"] {
            let entry = Entry { kind: "jti".to_owned(), id: "x".to_owned(), before: None, until: 9 };
            let state =
                State { cursor: cursor.to_owned(), heard: 5, entries: vec![entry], jwks: Some("{}".to_owned()) };
            file.save(&state).unwrap();
            assert_eq!(file.load().unwrap(), Some(state));
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fs::write(&path, "{").unwrap();
        assert!(file.load().is_err());
    }
}
