//! Who the service is as a client, from its settings.

use std::ffi::OsString;

use reqwest::Url;
use secrecy::SecretString;
use serde::Deserialize;

use super::client_key::ClientKey;
use crate::{
    env::{Env, Setting, SettingErrors},
    outbound::http_url,
};

const SECRET: &str = "SERVICE_CLIENT_SECRET";
const KEY: &str = "SERVICE_CLIENT_KEY";

/// The settings.
pub const SERVICE_CLIENT: &[Setting] = &[
    Setting {
        name: "SERVICE_TOKEN_URL",
        default: None,
        secret: false,
        help: "auth-service's `/oauth/token`, where this service gets tokens of its own. Needed with REVOCATION_FEED_URL.",
    },
    Setting {
        name: "SERVICE_CLIENT_ID",
        default: None,
        secret: false,
        help: "This service's name as a client: see `auth-service client add`.",
    },
    Setting {
        name: SECRET,
        default: None,
        secret: true,
        help: "The client's secret, where it has no SERVICE_CLIENT_KEY.",
    },
    Setting {
        name: KEY,
        default: None,
        secret: true,
        help: "The client's private key instead of a secret (`private_key_jwt`): Ed25519, P-256 or RSA, as PEM or JWK.",
    },
];

#[derive(Deserialize, Default)]
#[expect(clippy::struct_field_names, reason = "the names are those of the variables")]
struct Raw {
    service_token_url: Option<String>,
    service_client_id: Option<String>,
    service_client_secret: Option<String>,
    service_client_key: Option<String>,
}

/// How a client shows that it is the one it says.
#[derive(Debug, Clone)]
pub enum ClientProof {
    /// By its secret (RFC 6749, section 2.3.1).
    Secret(SecretString),
    /// By signing with its key (RFC 7523, section 2.2).
    Key(ClientKey),
}

/// Who the service is, and where it gets tokens.
#[derive(Debug, Clone)]
pub struct ServiceClientSettings {
    /// auth-service's `/oauth/token`.
    pub token_url: Url,
    /// `client_id`
    pub client_id: String,
    /// How it shows that.
    pub proof: ClientProof,
}

impl ServiceClientSettings {
    /// Reads the section; `None` when something in it is missing or was rejected.
    pub fn read(env: &mut Env) -> Option<Self> {
        let raw: Raw = env.section();
        let token_url = env.parse("SERVICE_TOKEN_URL", raw.service_token_url, address);
        let client_id = env.required("SERVICE_CLIENT_ID", raw.service_client_id);
        let proof = proof(env, raw.service_client_secret, raw.service_client_key);
        Some(Self { token_url: token_url?, client_id: client_id?, proof: proof? })
    }

    /// The same where a service may do without: `Some(None)` where nothing of it is set.
    pub fn read_optional(env: &mut Env) -> Option<Option<Self>> {
        let Raw { service_token_url, service_client_id, service_client_secret, service_client_key } = env.section();
        let given = [service_token_url, service_client_id, service_client_secret, service_client_key];
        let is_rejected = SERVICE_CLIENT.iter().any(|setting| env.is_rejected(setting.name));
        if given.iter().all(Option::is_none) && !is_rejected {
            return Some(None);
        }
        Self::read(env).map(Some)
    }

    /// Reads them from `variables`, for a service that has no other settings of Latchkey.
    pub fn of(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Self, SettingErrors> {
        let mut env = Env::new(variables, SERVICE_CLIENT);
        let settings = Self::read(&mut env);
        env.finish(settings)
    }
}

fn proof(env: &mut Env, secret: Option<String>, key: Option<String>) -> Option<ClientProof> {
    match (secret, key) {
        (Some(_), Some(_)) => {
            env.reject(KEY, format_args!("is set, and so is {SECRET}: give one of them"));
            None
        }
        (Some(secret), None) => Some(ClientProof::Secret(secret.into())),
        (None, Some(key)) => {
            let key = ClientKey::parse(&SecretString::from(key));
            key.map_err(|error| env.reject(KEY, error)).ok().map(ClientProof::Key)
        }
        (None, None) => {
            if !env.is_rejected(KEY) && !env.is_rejected(SECRET) {
                env.reject(SECRET, format_args!("is not set, and neither is {KEY}"));
            }
            None
        }
    }
}

fn address(text: &str) -> Result<Url, &'static str> {
    let url = http_url(text).ok_or("must be an http or https address")?;
    if url.username().is_empty() && url.password().is_none() { Ok(url) } else { Err("must not have a user name in it") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHO: [(&str, &str); 2] = [("SERVICE_TOKEN_URL", "http://auth/oauth/token"), ("SERVICE_CLIENT_ID", "reports")];

    fn read(more: &[(&str, &str)]) -> Result<ServiceClientSettings, String> {
        let variables = WHO.iter().chain(more).map(|(name, value)| (name.into(), value.into()));
        ServiceClientSettings::of(variables).map_err(|errors| errors.to_string())
    }

    #[test]
    fn a_client_has_a_secret_or_a_key() {
        let settings = read(&[(SECRET, "hunter2")]).unwrap();
        assert!(!format!("{settings:?}").contains("hunter2"));
        let errors = read(&[]).unwrap_err();
        assert_eq!(errors, "SERVICE_CLIENT_SECRET is not set, and neither is SERVICE_CLIENT_KEY\n");
        let errors = read(&[(SECRET, "s"), (KEY, "k")]).unwrap_err();
        assert_eq!(errors, "SERVICE_CLIENT_KEY is set, and so is SERVICE_CLIENT_SECRET: give one of them\n");
        let errors = read(&[("SERVICE_CLIENT_KEY_FILE", "/nowhere")]).unwrap_err();
        assert_eq!(errors, "SERVICE_CLIENT_KEY_FILE names a file that cannot be read: entity not found\n");
        let errors = read(&[(KEY, "hunter2")]).unwrap_err();
        assert!(errors.starts_with("SERVICE_CLIENT_KEY must be a private key"), "{errors}");
        assert!(!errors.contains("hunter2"));
    }

    #[test]
    fn all_errors_come_at_once() {
        let errors = ServiceClientSettings::of([("SERVICE_TOKEN_URL".into(), "ftp://auth".into())]).unwrap_err();
        assert_eq!(
            errors.to_string(),
            "SERVICE_TOKEN_URL must be an http or https address\nSERVICE_CLIENT_ID is not set\n\
             SERVICE_CLIENT_SECRET is not set, and neither is SERVICE_CLIENT_KEY\n"
        );
    }

    #[test]
    fn who_is_no_client_sets_nothing_and_half_of_it_is_an_error() {
        let optional = |variables: &[(&str, &str)]| {
            let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
            let mut env = Env::new(variables, SERVICE_CLIENT);
            let settings = ServiceClientSettings::read_optional(&mut env);
            env.finish(settings)
        };
        assert!(optional(&[]).unwrap().is_none());
        assert!(optional(&WHO).is_err());
        assert!(optional(&[("SERVICE_CLIENT_SECRET_FILE", "/nowhere")]).is_err());
    }
}
