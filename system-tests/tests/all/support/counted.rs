//! A relay in front of a server, which counts what it passes on.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::ServerHandle,
    http::{
        StatusCode,
        header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING},
    },
    web,
};
use reqwest::{Client, Method};

pub struct Counted {
    pub address: String,
    relay: Arc<Relay>,
    server: ServerHandle,
}

struct Relay {
    to: String,
    http: Client,
    passed_on: AtomicUsize,
}

impl Counted {
    /// In front of the server at `to`.
    pub fn before(to: &str) -> Self {
        let http = Client::builder().no_proxy().build().unwrap();
        let relay = Arc::new(Relay { to: to.to_owned(), http, passed_on: AtomicUsize::new(0) });
        let kept = web::Data::from(Arc::clone(&relay));
        let app = move || App::new().app_data(kept.clone()).default_service(web::to(pass_on));
        let server = HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
        let address = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { address, relay, server: handle }
    }

    pub fn passed_on(&self) -> usize {
        self.relay.passed_on.load(Ordering::SeqCst)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        // It goes on by itself; nobody waits for it.
        drop(self.server.stop(false));
    }
}

async fn pass_on(request: HttpRequest, body: web::Bytes, relay: web::Data<Relay>) -> HttpResponse {
    relay.passed_on.fetch_add(1, Ordering::SeqCst);
    let own = [CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING];
    let method: Method = request.method().as_str().parse().unwrap();
    let mut onward = relay.http.request(method, format!("{}{}", relay.to, request.uri())).body(body);
    for (name, value) in request.headers().iter().filter(|(name, _)| !own.contains(name)) {
        onward = onward.header(name.as_str(), value.as_bytes());
    }
    let answer = onward.send().await.unwrap();
    let mut response = HttpResponse::build(StatusCode::from_u16(answer.status().as_u16()).unwrap());
    for (name, value) in answer.headers() {
        if !own.iter().any(|own| own.as_str() == name.as_str()) {
            response.append_header((name.as_str(), value.as_bytes()));
        }
    }
    response.body(answer.bytes().await.unwrap())
}
