//! The settings of auth-service: raw texts become what is meant, all errors at once. See `.env.example`.

mod browsers;
mod signing;
mod table;

use std::{ffi::OsString, net::SocketAddr, sync::Arc, thread::available_parallelism, time::Duration};

use common::{
    actix::cross_origin::CrossOrigins,
    env::{Env, SettingErrors},
    scope::Scope,
    secret::SecretSet,
    settings::{self, Tokens, TraceSettings, secret_set},
    sql::DatabaseUrl,
    telemetry::log::Format,
};
use ipnet::IpNet;
use secrecy::SecretString;
use serde::Deserialize;
use tracing_subscriber::EnvFilter;

pub use table::settings;

use browsers::{modes, refuse_long_cookies, site};
use signing::Signing;

use crate::{
    crypto::{bcrypt_pool::BcryptOptions, master_key::MasterKeys},
    domain::session::RefreshRules,
    service::{Policy, Registration, signing_keys::KeyPolicy},
};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);

/// What auth-service is told from outside.
#[derive(Debug)]
pub struct Config {
    /// How access tokens are signed.
    pub tokens: Tokens,
    /// How refresh tokens are signed. No other service has these.
    pub refresh_secrets: SecretSet,
    /// The life of the keys that sign access tokens.
    pub keys: KeyPolicy,
    /// What the keys in the store are encrypted under. Without it there are none.
    pub masters: Option<Arc<MasterKeys>>,
    /// The rules of the use cases.
    pub policy: Policy,
    /// bcrypt.
    pub bcrypt: BcryptOptions,
    /// Where users are kept.
    pub database: DatabaseUrl,
    /// Where sessions are kept; in the database when unset.
    pub redis: Option<SecretString>,
    /// Whether logins wait for the disk of Redis.
    pub durable_logins: bool,
    /// Whether `serve` migrates the database first.
    pub migrate: bool,
    /// Where to listen.
    pub listen: Listen,
    /// How long the audit trail is kept.
    pub audit: AuditRetention,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Whose pages may ask from elsewhere.
    pub cross_origins: CrossOrigins,
    /// Where spans go.
    pub traces: TraceSettings,
}

/// Where and how to listen.
#[derive(Debug, Clone, Copy)]
pub struct Listen {
    /// For everybody, through the gateway.
    pub public: SocketAddr,
    /// For operators.
    pub internal: SocketAddr,
    /// How long requests in flight may take at the end.
    pub drain_timeout: Duration,
}

/// How long the audit trail is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditRetention {
    /// An event.
    pub events: Duration,
    /// The address in it.
    pub addresses: Duration,
}

/// How the log looks: read on its own, so that what goes wrong next can be logged.
#[derive(Debug)]
pub struct LogConfig {
    /// For machines or people.
    pub format: Format,
    /// What is left out.
    pub filter: EnvFilter,
}

#[derive(Deserialize, Default)]
struct RawSessions {
    refresh_secret: Option<String>,
    refresh_secret_next: Option<String>,
    refresh_secret_previous: Option<String>,
    refresh_hold: Option<String>,
    refresh_idle_ttl: Option<String>,
    refresh_absolute_ttl: Option<String>,
    access_ttl: Option<String>,
    access_only_ttl: Option<String>,
    redis_url: Option<String>,
    redis_durable_logins: Option<String>,
}

#[derive(Deserialize, Default)]
#[expect(clippy::struct_field_names, reason = "the names are those of the variables")]
struct RawAuth {
    auth_database_url: Option<String>,
    auth_migrate: Option<String>,
    auth_bind: Option<String>,
    auth_internal_bind: Option<String>,
    auth_drain_timeout: Option<String>,
    auth_trusted_proxies: Option<String>,
    auth_bcrypt_cost: Option<String>,
    auth_bcrypt_queue: Option<String>,
    auth_audit_retention: Option<String>,
    auth_audit_address_retention: Option<String>,
    auth_registration: Option<String>,
    auth_login_modes: Option<String>,
    auth_first_party_scopes: Option<String>,
    auth_first_party_audiences: Option<String>,
}

