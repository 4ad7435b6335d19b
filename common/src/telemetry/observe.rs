//! What happens round every request: a context, a span, a log line, a count.

use std::time::Instant;

use actix_web::{
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

use super::{
    metrics::Metrics,
    traces::{Answered, Traces},
};
use crate::{
    context::{RequestContext, RequestId, within},
    problem::Problem,
    rng::SystemRng,
};

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The middleware. Needs `web::Data` of [`Metrics`] and [`Traces`].
pub async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let context = context_of(&request);
    let watched = Watched::begin(&request, context.clone());

    let handled = next.call(request).instrument(watched.span.clone());
    let result = within(context.clone(), handled).await;

    let status = result.as_ref().map_or_else(|error| error.as_response_error().status_code(), ServiceResponse::status);
    watched.answered(status.as_u16());
    let id = context.request_id();
    let mut response = name_the_request(result?.map_into_boxed_body(), id);
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(REQUEST_ID.clone(), value);
    }
    Ok(response)
}

fn context_of(request: &ServiceRequest) -> RequestContext {
    let headers = request.headers();
    let request_id = headers.get(&REQUEST_ID).and_then(|value| value.to_str().ok());
    let mut parents = headers.get_all(&TRACEPARENT);
    // Of two, nobody could say which is meant.
    let traceparent = parents.next().filter(|_| parents.next().is_none()).and_then(|value| value.to_str().ok());
    let states: Option<Vec<_>> = headers.get_all(&TRACESTATE).map(|value| value.to_str().ok()).collect();
    let tracestate = states.filter(|states| !states.is_empty()).map(|states| states.join(","));
    RequestContext::received(request_id, traceparent, tracestate.as_deref(), &SystemRng)
}

/// What nginx calls a request whose client did not wait for the answer.
const CLIENT_GONE: u16 = 499;

/// The route of an address that no route has.
const UNMATCHED: &str = "unmatched";

/// A request under way. Dropped before it is answered, it is logged and counted all the same: its client went away.
struct Watched {
    started: Instant,
    method: &'static str,
    route: String,
    context: RequestContext,
    span: Span,
    metrics: Option<web::Data<Metrics>>,
    traces: Option<web::Data<Traces>>,
    answered: bool,
}

impl Watched {
    fn begin(request: &ServiceRequest, context: RequestContext) -> Self {
        let trace = context.trace();
        let span = tracing::info_span!(
            "request",
            request_id = %context.request_id(),
            trace_id = %trace.trace_id(),
            span_id = %trace.span_id(),
            parent_span_id = trace.parent_id().map(tracing::field::display),
        );
        Self {
            started: Instant::now(),
            method: known(request.method()),
            route: request.match_pattern().unwrap_or_else(|| UNMATCHED.to_owned()),
            context,
            span,
            metrics: request.app_data::<web::Data<Metrics>>().cloned(),
            traces: request.app_data::<web::Data<Traces>>().cloned(),
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
        if let Some(traces) = &self.traces {
            let route = (route != UNMATCHED).then_some(route.as_str());
            traces.answered(&Answered { trace: self.context.trace(), method, route, status, duration });
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
    use actix_web::{
        App,
        middleware::from_fn,
        test::{self, TestRequest},
    };
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::context::{carried, current};

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    fn context_with(headers: &[(&HeaderName, &str)]) -> RequestContext {
        let append = |request: TestRequest, (name, value): &(&HeaderName, &str)| {
            request.append_header(((*name).clone(), (*value).to_owned()))
        };
        context_of(&headers.iter().fold(TestRequest::default(), append).to_srv_request())
    }

    #[test]
    fn the_trace_of_the_headers_goes_on_here() {
        let parent = format!("00-{TRACE}-b7ad6b7169203331-00");
        let context = context_with(&[(&TRACEPARENT, &parent), (&TRACESTATE, "a=1"), (&TRACESTATE, "b=2")]);
        let trace = context.trace();
        assert_eq!(trace.trace_id().to_string(), TRACE);
        assert_eq!(trace.parent_id().unwrap().to_string(), "b7ad6b7169203331");
        assert_eq!(trace.state().unwrap().as_str(), "a=1,b=2");
        assert!(!trace.is_sampled());
    }

    #[test]
    fn two_parents_are_none() {
        let parent = format!("00-{TRACE}-b7ad6b7169203331-01");
        let context = context_with(&[(&TRACEPARENT, &parent), (&TRACEPARENT, &parent), (&TRACESTATE, "a=1")]);
        assert_ne!(context.trace().trace_id().to_string(), TRACE);
        assert_eq!((context.trace().parent_id(), context.trace().state()), (None, None));
    }

    #[actix_web::test]
    async fn a_handler_and_what_it_starts_know_their_request() {
        let headers = || async {
            let started = tokio::spawn(carried(async { current().map(|context| context.headers()) }));
            assert_eq!(started.await.unwrap(), current().map(|context| context.headers()));
            web::Json(current().map(|context| context.headers()))
        };
        let app = test::init_service(App::new().wrap(from_fn(observe)).default_service(web::to(headers))).await;
        let parent = format!("00-{TRACE}-b7ad6b7169203331-01");
        let request = TestRequest::default().insert_header((TRACEPARENT.clone(), parent));
        let request = request.insert_header((REQUEST_ID.clone(), "the-request")).to_request();
        let headers: Vec<(String, String)> = test::call_and_read_body_json(&app, request).await;
        assert_eq!(headers[0], ("x-request-id".to_owned(), "the-request".to_owned()));
        assert!(headers[1].0 == "traceparent" && headers[1].1.contains(TRACE), "{headers:?}");
        assert!(current().is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn a_context_is_fit_for_headers_and_a_log_whatever_was_sent(
            sent in prop_oneof![
                "[-._a-zA-Z0-9]{0,70}".prop_map(Into::into),
                "00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]".prop_map(Into::into),
                "[a-z]=[!-~ ]{0,10},[a-z]=[!-~]{0,10}".prop_map(Into::into),
                vec(any::<u8>(), 0..80),
            ],
        ) {
            let Ok(value) = HeaderValue::from_bytes(&sent) else { return Ok(()) };
            let named = |name: &HeaderName| (name.clone(), value.clone());
            let request = TestRequest::default().insert_header(named(&REQUEST_ID)).insert_header(named(&TRACEPARENT));
            let context = context_of(&request.insert_header(named(&TRACESTATE)).to_srv_request());
            for (name, value) in context.headers() {
                let fit = value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte));
                prop_assert!(fit && HeaderValue::from_str(&value).is_ok(), "{}: {:?}", name, value);
            }
            let id = context.request_id();
            prop_assert_eq!(RequestId::parse(id.as_str()), Some(id.clone()));
        }
    }
}
