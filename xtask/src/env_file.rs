//! A file of `NAME='value'` lines, as `set -a; . FILE` reads it in a shell.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::Failure;

/// The text with what its lines set. Lines this program does not change are kept as the reader wrote them.
#[derive(Debug, Default, PartialEq)]
pub struct EnvFile {
    lines: Vec<Line>,
}

#[derive(Debug, PartialEq)]
enum Line {
    Set { name: String, value: String, text: String },
    Other(String),
}

impl EnvFile {
    /// No file is an empty one.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(Failure::new(format!("{} cannot be read: {error}.", path.display()))),
        };
        Self::parse(&text).map_err(|line| {
            Failure::new(format!("Line {line} of {} is not of the form NAME='value'.", path.display()))
                .remedy("Mend the line; a ' inside a value is written '\\''.")
        })
    }

    /// The number of the first line that cannot be understood, when there is one: it is never guessed at, and never
    /// shown, since it may hold a secret.
    fn parse(text: &str) -> Result<Self, usize> {
        let lines = text.lines().enumerate().map(|(index, line)| parse_line(line).ok_or(index + 1));
        Ok(Self { lines: lines.collect::<Result<_, _>>()? })
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.values().filter(|(set, _)| *set == name).last().map(|(_, value)| value)
    }

    /// In the order of the file; a shell takes the last of a name.
    pub fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines.iter().filter_map(|line| match line {
            Line::Set { name, value, .. } => Some((name.as_str(), value.as_str())),
            Line::Other(_) => None,
        })
    }

    pub fn comment(&mut self, text: &str) {
        self.lines.push(Line::Other(format!("# {text}")));
    }

    /// Changes the last line that sets the name, or adds one.
    pub fn set(&mut self, name: &str, value: &str) {
        let line =
            Line::Set { name: name.to_owned(), value: value.to_owned(), text: format!("{name}={}", quoted(value)) };
        match self.lines.iter_mut().rfind(|line| matches!(line, Line::Set { name: set, .. } if set == name)) {
            Some(present) => *present = line,
            None => self.lines.push(line),
        }
    }

    fn text(&self) -> String {
        self.lines.iter().fold(String::new(), |text, line| match line {
            Line::Set { text: line, .. } | Line::Other(line) => text + line + "\n",
        })
    }

    /// Readable by the owner alone, and never half written.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let beside = path.with_extension("new");
        let written = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)
            .and_then(|mut file| {
                file.set_permissions(fs::Permissions::from_mode(0o600))?;
                file.write_all(self.text().as_bytes())
            })
            .and_then(|()| fs::rename(&beside, path));
        written.map_err(|error| Failure::new(format!("{} cannot be written: {error}.", path.display())))
    }
}

/// Safe in a shell whatever the value holds.
pub fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

fn parse_line(text: &str) -> Option<Line> {
    let line = text.trim();
    if line.is_empty() || line.starts_with('#') {
        return Some(Line::Other(text.to_owned()));
    }
    let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let is_name = starts_well && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    is_name.then_some(())?;
    Some(Line::Set { name: name.to_owned(), value: unquoted(value)?, text: text.to_owned() })
}

/// A shell word made of quoted and plain pieces. What a shell would expand or split (`$`, a back quote, a space, `;`, …) is
/// refused outside single quotes, so that the shell and this program never read a line differently.
fn unquoted(word: &str) -> Option<String> {
    let mut value = String::new();
    let mut letters = word.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => loop {
                match letters.next()? {
                    '\'' => break,
                    inside => value.push(inside),
                }
            },
            '"' => loop {
                match letters.next()? {
                    '"' => break,
                    '\\' => match letters.next()? {
                        escaped @ ('"' | '\\' | '$' | '`') => value.push(escaped),
                        other => value.extend(['\\', other]),
                    },
                    '$' | '`' => return None,
                    inside => value.push(inside),
                }
            },
            '\\' => value.push(letters.next()?),
            plain if plain.is_ascii_alphanumeric() || "_-./:,@%+=?^".contains(plain) => value.push(plain),
            _ => return None,
        }
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    use super::{EnvFile, quoted};

    const VALUES: [&str; 6] = ["plain", "", "two words", "it's", r#"$HOME `id` "x" \ ; & # !"#, "ключ=ß"];

    fn parsed(text: &str) -> EnvFile {
        EnvFile::parse(text).unwrap()
    }

    #[test]
    fn what_is_written_is_read_again_by_this_program_and_by_a_shell() {
        let folder = std::env::temp_dir().join(format!("latchkey-xtask-env-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("env");
        for value in VALUES {
            let mut file = EnvFile::default();
            file.set("NAME", value);
            file.write(&path).unwrap();
            assert_eq!(EnvFile::read(&path).unwrap().get("NAME"), Some(value));
            let shell =
                Command::new("sh").args(["-c", "set -a; . \"$0\"; printf %s \"$NAME\""]).arg(&path).output().unwrap();
            assert_eq!(String::from_utf8(shell.stdout).unwrap(), value);
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_hand_written_line_is_read_as_a_shell_reads_it() {
        assert_eq!(parsed("A=sqlite:/tmp/a.db").get("A"), Some("sqlite:/tmp/a.db"));
        assert_eq!(parsed("export A=\"two \\\"words\\\"\"").get("A"), Some("two \"words\""));
        assert_eq!(parsed("A='it'\\''s'").get("A"), Some("it's"));
        assert_eq!(parsed("A=1\nA=2").get("A"), Some("2"));
    }

    #[test]
    fn what_a_shell_would_expand_or_split_is_refused_with_its_line_number() {
        for line in [
            "A=$B",
            "A=~/db",
            "A=`id`",
            "A=\"$B\"",
            "A=two words",
            "A=1;B=2",
            "A='open",
            "no assignment",
            "1A=x",
            "A B=x",
        ] {
            assert_eq!(EnvFile::parse(&format!("# first\n{line}")), Err(2), "{line}");
        }
    }

    #[test]
    fn changing_one_value_keeps_every_other_line() {
        let mut file = parsed("# mine\nA=\"1\"\n\nB='2'");
        file.set("B", "3");
        file.set("C", "4");
        assert_eq!(file.text(), "# mine\nA=\"1\"\n\nB='3'\nC='4'\n");
    }

    #[test]
    fn quoting_leaves_nothing_to_a_shell() {
        assert_eq!(quoted("a'b"), r"'a'\''b'");
    }
}
