//! The form of a request (RFC 6749, section 3.2): what is not known is ignored, what is empty is as good as missing, and
//! nothing comes twice.

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload, error::PayloadError, http::header::CONTENT_TYPE, web::Bytes};

use super::errors::OAuthError;

/// What may come more than once: a token may be for several (RFC 8693, section 2.1).
const REPEATABLE: [&str; 2] = ["audience", "resource"];

/// Far more than any request has. Each is compared with all the others.
const MOST_PARAMETERS: usize = 64;

/// The parameters of a request, in their order.
#[derive(Debug, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a body of the media type that `content_type` says.
    pub(super) fn read(content_type: &str, body: &[u8]) -> Result<Self, OAuthError> {
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(OAuthError::invalid_request("The body must be application/x-www-form-urlencoded"));
        }
        let parameters: Vec<(String, String)> = serde_urlencoded::from_bytes(body)
            .map_err(|_| OAuthError::invalid_request("The form cannot be understood"))?;
        if parameters.len() > MOST_PARAMETERS {
            return Err(OAuthError::invalid_request("There are too many parameters"));
        }
        let repeated = parameters.iter().enumerate().any(|(position, (name, _))| {
            let before = parameters.iter().take(position).any(|(other, _)| other == name);
            before && !REPEATABLE.contains(&name.as_str())
        });
        if repeated {
            return Err(OAuthError::invalid_request("A parameter is there more than once"));
        }
        Ok(Self(parameters.into_iter().filter(|(_, value)| !value.is_empty()).collect()))
    }

    /// A parameter that may be left out.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that may come more than once.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

impl FromRequest for Form {
    type Error = OAuthError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, OAuthError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let body = Bytes::from_request(request, payload);
        Box::pin(async move {
            let body = body.await.map_err(|error| match error.as_error::<PayloadError>() {
                Some(PayloadError::Overflow) => OAuthError::too_large(),
                _ => OAuthError::invalid_request("The form cannot be read"),
            })?;
            Self::read(&content_type, &body)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded";

    #[test]
    fn nothing_comes_twice_but_audience_and_resource() {
        let form = |body: &str| Form::read(FORM, body.as_bytes());
        let read = form("a=1&audience=x&audience=y&b=&c=%26+").unwrap();
        assert_eq!((read.get("a"), read.get("b"), read.get("c")), (Some("1"), None, Some("& ")));
        assert_eq!(read.all("audience").collect::<Vec<_>>(), ["x", "y"]);
        for body in ["a=1&a=1", "a=&a=1", "scope=a&x=&scope=b"] {
            assert!(form(body).is_err(), "{body}");
        }
        assert!(form(&"audience=x&".repeat(64)).is_ok() && form(&"audience=x&".repeat(65)).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn a_form_is_read_under_its_own_media_type_only(
            content_type in prop_oneof!["application/x-www-form-urlencoded[; a-z]{0,4}", ".{0,60}"],
            body in prop_oneof!["(grant_type|scope|=|&|%[0-9A-F]{2}|a){0,12}".prop_map(Into::into), vec(any::<u8>(), 0..9)],
        ) {
            let media_type = content_type.split(';').next().unwrap().trim();
            let is_form = media_type.eq_ignore_ascii_case(FORM);
            prop_assert!(Form::read(&content_type, &body).is_err() || is_form);
        }
    }
}
