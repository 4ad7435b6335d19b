//! Where the database is. Parsed once; prints without what is secret in it.

use std::{fmt, path::PathBuf, str::FromStr};

use secrecy::{ExposeSecret, SecretString};

/// `sqlite:PATH`, `sqlite://PATH`, `postgres://…` or `postgresql://…`.
///
/// A Postgres address is libpq's, with its parameters: `?sslmode=verify-full&sslrootcert=/path`. Prints only which
/// database it is, and for SQLite the path.
#[derive(Clone)]
pub struct DatabaseUrl(pub(super) Location);

#[derive(Clone)]
pub(super) enum Location {
    Sqlite(PathBuf),
    Postgres(SecretString),
}

/// Why a text is no [`DatabaseUrl`]. Completes a sentence that begins with the setting's name; never quotes the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDatabaseUrl {
    /// Neither of the two databases.
    #[error("must begin with sqlite: or postgres://")]
    Scheme,
    /// A path that every connection would understand as a database of its own, or that asks for a mode.
    #[error("must be sqlite: and the path of a file, without parameters")]
    SqlitePath,
    /// `@`, `/` or `?` where libpq would misread it, and quote a part of the password in its complaint.
    #[error("must have %40, %2F and %3F for @, / and ? in the user name, the password and the parameters")]
    Unescaped,
    /// A character that no URL contains.
    #[error("must not contain spaces or control characters, and a % only before two hexadecimal digits")]
    Character,
    /// A port that is no number.
    #[error("must have a number for the port, and %3A for : in the user name")]
    Port,
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            let is_file =
                !path.is_empty() && !path.starts_with(':') && !path.ends_with('/') && !path.contains(['?', '\0']);
            return is_file.then(|| Self(Location::Sqlite(path.into()))).ok_or(InvalidDatabaseUrl::SqlitePath);
        }
        let rest = ["postgres://", "postgresql://"].into_iter().find_map(|scheme| text.strip_prefix(scheme));
        check_postgres(rest.ok_or(InvalidDatabaseUrl::Scheme)?)?;
        Ok(Self(Location::Postgres(text.to_owned().into())))
    }
}

/// Refuses what libpq would refuse by quoting it. `rest` is what follows the scheme.
fn check_postgres(rest: &str) -> Result<(), InvalidDatabaseUrl> {
    if rest.chars().any(|character| character.is_whitespace() || character.is_control()) || !escapes_are_whole(rest) {
        return Err(InvalidDatabaseUrl::Character);
    }
    let (authority, after) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let hosts = authority.split_once('@').map_or(authority, |(_, hosts)| hosts);
    if after.contains('@') || hosts.contains('@') {
        return Err(InvalidDatabaseUrl::Unescaped);
    }
    let ports_are_numbers = hosts.split(',').all(|host| {
        let after_address = host.rsplit_once(']').map_or(host, |(_, port)| port);
        after_address.split_once(':').is_none_or(|(_, port)| port.is_empty() || port.parse::<u16>().is_ok())
    });
    if ports_are_numbers { Ok(()) } else { Err(InvalidDatabaseUrl::Port) }
}

fn escapes_are_whole(text: &str) -> bool {
    text.split('%').skip(1).all(|after| after.len() >= 2 && after.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()))
}

impl DatabaseUrl {
    /// Whether it is a file of SQLite.
    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        matches!(self.0, Location::Sqlite(_))
    }

    /// The texts that must not appear in an error: the whole address, and its password as it is written there.
    pub(super) fn secrets(&self) -> Vec<&str> {
        let Location::Postgres(url) = &self.0 else { return Vec::new() };
        let url = url.expose_secret();
        let user_info =
            url.split_once("://").and_then(|(_, rest)| rest.split_once('@')).map(|(user_info, _)| user_info);
        let password = user_info.and_then(|user_info| user_info.split_once(':')).map(|(_, password)| password);
        let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters);
        let by_parameter = parameters
            .split('&')
            .filter_map(|pair| pair.split_once('=').filter(|(name, _)| name.ends_with("password")));
        [Some(url), password]
            .into_iter()
            .flatten()
            .chain(by_parameter.map(|(_, value)| value))
            .filter(|text| !text.is_empty())
            .collect()
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Location::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Location::Postgres(_) => f.write_str("postgres://[redacted]"),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> InvalidDatabaseUrl {
        text.parse::<DatabaseUrl>().unwrap_err()
    }

    #[test]
    fn a_path_may_follow_with_or_without_slashes() {
        for (text, path) in [
            ("sqlite:a/b.db", "a/b.db"),
            ("sqlite://a.db", "a.db"),
            ("sqlite:///a.db", "/a.db"),
            ("sqlite:/a.db", "/a.db"),
        ] {
            let url: DatabaseUrl = text.parse().unwrap();
            assert!(matches!(&url.0, Location::Sqlite(it) if it.to_str() == Some(path)), "{text}");
        }
    }

    #[test]
    fn a_database_in_memory_or_with_parameters_is_refused() {
        for text in ["sqlite:", "sqlite://", "sqlite::memory:", "sqlite:a.db?mode=memory", "sqlite:folder/"] {
            assert_eq!(refused(text), InvalidDatabaseUrl::SqlitePath, "{text}");
        }
    }

    #[test]
    fn libpq_addresses_are_taken_as_they_are() {
        for text in [
            "postgres://u:p%40ss@db:5432/latchkey?sslmode=verify-full",
            "postgresql://db",
            "postgres://u:p:w@one:1,two:2/latchkey",
            "postgres://u@[::1]:5432/latchkey",
            "postgres:///latchkey?host=/run/postgresql",
        ] {
            assert!(text.parse::<DatabaseUrl>().is_ok(), "{text}");
        }
    }

    #[test]
    fn what_libpq_would_quote_is_refused_without_being_quoted() {
        assert_eq!(refused("postgres://u:p@ss@db/x"), InvalidDatabaseUrl::Unescaped);
        assert_eq!(refused("postgres://u:p/ss@db/x"), InvalidDatabaseUrl::Unescaped);
        assert_eq!(refused("postgres://u:p?ss@db/x"), InvalidDatabaseUrl::Unescaped);
        assert_eq!(refused("postgres://u:p%ss@db/x"), InvalidDatabaseUrl::Character);
        assert_eq!(refused("postgres://u:p ss@db/x"), InvalidDatabaseUrl::Character);
        assert_eq!(refused("postgres://u:hunter2/x"), InvalidDatabaseUrl::Port);
        assert_eq!(refused("mysql://u:hunter2@db/x"), InvalidDatabaseUrl::Scheme);
        assert_eq!(refused("host=db password=hunter2"), InvalidDatabaseUrl::Scheme);
    }

    #[test]
    fn it_prints_without_user_and_password() {
        let url: DatabaseUrl = "postgres://ada:hunter2@db/x?sslpassword=hunter3".parse().unwrap();
        assert_eq!(format!("{url} {url:?}"), "postgres://[redacted] postgres://[redacted]");
        assert!(url.secrets().contains(&"hunter2") && url.secrets().contains(&"hunter3"));
    }
}
