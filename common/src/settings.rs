//! The settings that every service shares: how tokens are signed, and how the log looks.

use std::net::SocketAddr;

use jsonwebtoken::Algorithm;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tracing_subscriber::EnvFilter;

use crate::{
    actix::cross_origin::CrossOrigins,
    browser::Site,
    env::{Env, Setting},
    jwe::{Encryption, JweKey, JweKeys},
    secret::{SecretSet, SigningSecret},
    telemetry::log::Format,
    verifier::KeySet,
};

/// The value that `.env.example` shows for every secret. It is refused.
pub const EXAMPLE_SECRET: &str = "replace-me-with-32-or-more-random-bytes";

/// How access tokens are signed and whose they are.
pub const TOKENS: &[Setting] = &[
    Setting {
        name: "JWT_SECRET",
        default: None,
        secret: true,
        help: "Signs access tokens (HS256); at least 32 bytes. Every service has it, where JWT_ALGORITHMS lists HS256.",
    },
    Setting {
        name: "JWT_SECRET_NEXT",
        default: None,
        secret: true,
        help: "Accepted already, signs nothing: the secret that comes after a rolling change.",
    },
    Setting {
        name: "JWT_SECRET_PREVIOUS",
        default: None,
        secret: true,
        help: "Accepted still, signs nothing: the secret from before a rolling change.",
    },
    Setting {
        name: "JWT_ALGORITHMS",
        default: Some("HS256"),
        secret: false,
        help: "What access tokens may be signed with, divided by commas: `HS256`, `EdDSA`, `ES256`, `RS256`.",
    },
    Setting {
        name: "JWT_ISSUER",
        default: Some("http://localhost:8080"),
        secret: false,
        help: "The public address of Latchkey: `iss` of every token, and auth-service's own audience.",
    },
    Setting {
        name: "JWE",
        default: Some("off"),
        secret: false,
        help: "Encrypted access tokens: `off`, `accept` (both kinds are read, signed ones issued) or `require`.",
    },
    Setting {
        name: "JWE_KEY",
        default: None,
        secret: true,
        help: "Encrypts access tokens: 32 bytes in base64url without padding. Needed where JWE is not off.",
    },
    Setting { name: "JWE_KEY_NEXT", default: None, secret: true, help: "Decrypts already, encrypts nothing." },
    Setting { name: "JWE_KEY_PREVIOUS", default: None, secret: true, help: "Decrypts still, encrypts nothing." },
];

/// Where a service finds the public keys of auth-service.
pub const JWKS: &[Setting] = &[Setting {
    name: "JWT_JWKS_URL",
    default: None,
    secret: false,
    help: "auth-service's `/.well-known/jwks.json`; needed where JWT_ALGORITHMS lists more than HS256.",
}];

/// Whose pages may ask from elsewhere.
pub const CORS: &[Setting] = &[Setting {
    name: "CORS_ORIGINS",
    default: None,
    secret: false,
    help: "Origins whose pages may ask with access tokens, divided by commas, such as `https://app.example.org`. Unset: none.",
}];

/// How the log looks.
pub const LOG: &[Setting] = &[
    Setting {
        name: "LOG_FORMAT",
        default: Some("json"),
        secret: false,
        help: "`json` for machines, `pretty` for people.",
    },
    Setting {
        name: "LOG_LEVEL",
        default: Some("info"),
        secret: false,
        help: "`error`, `warn`, `info`, `debug`, or a filter such as `info,auth_service=debug`.",
    },
];

/// Where spans go. Beside it every service has an `OTEL_SERVICE_NAME`, with a default of its own.
pub const TRACES: &[Setting] = &[Setting {
    name: "OTEL_EXPORTER_OTLP_ENDPOINT",
    default: None,
    secret: false,
    help: "An OpenTelemetry collector that takes OTLP over HTTP, such as `http://localhost:4318`. Unset: spans go nowhere.",
}];

#[derive(Deserialize, Default)]
#[expect(clippy::struct_field_names, reason = "the names are those of the variables")]
struct RawTokens {
    jwt_secret: Option<String>,
    jwt_secret_next: Option<String>,
    jwt_secret_previous: Option<String>,
    jwt_algorithms: Option<String>,
    jwt_issuer: Option<String>,
}

