//! As much of an OpenTelemetry collector as tells what was sent to it.

use std::sync::{Arc, Mutex};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, web};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse},
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span,
};
use prost::Message;

pub struct Collector {
    pub address: String,
    received: Arc<Mutex<Vec<Received>>>,
    server: ServerHandle,
}

/// A span, and the service that it came from.
#[derive(Debug, Clone)]
pub struct Received {
    pub service: String,
    pub span: Span,
}

impl Collector {
    pub fn start() -> Self {
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let kept = web::Data::from(Arc::clone(&received));
        let traces = || web::post().to(take);
        let app = move || App::new().app_data(kept.clone()).route("/v1/traces", traces());
        let server = HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
        let address = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { address, received, server: handle }
    }

    /// The spans of one trace, by its id in hexadecimal.
    pub fn trace(&self, id: &str) -> Vec<Received> {
        let received = self.received.lock().unwrap();
        received.iter().filter(|it| hex(&it.span.trace_id) == id).cloned().collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // It goes on by itself; nobody waits for it.
        drop(self.server.stop(false));
    }
}

impl Received {
    pub fn attribute(&self, name: &str) -> String {
        text(&self.span.attributes, name)
    }
}

async fn take(request: HttpRequest, body: web::Bytes, kept: web::Data<Mutex<Vec<Received>>>) -> HttpResponse {
    assert_eq!(request.headers().get("content-type").unwrap(), "application/x-protobuf");
    let sent = ExportTraceServiceRequest::decode(body).unwrap();
    for resource in sent.resource_spans {
        let service = text(&resource.resource.unwrap().attributes, "service.name");
        let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
        kept.lock().unwrap().extend(spans.map(|span| Received { service: service.clone(), span }));
    }
    let answer = ExportTraceServiceResponse::default().encode_to_vec();
    HttpResponse::Ok().content_type("application/x-protobuf").body(answer)
}

fn text(attributes: &[KeyValue], name: &str) -> String {
    let attribute = attributes.iter().find(|attribute| attribute.key == name);
    match attribute.and_then(|attribute| attribute.value.clone()?.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("{name} is {other:?}"),
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
