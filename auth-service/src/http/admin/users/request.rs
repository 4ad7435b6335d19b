//! What an administrator asks for and says of users.

use std::collections::HashSet;

use common::problem::Problem;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::{
    domain::{
        ids::UserId,
        name_prefix::NamePrefix,
        user::{InvalidRole, MOST_ROLE_BYTES, checked_roles},
    },
    service::manage_users::UserPatch,
};

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 200;

/// All of them are in every access token.
const MOST_ROLES: usize = 32;

/// Which part of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UserQuery {
    /// 1 to 200; 50 when it is left out.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
    /// `next` of the page before.
    #[param(value_type = Option<Uuid>)]
    cursor: Option<String>,
    /// What the username or the e-mail address begins with, in upper or lower case.
    search: Option<String>,
}

/// Which users are looked for.
pub(super) enum Search {
    /// All of them.
    All,
    /// Those with a name that begins so.
    For(NamePrefix),
    /// None has a name that begins so.
    Nobody,
}

/// A part of a list of users.
pub(super) struct Wanted {
    pub(super) search: Search,
    pub(super) after: Option<UserId>,
    pub(super) limit: u32,
}

impl UserQuery {
    pub(super) fn read(&self) -> Result<Wanted, Problem> {
        let after = self.cursor.as_deref().map(str::parse).transpose();
        let after = after.map_err(|_| Problem::bad_field("cursor", "must be the `next` of a page"))?;
        let limit = self.limit.as_deref().map_or(Some(DEFAULT_LIMIT), |text| text.parse().ok());
        let limit = limit.filter(|limit| (1..=MAX_LIMIT).contains(limit));
        let limit = limit.ok_or_else(|| Problem::bad_field("limit", "must be a number from 1 to 200"))?;
        let search = match self.search.as_deref() {
            None | Some("") => Search::All,
            Some(text) => NamePrefix::parse(text).map_or(Search::Nobody, Search::For),
        };
        Ok(Wanted { search, after, limit })
    }
}

/// What is to change of a user: a member that is missing stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserPatchRequest {
    /// These and no others, at most 32 and at most 768 bytes together as a list in JSON; one that is there twice counts once.
    /// `a`–`z` first, then `a`–`z`, `0`–`9`, `_`, `-`, 32 at most each.
    roles: Option<Vec<String>>,
    /// Whether they may not log in.
    disabled: Option<bool>,
}

impl UserPatchRequest {
    pub(super) fn read(self) -> Result<UserPatch, Problem> {
        Ok(UserPatch { roles: self.roles.map(roles).transpose()?, disabled: self.disabled })
    }
}

fn roles(names: Vec<String>) -> Result<Vec<String>, Problem> {
    let names = once_each(names);
    if names.len() > MOST_ROLES {
        return Err(Problem::bad_field("roles", "must be at most 32"));
    }
    checked_roles(names).map_err(|error| Problem::bad_field("roles", expected(&error)))
}

fn once_each(names: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    names.into_iter().filter(|name| seen.insert(name.clone())).collect()
}

/// Without what was given: an answer does not repeat it.
fn expected(error: &InvalidRole) -> String {
    match error {
        InvalidRole::Name(_) => {
            "must begin with a-z and go on with a-z, 0-9, _ and -, at most 32 characters each".to_owned()
        }
        InvalidRole::TooMany => format!("must be at most {MOST_ROLE_BYTES} bytes together, as a list in JSON"),
    }
}
