//! What goes wrong under `/oauth`, in the words of the standards. The cause stays in the log.

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{RETRY_AFTER, WWW_AUTHENTICATE},
    },
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    domain::exchange::ExchangeRefusal,
    http::problems::whole_seconds,
    ports::StoreError,
    service::{
        Trouble, authenticate_client::ClientError, client_credentials::ClientCredentialsError,
        exchange_token::ExchangeError, refresh::RefreshError, revoke_token::RevokeError,
    },
};

/// An error of `/oauth/…` (RFC 6749, section 5.2).
#[derive(Debug, Serialize, ToSchema)]
pub struct OAuthError {
    /// The stable word for it.
    #[schema(value_type = String, example = "invalid_client")]
    error: &'static str,
    /// For people.
    #[schema(value_type = String)]
    error_description: &'static str,
    #[serde(skip)]
    status: StatusCode,
    #[serde(skip)]
    retry_after: Option<u64>,
}

impl OAuthError {
    const fn new(status: StatusCode, error: &'static str, error_description: &'static str) -> Self {
        Self { error, error_description, status, retry_after: None }
    }

    const fn bad(error: &'static str, description: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, description)
    }

    pub(super) const fn invalid_request(description: &'static str) -> Self {
        Self::bad("invalid_request", description)
    }

    pub(super) const fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request", "The form is too large")
    }

    pub(super) const fn invalid_client() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_client", "The client is not known or its secret is wrong")
    }

    pub(super) const fn unsupported_grant_type() -> Self {
        Self::bad(
            "unsupported_grant_type",
            "grant_type must be client_credentials, refresh_token or urn:ietf:params:oauth:grant-type:token-exchange",
        )
    }

    pub(super) const fn invalid_grant(description: &'static str) -> Self {
        Self::bad("invalid_grant", description)
    }

    /// RFC 8693, section 2.2.2.
    pub(super) const fn invalid_target() -> Self {
        Self::bad("invalid_target", "The client's tokens are not for this audience or resource")
    }

    pub(super) const fn invalid_scope() -> Self {
        Self::bad("invalid_scope", "The scope cannot be understood, or is more than there is to give")
    }

    const fn unauthorized_client() -> Self {
        Self::bad("unauthorized_client", "The client may not use this grant")
    }
}

impl fmt::Display for OAuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.error, self.error_description)
    }
}

impl ResponseError for OAuthError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
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
            ClientError::Trouble(trouble) => trouble.into(),
        }
    }
}

impl From<ClientCredentialsError> for OAuthError {
    fn from(error: ClientCredentialsError) -> Self {
        match error {
            ClientCredentialsError::UnauthorizedClient => Self::unauthorized_client(),
            ClientCredentialsError::InvalidScope => Self::invalid_scope(),
            ClientCredentialsError::Trouble(trouble) => trouble.into(),
        }
    }
}

impl From<RefreshError> for OAuthError {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::InvalidToken(_) => Self::invalid_grant("The refresh token is not valid"),
            RefreshError::InCookie | RefreshError::CsrfFailed => {
                Self::invalid_grant("The refresh token belongs in a cookie, and is refreshed at /auth/refresh")
            }
            RefreshError::LoginRequired => Self::invalid_grant("The session is over; log in again"),
            RefreshError::TokenReused => {
                Self::invalid_grant("A used refresh token came back, so the session was ended everywhere")
            }
            RefreshError::InvalidScope => Self::invalid_scope(),
            RefreshError::Trouble(trouble) => trouble.into(),
        }
    }
}

impl From<ExchangeError> for OAuthError {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::UnauthorizedClient => Self::unauthorized_client(),
            ExchangeError::InvalidSubject(_) => Self::invalid_request("The subject token is not valid"),
            ExchangeError::Refused(refusal) => match refusal {
                ExchangeRefusal::NotForThisClient => {
                    Self::invalid_request("The subject token was not issued for this client's service")
                }
                ExchangeRefusal::TooManyActors => {
                    Self::invalid_request("The subject token has gone through too many services")
                }
                ExchangeRefusal::InvalidScope => Self::invalid_scope(),
                ExchangeRefusal::InvalidTarget => Self::invalid_target(),
            },
            ExchangeError::Trouble(trouble) => trouble.into(),
        }
    }
}

impl From<RevokeError> for OAuthError {
    fn from(error: RevokeError) -> Self {
        match error {
            RevokeError::NotTheClients => Self::invalid_grant("The token was issued to another client"),
            RevokeError::Trouble(trouble) => trouble.into(),
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