/// How access tokens are signed and whose they are.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// `iss`
    pub issuer: String,
    /// What is accepted.
    pub algorithms: Vec<Algorithm>,
    /// The secrets shared by all services, where HS256 is accepted.
    pub secrets: Option<SecretSet>,
    /// Whether they are encrypted too.
    pub encryption: Encryption,
}

impl Tokens {
    /// Reads the section; `None` when something in it was rejected.
    pub fn read(env: &mut Env) -> Option<Self> {
        let raw: RawTokens = env.section();
        let algorithms = env.parse("JWT_ALGORITHMS", raw.jwt_algorithms, algorithms);
        let issuer = env.parse("JWT_ISSUER", raw.jwt_issuer, issuer);
        // A secret that verifies nothing is not kept: whoever takes over the process could only mint with it.
        let secrets = if algorithms.as_ref().is_some_and(|it| !it.contains(&Algorithm::HS256)) {
            Some(None)
        } else {
            secret_set(env, "JWT_SECRET", raw.jwt_secret, raw.jwt_secret_next, raw.jwt_secret_previous).map(Some)
        };
        let encryption = encryption(env);
        Some(Self { issuer: issuer?, algorithms: algorithms?, secrets: secrets?, encryption: encryption? })
    }

    /// Whose cookies may hold tokens: the site that users see, which issues them. None where cookies would travel in the clear.
    #[must_use]
    pub fn site(&self) -> Option<Site> {
        Site::at(&self.issuer).ok()
    }

    /// The accepted algorithms whose keys are public.
    #[must_use]
    pub fn public_key_algorithms(&self) -> Vec<Algorithm> {
        self.algorithms.iter().copied().filter(|algorithm| *algorithm != Algorithm::HS256).collect()
    }

    /// The keys of HS256, where it is accepted.
    #[must_use]
    pub fn secret_keys(&self) -> KeySet {
        self.secrets.as_ref().map(KeySet::of_secrets).unwrap_or_default()
    }
}

fn algorithms(text: &str) -> Result<Vec<Algorithm>, &'static str> {
    let mut algorithms = Vec::new();
    for name in text.split(',') {
        let algorithm = match name.trim() {
            "HS256" => Algorithm::HS256,
            "EdDSA" => Algorithm::EdDSA,
            "ES256" => Algorithm::ES256,
            "RS256" => Algorithm::RS256,
            _ => return Err("must be HS256, EdDSA, ES256 or RS256, divided by commas"),
        };
        if !algorithms.contains(&algorithm) {
            algorithms.push(algorithm);
        }
    }
    Ok(algorithms)
}

fn issuer(text: &str) -> Result<String, &'static str> {
    let right = is_plain_address(text);
    right.then(|| text.to_owned()).ok_or("must be an http or https address without a trailing slash, query or fragment")
}

fn is_plain_address(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    !host.is_empty() && !host.ends_with('/') && !text.contains(['?', '#', ' ', '"'])
}

/// A secret `name` with its `_NEXT` and `_PREVIOUS`.
pub fn secret_set(
    env: &mut Env,
    name: &str,
    current: Option<String>,
    next: Option<String>,
    previous: Option<String>,
) -> Option<SecretSet> {
    let current = env.required(name, current).and_then(|raw| signing_secret(env, name, raw));
    let mut other = |suffix: &str, raw: Option<String>| {
        let name = format!("{name}_{suffix}");
        raw.and_then(|raw| signing_secret(env, &name, raw))
    };
    let (next, previous) = (other("NEXT", next), other("PREVIOUS", previous));
    Some(SecretSet { current: current?, next, previous })
}

fn signing_secret(env: &mut Env, name: &str, raw: String) -> Option<SigningSecret> {
    let secret = SecretString::from(raw);
    if secret.expose_secret() == EXAMPLE_SECRET {
        env.reject(name, "is still the value of the example: make one with `openssl rand -base64 32`");
        return None;
    }
    SigningSecret::new(secret).map_err(|error| env.reject(name, error)).ok()
}

