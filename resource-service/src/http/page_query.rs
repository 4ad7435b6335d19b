//! `?limit=…&after=…` of a list.

use common::problem::Problem;
use serde::Deserialize;
use utoipa::IntoParams;

use super::refusals::bad_request;
use crate::domain::page::{InvalidCursor, PageRequest, PageSize};

/// Which page of a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// 1 to 100; 20 when it is left out.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100, default = 20)]
    limit: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
}

impl TryFrom<PageQuery> for PageRequest {
    type Error = Problem;

    fn try_from(query: PageQuery) -> Result<Self, Problem> {
        let size = query.limit.as_deref().map_or(Ok(PageSize::default()), str::parse);
        let after = query.after.as_deref().map(str::parse).transpose();
        match (after, size) {
            (Ok(after), Ok(size)) => Ok(Self { after, size }),
            (after, size) => {
                let wrong_size = size.err().map(|error| ("limit", error.to_string()));
                let wrong_cursor = after.err().map(|error: InvalidCursor| ("after", error.to_string()));
                Err(bad_request(wrong_size.into_iter().chain(wrong_cursor)))
            }
        }
    }
}
