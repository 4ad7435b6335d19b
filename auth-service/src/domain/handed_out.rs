//! Secrets that are handed out once: random, so that a plain hash of them is enough to know them by.

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::rng::Rng;
use secrecy::{ExposeSecret, SecretString};

/// `prefix` and `N` random bytes. The prefix makes a leaked secret easy to find.
pub(super) fn random<const N: usize>(prefix: &str, rng: &dyn Rng) -> SecretString {
    let mut bytes = [0; N];
    rng.fill(&mut bytes);
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)).into()
}

/// base64url(SHA-256): what the store keeps of it.
pub(super) fn hash(secret: &SecretString) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, secret.expose_secret().as_bytes()))
}
