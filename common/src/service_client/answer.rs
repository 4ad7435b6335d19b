//! What a peer has answered, read within the limits of its call.

use reqwest::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderMap},
};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::time::{Instant, timeout_at};

use super::{
    error::{CallError, NoAnswer},
    token_endpoint::is_word,
};
use crate::outbound::{self, OutboundError};

/// A longer problem document is not read.
const LONGEST_PROBLEM: usize = 16 * 1024;

/// An answer, of whatever status. Redirects are answers as any other.
#[derive(Debug)]
pub struct Answer {
    response: Response,
    peer: String,
    limit: usize,
    deadline: Instant,
}

/// The member of a problem document (RFC 9457) that programs may rely on.
#[derive(Deserialize)]
struct ProblemDocument {
    code: String,
}

impl Answer {
    pub(super) fn new(response: Response, peer: String, limit: usize, deadline: Instant) -> Self {
        Self { response, peer, limit, deadline }
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// This answer, if its status is one of success; otherwise [`CallError::Status`] with the code of the problem.
    pub async fn success(self) -> Result<Self, CallError> {
        if self.status().is_success() {
            return Ok(self);
        }
        let (peer, status) = (self.peer.clone(), self.status().as_u16());
        Err(CallError::Status { peer, status, code: self.problem_code().await })
    }

    /// `code`, where this is a problem document that can be read.
    pub async fn problem_code(self) -> Option<String> {
        let content_type = self.headers().get(CONTENT_TYPE)?.to_str().ok()?;
        let is_problem = content_type.split(';').next()?.trim().eq_ignore_ascii_case("application/problem+json");
        if !is_problem {
            return None;
        }
        let body = self.bytes(LONGEST_PROBLEM).await.ok()?;
        let ProblemDocument { code } = serde_json::from_slice(&body).ok()?;
        is_word(&code).then_some(code)
    }

    /// The body as JSON.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T, CallError> {
        let (peer, limit) = (self.peer.clone(), self.limit);
        let body = self.bytes(limit).await?;
        serde_json::from_slice(&body).map_err(|_| CallError::NotUnderstood { peer })
    }

    /// The body, if it has at most `limit` bytes.
    pub async fn bytes(self, limit: usize) -> Result<Vec<u8>, CallError> {
        let Self { response, peer, deadline, .. } = self;
        let no_answer = |why| CallError::NoAnswer { peer: peer.clone(), why };
        match timeout_at(deadline, outbound::body(response, limit)).await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(OutboundError::TooLong(limit))) => Err(CallError::TooLong { peer, limit }),
            Ok(Err(_)) => Err(no_answer(NoAnswer::BrokenOff)),
            Err(_) => Err(no_answer(NoAnswer::NotInTime)),
        }
    }
}
