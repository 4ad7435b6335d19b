//! The access token of a request: in the `Authorization` header or, in front ends that log in with mode `cookie`, in a
//! cookie. The header excludes the cookie, which a browser adds by itself.

use actix_web::{
    HttpRequest,
    http::{Method, header::HeaderMap},
};

use super::{bearer, cookies::cookie, csrf};
use crate::{
    browser::{Cookie, Site, csrf_claim},
    claims::AccessClaims,
    problem::Problem,
    verifier::{TokenError, Verifier},
};

/// An access token, and what else its holder has to show.
#[derive(Debug)]
pub struct Credential<'request> {
    /// The token.
    pub token: &'request str,
    /// What its claims have to say for the request to count.
    pub proof: Proof,
}

/// What shows that a token's holder wanted the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// That it came in the header: no browser puts it there by itself.
    Header,
    /// It came in a cookie, and must be one that was made for a cookie.
    Cookie,
    /// The same, and the claim `csrf` must be this.
    Csrf(String),
}

impl Proof {
    /// What a token in a cookie has to be accompanied by.
    pub fn of_cookie(method: &Method, headers: &HeaderMap, site: &Site) -> Result<Self, Problem> {
        if csrf::is_safe(method) {
            return Ok(Self::Cookie);
        }
        Ok(Self::Csrf(csrf_claim(csrf::presented(headers, site)?)))
    }

    /// Whether the token's claims are as they have to be.
    pub fn check(&self, claims: &AccessClaims) -> Result<(), Problem> {
        match (self, claims.csrf()) {
            (Self::Header, _) | (Self::Cookie, Some(_)) => Ok(()),
            // One that was given to a script must not come by itself.
            (Self::Cookie | Self::Csrf(_), None) => Err(TokenError::WrongType.into()),
            (Self::Csrf(presented), Some(claim)) if presented == claim => Ok(()),
            (Self::Csrf(_), Some(_)) => Err(csrf::csrf_failed("The header X-CSRF-Token is another session's")),
        }
    }
}

