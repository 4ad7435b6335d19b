//! Builds everything once from [`Config`] and hands out a running server.

use std::{collections::BTreeMap, io, net::SocketAddr, sync::Arc, thread::available_parallelism};

use actix_web::web;
use async_trait::async_trait;
use common::{
    server::{self, Options, Running},
    sql::{MigrateError, Prepared, Sql},
    telemetry::{
        management::{Dependencies, Health},
        metrics::Metrics,
    },
};
use tokio::task::JoinSet;

use crate::{
    background,
    config::Config,
    crypto::{access_tokens::AccessTokens, bcrypt_pool::BcryptPool, refresh_tokens::RefreshTokens},
    http::{self, BODY_LIMIT, Outcomes, TrustedProxies},
    ports::{AuditStore, ClientStore, Clock, Rng, SessionStore, StoreError, UserStore},
    service::{Deps, audit::Audit},
    storage::{
        redis::RedisSessions,
        sql::{SCHEMA, SqlAudit, SqlClients, SqlSessions, SqlUsers},
    },
};

/// A running auth-service.
pub struct App {
    running: Running,
    audit: Audit,
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
        let sql = Sql::open(&config.database, "sql")?;
        let users: Arc<dyn UserStore> = Arc::new(SqlUsers::new(sql.clone()));
        let clients: Arc<dyn ClientStore> = Arc::new(SqlClients::new(sql.clone()));
        let audit_trail = SqlAudit::new(sql.clone());
        let (audit, events) = Audit::new(Arc::clone(&clock), Arc::clone(&rng), &metrics);
        tasks.spawn(events.write_to(Arc::new(audit_trail.clone())));
        tasks.spawn(background::sweep_audit(audit_trail.clone(), config.audit, Arc::clone(&clock)));
        let sessions: Arc<dyn SessionStore> = if let Some(url) = &config.redis {
            Arc::new(RedisSessions::connect(url).map_err(|error| StartError::Redis(error.to_string()))?)
        } else {
            let sessions = SqlSessions::new(sql);
            tasks.spawn(background::sweep_sessions(sessions.clone(), Arc::clone(&clock)));
            Arc::new(sessions)
        };
        tasks.spawn(background::apply_effects(Arc::clone(&users), Arc::clone(&sessions), Arc::clone(&clock)));

        let options = Options {
            public: config.listen.public,
            internal: config.listen.internal,
            drain_timeout: config.listen.drain_timeout,
            workers: available_parallelism().map_or(1, usize::from),
            body_limit: BODY_LIMIT,
        };
        let stores = Arc::new(Stores {
            users: Arc::clone(&users),
            prepared,
            redis: config.redis.is_some().then(|| Arc::clone(&sessions)),
        });
        let outcomes = web::Data::new(Outcomes::new(&metrics));
        let trusted_proxies = web::Data::new(TrustedProxies(config.trusted_proxies.clone()));
        let ports = Ports { users, clients, sessions, audit: audit.clone(), audit_store: Arc::new(audit_trail) };
        let deps = web::Data::new(deps(&config, ports, clock, rng, &metrics)?);
        let running = server::start(&options, metrics, stores, move |routes| {
            routes
                .app_data(deps.clone())
                .app_data(outcomes.clone())
                .app_data(trusted_proxies.clone())
                .configure(http::routes);
        })?;
        Ok(Self { running, audit, tasks })
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
    pub async fn stop(mut self) {
        self.running.stop().await;
        self.audit.flush().await;
        self.tasks.shutdown().await;
    }

    /// Serves until SIGTERM or SIGINT, then stops.
    pub async fn until_signal(mut self) -> io::Result<()> {
        self.running.until_signal().await?;
        self.audit.flush().await;
        self.tasks.shutdown().await;
        Ok(())
    }
}

/// What the use cases ask.
struct Ports {
    users: Arc<dyn UserStore>,
    clients: Arc<dyn ClientStore>,
    sessions: Arc<dyn SessionStore>,
    audit: Audit,
    audit_store: Arc<dyn AuditStore>,
}

fn deps(
    config: &Config,
    Ports { users, clients, sessions, audit, audit_store }: Ports,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    metrics: &Metrics,
) -> io::Result<Deps> {
    let issuer = &config.tokens.issuer;
    let (shared, own) = (&config.tokens.secrets, &config.refresh_secrets);
    Ok(Deps {
        users,
        clients,
        sessions,
        audit,
        audit_store,
        hasher: Arc::new(BcryptPool::start(config.bcrypt, Arc::clone(&rng), metrics)?),
        access_tokens: AccessTokens::new(issuer, shared, own, Arc::clone(&clock)),
        refresh_tokens: RefreshTokens::new(issuer, own, Arc::clone(&clock)),
        clock,
        rng,
        policy: config.policy.clone(),
    })
}

/// What `/readyz` asks.
struct Stores {
    users: Arc<dyn UserStore>,
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
        [("database", database)].into_iter().chain(redis).collect()
    }
}

fn health(answer: &Result<(), StoreError>) -> Health {
    match answer {
        Ok(()) => Health::Up,
        Err(_) => Health::Down,
    }
}
