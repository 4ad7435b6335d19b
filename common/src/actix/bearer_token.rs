//! The token of a request as it came, for passing it on.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use secrecy::SecretString;

use super::bearer;
use crate::problem::Problem;

/// The token of the request, for `ServiceClient::on_behalf_of`.
/// Prints as `[redacted]`. It verifies nothing: take it beside a [`User`](crate::claims::User).
#[derive(Debug, Clone)]
pub struct BearerToken(pub SecretString);

impl FromRequest for BearerToken {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(bearer::token(request.headers()).map(|token| Self(token.to_owned().into())))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use secrecy::ExposeSecret;

    use super::*;

    #[actix_web::test]
    async fn the_token_is_handed_over_and_not_printed() {
        let request = TestRequest::default().insert_header(("Authorization", "Bearer a.b.c")).to_http_request();
        let token = BearerToken::extract(&request).await.unwrap();
        assert_eq!(token.0.expose_secret(), "a.b.c");
        assert!(!format!("{token:?}").contains("a.b.c"));
        let problem = BearerToken::extract(&TestRequest::default().to_http_request()).await.unwrap_err();
        assert_eq!((problem.status(), problem.code()), (401, "missing_token"));
    }
}
