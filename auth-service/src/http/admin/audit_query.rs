//! `?user=…&kind=…&since=…&until=…&limit=…&after=…` of the audit trail.

use common::{clock::Timestamp, problem::Problem};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::domain::{audit::AuditFilter, ids::UserId};

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 200;

/// Which events.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Done by this user, or to them.
    #[param(value_type = Option<Uuid>)]
    user: Option<String>,
    /// Such as `login_failed`.
    kind: Option<String>,
    /// RFC 3339: not before this instant.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<String>,
    /// RFC 3339: before this instant.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<String>,
    /// 1 to 200; 50 when it is left out.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
    /// `next` of the page before.
    #[param(value_type = Option<Uuid>)]
    after: Option<String>,
}

impl AuditQuery {
    /// What is asked for, and how many events at most.
    pub(super) fn read(&self) -> Result<(AuditFilter, u32), Problem> {
        let filter = AuditFilter {
            user: read("user", self.user.as_ref(), "must be the id of a user", |text| text.parse().ok().map(UserId))?,
            kind: read("kind", self.kind.as_ref(), "is no kind of event", |text| text.parse().ok())?,
            since: read("since", self.since.as_ref(), "must be an instant in RFC 3339", Timestamp::from_rfc3339)?,
            until: read("until", self.until.as_ref(), "must be an instant in RFC 3339", Timestamp::from_rfc3339)?,
            after: read("after", self.after.as_ref(), "must be the `next` of a page", |text| text.parse().ok())?,
        };
        let limit = read("limit", self.limit.as_ref(), "must be a number from 1 to 200", |text| {
            text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit))
        })?;
        Ok((filter, limit.unwrap_or(DEFAULT_LIMIT)))
    }
}

fn read<T>(
    field: &'static str,
    raw: Option<&String>,
    expected: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, Problem> {
    raw.map(|text| parse(text).ok_or_else(|| Problem::bad_field(field, expected))).transpose()
}
