//! Builds everything once from [`Config`] and hands out a running server.

use std::{collections::BTreeMap, io, net::SocketAddr, sync::Arc, thread::available_parallelism};

use actix_web::web;
use async_trait::async_trait;
use common::{
    server::{self, Options, Running, Signals},
    sql::{MigrateError, Prepared, Sql},
    telemetry::{
        management::{Dependencies, Health},
        metrics::Metrics,
        traces::{NoExporter, Traces},
    },
    verifier::RevocationCheck,
};
use tokio::task::JoinSet;

use crate::{
    background,
    config::Config,
    crypto::{
        access_tokens::{AccessTokens, SignsWith},
        bcrypt_pool::BcryptPool,
        client_assertions::ClientAssertions,
        csrf::CsrfValues,
        jws::SigningFailed,
        refresh_tokens::RefreshTokens,
        renewed_cookies::RenewedCookies,
    },
    http::{self, BODY_LIMIT, Instance, Outcomes, TrustedProxies},
    ports::{Clock, KeyStore, RevocationLog, Rng, SessionStore, StoreError, ThrottleStore, UserStore},
    service::{
        Deps,
        audit::Audit,
        revocation_feed::{RevocationFeed, log_kept},
        revoked_tokens::RevokedTokens,
        signing_keys::{KeyKeeper, KeysError},
        throttle::Throttle,
    },
    storage::{
        redis::{InvalidRedisUrl, RedisSessions, RedisThrottle},
        sql::{SCHEMA, SqlAnnouncements, SqlAudit, SqlClients, SqlKeys, SqlSessions, SqlThrottle, SqlUsers},
    },
};

/// A running auth-service.
pub struct App {
    running: Running,
    audit: Audit,
    traces: Traces,
    tasks: JoinSet<()>,
}

