//! What an administrator says of a client.

use std::{str::FromStr, time::Duration};

use common::{problem::Problem, scope::Scope};
use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::LONGEST_OVERLAP;
use crate::{
    crypto::client_assertions::read_keys,
    domain::client::{ClientChange, ClientId, ClientKeys, GrantType, Name, Rights, is_token_ttl},
    service::manage_clients::NewCredential,
};

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 200;
const DEFAULT_TOKEN_TTL: Duration = Duration::from_mins(5);

/// Which part of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ClientQuery {
    /// 1 to 200; 50 when it is left out.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
}

impl ClientQuery {
    pub(super) fn read(&self) -> Result<(Option<ClientId>, u32), Problem> {
        let after = self.after.as_deref().map(str::parse).transpose();
        let after = after.map_err(|_| Problem::bad_field("after", "must be the `next` of a page"))?;
        let limit = self.limit.as_deref().map_or(Some(DEFAULT_LIMIT), |text| text.parse().ok());
        let limit = limit.filter(|limit| (1..=MAX_LIMIT).contains(limit));
        Ok((after, limit.ok_or_else(|| Problem::bad_field("limit", "must be a number from 1 to 200"))?))
    }
}

/// A new client.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientRequest {
    /// 3 to 41 of `a`–`z`, `0`–`9`, `-`; a letter first.
    #[schema(pattern = "^[a-z][a-z0-9-]{2,40}$")]
    client_id: String,
    /// `client_credentials`, `token_exchange`; the first when it is left out.
    grants: Option<Vec<String>>,
    /// The most that its tokens may allow.
    scopes: Option<Vec<String>>,
    /// Who it is in a token's `aud`: tokens that name this were sent to it. Its id when it is left out.
    service: Option<String>,
    /// The services that its tokens are for, beside auth-service.
    audiences: Option<Vec<String>>,
    /// The roles of a user that stay in a token which it exchanges.
    roles: Option<Vec<String>>,
    /// Seconds, 60 to 3600; 300 when it is left out.
    #[schema(minimum = 60, maximum = 3600)]
    token_ttl: Option<u64>,
    /// Instead of a secret: a JWK or a JWK set (RFC 7517) with public keys for `EdDSA`, `ES256` or `RS256`.
    #[schema(value_type = Option<Object>)]
    public_keys: Option<Value>,
}

impl ClientRequest {
    pub(super) fn read(self) -> Result<(ClientId, NewCredential, Rights), Problem> {
        let id: ClientId = self.client_id.parse().map_err(|error| bad("client_id", &error))?;
        let service = self.service.unwrap_or_else(|| id.to_string());
        let rights = Rights {
            grants: match self.grants {
                Some(grants) => each("grants", &grants)?,
                None => vec![GrantType::ClientCredentials],
            },
            scope: self.scopes.as_deref().map(scope).transpose()?.unwrap_or_default(),
            service: service.try_into().map_err(|error| bad("service", &error))?,
            audiences: self.audiences.map_or(Ok(Vec::new()), |names| each("audiences", &names))?,
            roles: self.roles.map_or(Ok(Vec::new()), |names| each("roles", &names))?,
            token_ttl: self.token_ttl.map_or(Ok(DEFAULT_TOKEN_TTL), token_ttl)?,
        };
        let credential = match self.public_keys {
            Some(document) => NewCredential::Keys(keys(&document)?),
            None => NewCredential::NewSecret,
        };
        Ok((id, credential, rights))
    }
}

/// What is to change of a client: a member that is missing stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientPatch {
    /// `client_credentials`, `token_exchange`.
    grants: Option<Vec<String>>,
    /// The most that its tokens may allow.
    scopes: Option<Vec<String>>,
    /// Who it is in a token's `aud`.
    service: Option<String>,
    /// The services that its tokens are for, beside auth-service.
    audiences: Option<Vec<String>>,
    /// The roles of a user that stay in a token which it exchanges.
    roles: Option<Vec<String>>,
    /// Seconds, 60 to 3600.
    #[schema(minimum = 60, maximum = 3600)]
    token_ttl: Option<u64>,
    /// Other public keys, for a client that was added with some.
    #[schema(value_type = Option<Object>)]
    public_keys: Option<Value>,
    /// Whether it gets no tokens.
    disabled: Option<bool>,
}

impl ClientPatch {
    pub(super) fn read(self) -> Result<(ClientChange, Option<bool>), Problem> {
        let change = ClientChange {
            grants: self.grants.map(|words| each("grants", &words)).transpose()?,
            scope: self.scopes.as_deref().map(scope).transpose()?,
            service: self.service.map(Name::try_from).transpose().map_err(|error| bad("service", &error))?,
            audiences: self.audiences.map(|names| each("audiences", &names)).transpose()?,
            roles: self.roles.map(|names| each("roles", &names)).transpose()?,
            token_ttl: self.token_ttl.map(token_ttl).transpose()?,
            keys: self.public_keys.as_ref().map(keys).transpose()?,
        };
        Ok((change, self.disabled))
    }
}

/// How a secret changes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretRequest {
    /// Seconds for which the secret of now is good still, at most 30 days; a day when it is left out.
    #[schema(maximum = 2_592_000)]
    overlap: Option<u64>,
}

impl SecretRequest {
    pub(super) const DEFAULT_OVERLAP: Duration = Duration::from_hours(24);

    pub(super) fn read(&self) -> Result<Duration, Problem> {
        let overlap = self.overlap.map_or(Self::DEFAULT_OVERLAP, Duration::from_secs);
        let fits = overlap <= LONGEST_OVERLAP;
        if fits { Ok(overlap) } else { Err(Problem::bad_field("overlap", "must be at most 2592000 seconds")) }
    }
}

fn bad(field: &'static str, error: &impl ToString) -> Problem {
    Problem::bad_field(field, error.to_string())
}

/// One that is there twice counts once.
fn each<T: FromStr<Err: ToString> + PartialEq>(field: &'static str, words: &[String]) -> Result<Vec<T>, Problem> {
    let mut read = Vec::new();
    for word in words {
        let item = word.parse().map_err(|error| bad(field, &error))?;
        if !read.contains(&item) {
            read.push(item);
        }
    }
    Ok(read)
}

fn scope(words: &[String]) -> Result<Scope, Problem> {
    let is_one_word = |word: &String| !word.is_empty() && !word.contains(' ');
    let scope = words.iter().all(is_one_word).then(|| words.join(" ").parse().ok()).flatten();
    let expected = "must be printable ASCII words without spaces, quotes and backslashes";
    scope.ok_or_else(|| Problem::bad_field("scopes", expected))
}

fn token_ttl(seconds: u64) -> Result<Duration, Problem> {
    let ttl = Duration::from_secs(seconds);
    if is_token_ttl(ttl) { Ok(ttl) } else { Err(Problem::bad_field("token_ttl", "must be from 60 to 3600 seconds")) }
}

fn keys(document: &Value) -> Result<ClientKeys, Problem> {
    read_keys(&document.to_string()).map_err(|error| bad("public_keys", &error))
}
