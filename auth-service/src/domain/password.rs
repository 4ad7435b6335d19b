//! Passwords: as typed, as stored, and whether they are strong enough.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

/// The longest password in bytes. bcrypt reads 72, and the closing NUL is one of them.
pub const MAX_PASSWORD_BYTES: usize = 71;

/// How long a temporary password may wait for its user.
pub const TEMPORARY_PASSWORD_TTL: Duration = Duration::from_hours(72);

/// The least score of zxcvbn (0 to 4) that a new password needs: out of reach of an online attack.
const LEAST_SCORE: zxcvbn::Score = zxcvbn::Score::Three;

/// A password as typed, of a length that bcrypt reads in full. Prints as `[redacted]`.
#[derive(Debug, Clone)]
pub struct Password(SecretString);

/// The text cannot be a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPassword {
    /// It is empty.
    #[error("must not be empty")]
    Empty,
    /// It is longer than [`MAX_PASSWORD_BYTES`].
    #[error("must have at most {MAX_PASSWORD_BYTES} bytes")]
    TooLong,
    /// It holds a NUL, where bcrypt would stop or start again.
    #[error("must not contain a NUL character")]
    ContainsNul,
}

impl Password {
    /// Takes a password that is hashed in full.
    pub fn new(text: SecretString) -> Result<Self, InvalidPassword> {
        let bytes = text.expose_secret().as_bytes();
        if bytes.is_empty() {
            return Err(InvalidPassword::Empty);
        }
        if bytes.len() > MAX_PASSWORD_BYTES {
            return Err(InvalidPassword::TooLong);
        }
        if bytes.contains(&0) {
            return Err(InvalidPassword::ContainsNul);
        }
        Ok(Self(text))
    }

    /// The bytes to hash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

/// The stored form of a password: bcrypt's `$2b$…`. Prints as `[redacted]`.
#[derive(Debug, Clone)]
pub struct PasswordHash(SecretString);

impl PasswordHash {
    /// Takes what the hash function gave or the store kept.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text.into())
    }

    /// Takes a hash that was made elsewhere: bcrypt's `$2a$`, `$2b$` or `$2y$`, whole, and with a cost that can be paid at
    /// every login.
    pub fn imported(text: &str) -> Result<Self, InvalidHash> {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/');
        let rest = ["$2a$", "$2b$", "$2y$"].iter().find_map(|version| text.strip_prefix(version)).ok_or(InvalidHash)?;
        let (cost, rest) = rest.split_once('$').ok_or(InvalidHash)?;
        let payable = cost.len() == 2 && cost.parse::<u32>().is_ok_and(|cost| IMPORTED_COSTS.contains(&cost));
        // 22 letters of salt, 31 of hash.
        let whole = rest.len() == 53 && rest.bytes().all(letter);
        (payable && whole).then(|| Self::new(text.to_owned())).ok_or(InvalidHash)
    }

    /// The text to store or to verify against.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// From the least that bcrypt allows to about a second.
const IMPORTED_COSTS: std::ops::RangeInclusive<u32> = 4..=16;

/// The text is no hash that passwords can be verified against here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a bcrypt hash ($2a$, $2b$ or $2y$, 60 letters) with a cost from 4 to 16")]
pub struct InvalidHash;

/// Why a new password is too weak, and what would be better. Sentences for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeakPassword {
    /// What makes it easy to guess, if there is a word for it.
    pub warning: Option<String>,
    /// What to do.
    pub suggestions: Vec<String>,
}

impl WeakPassword {
    /// The new password is the old one.
    #[must_use]
    pub fn the_same() -> Self {
        Self { warning: Some("This is the password that is to be replaced.".to_owned()), suggestions: Vec::new() }
    }
}

/// Judges a new password, with the user's own words (name, address) counted as known to an attacker.
pub fn check_strength(password: &Password, own_words: &[&str]) -> Result<(), WeakPassword> {
    let estimate = zxcvbn::zxcvbn(password.0.expose_secret(), own_words);
    if estimate.score() >= LEAST_SCORE {
        return Ok(());
    }
    let feedback = estimate.feedback();
    Err(WeakPassword {
        warning: feedback.and_then(zxcvbn::feedback::Feedback::warning).map(|warning| warning.to_string()),
        suggestions: feedback
            .map(|feedback| feedback.suggestions().iter().map(ToString::to_string).collect())
            .unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Result<Password, InvalidPassword> {
        Password::new(text.to_owned().into())
    }

    #[test]
    fn seventy_one_bytes_are_the_most() {
        assert!(password(&"x".repeat(71)).is_ok());
        assert_eq!(password(&"x".repeat(72)).unwrap_err(), InvalidPassword::TooLong);
        assert_eq!(password(&"ä".repeat(36)).unwrap_err(), InvalidPassword::TooLong);
    }

    #[test]
    fn nothing_and_nul_are_no_passwords() {
        assert_eq!(password("").unwrap_err(), InvalidPassword::Empty);
        assert_eq!(password("a\0a").unwrap_err(), InvalidPassword::ContainsNul);
    }

    #[test]
    fn the_users_own_name_makes_a_weak_password() {
        let weak = check_strength(&password("ada.lovelace1").unwrap(), &["ada.lovelace"]).unwrap_err();
        assert!(!weak.suggestions.is_empty());
        assert!(check_strength(&password("plum-anvil-tundra-9").unwrap(), &["ada.lovelace"]).is_ok());
    }
}
