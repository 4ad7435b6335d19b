//! The settings of resource-service: raw texts become what is meant, all errors at once. See `.env.example`.

use std::{ffi::OsString, net::SocketAddr, time::Duration};

use common::{
    actix::cross_origin::CrossOrigins,
    env::{Env, Setting, SettingErrors},
    jwks::Url,
    outbound::http_url,
    revocation::{REVOCATION, RevocationSettings},
    service_client::{SERVICE_CLIENT, ServiceClientSettings},
    settings::{self, Tokens, TraceSettings},
    sql::DatabaseUrl,
    telemetry::log,
};
use serde::Deserialize;

#[rustfmt::skip]
const OWN: &[Setting] = &[
    Setting { name: "OTEL_SERVICE_NAME", default: Some("resource-service"), secret: false, help: "What this service is called in traces." },
    Setting { name: "JWT_AUDIENCE", default: Some("resource-service"), secret: false, help: "Who this service is: tokens whose `aud` does not name it are refused." },
    Setting { name: "RESOURCE_DATABASE_URL", default: None, secret: true, help: "Where notes are kept: `sqlite:PATH` or `postgres://user:password@host/database`. Not auth-service's." },
    Setting { name: "RESOURCE_MIGRATE", default: Some("true"), secret: false, help: "Whether `serve` migrates the database first." },
    Setting { name: "RESOURCE_BIND", default: Some("0.0.0.0:8082"), secret: false, help: "The public listener, for the gateway." },
    Setting { name: "RESOURCE_INTERNAL_BIND", default: Some("0.0.0.0:9082"), secret: false, help: "The internal listener: /livez, /readyz, /metrics." },
    Setting { name: "RESOURCE_PEER_URL", default: None, secret: false, help: "Another resource service, or this one, which /api/activity asks on behalf of the user. Needs the SERVICE_ settings." },
    Setting { name: "RESOURCE_PEER_AUDIENCE", default: None, secret: false, help: "Its JWT_AUDIENCE, for which the tokens are that it is sent. This service's own when unset." },
    Setting { name: "RESOURCE_DRAIN_TIMEOUT", default: Some("20s"), secret: false, help: "At the end, requests in flight have this long to finish." },
];

/// Every setting that resource-service reads: `.env.example` is tested against it.
#[must_use]
pub fn settings() -> Vec<Setting> {
    use settings::{CORS, JWKS, LOG, TOKENS, TRACES};
    [TOKENS, CORS, JWKS, LOG, TRACES, REVOCATION, SERVICE_CLIENT, OWN].concat()
}

#[derive(Deserialize, Default)]
struct Raw {
    jwt_audience: Option<String>,
    jwt_jwks_url: Option<String>,
    resource_database_url: Option<String>,
    resource_migrate: Option<String>,
    resource_bind: Option<String>,
    resource_internal_bind: Option<String>,
    resource_peer_url: Option<String>,
    resource_peer_audience: Option<String>,
    resource_drain_timeout: Option<String>,
}

/// What resource-service is told from outside.
#[derive(Debug)]
pub struct Config {
    /// How access tokens are signed.
    pub tokens: Tokens,
    /// Where the public keys of auth-service are, where there are some.
    pub jwks: Option<Url>,
    /// How revocations are followed, where they are.
    pub revocation: Option<RevocationSettings>,
    /// Who this service is as a client of auth-service, where it is one.
    pub client: Option<ServiceClientSettings>,
    /// Who is asked on behalf of users.
    pub peer: Option<Url>,
    /// Who that is in a token's `aud`.
    pub peer_audience: String,
    /// Who this service is in a token's `aud`.
    pub audience: String,
    /// Where notes are kept.
    pub database: DatabaseUrl,
    /// Whether `serve` migrates the database first.
    pub migrate: bool,
    /// Where everybody is served, through the gateway.
    pub public_bind: SocketAddr,
    /// Where operators are served.
    pub internal_bind: SocketAddr,
    /// How long requests in flight may take at the end.
    pub drain_timeout: Duration,
    /// Whose pages may ask from elsewhere.
    pub cross_origins: CrossOrigins,
    /// Where spans go.
    pub traces: TraceSettings,
}

