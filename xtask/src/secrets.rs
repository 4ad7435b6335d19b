//! Secrets that nobody chooses.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::Failure;

/// 32 random bytes, base64url.
pub fn key() -> Result<String, Failure> {
    Ok(BASE64_URL_SAFE_NO_PAD.encode(random::<32>()?))
}

/// 80 random bits that can be read out and typed: four groups of four, without letters and digits that look alike.
pub fn password() -> Result<String, Failure> {
    Ok(readable(random()?))
}

fn readable(bytes: [u8; 16]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let letters = bytes.map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Failure::new(format!("The system gives no random bytes: {error}.")))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{key, password, readable};

    #[test]
    fn a_password_is_four_groups_of_four() {
        assert_eq!(readable([0, 1, 2, 3, 31, 32, 33, 255, 0, 0, 0, 0, 10, 11, 12, 13]), "abcd-9ab9-aaaa-kmnp");
        assert_eq!(password().unwrap().len(), 19);
    }

    #[test]
    fn a_key_is_32_bytes_and_never_the_same() {
        let (one, other) = (key().unwrap(), key().unwrap());
        assert_eq!(one.len(), 43);
        assert_ne!(one, other);
    }
}
