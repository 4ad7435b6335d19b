//! What a request can be refused with, as the `OpenAPI` document has it.

use common::problem::Problem;
use utoipa::IntoResponses;

/// The members or parameters that are wrong, each with what would be right.
pub(super) fn bad_request(errors: impl Iterator<Item = (&'static str, String)>) -> Problem {
    errors.fold(Problem::bad_request(), |problem, (field, detail)| problem.with_field(field, detail))
}

macro_rules! refusals {
    ($($name:ident = $status:literal $description:literal;)+) => {
        $(
            #[doc = $description]
            #[derive(IntoResponses)]
            #[response(status = $status, description = $description, content_type = "application/problem+json")]
            pub struct $name(pub Problem);
        )+
    };
}

refusals! {
    BadRequest = 400 "`bad_request`, with the members or parameters that are wrong";
    Unauthenticated = 401 "`missing_token`, `wrong_scheme`, `invalid_token` or `token_expired`";
    InsufficientScope = 403 "`insufficient_scope`: the token does not allow this";
    InsufficientRole = 403 "`insufficient_role`: the user may not do this";
    NotFound = 404 "`not_found`: the user has no such note, and is shown none";
    UnprocessableShare = 422 "`no_such_user`, `own_note` or `too_many_shares`";
    BadGateway = 502 "`bad_gateway`: another service gave no answer that can be used";
    Unavailable = 503 "`unavailable`: try again after `Retry-After` seconds";
}
