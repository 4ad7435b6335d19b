//! What a collector learns about a request that went to both services.

use std::sync::Arc;

use common::{
    clock::{Clock, SystemClock},
    testing::ManualClock,
};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use reqwest::Method;
use serde_json::json;

use crate::support::{
    auth::{answer::Answer, service::Backend::Sqlite, wait::until},
    collector::{Collector, Received, hex},
    resource::Resource,
    system::System,
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// What is told of a span, but for its own id.
fn told(received: &Received) -> [String; 5] {
    let status = received.attribute("http.response.status_code");
    let route = received.attribute("http.route");
    let parent = hex(&received.span.parent_span_id);
    [received.service.clone(), received.span.name.clone(), route, status, parent]
}

#[tokio::test]
async fn both_services_add_to_the_trace_of_the_traceparent() {
    let collector = Collector::start();
    let setting = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address.as_str())];
    let mut system = System::start_with(Sqlite, &setting, &setting).await;
    system.resource.heard().await;
    let (_, ada) = system.logged_in("ada").await;
    let traceparent = format!("00-{TRACE}-{PARENT}-01");
    let me = system.home.request(Method::GET, "/auth/me").header("traceparent", &traceparent);
    assert_eq!(Answer::of(me.bearer_auth(&ada.access).header("tracestate", "vendor=opaque")).await.status, 200);
    let note = system.resource.get("/api/notes/00000000-0000-7000-8000-000000000000");
    assert_eq!(Answer::of(note.header("traceparent", &traceparent).bearer_auth(&ada.access)).await.status, 404);

    // Ending sends what waits.
    system.resource.stop().await;
    system.home.stop().await;
    let mut spans = collector.trace(TRACE);
    spans.sort_by(|one, other| one.service.cmp(&other.service));
    let expected = [
        ["auth-service", "GET /auth/me", "/auth/me", "200", PARENT],
        ["resource-service", "GET /api/notes/{id}", "/api/notes/{id}", "404", PARENT],
    ];
    assert_eq!(spans.iter().map(told).collect::<Vec<_>>(), expected);
    assert_eq!(spans[0].span.trace_state, "vendor=opaque");
    for Received { span, .. } in &spans {
        assert_eq!(span.kind(), SpanKind::Server);
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano && span.start_time_unix_nano > 0);
    }
    assert_ne!(spans[0].span.span_id, spans[1].span.span_id);
}

#[tokio::test]
async fn a_call_to_the_next_service_is_a_part_of_the_trace() {
    let collector = Collector::start();
    let setting = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address.as_str())];
    let mut system = System::start_with(Sqlite, &setting, &setting).await;
    system.resource.heard().await;
    let ((_, ada), _) = (system.logged_in("ada").await, system.logged_in("bob").await);
    let note = json!({"title": "Sums", "body": "1 + 1"});
    let note = system.resource.request(Method::POST, "/api/notes").bearer_auth(&ada.access).json(&note);
    let address = Answer::of(note).await.header("location").unwrap().to_owned();
    let share = system.resource.request(Method::POST, &format!("{address}/shares")).json(&json!({"username": "bob"}));
    let share = share.header("traceparent", format!("00-{TRACE}-{PARENT}-01")).bearer_auth(&ada.access);
    assert_eq!(Answer::of(share).await.status, 201);

    system.resource.stop().await;
    system.auth_goes_away().await;
    let spans = collector.trace(TRACE);
    let find = |name: &str| spans.iter().find(|it| it.span.name == name).unwrap_or_else(|| panic!("{spans:#?}"));
    let (shared, looked_up) = (find("POST /api/notes/{id}/shares"), find("GET /internal/users"));
    assert_eq!((shared.service.as_str(), looked_up.service.as_str()), ("resource-service", "auth-service"));
    assert_eq!(hex(&shared.span.parent_span_id), PARENT);
    assert_eq!(looked_up.span.parent_span_id, shared.span.span_id);
}

#[tokio::test]
async fn a_full_batch_goes_out_by_itself_and_a_trace_that_nobody_collects_is_not_in_it() {
    let collector = Collector::start();
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let resource = Resource::start(clock, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.address)]).await;
    let ask = async |traceparent: String| {
        let request = resource.get("/nowhere").header("traceparent", traceparent);
        assert_eq!(request.send().await.unwrap().status(), 404);
    };
    let unsampled = TRACE.replace('4', "5");
    ask(format!("00-{unsampled}-{PARENT}-00")).await;
    for _ in 0..512 {
        ask(format!("00-{TRACE}-{PARENT}-01")).await;
    }
    until("the batch has arrived", async || collector.trace(TRACE).len() == 512).await;
    assert!(collector.trace(&unsampled).is_empty());
}
