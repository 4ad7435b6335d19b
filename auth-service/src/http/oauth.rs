//! `POST /oauth/token`, with the errors of RFC 6749, section 5.2.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    web::{self, Bytes},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use common::scope::Scope;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{client_address::ClientAddress, problems::whole_seconds, token_answer::TokenAnswer};
use crate::{
    domain::client::{ClientId, ClientSecret},
    ports::StoreError,
    service::{
        Deps, Trouble,
        client_credentials::{ClientCredentials, ClientError, client_credentials},
    },
};

/// The form of a token request.
#[derive(Deserialize, ToSchema)]
pub struct TokenForm {
    /// `client_credentials`
    grant_type: String,
    /// What the token shall allow, words divided by spaces; everything that the client may, when it is left out.
    scope: Option<String>,
}

/// An error of RFC 6749, section 5.2.
#[derive(Debug, Serialize, ToSchema)]
pub struct OAuthError {
    /// `invalid_request`, `invalid_client`, `unauthorized_client`, `unsupported_grant_type`, `invalid_scope` or
    /// `temporarily_unavailable` or `server_error`.
    error: &'static str,
    /// The same in a sentence.
    error_description: &'static str,
    #[serde(skip)]
    #[schema(ignore)]
    status: StatusCode,
    /// In seconds.
    #[serde(skip)]
    #[schema(ignore)]
    retry_after: Option<u64>,
}

impl OAuthError {
    fn new(status: StatusCode, error: &'static str, error_description: &'static str) -> Self {
        Self { error, error_description, status, retry_after: None }
    }

    fn invalid_request(description: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", description)
    }

    fn invalid_client() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_client", "The client is not known or its secret is wrong")
    }

    fn answer(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status);
        if self.status == StatusCode::UNAUTHORIZED {
            answer.insert_header((WWW_AUTHENTICATE, r#"Basic realm="latchkey""#));
        }
        if let Some(seconds) = self.retry_after {
            answer.insert_header((RETRY_AFTER, seconds.to_string()));
        }
        answer.json(self)
    }
}

impl From<ClientError> for OAuthError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::InvalidClient => Self::invalid_client(),
            ClientError::UnauthorizedClient => {
                Self::new(StatusCode::BAD_REQUEST, "unauthorized_client", "The client may not use this grant")
            }
            ClientError::InvalidScope => {
                Self::new(StatusCode::BAD_REQUEST, "invalid_scope", "The client may not have this scope")
            }
            ClientError::Trouble(trouble) => trouble.into(),
        }
    }
}

impl From<Trouble> for OAuthError {
    fn from(trouble: Trouble) -> Self {
        let unavailable = |status, description, seconds| Self {
            retry_after: Some(seconds),
            ..Self::new(status, "temporarily_unavailable", description)
        };
        match trouble {
            Trouble::Throttled { retry_after, .. } => {
                let seconds = whole_seconds(retry_after);
                unavailable(StatusCode::TOO_MANY_REQUESTS, "Too many attempts have failed; wait and try again", seconds)
            }
            Trouble::Store(StoreError::Unavailable(_)) | Trouble::Busy | Trouble::Contended => {
                tracing::warn!(%trouble, "answered 503");
                unavailable(StatusCode::SERVICE_UNAVAILABLE, "Try again in a moment", 1)
            }
            Trouble::Store(StoreError::Inconsistent(_)) | Trouble::Internal(_) => {
                tracing::error!(%trouble, "answered 500");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "Something went wrong here")
            }
        }
    }
}

/// A token for a service itself: the client shows its id and secret by HTTP Basic (RFC 6749, section 2.3.1).
#[utoipa::path(
    post, path = "/oauth/token", tag = "services",
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "A token, without a refresh token", body = TokenAnswer),
        (status = 400, description = "`invalid_request`, `unsupported_grant_type`, `unauthorized_client` or `invalid_scope`", body = OAuthError),
        (status = 401, description = "`invalid_client`", body = OAuthError),
        (status = 429, description = "`temporarily_unavailable`: too many attempts have failed; wait for `Retry-After` seconds", body = OAuthError),
        (status = 503, description = "`temporarily_unavailable`: try again after `Retry-After` seconds", body = OAuthError),
    ),
    security(("client" = []))
)]
pub async fn token(deps: web::Data<Deps>, request: HttpRequest, address: ClientAddress, body: Bytes) -> HttpResponse {
    match issue(&deps, &request, address, &body).await {
        Ok(answer) => HttpResponse::Ok().json(answer),
        Err(error) => error.answer(),
    }
}

