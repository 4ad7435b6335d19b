//! Builds everything once from [`Config`] and hands out a running server.

use std::{collections::BTreeMap, io, net::SocketAddr, sync::Arc, thread::available_parallelism, time::Duration};

use actix_web::web;
use async_trait::async_trait;
use common::{
    deletions::{DeletedUsers, ForgetUsers},
    jwks::{JwksClient, JwksOptions},
    outbound::OutboundError,
    revocation::{Follower, Mirror, RevocationSettings},
    server::{self, Options, Running, Signals},
    service_client::{ServiceClient, ServiceClientSettings},
    sql::{MigrateError, Prepared, Sql},
    telemetry::{
        management::{Dependencies, Health},
        metrics::Metrics,
        traces::{NoExporter, Traces},
    },
    verifier::{KeySource, Keys, RevocationCheck, Verifier},
};
use tokio::task::JoinSet;

use crate::{
    config::Config,
    http::{self, BODY_LIMIT},
    ports::{Clock, NoteStore, Rng, UserDirectory},
    remote::{AuthService, ResourceService},
    service::{Activities, NextService, Notes, Shares},
    storage::sql::{SCHEMA, SqlForgotten, SqlNotes, SqlShares},
};

/// How long notes of a user who is gone may stay behind.
const FORGET_PAUSE: Duration = Duration::from_secs(5);

/// A running resource-service.
pub struct App {
    running: Running,
    traces: Traces,
    tasks: JoinSet<()>,
}

