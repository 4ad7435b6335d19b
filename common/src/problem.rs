//! Error answers as problem documents (RFC 9457), with a stable `code` beside the standard members.

use std::{borrow::Cow, fmt};

use serde::Serialize;

/// One thing that is wrong with one member of a request's body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldProblem {
    /// The member's name.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub field: Cow<'static, str>,
    /// What is wrong with it; never its value.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub detail: Cow<'static, str>,
}

/// The body of every answer from 400 up, and the headers that belong to it.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Always `about:blank`: `code` says what `title` does not.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The name of the status.
    title: &'static str,
    /// The status.
    status: u16,
    /// What happened, in a word that programs may rely on.
    code: &'static str,
    /// What happened, in a sentence for people.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    detail: Cow<'static, str>,
    /// What is wrong with which member of the body.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldProblem>,
    /// The request's id, as in the header `X-Request-Id` and in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(skip)]
    headers: Vec<(&'static str, String)>,
}

impl Problem {
    /// A problem with this status, code and sentence.
    pub fn new(status: Status, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind: "about:blank",
            title: status.title(),
            status: status.number(),
            code,
            detail: detail.into(),
            errors: Vec::new(),
            request_id: None,
            headers: Vec::new(),
        }
    }

    /// 400 `bad_request`, naming the member that is wrong.
    pub fn bad_field(field: impl Into<Cow<'static, str>>, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::bad_request().with_field(field, detail)
    }

    /// 400 `bad_request`.
    #[must_use]
    pub fn bad_request() -> Self {
        Self::new(Status::BadRequest, "bad_request", "Bad request parameters")
    }

    /// 404 `not_found`.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(Status::NotFound, "not_found", "There is nothing at this address")
    }

    /// 500 `internal_error`. The cause belongs in the log, not here.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(Status::InternalServerError, "internal_error", "Something went wrong on our side")
    }

    /// 503 with `Retry-After` in seconds.
    #[must_use]
    pub fn unavailable(code: &'static str, detail: &'static str, retry_after: u32) -> Self {
        Self::new(Status::ServiceUnavailable, code, detail).with_header("Retry-After", retry_after.to_string())
    }

    /// Adds what is wrong with a member of the body.
    #[must_use]
    pub fn with_field(mut self, field: impl Into<Cow<'static, str>>, detail: impl Into<Cow<'static, str>>) -> Self {
        self.errors.push(FieldProblem { field: field.into(), detail: detail.into() });
        self
    }

    /// Adds a header to the answer. `value` must be visible ASCII.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Names the request in the body.
    #[must_use]
    pub fn with_request_id(mut self, request_id: impl Into<String>) -> Self {
        self.request_id = Some(request_id.into());
        self
    }

    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The stable word.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What went wrong this time.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The headers that belong to the answer.
    #[must_use]
    pub fn headers(&self) -> &[(&'static str, String)] {
        &self.headers
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.code)
    }
}

impl std::error::Error for Problem {}

macro_rules! statuses {
    ($($name:ident = $number:literal $title:literal,)+) => {
        /// The statuses that Latchkey's problems have: a problem cannot be a success.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Status {
            $(#[doc = $title] $name = $number,)+
        }

        impl Status {
            fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }

            fn number(self) -> u16 {
                self as u16
            }
        }
    };
}

statuses! {
    BadRequest = 400 "Bad Request",
    Unauthorized = 401 "Unauthorized",
    Forbidden = 403 "Forbidden",
    NotFound = 404 "Not Found",
    MethodNotAllowed = 405 "Method Not Allowed",
    Conflict = 409 "Conflict",
    Gone = 410 "Gone",
    PayloadTooLarge = 413 "Content Too Large",
    UnsupportedMediaType = 415 "Unsupported Media Type",
    UnprocessableEntity = 422 "Unprocessable Content",
    TooManyRequests = 429 "Too Many Requests",
    InternalServerError = 500 "Internal Server Error",
    BadGateway = 502 "Bad Gateway",
    ServiceUnavailable = 503 "Service Unavailable",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_stay_out_of_the_body() {
        let problem = Problem::unavailable("retry", "later", 1).with_request_id("r1");
        assert_eq!(
            serde_json::to_value(problem).unwrap(),
            serde_json::json!({"type": "about:blank", "title": "Service Unavailable", "status": 503,
                "code": "retry", "detail": "later", "request_id": "r1"})
        );
    }
}