async fn issue(
    deps: &Deps,
    request: &HttpRequest,
    address: ClientAddress,
    body: &[u8],
) -> Result<TokenAnswer, OAuthError> {
    let form = form(request, body)?;
    if form.grant_type != "client_credentials" {
        return Err(OAuthError::new(
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
            "grant_type must be client_credentials",
        ));
    }
    let (id, secret) = basic_credentials(request)?;
    let scope = form.scope.map(|text| text.parse::<Scope>()).transpose();
    let scope = scope
        .map_err(|_| OAuthError::new(StatusCode::BAD_REQUEST, "invalid_scope", "The scope cannot be understood"))?;
    Ok(client_credentials(deps, &ClientCredentials { id, secret, scope, address: address.0 }).await?.into())
}

/// Members that are not known are ignored, repeated ones refused (RFC 6749, section 3.2).
fn form(request: &HttpRequest, body: &[u8]) -> Result<TokenForm, OAuthError> {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(OAuthError::invalid_request("The body must be application/x-www-form-urlencoded"));
    }
    serde_urlencoded::from_bytes(body)
        .map_err(|_| OAuthError::invalid_request("The form needs grant_type, once, and may have scope, once"))
}

/// Both halves are form-encoded before they become Basic (RFC 6749, section 2.3.1); ours have nothing to encode.
fn basic_credentials(request: &HttpRequest) -> Result<(ClientId, ClientSecret), OAuthError> {
    let mut values = request.headers().get_all(AUTHORIZATION);
    let (Some(value), None) = (values.next(), values.next()) else { return Err(OAuthError::invalid_client()) };
    let text = value.to_str().ok().and_then(|text| text.split_once(' '));
    let encoded = text.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic")).map(|(_, encoded)| encoded.trim());
    let decoded = encoded.and_then(|encoded| STANDARD.decode(encoded).ok());
    let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(OAuthError::invalid_client)?;
    let (id, secret) = decoded.split_once(':').ok_or_else(OAuthError::invalid_client)?;
    let id = id.parse().map_err(|_| OAuthError::invalid_client())?;
    Ok((id, ClientSecret::presented(SecretString::from(secret.to_owned()))))
}

#[cfg(test)]
mod tests {
    use actix_web::{http::header::HeaderValue, test::TestRequest};
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::*;

    fn read(values: &[&[u8]]) -> Option<(String, String)> {
        let values = values.iter().filter_map(|value| HeaderValue::from_bytes(value).ok());
        let request =
            values.fold(TestRequest::default(), |request, value| request.append_header((AUTHORIZATION, value)));
        let (id, secret) = basic_credentials(&request.to_http_request()).ok()?;
        Some((id.to_string(), secret.expose().to_owned()))
    }

    #[test]
    fn credentials_come_once() {
        let good = format!("Basic {}", STANDARD.encode("reports:lkc_x:y"));
        assert_eq!(read(&[good.as_bytes()]), Some(("reports".to_owned(), "lkc_x:y".to_owned())));
        assert_eq!(read(&[good.as_bytes(), good.as_bytes()]), None);
        assert_eq!(read(&[]), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn what_is_read_is_what_was_written(
            scheme in select(vec!["Basic ", "Basic  ", "bAsIc ", "Bearer ", "Basic", ""]),
            decoded in prop_oneof!["[a-z]{0,4}[-0-9]{0,3}:?[!-~]{0,20}".prop_map(Into::into), vec(any::<u8>(), 0..40)],
            spoiled in prop::option::weighted(0.2, vec(any::<u8>(), 1..4)),
        ) {
            let spoiled = spoiled.unwrap_or_default();
            let value = [scheme.as_bytes(), STANDARD.encode(&decoded).as_bytes(), &spoiled].concat();
            if let Some((id, secret)) = read(&[&value]) {
                prop_assert!(scheme.trim_end().eq_ignore_ascii_case("basic"));
                prop_assert_eq!(format!("{id}:{secret}").into_bytes(), decoded);
                prop_assert!(spoiled.trim_ascii().is_empty());
            }
        }

        #[test]
        fn a_form_is_read_under_its_own_media_type_only(
            content_type in prop_oneof!["application/x-www-form-urlencoded[; a-z]{0,4}", ".{0,60}"],
            body in prop_oneof!["(grant_type|scope|=|&|%[0-9A-F]{2}|a){0,12}".prop_map(Into::into), vec(any::<u8>(), 0..9)],
        ) {
            let Ok(value) = HeaderValue::from_str(&content_type) else { return Ok(()) };
            let request = TestRequest::default().insert_header((CONTENT_TYPE, value)).to_http_request();
            let media_type = content_type.split(';').next().unwrap().trim();
            let is_form = media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded");
            prop_assert!(form(&request, &body).is_err() || is_form);
        }
    }
}
