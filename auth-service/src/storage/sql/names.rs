//! A list of role names in a text column: a JSON array.

use crate::domain::user::is_role;

pub(super) fn to_text(roles: &[String]) -> String {
    serde_json::Value::from(roles).to_string()
}

/// `None` when the text is not an array of roles.
pub(super) fn from_text(text: &str) -> Option<Vec<String>> {
    serde_json::from_str::<Vec<String>>(text).ok().filter(|roles| roles.iter().all(|role| is_role(role)))
}
