//! A row of `users`, and the user it stands for.

use common::{
    clock::Timestamp,
    sql::{AnyBackend, SqlError},
};
use diesel::prelude::*;

use super::{failure::inconsistent, names, schema::users};
use crate::{
    domain::{
        password::PasswordHash,
        user::{Account, Email, User, Username},
    },
    ports::NewAccount,
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = users, check_for_backend(AnyBackend))]
pub(super) struct UserRow {
    id: String,
    username: String,
    email: Option<String>,
    password: String,
    roles: String,
    disabled_at: Option<i64>,
    epoch: i64,
    created_at: i64,
    password_expires_at: Option<i64>,
}

impl UserRow {
    pub(super) fn of(account: &NewAccount, now: Timestamp) -> Self {
        let user = &account.user;
        Self {
            id: user.id.to_string(),
            username: user.username.to_string(),
            email: user.email.as_ref().map(|email| email.as_str().to_owned()),
            password: account.password.expose().to_owned(),
            roles: names::to_text(&user.roles),
            disabled_at: user.disabled.then_some(now.micros()),
            epoch: 0,
            created_at: user.created_at.micros(),
            password_expires_at: None,
        }
    }
}

impl TryFrom<UserRow> for Account {
    type Error = SqlError;

    fn try_from(row: UserRow) -> Result<Self, SqlError> {
        let wrong = |column| inconsistent("users", column, &row.id);
        let username = Username::parse(&row.username).ok().filter(|name| name.as_str() == row.username);
        let email = match &row.email {
            None => None,
            Some(text) => {
                let email = Email::parse(text).ok().filter(|email| email.as_str() == text);
                Some(email.ok_or_else(|| wrong("email"))?)
            }
        };
        let user = User {
            id: row.id.parse().map_err(|_| wrong("id"))?,
            username: username.ok_or_else(|| wrong("username"))?,
            email,
            roles: names::from_text(&row.roles).ok_or_else(|| wrong("roles"))?,
            disabled: row.disabled_at.is_some(),
            created_at: Timestamp::from_micros(row.created_at),
        };
        if row.epoch < 0 {
            return Err(wrong("epoch"));
        }
        Ok(Self {
            user,
            password: PasswordHash::new(row.password),
            temporary_until: row.password_expires_at.map(Timestamp::from_micros),
            epoch: row.epoch,
        })
    }
}
