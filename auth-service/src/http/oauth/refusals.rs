//! What every address under `/oauth` may refuse a request with, as the `OpenAPI` document has it.

use utoipa::IntoResponses;

use super::errors::OAuthError;

macro_rules! refusals {
    ($($name:ident = $status:literal $description:literal;)+) => {
        $(
            #[doc = $description]
            #[derive(IntoResponses)]
            #[response(status = $status, description = $description)]
            #[expect(dead_code, reason = "it stands for the body of the answer")]
            pub struct $name(OAuthError);
        )+
    };
}

refusals! {
    InvalidClient = 401 "`invalid_client`";
    TooLarge = 413 "`invalid_request`: the form is too large";
    Throttled = 429 "`temporarily_unavailable`: too many attempts have failed; wait for `Retry-After` seconds";
    Unavailable = 503 "`temporarily_unavailable`: try again after `Retry-After` seconds";
}
