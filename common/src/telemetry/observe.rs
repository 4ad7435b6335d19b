//! What happens round every request: an id, a span, a log line, a count.

use std::time::Instant;

use actix_web::{
    HttpMessage,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};
use tracing::{Instrument, Span};
use uuid::Uuid;

use super::metrics::Metrics;
use crate::problem::Problem;

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of the request at hand: the gateway's, or one made here.
#[derive(Debug, Clone)]
pub struct RequestId(String);

impl RequestId {
    fn of(request: &ServiceRequest) -> Self {
        let given = request.headers().get(&REQUEST_ID).and_then(|value| value.to_str().ok());
        Self(given.filter(|id| is_request_id(id)).map_or_else(new_request_id, str::to_owned))
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_request_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

#[expect(clippy::disallowed_methods, reason = "a request id decides nothing: it only tells log lines apart")]
fn new_request_id() -> String {
    Uuid::now_v7().simple().to_string()
}

/// The middleware. Needs `web::Data<Metrics>`.
pub async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let id = RequestId::of(&request);
    request.extensions_mut().insert(id.clone());
    let watched = Watched::begin(&request, &id);

    let result = next.call(request).instrument(watched.span.clone()).await;

    let status = result.as_ref().map_or_else(|error| error.as_response_error().status_code(), ServiceResponse::status);
    watched.answered(status.as_u16());
    let mut response = name_the_request(result?.map_into_boxed_body(), &id);
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(REQUEST_ID.clone(), value);
    }
    Ok(response)
}

/// What nginx calls a request whose client did not wait for the answer.
const CLIENT_GONE: u16 = 499;

/// A request under way. Dropped before it is answered, it is logged and counted all the same: its client went away.
struct Watched {
    started: Instant,
    method: &'static str,
    route: String,
    span: Span,
    metrics: Option<web::Data<Metrics>>,
    answered: bool,
}

impl Watched {
    fn begin(request: &ServiceRequest, id: &RequestId) -> Self {
        Self {
            started: Instant::now(),
            method: known(request.method()),
            route: request.match_pattern().unwrap_or_else(|| "unmatched".to_owned()),
            span: tracing::info_span!("request", request_id = %id.as_str()),
            metrics: request.app_data::<web::Data<Metrics>>().cloned(),
            answered: false,
        }
    }

    fn answered(mut self, status: u16) {
        self.answered = true;
        self.end(status);
    }

    fn end(&self, status: u16) {
        let Self { method, route, .. } = self;
        let duration = self.started.elapsed();
        self.span.in_scope(|| {
            let duration_ms = duration.as_secs_f64() * 1000.0;
            if status >= 500 {
                tracing::warn!(method, route, status, duration_ms, "answered");
            } else if status == CLIENT_GONE {
                tracing::info!(method, route, status, duration_ms, "the client went away");
            } else {
                tracing::info!(method, route, status, duration_ms, "answered");
            }
        });
        if let Some(metrics) = &self.metrics {
            metrics.count(method, route, status, duration);
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.answered {
            self.end(CLIENT_GONE);
        }
    }
}

/// A client may invent methods; the metrics must not grow with them.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Puts the request's id into the body of a problem.
fn name_the_request(response: ServiceResponse, id: &RequestId) -> ServiceResponse {
    let problem = response.response().error().and_then(|error| error.as_error::<Problem>()).cloned();
    match problem.map(|problem| serde_json::to_string(&problem.with_request_id(id.as_str()))) {
        Some(Ok(body)) => response.map_body(|_, _| BoxBody::new(body)),
        _ => response,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use proptest::{collection::vec, prelude::*};

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn an_id_is_fit_for_a_header_and_a_log_whatever_was_sent(
            sent in prop_oneof!["[-._a-zA-Z0-9]{0,70}".prop_map(Into::into), vec(any::<u8>(), 0..80)],
        ) {
            let Ok(value) = HeaderValue::from_bytes(&sent) else { return Ok(()) };
            let request = TestRequest::default().insert_header((REQUEST_ID.clone(), value)).to_srv_request();
            let id = RequestId::of(&request);
            prop_assert!(is_request_id(id.as_str()));
            let plain = sent.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(byte));
            let kept = plain && (1..=64).contains(&sent.len());
            prop_assert_eq!(id.as_str().as_bytes() == &sent[..], kept);
        }
    }
}
