//! Servers on free ports that record what they are asked, and a client with a clock of its own.

use std::{
    collections::HashMap,
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::ServerHandle,
    http::StatusCode,
    web::{self, Bytes},
};
use common::{
    clock::Timestamp,
    rng::SystemRng,
    service_client::{ClientProof, Limits, ServiceClient, ServiceClientSettings, Url},
    telemetry::metrics::Metrics,
    testing::ManualClock,
};
use tokio::time::sleep;

pub const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// What a server was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: String,
    pub at: Instant,
}

impl Asked {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The values of a member of the form that was sent.
    pub fn form(&self, name: &str) -> Vec<String> {
        let pairs = form_urlencoded::parse(self.body.as_bytes());
        pairs.filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).collect()
    }
}

/// What a server answers.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    delay: Duration,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new(), delay: Duration::ZERO }
    }

    pub fn json(body: &str) -> Self {
        Self::status(200).with_header("Content-Type", "application/json").with_body(body)
    }

    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub fn with_body(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

type Behaviour = Arc<dyn Fn(&Asked, usize) -> Reply + Send + Sync>;

/// What a server has in common with its workers.
#[derive(Clone)]
struct Shared {
    asked: Arc<Mutex<Vec<Asked>>>,
    behaviour: Arc<Mutex<Behaviour>>,
}

pub struct Server {
    pub address: SocketAddr,
    shared: Shared,
    running: Mutex<Option<ServerHandle>>,
}

impl Server {
    /// A server that answers by `behaviour`, which is told how often it was asked before.
    pub fn start(behaviour: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Shared { asked: Arc::default(), behaviour: Arc::new(Mutex::new(Arc::new(behaviour))) };
        let running = Mutex::new(Some(run(listener, shared.clone())));
        Self { address, shared, running }
    }

    /// auth-service's token endpoint: numbered tokens of five minutes, `own-1` and so on, or `user-1` in exchange.
    pub fn of_tokens() -> Self {
        Self::start(issue)
    }

    /// Answers from now on by `behaviour`.
    pub fn behave(&self, behaviour: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) {
        *self.shared.behaviour.lock().unwrap() = Arc::new(behaviour);
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    pub fn times_asked(&self) -> usize {
        self.shared.asked.lock().unwrap().len()
    }

    /// Goes away: connections are refused.
    pub async fn stop(&self) {
        let running = self.running.lock().unwrap().take();
        running.unwrap().stop(false).await;
    }

    /// Comes back where it was.
    pub fn restart(&self) {
        *self.running.lock().unwrap() = Some(run(TcpListener::bind(self.address).unwrap(), self.shared.clone()));
    }
}

/// A token for whatever is asked.
pub fn issue(asked: &Asked, number: usize) -> Reply {
    let is_exchange = !asked.form("subject_token").is_empty();
    let (kind, number) = (if is_exchange { "user" } else { "own" }, number + 1);
    let issued = r#""issued_token_type":"urn:ietf:params:oauth:token-type:access_token","#;
    let issued = if is_exchange { issued } else { "" };
    Reply::json(&format!(
        r#"{{"access_token":"{kind}-{number}",{issued}"token_type":"Bearer","expires_in":300,"scope":"x"}}"#
    ))
}

fn run(listener: TcpListener, shared: Shared) -> ServerHandle {
    let server =
        HttpServer::new(move || App::new().app_data(web::Data::new(shared.clone())).default_service(web::to(answer)));
    let server = server.workers(1).disable_signals().shutdown_timeout(1).listen(listener).unwrap().run();
    let handle = server.handle();
    tokio::spawn(server);
    handle
}

async fn answer(shared: web::Data<Shared>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let asked = Asked {
        method: request.method().to_string(),
        path: request.uri().to_string(),
        headers: request.headers().iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect(),
        body: text(&body),
        at: Instant::now(),
    };
    let before = {
        let mut all = shared.asked.lock().unwrap();
        all.push(asked.clone());
        all.len() - 1
    };
    let behaviour = Arc::clone(&shared.behaviour.lock().unwrap());
    let Reply { status, headers, body, delay } = behaviour(&asked, before);
    sleep(delay).await;
    let mut response = HttpResponse::build(StatusCode::from_u16(status).unwrap());
    for (name, value) in headers {
        response.append_header((name, value));
    }
    response.body(body)
}

/// A client, its clock and its counts.
pub struct Fixture {
    pub clock: Arc<ManualClock>,
    pub client: ServiceClient,
    metrics: Metrics,
}

impl Fixture {
    pub fn new(tokens: &Server) -> Self {
        Self::with_limits(tokens, Limits::default())
    }

    pub fn with_limits(tokens: &Server, limits: Limits) -> Self {
        Self::with_proof(tokens, limits, ClientProof::Secret("s3cret/+".to_owned().into()))
    }

    pub fn with_proof(tokens: &Server, limits: Limits, proof: ClientProof) -> Self {
        let clock = Arc::new(ManualClock::at(NOW));
        let token_url: Url = tokens.url("/oauth/token").parse().unwrap();
        let audience = token_url.to_string();
        let settings = ServiceClientSettings { token_url, client_id: "reports:1".to_owned(), proof, audience };
        let client =
            ServiceClient::with_limits(settings, limits, Arc::clone(&clock) as _, Arc::new(SystemRng)).unwrap();
        let metrics = Metrics::new("test");
        client.measure(&metrics);
        Self { clock, client, metrics }
    }

    /// The number that follows `name`, labels and all, in the metrics.
    pub fn number(&self, name: &str) -> Option<u64> {
        let text = self.metrics.encode();
        let line = text.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')))?;
        line.rsplit(' ').next()?.parse().ok()
    }

    pub async fn own_token(&self) -> String {
        use secrecy::ExposeSecret;
        self.client.token().await.unwrap().expose_secret().to_owned()
    }
}

/// A peer that does not answer at all is waited for so long in a test.
pub const IMPATIENT: Limits =
    Limits { per_try: Duration::from_secs(1), whole_call: Duration::from_secs(5), tries: 3, body: 64 * 1024 };

/// Longer than anybody waits here.
pub const NEVER: Duration = Duration::from_mins(1);

pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < Duration::from_secs(20), "not in time: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}
