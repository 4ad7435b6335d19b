//! The token of a request as it came, for passing it on.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use secrecy::SecretString;

use super::{credential::credential, guarded::verifier};
use crate::problem::Problem;

/// The token of the request, from its header or its cookie, for `ServiceClient::on_behalf_of`.
/// Prints as `[redacted]`. It verifies nothing: take it beside a [`User`](crate::claims::User).
#[derive(Debug, Clone)]
pub struct BearerToken(pub SecretString);

impl FromRequest for BearerToken {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let token = verifier(request).and_then(|verifier| credential(request, verifier));
        ready(token.map(|credential| Self(credential.token.to_owned().into())))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use actix_web::{test::TestRequest, web};
    use secrecy::ExposeSecret;

    use super::*;
    use crate::{
        browser::Site,
        clock::Timestamp,
        secret::{SecretSet, SigningSecret},
        testing::ManualClock,
        verifier::Verifier,
    };

    fn request(name: &'static str, value: &'static str) -> TestRequest {
        let secrets = SecretSet::only(SigningSecret::new("x".repeat(32).into()).unwrap());
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1)));
        let verifier =
            Verifier::new("issuer", "here", &secrets, clock).with_site(Site::at("http://localhost").unwrap());
        TestRequest::default().app_data(web::Data::new(verifier)).insert_header((name, value))
    }

    #[actix_web::test]
    async fn the_token_is_handed_over_and_not_printed() {
        for (name, value) in [("Authorization", "Bearer a.b.c"), ("Cookie", "lk_at=a.b.c")] {
            let token = BearerToken::extract(&request(name, value).to_http_request()).await.unwrap();
            assert_eq!(token.0.expose_secret(), "a.b.c");
            assert!(!format!("{token:?}").contains("a.b.c"));
        }
        let problem = BearerToken::extract(&request("Accept", "*/*").to_http_request()).await.unwrap_err();
        assert_eq!((problem.status(), problem.code()), (401, "missing_token"));
    }
}
