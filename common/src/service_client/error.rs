//! What can go wrong. No text here has a secret in it, or an address beyond scheme, host and port.

use std::time::Duration;

use reqwest::StatusCode;

use super::retry::is_away;
#[cfg(feature = "problem")]
use crate::problem::{Problem, Status};

/// Why nothing came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// Nothing was sent.
    #[error("no connection")]
    NoConnection,
    /// It took too long.
    #[error("not in time")]
    NotInTime,
    /// The connection ended before the answer did.
    #[error("the connection broke off")]
    BrokenOff,
}

impl NoAnswer {
    pub(super) fn of(error: &reqwest::Error) -> Self {
        match () {
            () if error.is_connect() => Self::NoConnection,
            () if error.is_timeout() => Self::NotInTime,
            () => Self::BrokenOff,
        }
    }
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The token endpoint does not answer.
    #[error("the token endpoint gives no answer: {0}")]
    NoAnswer(NoAnswer),
    /// The token endpoint has failed repeatedly, and is not asked before this is over.
    #[error("the token endpoint has failed again and again, and is left alone for a moment")]
    LeftAlone(Duration),
    /// An error of RFC 6749, section 5.2, such as `invalid_client` or `invalid_grant`.
    #[error("the token endpoint refuses: {0}")]
    Refused(String),
    /// Another status than expected.
    #[error("the token endpoint answered with status {0}")]
    Status(u16),
    /// The answer is not of the expected form.
    #[error("the answer of the token endpoint cannot be understood")]
    NotUnderstood,
    /// `SERVICE_CLIENT_KEY` did not sign.
    #[error("the client's key cannot be used")]
    KeyUnusable,
}

/// Why a call has no answer, or none that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The call cannot be made as it was written.
    #[error("the call cannot be made: {0}")]
    Request(&'static str),
    /// No answer, after as many tries as were allowed.
    #[error("{peer} gives no answer: {why}")]
    NoAnswer {
        /// Scheme, host and port.
        peer: String,
        /// What happened in the last try.
        why: NoAnswer,
    },
    /// Nobody was asked.
    #[error("{peer} has failed again and again, and is left alone for a moment")]
    LeftAlone {
        /// Scheme, host and port.
        peer: String,
        /// When it may be asked again.
        retry_after: Duration,
    },
    /// No token of the service's own.
    #[error("no token for this service: {0}")]
    OwnToken(TokenError),
    /// No token on behalf of the user.
    #[error("no token on behalf of the user: {0}")]
    Exchange(TokenError),
    /// See [`Answer::success`](super::Answer::success).
    #[error("{peer} answered with status {status}{}", code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default())]
    Status {
        /// Scheme, host and port.
        peer: String,
        /// The status.
        status: u16,
        /// `code` of the problem document, if it is one.
        code: Option<String>,
    },
    /// The answer is longer than was allowed.
    #[error("{peer} answered with more than {limit} bytes")]
    TooLong {
        /// Scheme, host and port.
        peer: String,
        /// What was allowed.
        limit: usize,
    },
    /// The answer is not of the expected form.
    #[error("the answer of {peer} cannot be understood")]
    NotUnderstood {
        /// Scheme, host and port.
        peer: String,
    },
}

impl CallError {
    /// How long to wait before it is worth while to try again; `None` where waiting changes nothing.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        const SOON: Duration = Duration::from_secs(1);
        match self {
            Self::NoAnswer { .. }
            | Self::OwnToken(TokenError::NoAnswer(_))
            | Self::Exchange(TokenError::NoAnswer(_)) => Some(SOON),
            Self::LeftAlone { retry_after, .. }
            | Self::OwnToken(TokenError::LeftAlone(retry_after))
            | Self::Exchange(TokenError::LeftAlone(retry_after)) => Some((*retry_after).max(SOON)),
            Self::Status { status, .. }
            | Self::OwnToken(TokenError::Status(status))
            | Self::Exchange(TokenError::Status(status)) => is_over_soon(*status).then_some(SOON),
            _ => None,
        }
    }
}

impl CallError {
    /// Whether auth-service gives nothing in exchange for the user's token, which was good enough to get here: the session is
    /// over, most likely (RFC 8693, section 2.2.2).
    #[must_use]
    pub fn refuses_the_user(&self) -> bool {
        let Self::Exchange(TokenError::Refused(code)) = self else { return false };
        matches!(code.as_str(), "invalid_request" | "invalid_grant")
    }
}

fn is_over_soon(status: u16) -> bool {
    StatusCode::from_u16(status).is_ok_and(|status| is_away(status) || status == StatusCode::TOO_MANY_REQUESTS)
}

#[cfg(feature = "problem")]
impl From<CallError> for Problem {
    /// What the caller of a handler is told whose call has failed; the cause goes to the log.
    fn from(error: CallError) -> Self {
        if error.refuses_the_user() {
            tracing::warn!(%error, "answered 401");
            return Self::new(Status::Unauthorized, "invalid_token", "The token is not accepted any more")
                .with_header("WWW-Authenticate", r#"Bearer realm="latchkey", error="invalid_token""#);
        }
        if let Some(pause) = error.retry_after() {
            tracing::warn!(%error, "answered 503");
            let seconds = u32::try_from(pause.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX);
            return Self::unavailable("unavailable", "Another service does not answer; try again in a moment", seconds);
        }
        if let CallError::Request(_) = error {
            tracing::error!(%error, "answered 500");
            return Self::internal();
        }
        tracing::error!(%error, "answered 502");
        Self::new(Status::BadGateway, "bad_gateway", "Another service gave no answer that can be used")
    }
}

#[cfg(all(test, feature = "problem"))]
mod tests {
    use super::*;

    fn answer(error: CallError) -> (u16, &'static str, Option<String>) {
        let problem = Problem::from(error);
        let retry_after = problem.headers().iter().find(|(name, _)| *name == "Retry-After");
        (problem.status(), problem.code(), retry_after.map(|(_, value)| value.clone()))
    }

    #[test]
    fn what_may_be_over_soon_is_503_and_the_rest_says_whose_fault_it_is() {
        let peer = || "http://peer".to_owned();
        let away = CallError::NoAnswer { peer: peer(), why: NoAnswer::NotInTime };
        assert_eq!(answer(away), (503, "unavailable", Some("1".to_owned())));
        let left_alone = CallError::LeftAlone { peer: peer(), retry_after: Duration::from_millis(4_100) };
        assert_eq!(answer(left_alone), (503, "unavailable", Some("5".to_owned())));
        assert_eq!(answer(CallError::OwnToken(TokenError::Status(503))).0, 503);
        assert_eq!(answer(CallError::Exchange(TokenError::Status(429))).0, 503);
        assert_eq!(answer(CallError::OwnToken(TokenError::Refused("invalid_client".to_owned()))).0, 502);
        for code in ["invalid_request", "invalid_grant"] {
            assert_eq!(answer(CallError::Exchange(TokenError::Refused(code.to_owned()))).1, "invalid_token");
        }
        assert_eq!(answer(CallError::Exchange(TokenError::Refused("invalid_target".to_owned()))).0, 502);
        let not_found = CallError::Status { peer: peer(), status: 404, code: Some("not_found".to_owned()) };
        assert_eq!(not_found.to_string(), "http://peer answered with status 404 (not_found)");
        assert_eq!(answer(not_found), (502, "bad_gateway", None));
        assert_eq!(answer(CallError::NotUnderstood { peer: peer() }).0, 502);
        assert_eq!(answer(CallError::Request("it has no host")).0, 500);
    }
}