/// Why it does not run.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database needs a person.
    #[error("RESOURCE_DATABASE_URL: {0}")]
    Schema(#[from] MigrateError),
    /// A client of auth-service cannot be made.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// Spans have nowhere to go.
    #[error(transparent)]
    Traces(#[from] NoExporter),
    /// A port is taken, or a thread cannot be started.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl App {
    /// Migrates, starts the threads, and listens. A database that is away does not keep it from starting.
    pub async fn start(config: &Config, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Result<Self, StartError> {
        let mut tasks = JoinSet::new();
        let prepared = SCHEMA.prepare(&config.database, config.migrate, &mut tasks).await?;
        let sql = Sql::open(&config.database, "sql")?;
        let store: Arc<dyn NoteStore> = Arc::new(SqlNotes::new(sql.clone()));
        let share_store = Arc::new(SqlShares::new(sql.clone()));
        let forgotten: Arc<dyn ForgetUsers> = Arc::new(SqlForgotten::new(sql, Arc::clone(&clock)));

        let (mut verifier, jwks) = verifier(config, &clock, &rng)?;
        let metrics = Metrics::new("resource");
        let traces = Traces::start(&config.traces)?;
        let client = config.client.as_ref().map(|settings| client(settings, &metrics, &clock, &rng)).transpose()?;
        let followed = config.revocation.as_ref().zip(client.clone());
        let directory = followed.as_ref().map(|(revocation, client)| {
            Arc::new(AuthService::beside(&revocation.feed_url, client.clone())) as Arc<dyn UserDirectory>
        });
        let follow = |(settings, client)| follow(settings, client, jwks.as_ref(), forgotten, &clock, &rng, &mut tasks);
        let mirror = followed.map(follow);
        if mirror.is_none() {
            tracing::warn!("REVOCATION_FEED_URL is not set: tokens are good until they expire, revoked or not");
        }
        if let Some(mirror) = &mirror {
            verifier = verifier.with_revocations(Arc::clone(mirror) as Arc<dyn RevocationCheck>);
            measure(&metrics, mirror);
        }
        let verifier = web::Data::new(verifier);
        if let Some(client) = &jwks {
            let client = Arc::clone(client);
            tasks.spawn(async move { client.run().await });
        }
        let next = config.peer.as_ref().zip(config.client.as_ref()).zip(client).map(|((url, settings), client)| {
            let peer = Arc::new(ResourceService::at(url, config.peer_audience.clone(), client));
            NextService { peer, client_id: settings.client_id.clone() }
        });
        let activities = web::Data::new(Activities::new(Arc::clone(&store), config.audience.clone(), next));
        let shares = web::Data::new(Shares::new(share_store, directory, Arc::clone(&clock)));
        let notes = web::Data::new(Notes::new(Arc::clone(&store), clock, rng));

        let options = Options {
            public: config.public_bind,
            internal: config.internal_bind,
            drain_timeout: config.drain_timeout,
            workers: available_parallelism().map_or(1, usize::from),
            internal_workers: 1,
            body_limit: BODY_LIMIT,
            cross_origins: config.cross_origins.clone(),
        };
        let public = move |routes: &mut web::ServiceConfig| {
            routes
                .app_data(verifier.clone())
                .app_data(notes.clone())
                .app_data(shares.clone())
                .app_data(activities.clone())
                .configure(http::routes);
        };
        let needs = Arc::new(Needs { store, prepared, jwks, mirror });
        let running = server::start(&options, metrics, traces.clone(), needs, public, |_| {})?;
        Ok(Self { running, traces, tasks })
    }

    /// The public address, with the port that was really taken.
    #[must_use]
    pub fn public(&self) -> SocketAddr {
        self.running.public()
    }

    /// The internal address, with the port that was really taken.
    #[must_use]
    pub fn internal(&self) -> SocketAddr {
        self.running.internal()
    }

    /// Lets requests in flight finish, and ends.
    pub async fn stop(mut self) {
        self.running.stop().await;
        self.traces.stop().await;
        self.tasks.shutdown().await;
    }

    /// Serves until a signal, then stops.
    pub async fn until(mut self, signals: Signals) -> io::Result<()> {
        self.running.until(signals).await?;
        self.traces.stop().await;
        self.tasks.shutdown().await;
        Ok(())
    }
}

/// What verifies access tokens, and what renews its keys where they are public ones.
fn verifier(
    config: &Config,
    clock: &Arc<dyn Clock>,
    rng: &Arc<dyn Rng>,
) -> Result<(Verifier, Option<Arc<JwksClient>>), OutboundError> {
    let tokens = &config.tokens;
    let secrets = tokens.secret_keys();
    let keys = Keys::fixed(secrets.clone());
    let verifier = Verifier::with_keys(&tokens.issuer, &config.audience, keys.clone(), Arc::clone(clock))
        .with_encryption(tokens.encryption.clone());
    // Front ends in browsers may hold their token in a cookie.
    let verifier = match tokens.site() {
        Some(site) => verifier.with_site(site),
        None => verifier,
    };
    let Some(url) = config.jwks.clone() else { return Ok((verifier, None)) };
    let options = JwksOptions { url, algorithms: tokens.public_key_algorithms(), fixed: secrets };
    let client = Arc::new(JwksClient::new(options, keys, Arc::clone(clock), Arc::clone(rng))?);
    Ok((verifier.with_source(Arc::clone(&client) as Arc<dyn KeySource>), Some(client)))
}

/// What calls other services, and counts how that goes.
fn client(
    settings: &ServiceClientSettings,
    metrics: &Metrics,
    clock: &Arc<dyn Clock>,
    rng: &Arc<dyn Rng>,
) -> Result<ServiceClient, OutboundError> {
    let client = ServiceClient::new(settings.clone(), Arc::clone(clock), Arc::clone(rng))?;
    client.measure(metrics);
    Ok(client)
}

/// A mirror of what was revoked, kept up by one of `tasks`; another one forgets who is gone.
fn follow(
    settings: &RevocationSettings,
    client: ServiceClient,
    jwks: Option<&Arc<JwksClient>>,
    forgotten: Arc<dyn ForgetUsers>,
    clock: &Arc<dyn Clock>,
    rng: &Arc<dyn Rng>,
    tasks: &mut JoinSet<()>,
) -> Arc<Mirror> {
    let mirror = Arc::new(Mirror::new(settings.policy, Arc::clone(clock)));
    let deletions = DeletedUsers::beside(&settings.feed_url, client.clone(), forgotten);
    tasks.spawn(deletions.run(FORGET_PAUSE));
    let mut follower = Follower::new(Arc::clone(&mirror), client, settings, Arc::clone(clock), Arc::clone(rng));
    if let Some(client) = jwks {
        follower = follower.with_keys(Arc::clone(client) as Arc<dyn KeySource>);
    }
    tasks.spawn(follower.run());
    mirror
}

/// How many revocations the mirror knows, and how old its knowledge is.
fn measure(metrics: &Metrics, mirror: &Arc<Mirror>) {
    let (counted, aged) = (Arc::clone(mirror), Arc::clone(mirror));
    let count = move || Some(i64::try_from(counted.len()).unwrap_or(i64::MAX));
    metrics.gauge("revocations", "Revocations that some token could still be about", count);
    let age = move || aged.age().map(|age| age.as_secs_f64());
    metrics.gauge("revocations_age_seconds", "Time since the mirror was as good as the feed", age);
}

/// What `/readyz` asks.
struct Needs {
    store: Arc<dyn NoteStore>,
    prepared: Prepared,
    jwks: Option<Arc<JwksClient>>,
    mirror: Option<Arc<Mirror>>,
}

#[async_trait]
impl Dependencies for Needs {
    async fn health(&self) -> BTreeMap<&'static str, Health> {
        let up = self.prepared.is_done() && self.store.ping().await.is_ok();
        let health = |up| if up { Health::Up } else { Health::Down };
        let jwks = self.jwks.as_ref().map(|client| ("jwks", health(client.is_loaded())));
        let revocations = self.mirror.as_ref().map(|mirror| ("revocations", health(mirror.is_ready())));
        [("database", health(up))].into_iter().chain(jwks).chain(revocations).collect()
    }
}
