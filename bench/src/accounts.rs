//! The users that the benchmark knows: those whose requests are measured, and those whose names the flood tries.

use std::{fs, net::Ipv4Addr, path::Path};

use bcrypt::Version;
use serde::Serialize;
use serde_json::json;

use crate::failure::Failure;

/// Users whose requests are measured, with a session each.
pub const MEASURED: u32 = 100;
/// Users whose names the flood tries: so many that none is near the limit of failures on one account.
pub const TRIED: u32 = 1_000;

const PASSWORD: &str = "nobody guesses the ninth heron";
const ANOTHER_PASSWORD: &str = "nobody guesses the tenth heron";

/// A body of `POST /auth/login`.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub struct Login {
    username: String,
    password: &'static str,
}

/// Writes the file for `auth-service user import`. All have one hash of bcrypt's `cost`, so that making it takes no time to
/// speak of.
pub fn write_import(path: &Path, cost: u32) -> Result<(), Failure> {
    let hash = bcrypt::non_truncating_hash_with_salt(PASSWORD, cost, *b"sixteen bytes...")
        .map_err(|error| Failure::Other(format!("bcrypt: {error}.")))?
        .format_for_version(Version::TwoB);
    let line = |username| json!({ "username": username, "password_hash": hash }).to_string() + "\n";
    let lines: String = (0..MEASURED).map(measured).chain((0..TRIED).map(tried)).map(line).collect();
    fs::write(path, lines).map_err(Failure::during("The users cannot be written"))
}

/// The login of a user whose requests are measured.
pub fn own_login(place: u32) -> Login {
    Login { username: measured(place), password: PASSWORD }
}

/// The login of any of the [`TRIED`] users, who have as many sessions as benchmarks want.
pub fn login_of(place: u32) -> Login {
    Login { username: tried(place % TRIED), password: PASSWORD }
}

/// The flood's login number `number`: half of them are for nobody, a quarter has a wrong password.
pub fn flood_login(number: u32) -> Login {
    let user = tried(number / 4 % TRIED);
    match number % 4 {
        0 => Login { username: user, password: PASSWORD },
        1 => Login { username: user, password: ANOTHER_PASSWORD },
        _ => Login { username: format!("nobody-{number}"), password: PASSWORD },
    }
}

/// Where login number `number` comes from: each from another address, of those that RFC 2544 keeps for benchmarks
/// (198.18.0.0/15).
pub fn address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(Ipv4Addr::new(198, 18, 0, 0).to_bits() | (number & 0x1_ffff))
}

fn measured(place: u32) -> String {
    format!("measured-{place}")
}

fn tried(place: u32) -> String {
    format!("tried-{place}")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_flood_tries_users_with_right_and_wrong_passwords_and_names_of_nobody() {
        let login = |username: &str, password| Login { username: username.to_owned(), password };
        let four: Vec<_> = (8..12).map(flood_login).collect();
        let expected = [
            login("tried-2", PASSWORD),
            login("tried-2", ANOTHER_PASSWORD),
            login("nobody-10", PASSWORD),
            login("nobody-11", PASSWORD),
        ];
        assert_eq!(four, expected);
        assert_eq!(flood_login(4 * TRIED), flood_login(0));
    }

    #[test]
    fn each_login_comes_from_another_address() {
        assert_eq!(address(1), Ipv4Addr::new(198, 18, 0, 1));
        assert_eq!(address(0x1_ffff), Ipv4Addr::new(198, 19, 255, 255));
        assert_eq!((0..100_000).map(address).collect::<HashSet<_>>().len(), 100_000);
    }

    #[test]
    fn the_file_has_a_line_for_each_user() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        write_import(&path, 12).unwrap();
        let lines = fs::read_to_string(path).unwrap();
        assert_eq!(lines.lines().count(), 1_100);
        assert!(lines.lines().all(|line| line.contains("\"password_hash\":\"$2b$12$")));
    }
}
