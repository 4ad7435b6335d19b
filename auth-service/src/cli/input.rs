//! What commands read.

use std::{fs, path::Path};

use secrecy::SecretString;

use super::Failure;

/// A secret in a file, less one trailing newline.
pub(super) fn secret_from_file(path: &Path) -> Result<SecretString, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::Input(format!("{} cannot be read: {error}", path.display())))?;
    Ok(without_newline(text))
}

/// The text less one trailing newline.
pub(super) fn without_newline(mut text: String) -> SecretString {
    if text.ends_with('\n') {
        text.pop();
    }
    text.into()
}