#[derive(Deserialize, Default)]
struct RawEncryption {
    jwe: Option<String>,
    jwe_key: Option<String>,
    jwe_key_next: Option<String>,
    jwe_key_previous: Option<String>,
}

#[derive(Clone, Copy)]
enum EncryptionMode {
    Off,
    Accept,
    Require,
}

/// Reads whether access tokens are encrypted, and with what. A key that is given must be one even where it is not used.
pub fn encryption(env: &mut Env) -> Option<Encryption> {
    let raw: RawEncryption = env.section();
    let mode = env.parse("JWE", raw.jwe, |text| match text {
        "off" => Ok(EncryptionMode::Off),
        "accept" => Ok(EncryptionMode::Accept),
        "require" => Ok(EncryptionMode::Require),
        _ => Err("must be off, accept or require"),
    });
    let mut key = |name: &str, raw: Option<String>| {
        let read = JweKey::parse(&SecretString::from(raw?));
        read.map_err(|error| env.reject(name, error)).ok()
    };
    let given = raw.jwe_key.is_some();
    let current = key("JWE_KEY", raw.jwe_key);
    let (next, previous) = (key("JWE_KEY_NEXT", raw.jwe_key_next), key("JWE_KEY_PREVIOUS", raw.jwe_key_previous));
    let wrap = match mode? {
        EncryptionMode::Off => return Some(Encryption::Off),
        EncryptionMode::Accept => Encryption::Accept,
        EncryptionMode::Require => Encryption::Require,
    };
    if !given {
        env.reject("JWE_KEY", "is missing, and JWE is not off");
    }
    Some(wrap(JweKeys { current: current?, next, previous }))
}

#[derive(Deserialize, Default)]
struct RawLog {
    log_format: Option<String>,
    log_level: Option<String>,
}

/// Reads how the log looks and what it leaves out.
pub fn log(env: &mut Env) -> Option<(Format, EnvFilter)> {
    let raw: RawLog = env.section();
    let format = env.parse("LOG_FORMAT", raw.log_format, |text| match text {
        "json" => Ok(Format::Json),
        "pretty" => Ok(Format::Pretty),
        _ => Err("must be json or pretty"),
    });
    let level = env.value("LOG_LEVEL", raw.log_level, "error, warn, info, debug, trace or a filter of them");
    Some((format?, level?))
}

#[derive(Deserialize, Default)]
struct RawTraces {
    otel_exporter_otlp_endpoint: Option<String>,
    otel_service_name: Option<String>,
}

/// Where spans go, and what they say they come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceSettings {
    /// The collector, without a trailing slash; `None`: spans go nowhere.
    pub endpoint: Option<String>,
    /// `service.name`
    pub service_name: String,
}

/// Reads where spans go.
pub fn traces(env: &mut Env) -> Option<TraceSettings> {
    let raw: RawTraces = env.section();
    let endpoint = env.parse_optional("OTEL_EXPORTER_OTLP_ENDPOINT", raw.otel_exporter_otlp_endpoint, collector);
    let service_name = env.required("OTEL_SERVICE_NAME", raw.otel_service_name);
    Some(TraceSettings { endpoint, service_name: service_name? })
}

fn collector(text: &str) -> Result<String, &'static str> {
    let address = text.strip_suffix('/').unwrap_or(text);
    let right = is_plain_address(address) && !address.contains('@');
    right.then(|| address.to_owned()).ok_or("must be an http or https address without a password, query or fragment")
}

#[derive(Deserialize, Default)]
struct RawCors {
    cors_origins: Option<String>,
}

/// Reads whose pages may ask from elsewhere.
pub fn cross_origins(env: &mut Env) -> Option<CrossOrigins> {
    let raw: RawCors = env.section();
    match raw.cors_origins {
        None => Some(CrossOrigins::default()),
        some => env.parse_optional("CORS_ORIGINS", some, str::parse),
    }
}

/// An address to listen on.
pub fn bind(env: &mut Env, name: &str, raw: Option<String>) -> Option<SocketAddr> {
    env.value(name, raw, "an address and a port such as 0.0.0.0:8081")
}

/// A switch.
pub fn switch(env: &mut Env, name: &str, raw: Option<String>) -> Option<bool> {
    env.value(name, raw, "true or false")
}