/// The access token of `request`. Cookies are looked at where `verifier` knows the [`Site`] that they belong to.
pub fn credential<'request>(
    request: &'request HttpRequest,
    verifier: &Verifier,
) -> Result<Credential<'request>, Problem> {
    let headers = request.headers();
    if let Some(token) = bearer::optional_token(headers)? {
        return Ok(Credential { token, proof: Proof::Header });
    }
    let site = verifier.site().ok_or_else(bearer::missing_token)?;
    let token = cookie(headers, site.cookie(Cookie::AccessToken))?.ok_or_else(bearer::missing_token)?;
    Ok(Credential { token, proof: Proof::of_cookie(request.method(), headers, site)? })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use actix_web::{
        App,
        test::{TestRequest, call_service, init_service, read_body_json},
        web,
    };
    use serde_json::Value;
    use uuid::Uuid;

    use super::*;
    use crate::{
        claims::User,
        clock::Timestamp,
        secret::{SecretSet, SigningSecret},
        testing::{ManualClock, TestToken},
    };

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    const HERE: (&str, &str) = ("Sec-Fetch-Site", "same-origin");

    const VALUE: (&str, &str) = ("X-CSRF-Token", "value");

    fn secret() -> SigningSecret {
        SigningSecret::new("x".repeat(32).into()).unwrap()
    }

    fn token(csrf: Option<&str>) -> String {
        let mut token = TestToken::new(&secret(), "issuer", "here", Uuid::from_u128(7), NOW);
        token.claims.csrf = csrf.map(csrf_claim);
        token.sign()
    }

    /// How a route for users answers, to one that knows its site or to one that does not.
    async fn answer(knows_its_site: bool, method: Method, headers: &[(&str, &str)]) -> (u16, String) {
        let clock = Arc::new(ManualClock::at(NOW));
        let mut verifier = Verifier::new("issuer", "here", &SecretSet::only(secret()), clock);
        if knows_its_site {
            verifier = verifier.with_site(Site::at("https://shop.example").unwrap());
        }
        let route = web::route().to(async |_: User| "{}");
        let service = init_service(App::new().app_data(web::Data::new(verifier)).route("/", route)).await;
        let request = TestRequest::default().method(method);
        let request = headers.iter().fold(request, |request, header| request.append_header(*header));
        let response = call_service(&service, request.to_request()).await;
        let status = response.status().as_u16();
        let body: Value = read_body_json(response).await;
        (status, body["code"].as_str().unwrap_or_default().to_owned())
    }

    async fn with_cookie(method: Method, csrf: Option<&str>, headers: &[(&str, &str)]) -> (u16, String) {
        let cookie = format!("theme=dark; __Host-lk_at={}", token(csrf));
        answer(true, method, &[&[("Cookie", cookie.as_str())], headers].concat()).await
    }

    fn refused(status: u16, code: &str) -> (u16, String) {
        (status, code.to_owned())
    }

    #[actix_web::test]
    async fn what_changes_nothing_needs_the_cookie_alone() {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            assert_eq!(with_cookie(method, Some("value"), &[]).await.0, 200);
        }
    }

    #[actix_web::test]
    async fn what_changes_something_needs_the_value_and_the_site() {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            assert_eq!(with_cookie(method.clone(), Some("value"), &[HERE, VALUE]).await.0, 200);
            let by_origin = [("Origin", "https://shop.example"), VALUE];
            assert_eq!(with_cookie(method.clone(), Some("value"), &by_origin).await.0, 200);
            let wrong = [
                &[][..],
                &[HERE],
                &[VALUE],
                &[HERE, ("X-CSRF-Token", "another")],
                &[("Sec-Fetch-Site", "same-site"), VALUE],
                &[("Sec-Fetch-Site", "cross-site"), ("Origin", "https://shop.example"), VALUE],
                &[("Origin", "https://evil.example"), VALUE],
            ];
            for headers in wrong {
                let answer = with_cookie(method.clone(), Some("value"), headers).await;
                assert_eq!(answer, refused(403, "csrf_failed"), "{method} {headers:?}");
            }
        }
    }

    #[actix_web::test]
    async fn a_token_that_was_given_to_a_script_is_refused_in_a_cookie() {
        assert_eq!(with_cookie(Method::GET, None, &[]).await, refused(401, "invalid_token"));
        assert_eq!(with_cookie(Method::POST, None, &[HERE, VALUE]).await, refused(401, "invalid_token"));
    }

    #[actix_web::test]
    async fn the_header_excludes_the_cookie() {
        let good = format!("Bearer {}", token(Some("value")));
        let header = ("Authorization", good.as_str());
        assert_eq!(answer(true, Method::POST, &[header]).await.0, 200);
        assert_eq!(with_cookie(Method::POST, Some("value"), &[header]).await.0, 200);
        let wrong = [("Authorization", "Bearer x"), HERE, VALUE];
        assert_eq!(with_cookie(Method::GET, Some("value"), &wrong).await, refused(401, "invalid_token"));
    }

    #[actix_web::test]
    async fn two_cookies_of_the_name_are_refused() {
        let cookie = format!("__Host-lk_at={}", token(Some("value")));
        let twice = [("Cookie", cookie.as_str()), ("Cookie", cookie.as_str())];
        assert_eq!(answer(true, Method::GET, &twice).await, refused(400, "bad_request"));
    }

    #[actix_web::test]
    async fn who_does_not_know_its_site_takes_no_cookies() {
        for name in ["__Host-lk_at", "lk_at"] {
            let cookie = format!("{name}={}", token(Some("value")));
            assert_eq!(answer(false, Method::GET, &[("Cookie", &cookie)]).await, refused(401, "missing_token"));
        }
        let plain = format!("lk_at={}", token(Some("value")));
        assert_eq!(answer(true, Method::GET, &[("Cookie", &plain)]).await, refused(401, "missing_token"));
    }
}
