//! Takes over users from elsewhere, with the hashes of their passwords: all of a file or nothing.

use std::collections::HashMap;

use common::{clock::Timestamp, rng::Rng};
use serde::Deserialize;

use super::manage_users::ManageError;
use crate::{
    domain::{
        audit::{Actor, AuditEvent, AuditKind},
        ids::UserId,
        password::PasswordHash,
        user::{Email, User, Username, checked_roles},
    },
    ports::{Insertion, NewAccount},
};

/// A user as a line of the file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    username: String,
    email: Option<String>,
    password_hash: String,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    disabled: bool,
}

/// What is wrong with a line of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {number}: {reason}")]
pub struct BadLine {
    /// From 1.
    pub number: usize,
    /// A sentence for people, which quotes no hash.
    pub reason: String,
}

/// The users of a file.
#[derive(Debug, Default)]
pub struct Users {
    /// The users, with what the audit trail says of them.
    pub accounts: Vec<(NewAccount, AuditEvent)>,
    /// The line of each.
    lines: Vec<usize>,
}

impl Users {
    /// What the store said of some of them, by their place.
    #[must_use]
    pub fn taken(&self, taken: &[(usize, Insertion)]) -> Vec<BadLine> {
        let reason = |insertion| match insertion {
            Insertion::EmailTaken => ManageError::EmailTaken,
            _ => ManageError::UsernameTaken,
        };
        let lines = taken.iter().filter_map(|(place, insertion)| Some((*self.lines.get(*place)?, *insertion)));
        lines.map(|(number, insertion)| BadLine { number, reason: reason(insertion).to_string() }).collect()
    }
}

/// Reads JSON, one object a line: `{"username", "email"?, "password_hash", "roles"?, "disabled"?}`. Empty lines are passed
/// over. Everything that is wrong is told at once.
pub fn read(text: &str, now: Timestamp, rng: &dyn Rng) -> Result<Users, Vec<BadLine>> {
    let (mut users, mut bad, mut names) = (Users::default(), Vec::new(), HashMap::new());
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let read = account(line, now, rng).and_then(|account| {
            let User { username, email, .. } = &account.user;
            let email = email.iter().map(|email| email.as_str().to_owned());
            for name in [username.to_string()].into_iter().chain(email) {
                if let Some(first) = names.insert(name.clone(), number).filter(|first| *first != number) {
                    return Err(format!("{name} is in line {first} already"));
                }
            }
            Ok(account)
        });
        match read {
            Ok(account) => {
                let event =
                    AuditEvent::new(AuditKind::UserImported, Actor::Operator, now, rng).to_user(account.user.id);
                users.accounts.push((account, event));
                users.lines.push(number);
            }
            Err(reason) => bad.push(BadLine { number, reason }),
        }
    }
    if bad.is_empty() { Ok(users) } else { Err(bad) }
}

fn account(line: &str, now: Timestamp, rng: &dyn Rng) -> Result<NewAccount, String> {
    // What serde says may quote the line, and so a hash.
    let line: Line = serde_json::from_str(line).map_err(|error| {
        format!(
            "no JSON object with username and password_hash, and perhaps email, roles, disabled (column {})",
            error.column()
        )
    })?;
    let username = Username::parse(&line.username).map_err(|error| format!("username {error}"))?;
    let email = line.email.map(|email| Email::parse(&email)).transpose().map_err(|error| format!("email {error}"))?;
    let password = PasswordHash::imported(&line.password_hash).map_err(|error| format!("password_hash {error}"))?;
    let roles = checked_roles(line.roles).map_err(|error| error.to_string())?;
    let id = UserId::new(now, rng);
    let user = User { id, username, email, roles, disabled: line.disabled, created_at: now };
    Ok(NewAccount { user, password, invite: None })
}
