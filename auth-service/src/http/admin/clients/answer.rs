//! How a client is shown.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::{
    client::{Client, Credential, Name},
    client_secret::ClientSecret,
};

/// A client.
#[derive(Serialize, ToSchema)]
pub struct ClientAnswer {
    client_id: String,
    /// `client_secret` (RFC 6749, section 2.3.1) or `private_key_jwt` (RFC 7523).
    #[schema(value_type = String)]
    authentication: &'static str,
    /// `client_credentials`, `token_exchange`.
    #[schema(value_type = Vec<String>)]
    grants: Vec<&'static str>,
    /// The most that its tokens may allow.
    scopes: Vec<String>,
    /// Who it is in a token's `aud`.
    service: String,
    /// The services that its tokens are for, beside auth-service.
    audiences: Vec<String>,
    /// The roles of a user that stay in a token which it exchanges.
    roles: Vec<String>,
    /// Seconds.
    token_ttl: u64,
    disabled: bool,
    /// RFC 3339, in UTC.
    created_at: String,
    /// RFC 3339, in UTC: until when the secret of before is good, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_secret_expires_at: Option<String>,
    /// A JWK set (RFC 7517), for a client that signs with keys of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    public_keys: Option<Value>,
}

impl From<&Client> for ClientAnswer {
    fn from(client: &Client) -> Self {
        let texts = |names: &[Name]| names.iter().map(Name::to_string).collect();
        let rights = &client.rights;
        Self {
            client_id: client.id.to_string(),
            authentication: match client.credential {
                Credential::Secret { .. } => "client_secret",
                Credential::Keys(_) => "private_key_jwt",
            },
            grants: rights.grants.iter().map(|grant| grant.as_str()).collect(),
            scopes: rights.scope.iter().map(str::to_owned).collect(),
            service: rights.service.to_string(),
            audiences: texts(&rights.audiences),
            roles: texts(&rights.roles),
            token_ttl: rights.token_ttl.as_secs(),
            disabled: client.disabled,
            created_at: client.created_at.rfc3339(),
            previous_secret_expires_at: client.previous_secret().map(|previous| previous.expires_at.rfc3339()),
            public_keys: client.public_keys().and_then(|keys| serde_json::from_str(keys.as_str()).ok()),
        }
    }
}

/// A client and its secret.
#[derive(Serialize, ToSchema)]
pub struct ClientWithSecret {
    #[serde(flatten)]
    client: ClientAnswer,
    /// Not shown again. Absent for a client that signs with keys of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
}

impl ClientWithSecret {
    pub(super) fn new(client: &Client, secret: Option<&ClientSecret>) -> Self {
        Self { client: client.into(), client_secret: secret.map(|secret| secret.expose().to_owned()) }
    }
}

/// A part of the clients.
#[derive(Serialize, ToSchema)]
pub struct ClientList {
    /// By name.
    items: Vec<ClientAnswer>,
    /// Give it as `after` to get the next page; null on the last one.
    next: Option<String>,
}

impl ClientList {
    /// `clients` must be one more than `limit`, or all there are.
    pub(super) fn page(clients: &[Client], limit: u32) -> Self {
        let shown = &clients[..clients.len().min(limit as usize)];
        let next = shown.last().filter(|_| shown.len() < clients.len());
        Self { items: shown.iter().map(ClientAnswer::from).collect(), next: next.map(|client| client.id.to_string()) }
    }
}