/// The settings of the log.
pub fn log(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<LogConfig, SettingErrors> {
    let mut env = Env::new(variables, settings::LOG);
    let log = settings::log(&mut env).map(|(format, filter)| LogConfig { format, filter });
    env.finish(log)
}

/// Where the internal listener is: all that the health check needs.
pub fn internal_bind(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<SocketAddr, SettingErrors> {
    let mut env = Env::new(variables, table::OWN);
    let raw: RawAuth = env.section();
    let bind = settings::bind(&mut env, "AUTH_INTERNAL_BIND", raw.auth_internal_bind);
    env.finish(bind)
}

/// Where users are kept: all that `migrate` and most of `user` need.
pub fn database(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<DatabaseUrl, SettingErrors> {
    let mut env = Env::new(variables, table::OWN);
    let raw: RawAuth = env.section();
    let url = env.parse("AUTH_DATABASE_URL", raw.auth_database_url, str::parse::<DatabaseUrl>);
    env.finish(url)
}

/// Where sessions are kept: the database, and Redis if it is there instead.
pub fn session_store(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(DatabaseUrl, Option<SecretString>), SettingErrors> {
    let mut env = Env::new(variables, table::OWN);
    let raw: RawSessions = env.section();
    let redis = env.parse_optional("REDIS_URL", raw.redis_url, redis_url);
    let raw: RawAuth = env.section();
    let database = env.parse("AUTH_DATABASE_URL", raw.auth_database_url, str::parse::<DatabaseUrl>);
    env.finish(database.map(|database| (database, redis)))
}

/// How passwords are hashed: what `user add` needs beside the database.
pub fn bcrypt(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<BcryptOptions, SettingErrors> {
    let mut env = Env::new(variables, table::OWN);
    let raw: RawAuth = env.section();
    let options = bcrypt_options(&mut env, raw.auth_bcrypt_cost, raw.auth_bcrypt_queue);
    env.finish(options)
}

/// What `key` needs beside the database: the master keys, and how keys live.
pub fn keys(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(Arc<MasterKeys>, KeyPolicy), SettingErrors> {
    let mut env = Env::new(variables, &settings());
    let signing = Signing::read(&mut env);
    let raw: RawSessions = env.section();
    let ttls = ttls(&mut env, raw.access_ttl, raw.access_only_ttl);
    let masters = signing.as_ref().and_then(|signing| signing.masters.clone());
    let masters = env.required("AUTH_MASTER_KEY", masters);
    let keys = (|| Some((masters?, signing?.policy(ttls?, false))))();
    env.finish(keys)
}

/// How long access tokens live.
#[derive(Clone, Copy)]
struct Ttls {
    access: Duration,
    access_only: Duration,
}

fn ttls(env: &mut Env, access: Option<String>, access_only: Option<String>) -> Option<Ttls> {
    let access = env.duration("ACCESS_TTL", access, (SECOND, DAY));
    let access_only = env.duration("ACCESS_ONLY_TTL", access_only, (SECOND, 30 * DAY));
    Some(Ttls { access: access?, access_only: access_only? })
}

impl Config {
    /// Reads everything that `serve` needs.
    pub fn read(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Self, SettingErrors> {
        let mut env = Env::new(variables, &settings());
        let tokens = Tokens::read(&mut env);
        let cross_origins = settings::cross_origins(&mut env);
        let traces = settings::traces(&mut env);
        let raw: RawSessions = env.section();
        let refresh_secrets = secret_set(
            &mut env,
            "REFRESH_SECRET",
            raw.refresh_secret,
            raw.refresh_secret_next,
            raw.refresh_secret_previous,
        );
        refuse_shared_secret(&mut env, tokens.as_ref(), refresh_secrets.as_ref());
        let signing = Signing::read(&mut env);
        refuse_unaccepted_algorithm(&mut env, tokens.as_ref(), signing.as_ref());
        let redis = env.parse_optional("REDIS_URL", raw.redis_url, redis_url);
        let durable_logins = settings::switch(&mut env, "REDIS_DURABLE_LOGINS", raw.redis_durable_logins);
        let hold = env.duration("REFRESH_HOLD", raw.refresh_hold, (SECOND, 600 * SECOND));
        let idle_ttl = env.duration("REFRESH_IDLE_TTL", raw.refresh_idle_ttl, (60 * SECOND, 3650 * DAY));
        let absolute_ttl = env.duration("REFRESH_ABSOLUTE_TTL", raw.refresh_absolute_ttl, (60 * SECOND, 3650 * DAY));
        let ttls = ttls(&mut env, raw.access_ttl, raw.access_only_ttl);

        let raw: RawAuth = env.section();
        let database = env.parse("AUTH_DATABASE_URL", raw.auth_database_url, str::parse::<DatabaseUrl>);
        let migrate = settings::switch(&mut env, "AUTH_MIGRATE", raw.auth_migrate);
        let public = settings::bind(&mut env, "AUTH_BIND", raw.auth_bind);
        let internal = settings::bind(&mut env, "AUTH_INTERNAL_BIND", raw.auth_internal_bind);
        let drain_timeout = env.duration("AUTH_DRAIN_TIMEOUT", raw.auth_drain_timeout, (SECOND, 600 * SECOND));
        let trusted_proxies = trusted_proxies(&mut env, raw.auth_trusted_proxies);
        let bcrypt = bcrypt_options(&mut env, raw.auth_bcrypt_cost, raw.auth_bcrypt_queue);
        let events = env.duration("AUTH_AUDIT_RETENTION", raw.auth_audit_retention, (DAY, 3650 * DAY));
        let addresses = env.duration(
            "AUTH_AUDIT_ADDRESS_RETENTION",
            raw.auth_audit_address_retention,
            (Duration::ZERO, 3650 * DAY),
        );
        let registration = env.parse("AUTH_REGISTRATION", raw.auth_registration, registration);
        let modes = env.parse("AUTH_LOGIN_MODES", raw.auth_login_modes, modes);
        let scope = env.value::<Scope>(
            "AUTH_FIRST_PARTY_SCOPES",
            raw.auth_first_party_scopes,
            "scope words divided by single spaces",
        );
        let audiences = env.parse("AUTH_FIRST_PARTY_AUDIENCES", raw.auth_first_party_audiences, audiences);

        let site = site(&mut env, tokens.as_ref(), modes.as_deref());
        refuse_long_cookies(
            &mut env,
            tokens.as_ref(),
            site.as_ref(),
            modes.as_deref(),
            scope.as_ref(),
            audiences.as_deref(),
        );

        let config = (|| {
            let (tokens, signing, ttls) = (tokens?, signing?, ttls?);
            let keys = signing.policy(ttls, tokens.secrets.is_none());
            Some(Self {
                policy: Policy {
                    issuer: tokens.issuer.clone(),
                    access_ttl: ttls.access,
                    access_only_ttl: ttls.access_only,
                    jwks_max_age: signing.jwks_max_age,
                    absolute_ttl: absolute_ttl?,
                    refresh: RefreshRules { hold: hold?, idle_ttl: idle_ttl? },
                    scope: scope?,
                    audiences: audiences?,
                    registration: registration?,
                    modes: modes?,
                    site,
                },
                tokens,
                refresh_secrets: refresh_secrets?,
                keys,
                masters: signing.masters,
                bcrypt: bcrypt?,
                database: database?,
                redis,
                durable_logins: durable_logins?,
                migrate: migrate?,
                listen: Listen { public: public?, internal: internal?, drain_timeout: drain_timeout? },
                audit: AuditRetention { events: events?, addresses: addresses? },
                trusted_proxies: trusted_proxies?,
                cross_origins: cross_origins?,
                traces: traces?,
            })
        })();
        env.finish(config)
    }
}

/// The shared secret is known to every service; a refresh token signed with it could be minted by any of them.
fn refuse_shared_secret(env: &mut Env, tokens: Option<&Tokens>, refresh: Option<&SecretSet>) {
    let (Some(tokens), Some(refresh)) = (tokens, refresh) else { return };
    let shared = || tokens.secrets.iter().flat_map(SecretSet::iter);
    if refresh.iter().any(|own| shared().any(|shared| shared == own)) {
        env.reject("REFRESH_SECRET", "(or its _NEXT or _PREVIOUS) is the same as a JWT_SECRET: they must differ");
    }
}

/// Tokens that auth-service itself does not accept would end every session at the next request.
fn refuse_unaccepted_algorithm(env: &mut Env, tokens: Option<&Tokens>, signing: Option<&Signing>) {
    let (Some(tokens), Some(signing)) = (tokens, signing) else { return };
    if !tokens.algorithms.contains(&signing.jws_algorithm()) {
        env.reject("AUTH_SIGNING_ALGORITHM", "is not among JWT_ALGORITHMS, so that nobody would accept the tokens");
    }
}

/// What follows the scheme is understood where it is connected to.
fn redis_url(text: &str) -> Result<SecretString, &'static str> {
    let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
    let kind = scheme.strip_prefix("rediss").or_else(|| scheme.strip_prefix("redis"));
    let known = matches!(kind, Some("" | "+cluster" | "+sentinel"));
    known.then(|| text.to_owned().into()).ok_or(
        "must begin with redis:// or rediss://, or with redis+cluster:// or \
        redis+sentinel:// (rediss+… for TLS)",
    )
}

fn bcrypt_options(env: &mut Env, cost: Option<String>, queue: Option<String>) -> Option<BcryptOptions> {
    let cost = env.parse("AUTH_BCRYPT_COST", cost, |text| {
        text.parse().ok().filter(|cost| (4..=16).contains(cost)).ok_or("must be a number from 4 to 16")
    });
    let queue = env.parse("AUTH_BCRYPT_QUEUE", queue, |text| {
        text.parse().ok().filter(|length| (1..=10_000).contains(length)).ok_or("must be a number from 1 to 10000")
    });
    let threads = available_parallelism().map_or(1, usize::from);
    Some(BcryptOptions { cost: cost?, threads, queue: queue? })
}

fn registration(text: &str) -> Result<Registration, &'static str> {
    match text {
        "open" => Ok(Registration::Open),
        "invite" => Ok(Registration::Invite),
        "closed" => Ok(Registration::Closed),
        _ => Err("must be open, invite or closed"),
    }
}

fn audiences(text: &str) -> Result<Vec<String>, &'static str> {
    let audiences: Vec<_> = text.split(',').map(|audience| audience.trim().to_owned()).collect();
    let named = audiences.iter().all(|audience| !audience.is_empty() && !audience.contains(char::is_whitespace));
    named.then_some(audiences).ok_or("must be names divided by commas")
}

fn trusted_proxies(env: &mut Env, raw: Option<String>) -> Option<Vec<IpNet>> {
    let Some(raw) = raw else { return Some(Vec::new()) };
    env.parse("AUTH_TRUSTED_PROXIES", Some(raw), |text| {
        text.split(',')
            .map(|net| net.trim().parse())
            .collect::<Result<_, _>>()
            .map_err(|_| "must be networks divided by commas, such as 10.0.0.0/8,127.0.0.1/32")
    })
}
