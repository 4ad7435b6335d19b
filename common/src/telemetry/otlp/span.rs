//! An answered request as a span, in the words of OpenTelemetry's conventions for HTTP servers.

use std::borrow::Cow;

use opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceState},
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use super::Answered;
use crate::{
    clock::{Clock, SystemClock},
    context::TraceContext,
};

pub(super) fn of(request: &Answered<'_>, instrumentation_scope: InstrumentationScope) -> SpanData {
    let Answered { trace, method, route, status, duration } = *request;
    let end = SystemClock.now();
    let mut attributes = vec![
        KeyValue::new("http.request.method", if method == "other" { "_OTHER" } else { method }),
        KeyValue::new("http.response.status_code", i64::from(status)),
    ];
    attributes.extend(route.map(|route| KeyValue::new("http.route", route.to_owned())));
    let failed = status >= 500;
    if failed {
        attributes.push(KeyValue::new("error.type", status.to_string()));
    }
    SpanData {
        span_context: span_context(trace),
        parent_span_id: trace.parent_id().map_or(SpanId::INVALID, |parent| SpanId::from(parent.get())),
        parent_span_is_remote: trace.parent_id().is_some(),
        span_kind: SpanKind::Server,
        name: name(method, route),
        start_time: (end - duration).to_system_time(),
        end_time: end.to_system_time(),
        attributes,
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: if failed { Status::error("") } else { Status::Unset },
        instrumentation_scope,
    }
}

fn span_context(trace: &TraceContext) -> SpanContext {
    let state: Option<TraceState> = trace.state().and_then(|state| state.as_str().parse().ok());
    SpanContext::new(
        trace.trace_id().get().into(),
        trace.span_id().get().into(),
        TraceFlags::new(trace.flags()),
        false,
        state.unwrap_or_default(),
    )
}

fn name(method: &'static str, route: Option<&str>) -> Cow<'static, str> {
    let method = if method == "other" { "HTTP" } else { method };
    route.map_or(Cow::Borrowed(method), |route| Cow::Owned(format!("{method} {route}")))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::rng::SystemRng;

    fn span(method: &'static str, route: Option<&str>, status: u16) -> SpanData {
        let sent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let trace = TraceContext::received(Some(sent), Some("vendor=opaque"), &SystemRng);
        let answered = Answered { trace: &trace, method, route, status, duration: Duration::from_millis(250) };
        let span = of(&answered, InstrumentationScope::default());
        assert_eq!(span.span_context.span_id().to_string(), trace.span_id().to_string());
        span
    }

    #[test]
    fn a_span_has_the_ids_of_its_request() {
        let span = span("GET", Some("/api/notes/{id}"), 200);
        assert_eq!(span.span_context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(span.span_context.trace_state().header(), "vendor=opaque");
        assert_eq!(span.parent_span_id.to_string(), "b7ad6b7169203331");
        assert_eq!(span.end_time.duration_since(span.start_time).unwrap(), Duration::from_millis(250));
        assert_eq!((span.name.as_ref(), span.status), ("GET /api/notes/{id}", Status::Unset));
    }

    #[test]
    fn only_what_is_our_fault_is_an_error() {
        assert_eq!(span("GET", Some("/"), 404).status, Status::Unset);
        let failed = span("GET", Some("/"), 503);
        assert_eq!(failed.status, Status::error(""));
        assert!(failed.attributes.contains(&KeyValue::new("error.type", "503")));
    }

    #[test]
    fn a_client_cannot_make_up_names() {
        let span = span("other", None, 405);
        assert_eq!(span.name, "HTTP");
        assert!(span.attributes.contains(&KeyValue::new("http.request.method", "_OTHER")));
    }
}
