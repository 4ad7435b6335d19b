//! Settings from environment variables: read once, all errors reported together, by name and never by value.
//!
//! `envy` fills one struct of raw texts a section; [`Env::parse`] and its siblings turn the texts into what is meant.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt::{self, Display},
    fs,
    str::FromStr,
    time::Duration,
};

use secrecy::SecretString;
use serde::de::DeserializeOwned;

/// Everything that is wrong with the settings: a line a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingErrors(Vec<String>);

impl Display for SettingErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.0 {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingErrors {}

/// One setting, as `.env.example` and the documentation list it.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The variable.
    pub name: &'static str,
    /// What holds when it is unset; `None` for one that must be set or may be absent.
    pub default: Option<&'static str>,
    /// Whether `<name>_FILE` may name a file that holds the value.
    pub secret: bool,
    /// What it decides.
    pub help: &'static str,
}

/// The variables, and what was found wrong with them so far.
#[derive(Debug)]
pub struct Env {
    variables: BTreeMap<String, String>,
    errors: Vec<String>,
}

impl Env {
    /// The variables of `settings` among `variables`. Empty ones count as unset: Compose files pass them all the time.
    /// A secret that comes as `X_FILE` is read from that file, less one trailing newline.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>, settings: &[Setting]) -> Self {
        let mut given = BTreeMap::new();
        let mut env = Self { variables: BTreeMap::new(), errors: Vec::new() };
        for (name, value) in variables {
            let Ok(name) = name.into_string() else { continue };
            given.insert(name, value);
        }
        for setting in settings {
            let inline = env.text(setting.name, given.get(setting.name));
            let file_name = format!("{}_FILE", setting.name);
            let from_file = if setting.secret { env.text(&file_name, given.get(&file_name)) } else { None };
            let value = match (inline, from_file) {
                (Some(_), Some(_)) => {
                    env.reject(setting.name, format_args!("is set, and so is {file_name}: give one of them"));
                    None
                }
                (None, Some(path)) => env.contents(&file_name, &path),
                (inline, None) => inline,
            };
            if let Some(value) = value.or_else(|| setting.default.map(str::to_owned)) {
                env.variables.insert(setting.name.to_owned(), value);
            }
        }
        env
    }

    fn text(&mut self, name: &str, value: Option<&OsString>) -> Option<String> {
        let value = value.filter(|value| !value.is_empty())?;
        let text = value.to_str().map(str::to_owned);
        if text.is_none() {
            self.reject(name, "is not UTF-8");
        }
        text
    }

    fn contents(&mut self, name: &str, path: &str) -> Option<String> {
        match fs::read_to_string(path) {
            Ok(mut text) => {
                if text.ends_with('\n') {
                    text.pop();
                }
                Some(text)
            }
            Err(error) => {
                self.reject(name, format_args!("names a file that cannot be read: {}", error.kind()));
                None
            }
        }
    }

    /// The raw texts of one section.
    pub fn section<S: DeserializeOwned + Default>(&mut self) -> S {
        envy::from_iter(self.variables.clone()).unwrap_or_else(|_| {
            self.errors
                .push("the settings could not be read: a section has a field that is no optional text".to_owned());
            S::default()
        })
    }

    /// Notes that a variable is wrong. `reason` must not contain its value.
    pub fn reject(&mut self, name: &str, reason: impl Display) {
        self.errors.push(format!("{name} {reason}"));
    }

    /// A value that must be there, from a text or by default.
    pub fn required<T>(&mut self, name: &str, raw: Option<T>) -> Option<T> {
        if raw.is_none() && !self.is_rejected(name) {
            self.reject(name, "is not set");
        }
        raw
    }

    /// Whether something was wrong with a variable, or with its file.
    #[must_use]
    pub fn is_rejected(&self, name: &str) -> bool {
        self.errors.iter().any(|line| line.split(' ').next().is_some_and(|it| it.starts_with(name)))
    }

    /// What `raw` means according to `read`, whose error says what would be right.
    pub fn parse<T, E: Display>(
        &mut self,
        name: &str,
        raw: Option<String>,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let raw = self.required(name, raw)?;
        self.parse_optional(name, Some(raw), read)
    }

    /// The same for a setting that may be absent.
    pub fn parse_optional<T, E: Display>(
        &mut self,
        name: &str,
        raw: Option<String>,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match read(&raw?) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.reject(name, reason);
                None
            }
        }
    }

    /// A secret text.
    pub fn secret(&mut self, name: &str, raw: Option<String>) -> Option<SecretString> {
        self.required(name, raw).map(SecretString::from)
    }

    /// A duration such as `15m`, within `bounds` (inclusive).
    pub fn duration(&mut self, name: &str, raw: Option<String>, bounds: (Duration, Duration)) -> Option<Duration> {
        self.parse(name, raw, |text| {
            let (least, most) = bounds;
            humantime::parse_duration(text).ok().filter(|value| (least..=most).contains(value)).ok_or_else(|| {
                format!(
                    "must be a duration such as 90s, 15m or 30d, between {} and {}",
                    humantime::format_duration(least),
                    humantime::format_duration(most)
                )
            })
        })
    }

    /// A value that [`FromStr`] reads; `expected` completes "must be …".
    pub fn value<T: FromStr>(&mut self, name: &str, raw: Option<String>, expected: &str) -> Option<T> {
        self.parse(name, raw, |text| text.parse().map_err(|_| format!("must be {expected}")))
    }

    /// `value`, unless anything was wrong or it is incomplete.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, SettingErrors> {
        match value {
            Some(value) if self.errors.is_empty() => Ok(value),
            _ => Err(SettingErrors(self.errors)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    const SETTINGS: &[Setting] = &[
        Setting { name: "KEY", default: None, secret: true, help: "" },
        Setting { name: "TTL", default: Some("15m"), secret: false, help: "" },
    ];

    #[derive(Deserialize, Default)]
    struct Raw {
        key: Option<String>,
        ttl: Option<String>,
    }

    fn read(variables: &[(&str, &str)]) -> Result<(String, Duration), String> {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
        let mut env = Env::new(variables, SETTINGS);
        let raw: Raw = env.section();
        let key = env.required("KEY", raw.key);
        let ttl = env.duration("TTL", raw.ttl, (Duration::from_secs(1), Duration::from_hours(1)));
        env.finish(key.zip(ttl)).map_err(|errors| errors.to_string())
    }

    #[test]
    fn defaults_fill_in_and_empty_counts_as_unset() {
        assert_eq!(read(&[("KEY", "k"), ("TTL", "")]).unwrap(), ("k".to_owned(), Duration::from_mins(15)));
    }

    #[test]
    fn all_errors_come_at_once_and_without_values() {
        let errors = read(&[("TTL", "hunter2")]).unwrap_err();
        assert_eq!(errors, "KEY is not set\nTTL must be a duration such as 90s, 15m or 30d, between 1s and 1h\n");
    }

    #[test]
    fn a_secret_comes_from_a_file_less_one_newline() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "from the file\n\n").unwrap();
        let path = file.path().to_str().unwrap();
        assert_eq!(read(&[("KEY_FILE", path)]).unwrap().0, "from the file\n");
    }

    #[test]
    fn a_secret_given_twice_or_in_a_missing_file_is_an_error() {
        let errors = read(&[("KEY", "k"), ("KEY_FILE", "/nowhere")]).unwrap_err();
        assert_eq!(errors, "KEY is set, and so is KEY_FILE: give one of them\n");
        let errors = read(&[("KEY_FILE", "/nowhere")]).unwrap_err();
        assert_eq!(errors, "KEY_FILE names a file that cannot be read: entity not found\n");
    }
}
