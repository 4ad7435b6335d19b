//! What services have complained of, for a run that fails. A log can be read as long as this process lives, also when its
//! service has ended and its folder is gone.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
    sync::{Mutex, PoisonError},
};

/// Lines of one service.
const MOST: usize = 20;

static KEPT: Mutex<Vec<(String, File)>> = Mutex::new(Vec::new());

/// Keeps the log of a service within reach.
pub fn keep(service: String, log: &Path) -> io::Result<()> {
    let file = File::open(log)?;
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).push((service, file));
    Ok(())
}

/// The last complaints of each service that has any, under its name, in the order in which the services were started. The
/// logs are not kept any longer.
pub fn complaints() -> String {
    let kept = std::mem::take(&mut *KEPT.lock().unwrap_or_else(PoisonError::into_inner));
    kept.into_iter().map(|(service, file)| section(&service, BufReader::new(file))).collect()
}

fn section(service: &str, log: impl BufRead) -> String {
    let mut last = VecDeque::with_capacity(MOST);
    // What cannot be read any more is no reason to be silent about the rest.
    for line in log.lines().map_while(Result::ok).filter(|line| is_complaint(line)) {
        if last.len() == MOST {
            last.pop_front();
        }
        last.push_back(line);
    }
    if last.is_empty() {
        return String::new();
    }
    format!("{service}:\n  {}\n", Vec::from(last).join("\n  "))
}

/// A warning or an error; or a line that the log has not written, such as a panic's.
fn is_complaint(line: &str) -> bool {
    !line.starts_with('{') || [r#""level":"WARN""#, r#""level":"ERROR""#].iter().any(|level| line.contains(level))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const WARNING: &str = r#"{"timestamp":"t","level":"WARN","message":"Redis is away"}"#;
    const INFORMATION: &str = r#"{"timestamp":"t","level":"INFO","message":"request"}"#;

    #[test]
    fn the_last_complaints_are_told_and_nothing_else() {
        let log: Vec<_> = (0..30).map(|number| format!("{INFORMATION}\nwords {number}\n")).collect();
        let text = section("auth-service", log.concat().as_bytes());
        assert!(text.starts_with("auth-service:\n  words 10\n") && text.ends_with("  words 29\n"), "{text}");
        assert_eq!(section("auth-service", INFORMATION.as_bytes()), "");
    }

    #[test]
    fn a_log_whose_folder_is_gone_is_read_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        fs::write(&log, "").unwrap();
        keep("gone".to_owned(), &log).unwrap();
        fs::write(&log, format!("{WARNING}\n")).unwrap();
        drop(folder);
        assert!(complaints().contains(&format!("gone:\n  {WARNING}\n")));
        assert_eq!(complaints(), "");
    }
}
