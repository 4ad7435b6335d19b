//! What addresses for whoever is signed in, with a token or with cookies, may refuse a request with, as the `OpenAPI`
//! document has it.

use common::problem::Problem;
use utoipa::IntoResponses;

macro_rules! refusals {
    ($($name:ident = $status:literal $description:literal;)+) => {
        $(
            #[doc = $description]
            #[derive(IntoResponses)]
            #[response(status = $status, description = $description, content_type = "application/problem+json")]
            #[expect(dead_code, reason = "it stands for the body of the answer")]
            pub struct $name(Problem);
        )+
    };
}

refusals! {
    TwoLogins = 400 "`bad_request`: there are cookies of two logins";
    BadParameters = 400 "`bad_request`, with the parameters that are wrong, or for cookies of two logins";
    BadMembers = 400 "`bad_request`, with the members that are wrong, or for cookies of two logins";
    Unauthenticated = 401 "`missing_token`, `invalid_token`, `token_expired` or `login_required`";
    NotLately = 401 "`missing_token`, `invalid_token`, `token_expired`, `login_required` or `reauthentication_required`";
    UsersOnly = 403 "`users_only`: a service asks";
    NotByUser = 403 "`csrf_failed`: with cookies, and not shown to come from this site. `users_only`: a service asks";
    NotAdministrator = 403 "`insufficient_role`: the user is no administrator. `users_only`: a service asks";
    NotByAdministrator = 403 "`csrf_failed`: with cookies, and not shown to come from this site. `insufficient_role`: the user is no administrator. `users_only`: a service asks";
    NoSuchClient = 404 "`not_found`: there is no such client";
    NoSuchUser = 404 "`not_found`: there is no such user";
    OwnAccount = 409 "`own_account`: another administrator has to do this to one's own account";
    Unavailable = 503 "`unavailable`: try again after `Retry-After` seconds";
}
