//! CORS: pages of other origins that ask with an access token. No cookie is let through, in either direction.

use std::{str::FromStr, sync::Arc, time::Duration};

use actix_cors::{Cors, CorsError};
use actix_web::{
    HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, VARY},
    },
    middleware::Next,
};
use url::{Origin, Url};

use crate::problem::{Problem, Status};

const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
const HEADERS: [&str; 4] = ["authorization", "content-type", "x-request-id", "traceparent"];
const EXPOSED: [&str; 3] = ["x-request-id", "retry-after", "www-authenticate"];

/// How long a browser need not ask again.
const MAX_AGE: Duration = Duration::from_mins(10);

/// What an answer depends on where pages of some origins may read it and others may not.
const VARIES_BY: &str = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";

/// More would be a mistake: each is somebody's page that may use tokens.
const MOST: usize = 100;

/// The origins whose pages may ask from elsewhere; none by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CrossOrigins(Arc<[String]>);

impl CrossOrigins {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The middleware that answers preflights and marks answers. [`plainly`] belongs round it. Without origins it would
    /// refuse every preflight: leave both out then.
    pub fn cors(&self) -> Cors {
        let cors = Cors::default()
            .allowed_methods(METHODS)
            .allowed_headers(HEADERS)
            .expose_headers(EXPOSED)
            .max_age(usize::try_from(MAX_AGE.as_secs()).ok());
        self.0.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
    }
}

/// Why a text is no list of origins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOrigins {
    /// Everybody would be let in.
    #[error("must name each origin: there is no wildcard")]
    Wildcard,
    /// The origin of sandboxed pages and of files, whoever made them.
    #[error("must not list null, which is the origin of anybody's sandboxed pages and files")]
    Null,
    /// Not one that pages come from.
    #[error("must be origins that begin with http:// or https://, divided by commas")]
    Scheme,
    /// It goes on after the port.
    #[error("must be origins such as https://app.example.org, which end after host and port: no slash, no path")]
    Path,
    /// It would never be equal to what browsers send.
    #[error("must be origins as browsers write them: lower case, no user, no port that goes without saying")]
    Unusual,
    /// More than 100.
    #[error("must be at most 100 origins")]
    TooMany,
}

impl FromStr for CrossOrigins {
    type Err = InvalidOrigins;

    fn from_str(text: &str) -> Result<Self, InvalidOrigins> {
        let origins = text.split(',').map(|one| origin(one.trim())).collect::<Result<Vec<_>, _>>()?;
        if origins.len() > MOST { Err(InvalidOrigins::TooMany) } else { Ok(Self(origins.into())) }
    }
}

fn origin(text: &str) -> Result<String, InvalidOrigins> {
    if text.contains('*') {
        return Err(InvalidOrigins::Wildcard);
    }
    if text == "null" {
        return Err(InvalidOrigins::Null);
    }
    let (scheme, rest) = text.split_once("://").ok_or(InvalidOrigins::Scheme)?;
    if !["http", "https"].iter().any(|known| known.eq_ignore_ascii_case(scheme)) {
        return Err(InvalidOrigins::Scheme);
    }
    if rest.contains(['/', '\\', '?', '#']) {
        return Err(InvalidOrigins::Path);
    }
    let origin = Url::parse(text).map_err(|_| InvalidOrigins::Unusual)?.origin();
    match &origin {
        Origin::Tuple(..) if origin.ascii_serialization() == text => Ok(text.to_owned()),
        _ => Err(InvalidOrigins::Unusual),
    }
}

/// The middleware round [`CrossOrigins::cors`]: a refused preflight is told in a problem document, and an answer that no
/// page may read says nothing of what a page could read in it.
pub async fn plainly(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let mut response = next.call(request).await?.map_into_boxed_body();
    if let Some(refused) = response.response().error().and_then(|error| error.as_error::<CorsError>()) {
        let problem = refusal(refused);
        return Ok(response.into_response(HttpResponse::from_error(problem)));
    }
    let headers = response.headers_mut();
    if !headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
        headers.remove(ACCESS_CONTROL_EXPOSE_HEADERS);
    }
    Ok(response)
}

fn refusal(error: &CorsError) -> Problem {
    let detail = match error {
        CorsError::MethodNotAllowed | CorsError::BadRequestMethod => "Pages of other origins may not use this method",
        CorsError::HeadersNotAllowed | CorsError::BadRequestHeaders => {
            "Pages of other origins may not send these headers"
        }
        _ => "Pages of this origin may not ask here",
    };
    Problem::new(Status::Forbidden, "cors_refused", detail).with_header(VARY.as_str(), VARIES_BY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> InvalidOrigins {
        text.parse::<CrossOrigins>().unwrap_err()
    }

    #[test]
    fn origins_are_divided_by_commas() {
        let origins: CrossOrigins = "https://app.example.org, http://localhost:3000,http://[::1]:8080".parse().unwrap();
        assert_eq!(*origins.0, ["https://app.example.org", "http://localhost:3000", "http://[::1]:8080"]);
    }

    #[test]
    fn what_is_no_origin_is_refused_with_the_reason() {
        for text in ["*", "https://*.example.org", "https://app.example.org,*"] {
            assert_eq!(error(text), InvalidOrigins::Wildcard, "{text}");
        }
        assert_eq!(error("null"), InvalidOrigins::Null);
        for text in ["app.example.org", "ftp://app.example.org", "file:///", "", "https://app.example.org,"] {
            assert_eq!(error(text), InvalidOrigins::Scheme, "{text}");
        }
        for text in ["https://app.example.org/", "https://app.example.org/a", "https://app.example.org?a", "http://a#b"]
        {
            assert_eq!(error(text), InvalidOrigins::Path, "{text}");
        }
        for text in [
            "https://App.example.org",
            "HTTPS://app.example.org",
            "https://app.example.org:443",
            "http://app.example.org:80",
            "https://ada@app.example.org",
            "https://",
            "https://app example.org",
            "https://bücher.example",
        ] {
            assert_eq!(error(text), InvalidOrigins::Unusual, "{text}");
        }
        let many = vec!["https://app.example.org"; MOST + 1].join(",");
        assert_eq!(error(&many), InvalidOrigins::TooMany);
    }
}