impl Config {
    /// Reads everything that `serve` needs.
    pub fn read(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Self, SettingErrors> {
        let mut env = Env::new(variables, &settings());
        // Also what `start_log` reads, so that all errors come at once.
        let log = settings::log(&mut env);
        let tokens = Tokens::read(&mut env);
        let cross_origins = settings::cross_origins(&mut env);
        let traces = settings::traces(&mut env);
        let revocation = RevocationSettings::read(&mut env);
        let client = match &revocation {
            Some(Some(revocation)) => Some(Some(revocation.client.clone())),
            Some(None) => ServiceClientSettings::read_optional(&mut env),
            None => None,
        };
        let raw: Raw = env.section();
        let is_client = client.as_ref().is_some_and(Option::is_some);
        let peer = raw.resource_peer_url.map(|url| peer(&mut env, url, is_client));
        let jwks = tokens.as_ref().and_then(|tokens| jwks(&mut env, tokens, raw.jwt_jwks_url));
        let audience = env.parse("JWT_AUDIENCE", raw.jwt_audience, audience);
        let peer_audience = match raw.resource_peer_audience {
            Some(name) => env.parse("RESOURCE_PEER_AUDIENCE", Some(name), self::audience),
            None => audience.clone(),
        };
        let database = env.parse("RESOURCE_DATABASE_URL", raw.resource_database_url, str::parse::<DatabaseUrl>);
        let migrate = settings::switch(&mut env, "RESOURCE_MIGRATE", raw.resource_migrate);
        let public_bind = settings::bind(&mut env, "RESOURCE_BIND", raw.resource_bind);
        let internal_bind = settings::bind(&mut env, "RESOURCE_INTERNAL_BIND", raw.resource_internal_bind);
        let bounds = (Duration::from_secs(1), Duration::from_mins(10));
        let drain_timeout = env.duration("RESOURCE_DRAIN_TIMEOUT", raw.resource_drain_timeout, bounds);
        let config = (|| {
            log?;
            Some(Self {
                tokens: tokens?,
                jwks,
                revocation: revocation?,
                client: client?,
                peer: if let Some(peer) = peer { Some(peer?) } else { None },
                peer_audience: peer_audience?,
                audience: audience?,
                database: database?,
                migrate: migrate?,
                public_bind: public_bind?,
                internal_bind: internal_bind?,
                drain_timeout: drain_timeout?,
                cross_origins: cross_origins?,
                traces: traces?,
            })
        })();
        env.finish(config)
    }
}

/// Reads how the log looks, and starts it.
pub fn start_log(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<(), SettingErrors> {
    let mut env = Env::new(variables, settings::LOG);
    let log = settings::log(&mut env);
    let (format, filter) = env.finish(log)?;
    log::init(format, filter);
    Ok(())
}

/// Where notes are kept: all that `migrate` needs.
pub fn database(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<DatabaseUrl, SettingErrors> {
    let mut env = Env::new(variables, OWN);
    let raw: Raw = env.section();
    let url = env.parse("RESOURCE_DATABASE_URL", raw.resource_database_url, str::parse::<DatabaseUrl>);
    env.finish(url)
}

/// Where the internal listener is: all that `healthcheck` needs.
pub fn internal_bind(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<SocketAddr, SettingErrors> {
    let mut env = Env::new(variables, OWN);
    let raw: Raw = env.section();
    let bind = settings::bind(&mut env, "RESOURCE_INTERNAL_BIND", raw.resource_internal_bind);
    env.finish(bind)
}

/// Needed where public keys are accepted.
fn jwks(env: &mut Env, tokens: &Tokens, raw: Option<String>) -> Option<Url> {
    if tokens.public_key_algorithms().is_empty() {
        return None;
    }
    env.parse("JWT_JWKS_URL", raw, |text| {
        http_url(text).ok_or("must be the http or https address of auth-service's /.well-known/jwks.json")
    })
}

/// Whoever has no tokens of its own cannot ask on behalf of anybody.
fn peer(env: &mut Env, raw: String, is_client: bool) -> Option<Url> {
    if !is_client {
        env.reject("RESOURCE_PEER_URL", "needs SERVICE_TOKEN_URL, SERVICE_CLIENT_ID and SERVICE_CLIENT_SECRET");
        return None;
    }
    env.parse("RESOURCE_PEER_URL", Some(raw), |text| http_url(text).ok_or("must be an http or https address"))
}

fn audience(text: &str) -> Result<String, &'static str> {
    if text.contains(char::is_whitespace) { Err("must be a name without spaces") } else { Ok(text.to_owned()) }
}
