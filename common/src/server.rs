//! Two listeners and the servers behind them: the public one, and the internal one for operators.

use std::{
    future::Future,
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use actix_web::{
    App, HttpServer,
    dev::ServerHandle,
    middleware::{Condition, from_fn},
    web,
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
    task::JoinSet,
};

use crate::{
    actix::{
        answers::{input_rules, not_found},
        cross_origin::{CrossOrigins, plainly},
    },
    telemetry::{
        management::{self, Dependencies},
        metrics::Metrics,
        observe::observe,
        traces::Traces,
    },
};

/// Longer than a gateway keeps idle connections to us (nginx: 60 s): whoever closes first must be the gateway, or it
/// sends a request into a connection that is being closed.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// The time a client has to send its head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// A client that has closed its side wants no answer: its request is dropped where it stands.
const HALF_CLOSED: bool = false;

/// Where to listen, and how long to wait for requests in flight at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// For everybody, through the gateway.
    pub public: SocketAddr,
    /// For operators and other services.
    pub internal: SocketAddr,
    /// Requests in flight have this long to finish.
    pub drain_timeout: Duration,
    /// Threads that serve the public listener.
    pub workers: usize,
    /// The same for the internal address.
    pub internal_workers: usize,
    /// The largest body that is read, in bytes.
    pub body_limit: usize,
    /// Whose pages may ask the public listener from elsewhere.
    pub cross_origins: CrossOrigins,
}

/// A server that has been started.
pub struct Running {
    public: SocketAddr,
    internal: SocketAddr,
    handles: [ServerHandle; 2],
    servers: JoinSet<io::Result<()>>,
    stopping: watch::Sender<bool>,
}

/// Tells answers that take long when the server is to end. The internal addresses have it as `web::Data`.
#[derive(Debug, Clone)]
pub struct Stopping(watch::Receiver<bool>);

impl Stopping {
    /// Returns when the server is to end.
    pub async fn wait(&self) {
        // An error means that the server is gone.
        let mut told = self.0.clone();
        let _told = told.wait_for(|stopping| *stopping).await;
    }
}

/// Starts both servers. `public` and `internal` register the routes beside those that all services have, once a worker:
/// whatever is shared must be made before.
pub fn start<P, I>(
    options: &Options,
    metrics: Metrics,
    traces: Traces,
    dependencies: Arc<dyn Dependencies>,
    public: P,
    internal: I,
) -> io::Result<Running>
where
    P: Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
    I: Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
{
    let (metrics, traces) = (web::Data::new(metrics), web::Data::new(traces));
    let (public_listener, internal_listener) = (bind(options.public)?, bind(options.internal)?);
    let (public_address, internal_address) = (public_listener.local_addr()?, internal_listener.local_addr()?);
    let stopping = watch::Sender::new(false);
    let told = web::Data::new(Stopping(stopping.subscribe()));
    let (body_limit, drain_seconds) = (options.body_limit, options.drain_timeout.as_secs());

    let (public_metrics, public_traces) = (metrics.clone(), traces.clone());
    let cross_origins = options.cross_origins.clone();
    let public_server = HttpServer::new(move || {
        App::new()
            .app_data(public_metrics.clone())
            .app_data(public_traces.clone())
            .configure(input_rules(body_limit))
            .configure(&public)
            .default_service(web::to(not_found))
            .wrap(Condition::new(!cross_origins.is_empty(), cross_origins.cors()))
            .wrap(Condition::new(!cross_origins.is_empty(), from_fn(plainly)))
            .wrap(from_fn(observe))
    })
    .workers(options.workers)
    .keep_alive(KEEP_ALIVE)
    .client_request_timeout(HEAD_TIMEOUT)
    .h1_allow_half_closed(HALF_CLOSED)
    .shutdown_timeout(drain_seconds)
    .disable_signals()
    .listen(public_listener)?
    .run();

    let internal_server = HttpServer::new(move || {
        App::new()
            .app_data(metrics.clone())
            .app_data(traces.clone())
            .app_data(told.clone())
            .configure(input_rules(body_limit))
            .configure(management::routes(Arc::clone(&dependencies)))
            .configure(&internal)
            .default_service(web::to(not_found))
    })
    .workers(options.internal_workers)
    .keep_alive(KEEP_ALIVE)
    .client_request_timeout(HEAD_TIMEOUT)
    .h1_allow_half_closed(HALF_CLOSED)
    .shutdown_timeout(drain_seconds)
    .disable_signals()
    .listen(internal_listener)?
    .run();

    let handles = [public_server.handle(), internal_server.handle()];
    let mut servers = JoinSet::new();
    servers.spawn(public_server);
    servers.spawn(internal_server);
    tracing::info!(public = %public_address, internal = %internal_address, "listening");
    Ok(Running { public: public_address, internal: internal_address, handles, servers, stopping })
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

impl Running {
    /// The public address, with the port that was really taken.
    #[must_use]
    pub fn public(&self) -> SocketAddr {
        self.public
    }

    /// The internal address, with the port that was really taken.
    #[must_use]
    pub fn internal(&self) -> SocketAddr {
        self.internal
    }

    /// Takes no new connections, lets requests in flight finish for as long as the drain time-out, and ends.
    pub async fn stop(mut self) {
        self.stopping.send_replace(true);
        let [public, internal] = &self.handles;
        // The internal listener goes last, so that operators can watch.
        public.stop(true).await;
        internal.stop(true).await;
        while self.servers.join_next().await.is_some() {}
    }

    /// Serves until a signal, then stops as [`Running::stop`] does; a second signal ends it at once.
    pub async fn until(self, mut signals: Signals) -> io::Result<()> {
        let name = signals.next().await;
        tracing::info!(signal = name, "draining");
        finish_or(self.stop(), signals.next()).await;
        tracing::info!("stopped");
        Ok(())
    }
}

/// SIGTERM and SIGINT, which ask a service to end.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Takes them from here on, in place of the system, which would end the process without draining. Take them before
    /// anybody can know that the service is there.
    pub fn take() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

async fn finish_or(work: impl Future<Output = ()>, interruption: impl Future<Output = &'static str>) {
    tokio::select! {
        () = work => {}
        name = interruption => tracing::warn!(signal = name, "a second signal: requests in flight are dropped"),
    }
}