/// Why it does not run.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database needs a person.
    #[error("AUTH_DATABASE_URL: {0}")]
    Schema(#[from] MigrateError),
    /// A port is taken, or a thread cannot be started.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The signing keys need a person.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// No token can be signed with what the settings say.
    #[error(transparent)]
    Signing(#[from] SigningFailed),
    /// Spans have nowhere to go.
    #[error(transparent)]
    Traces(#[from] NoExporter),
    /// `REDIS_URL` cannot be understood.
    #[error("REDIS_URL {0}")]
    Redis(String),
}

impl App {
    /// Migrates, starts the threads and the tasks, and listens. A store that is away does not keep it from starting.
    pub async fn start(config: Config, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Result<Self, StartError> {
        let mut tasks = JoinSet::new();
        let prepared = SCHEMA.prepare(&config.database, config.migrate, &mut tasks).await?;
        let metrics = Metrics::new("auth");
        let traces = Traces::start(&config.traces)?;
        let sql = Sql::open(&config.database, "sql")?;
        let revoked_tokens = Arc::new(RevokedTokens::default());
        let access_tokens = access_tokens(&config, &sql, &revoked_tokens, &clock, &rng, &mut tasks).await?;
        let sql_users = SqlUsers::new(sql.clone());
        tasks.spawn(background::sweep_invites(sql_users.clone(), Arc::clone(&clock)));
        let users: Arc<dyn UserStore> = Arc::new(sql_users);
        let clients = SqlClients::new(sql.clone());
        tasks.spawn(background::sweep_assertions(clients.clone(), Arc::clone(&clock)));
        let audit_trail = SqlAudit::new(sql.clone());
        let (audit, events) = Audit::new(Arc::clone(&clock), Arc::clone(&rng), &metrics);
        tasks.spawn(events.write_to(Arc::new(audit_trail.clone())));
        tasks.spawn(background::sweep_audit(audit_trail.clone(), config.audit, Arc::clone(&clock)));
        let keys = config.masters.is_some().then(|| Arc::new(SqlKeys::new(sql.clone())) as Arc<dyn KeyStore>);
        let announcements = Arc::new(SqlAnnouncements::new(sql.clone()));
        let kept = log_kept(&config.policy);
        let (sessions, log, throttle): (Arc<dyn SessionStore>, Arc<dyn RevocationLog>, Arc<dyn ThrottleStore>) =
            if let Some(url) = &config.redis {
                let wrong = |error: InvalidRedisUrl| StartError::Redis(error.to_string());
                let sessions = RedisSessions::connect(url).map_err(wrong)?;
                let sessions = sessions.keeping_revocations_for(kept).with_durable_logins(config.durable_logins);
                let log = Arc::new(sessions.log());
                (Arc::new(sessions), log, Arc::new(RedisThrottle::connect(url).map_err(wrong)?))
            } else {
                let throttle = SqlThrottle::new(sql.clone());
                let sessions = SqlSessions::new(sql).keeping_revocations_for(kept);
                tasks.spawn(background::sweep_sessions(sessions.clone(), throttle.clone(), Arc::clone(&clock)));
                let log = Arc::new(sessions.log());
                (Arc::new(sessions), log, Arc::new(throttle))
            };
        tasks.spawn(background::announce(announcements, Arc::clone(&log), Arc::clone(&clock)));
        if let Err(error) = revoked_tokens.follow(&*log, clock.now()).await {
            tracing::warn!(%error, "what was revoked cannot be read yet: no token is accepted until it is");
        }
        tasks.spawn(background::follow_revoked_tokens(
            Arc::clone(&revoked_tokens),
            Arc::clone(&log),
            Arc::clone(&clock),
        ));
        let feed = Arc::new(RevocationFeed::new(Arc::clone(&log), &metrics));
        tasks.spawn(Arc::clone(&feed).run());
        tasks.spawn(background::apply_effects(Arc::clone(&users), Arc::clone(&sessions), Arc::clone(&clock)));

        let options = Options {
            public: config.listen.public,
            internal: config.listen.internal,
            drain_timeout: config.listen.drain_timeout,
            workers: available_parallelism().map_or(1, usize::from),
            // Gateways ask here about each request of mode `session`.
            internal_workers: available_parallelism().map_or(1, usize::from),
            body_limit: BODY_LIMIT,
            cross_origins: config.cross_origins.clone(),
        };
        let stores = Arc::new(Stores {
            users: Arc::clone(&users),
            access_tokens: config.masters.is_some().then(|| Arc::clone(&access_tokens)),
            prepared,
            redis: config.redis.is_some().then(|| Arc::clone(&sessions)),
        });
        let outcomes = web::Data::new(Outcomes::new(&metrics));
        let instance = web::Data::new(Instance::new(clock.now(), &*rng));
        let trusted_proxies = web::Data::new(TrustedProxies::new(config.trusted_proxies.clone(), &metrics));
        let deps = web::Data::new(Deps {
            users,
            clients: Arc::new(clients),
            client_assertions: ClientAssertions::new(&config.policy.issuer, Arc::clone(&clock)),
            sessions,
            revocation_log: log,
            revoked_tokens,
            throttle: Throttle::new(throttle, &config.refresh_secrets.current, Arc::clone(&clock)),
            audit: audit.clone(),
            audit_store: Arc::new(audit_trail),
            hasher: Arc::new(BcryptPool::start(config.bcrypt, Arc::clone(&rng), &metrics)?),
            keys,
            access_tokens,
            csrf: CsrfValues::new(&config.refresh_secrets),
            renewed_cookies: RenewedCookies::new(&config.refresh_secrets),
            refresh_tokens: RefreshTokens::new(&config.tokens.issuer, &config.refresh_secrets, Arc::clone(&clock))?,
            clock,
            rng,
            policy: config.policy.clone(),
        });
        let (feed, internal_deps) = (web::Data::from(feed), deps.clone());
        let internal = move |routes: &mut web::ServiceConfig| {
            routes.app_data(feed.clone()).app_data(internal_deps.clone()).configure(http::internal_routes);
        };
        let public = move |routes: &mut web::ServiceConfig| {
            routes
                .app_data(deps.clone())
                .app_data(outcomes.clone())
                .app_data(instance.clone())
                .app_data(trusted_proxies.clone())
                .configure(http::routes);
        };
        let running = server::start(&options, metrics, traces.clone(), stores, public, internal)?;
        Ok(Self { running, audit, traces, tasks })
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

    /// Waits until the audit events so far are in the store, or for two seconds.
    pub async fn audit_written(&self) {
        self.audit.flush().await;
    }

    /// Lets requests in flight finish, and ends.
    pub async fn stop(self) {
        let Self { running, audit, traces, tasks } = self;
        running.stop().await;
        finish(&audit, &traces, tasks).await;
    }

    /// Serves until a signal, then stops.
    pub async fn until(self, signals: Signals) -> io::Result<()> {
        let Self { running, audit, traces, tasks } = self;
        running.until(signals).await?;
        finish(&audit, &traces, tasks).await;
        Ok(())
    }
}

/// When no request comes any more.
async fn finish(audit: &Audit, traces: &Traces, mut tasks: JoinSet<()>) {
    tokio::join!(audit.flush(), traces.stop());
    tasks.shutdown().await;
}

/// What signs and verifies access tokens, and what keeps its keys where there may be some.
async fn access_tokens(
    config: &Config,
    sql: &Sql,
    revoked: &Arc<RevokedTokens>,
    clock: &Arc<dyn Clock>,
    rng: &Arc<dyn Rng>,
    tasks: &mut JoinSet<()>,
) -> Result<Arc<AccessTokens>, StartError> {
    let signs_with = match (&config.masters, config.keys.algorithm) {
        (None, _) => SignsWith::Secret,
        (Some(_), None) => SignsWith::SecretBesideKeys,
        (Some(_), Some(_)) => SignsWith::Keys,
    };
    let (shared, own) = (config.tokens.secrets.as_ref(), &config.refresh_secrets);
    let tokens = AccessTokens::new(&config.tokens.issuer, signs_with, shared, own, Arc::clone(clock))?
        .with_encryption(config.tokens.encryption.clone())
        .with_revocations(Arc::clone(revoked) as Arc<dyn RevocationCheck>);
    let tokens = Arc::new(tokens);
    if let Some(masters) = &config.masters {
        let store = Arc::new(SqlKeys::new(sql.clone()));
        let keeper = KeyKeeper::new(store, Arc::clone(masters), config.keys, Arc::clone(clock), Arc::clone(rng));
        let aligned = first_keys(&keeper, &tokens).await?;
        tasks.spawn(background::keep_signing_keys(keeper, Arc::clone(&tokens), aligned));
    }
    Ok(tokens)
}

/// Reads the keys before anything is served, so that a replica never signs or refuses what the others do not. `false`
/// when the store is away: that does not keep it from starting.
async fn first_keys(keeper: &KeyKeeper, access_tokens: &AccessTokens) -> Result<bool, KeysError> {
    match keeper.align().await {
        Ok(keys) => access_tokens.adopt(&keys)?,
        Err(KeysError::Store(StoreError::Unavailable(_)) | KeysError::Contended) => return Ok(false),
        Err(error) => return Err(error),
    }
    Ok(true)
}

/// What `/readyz` asks.
struct Stores {
    users: Arc<dyn UserStore>,
    /// Where keys of the store may sign.
    access_tokens: Option<Arc<AccessTokens>>,
    prepared: Prepared,
    /// Where sessions are not in the database.
    redis: Option<Arc<dyn SessionStore>>,
}

#[async_trait]
impl Dependencies for Stores {
    async fn health(&self) -> BTreeMap<&'static str, Health> {
        let redis = async {
            match &self.redis {
                Some(redis) => Some(("redis", health(&redis.ping().await))),
                None => None,
            }
        };
        let (database, redis) = tokio::join!(self.users.ping(), redis);
        let database = if self.prepared.is_done() { health(&database) } else { Health::Down };
        let keys = self.access_tokens.as_ref().map(|tokens| {
            let health = if tokens.is_ready() { Health::Up } else { Health::Down };
            ("signing_keys", health)
        });
        [("database", database)].into_iter().chain(redis).chain(keys).collect()
    }
}

fn health(answer: &Result<(), StoreError>) -> Health {
    match answer {
        Ok(()) => Health::Up,
        Err(_) => Health::Down,
    }
}
