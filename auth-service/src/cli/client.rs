//! `client …`: the services that may ask for tokens. Needs the database only.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::{Args, Subcommand};
use common::{scope::Scope, sql::Sql};
use serde::Serialize;
use serde_json::Value;

use super::{Failure, input::secret_from_file, output, variables};
use crate::{
    config,
    crypto::client_assertions::read_keys,
    domain::{
        audit::Actor,
        client::{Client, ClientChange, ClientId, ClientKeys, Credential, GrantType, Name, Rights, is_token_ttl},
        client_secret::ClientSecret,
    },
    ports::{Clock, SystemClock, SystemRng},
    service::manage_clients::{ClientOperator, ManageClientError, NewCredential},
    storage::sql::{SCHEMA, SqlClients},
};

/// More clients than anybody has.
const ALL: u32 = 100_000;

#[derive(Debug, Subcommand)]
pub(super) enum ClientCommand {
    /// Add a client and print its secret, which is not shown again
    Add(AddArgs),
    /// List all clients
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Change what a client may have; what is not named stays as it is
    Change(ChangeArgs),
    /// Give a client a new secret and print it; the one of now is good for a while still
    RotateSecret {
        /// The client
        id: ClientId,
        /// How long the one of now is good still
        #[arg(long, default_value = "1d", value_parser = humantime::parse_duration)]
        overlap: Duration,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Give a client no more tokens; those it has are refused
    Disable {
        /// The client
        id: ClientId,
    },
    /// Give a disabled client tokens again
    Enable {
        /// The client
        id: ClientId,
    },
    /// Remove a client; the tokens it has are refused
    Remove {
        /// The client
        id: ClientId,
    },
}

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// 3 to 41 letters a-z, digits or dashes
    id: ClientId,
    /// What it may ask for, divided by commas: `client_credentials`, `token_exchange`
    #[arg(long, value_delimiter = ',', default_value = "client_credentials")]
    grants: Vec<GrantType>,
    /// The most that its tokens may allow, words divided by spaces
    #[arg(long, default_value = "")]
    scope: Scope,
    /// Who it is in a token's `aud`: tokens that name this were sent to it; its id, when left out
    #[arg(long)]
    service: Option<Name>,
    /// The services that its tokens are for beside auth-service, divided by commas
    #[arg(long, value_delimiter = ',')]
    audiences: Vec<Name>,
    /// The roles of a user that stay in a token which it exchanges, divided by commas
    #[arg(long, value_delimiter = ',')]
    roles: Vec<Name>,
    /// How long its tokens live
    #[arg(long, default_value = "5m", value_parser = token_ttl)]
    token_ttl: Duration,
    /// Take the secret from a file, less one trailing newline, instead of making one
    #[arg(long, value_name = "FILE", conflicts_with = "public_keys")]
    secret_file: Option<PathBuf>,
    /// Take no secret, but public keys from a file: a JWK or a JWK set
    #[arg(long, value_name = "FILE")]
    public_keys: Option<PathBuf>,
    /// When there is a client of that name, give it only what it lacks of grants, scope, audiences and roles
    #[arg(long)]
    if_missing: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ChangeArgs {
    /// The client
    id: ClientId,
    /// See `add`
    #[arg(long, value_delimiter = ',')]
    grants: Option<Vec<GrantType>>,
    /// The most that its tokens may allow, words divided by spaces; "" for nothing
    #[arg(long)]
    scope: Option<Scope>,
    /// See `add`
    #[arg(long)]
    service: Option<Name>,
    /// See `add`
    #[arg(long, value_delimiter = ',')]
    audiences: Option<Vec<Name>>,
    /// See `add`
    #[arg(long, value_delimiter = ',')]
    roles: Option<Vec<Name>>,
    /// See `add`
    #[arg(long, value_parser = token_ttl)]
    token_ttl: Option<Duration>,
    /// Other public keys, for a client that was added with some
    #[arg(long, value_name = "FILE")]
    public_keys: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct ClientLine<'a> {
    client_id: &'a str,
    authentication: &'static str,
    grants: &'a [GrantType],
    scope: String,
    service: &'a Name,
    audiences: &'a [Name],
    roles: &'a [Name],
    token_ttl_seconds: u64,
    disabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_secret_expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_keys: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
}

impl<'a> ClientLine<'a> {
    fn new(client: &'a Client, secret: Option<&'a ClientSecret>) -> Self {
        Self {
            client_id: client.id.as_str(),
            authentication: match client.credential {
                Credential::Secret { .. } => "client_secret",
                Credential::Keys(_) => "private_key_jwt",
            },
            grants: &client.rights.grants,
            scope: client.rights.scope.to_string(),
            service: &client.rights.service,
            audiences: &client.rights.audiences,
            roles: &client.rights.roles,
            token_ttl_seconds: client.rights.token_ttl.as_secs(),
            disabled: client.disabled,
            previous_secret_expires_at: client.previous_secret().map(|previous| previous.expires_at.rfc3339()),
            public_keys: client.public_keys().and_then(|keys| serde_json::from_str(keys.as_str()).ok()),
            client_secret: secret.map(ClientSecret::expose),
        }
    }
}

pub(super) async fn run(command: ClientCommand) -> Result<(), Failure> {
    let operator = operator()?;
    match command {
        ClientCommand::Add(args) => add(&operator, args).await,
        ClientCommand::List { json } => list(&operator, json).await,
        ClientCommand::Change(args) => change(&operator, args).await,
        ClientCommand::RotateSecret { id, overlap, json } => {
            let (client, secret) = operator.rotate(&id, overlap).await?;
            shown(&client, Some(&secret), json)
        }
        ClientCommand::Disable { id } => shown(&operator.set_disabled(&id, true).await?, None, false),
        ClientCommand::Enable { id } => shown(&operator.set_disabled(&id, false).await?, None, false),
        ClientCommand::Remove { id } => {
            operator.remove(&id).await?;
            output::line(&format!("{id} is removed."));
            Ok(())
        }
    }
}

fn operator() -> Result<ClientOperator, Failure> {
    let url = config::database(variables())?;
    SCHEMA.check(&url)?;
    let clients = SqlClients::new(Sql::open(&url, "sql")?);
    Ok(ClientOperator {
        clients: Arc::new(clients),
        clock: Arc::new(SystemClock),
        rng: Arc::new(SystemRng),
        actor: Actor::Operator,
        address: None,
    })
}

async fn add(operator: &ClientOperator, args: AddArgs) -> Result<(), Failure> {
    let credential = match (args.secret_file.as_deref(), args.public_keys.as_deref()) {
        (Some(file), _) => NewCredential::Secret(secret_from(file)?),
        (None, Some(file)) => NewCredential::Keys(keys_from(file)?),
        (None, None) => NewCredential::NewSecret,
    };
    let asked = Asked::of(&credential, args.service.clone());
    let service = match args.service {
        Some(service) => service,
        None => args.id.as_str().parse().map_err(|error| Failure::Input(format!("{error}")))?,
    };
    let rights = Rights {
        grants: args.grants,
        scope: args.scope,
        service,
        audiences: args.audiences,
        roles: args.roles,
        token_ttl: args.token_ttl,
    };
    match operator.add(args.id.clone(), credential, rights.clone()).await {
        Ok((client, secret)) => shown(&client, secret.as_ref(), args.json),
        Err(ManageClientError::Taken) if args.if_missing => {
            let client = operator.find(&args.id).await?;
            asked.fits(&client)?;
            let lacking = lacking(&client.rights, &rights);
            shown(&operator.change(&args.id, &lacking).await?, None, args.json)
        }
        Err(error) => Err(error.into()),
    }
}

/// What cannot be given to a client that is there already.
struct Asked {
    secret: Option<ClientSecret>,
    keys: Option<ClientKeys>,
    service: Option<Name>,
}

impl Asked {
    fn of(credential: &NewCredential, service: Option<Name>) -> Self {
        let (secret, keys) = match credential {
            NewCredential::NewSecret => (None, None),
            NewCredential::Secret(secret) => (Some(secret.clone()), None),
            NewCredential::Keys(keys) => (None, Some(keys.clone())),
        };
        Self { secret, keys, service }
    }

    /// A client that could not use what was asked for is better known now than when it is refused.
    fn fits(&self, client: &Client) -> Result<(), Failure> {
        let id = &client.id;
        if self.secret.as_ref().is_some_and(|secret| !client.has_secret(secret, SystemClock.now())) {
            let remedy = format!("auth-service client remove {id}, and add it again");
            return Err(Failure::Input(format!("there is a client {id} with another secret: {remedy}")));
        }
        if self.keys.as_ref().is_some_and(|keys| client.credential != Credential::Keys(keys.clone())) {
            let remedy = format!("auth-service client change {id} --public-keys");
            return Err(Failure::Input(format!("there is a client {id} with other keys: {remedy}")));
        }
        if self.service.as_ref().is_some_and(|service| *service != client.rights.service) {
            let remedy = format!("auth-service client change {id} --service");
            return Err(Failure::Input(format!("there is a client {id} of another service: {remedy}")));
        }
        Ok(())
    }
}

/// What `has` lacks of `wanted`.
fn lacking(has: &Rights, wanted: &Rights) -> ClientChange {
    ClientChange {
        grants: united(&has.grants, &wanted.grants),
        scope: Some(has.scope.with(&wanted.scope)).filter(|whole| *whole != has.scope),
        audiences: united(&has.audiences, &wanted.audiences),
        roles: united(&has.roles, &wanted.roles),
        ..ClientChange::default()
    }
}

/// Both, where there is something new in `wanted`.
fn united<T: Clone + PartialEq>(has: &[T], wanted: &[T]) -> Option<Vec<T>> {
    let new: Vec<T> = wanted.iter().filter(|it| !has.contains(it)).cloned().collect();
    (!new.is_empty()).then(|| [has, &new].concat())
}

async fn change(operator: &ClientOperator, args: ChangeArgs) -> Result<(), Failure> {
    let change = ClientChange {
        grants: args.grants,
        scope: args.scope,
        service: args.service,
        audiences: args.audiences,
        roles: args.roles,
        token_ttl: args.token_ttl,
        keys: args.public_keys.as_deref().map(keys_from).transpose()?,
    };
    shown(&operator.change(&args.id, &change).await?, None, args.json)
}

fn secret_from(file: &Path) -> Result<ClientSecret, Failure> {
    let secret = ClientSecret::presented(secret_from_file(file)?);
    if secret.expose().len() < 32 {
        return Err(Failure::Input("the secret must have at least 32 bytes".to_owned()));
    }
    Ok(secret)
}

fn keys_from(file: &Path) -> Result<ClientKeys, Failure> {
    let of_file = |error: &dyn std::fmt::Display| Failure::Input(format!("{}: {error}", file.display()));
    let document = fs::read_to_string(file).map_err(|error| of_file(&error))?;
    read_keys(&document).map_err(|error| of_file(&error))
}

async fn list(operator: &ClientOperator, json: bool) -> Result<(), Failure> {
    let clients = operator.list(None, ALL).await?;
    if json {
        return output::json(&clients.iter().map(|client| ClientLine::new(client, None)).collect::<Vec<_>>());
    }
    for client in &clients {
        output::line(&described(client));
    }
    Ok(())
}

fn shown(client: &Client, secret: Option<&ClientSecret>, json: bool) -> Result<(), Failure> {
    if json {
        return output::json(&ClientLine::new(client, secret));
    }
    output::line(&described(client));
    if let Some(secret) = secret {
        output::line(&format!("Secret, not shown again: {}", secret.expose()));
    }
    Ok(())
}

fn described(client: &Client) -> String {
    let rights = &client.rights;
    let grants: Vec<&str> = rights.grants.iter().map(|grant| grant.as_str()).collect();
    let audiences: Vec<&str> = rights.audiences.iter().map(Name::as_str).collect();
    let roles: Vec<&str> = rights.roles.iter().map(Name::as_str).collect();
    let is_named = rights.service.as_str() != client.id.as_str();
    let further = [
        is_named.then(|| format!("as {}", rights.service)),
        (!roles.is_empty()).then(|| format!("roles {}", roles.join(","))),
        Some(humantime::format_duration(rights.token_ttl).to_string()),
        client.public_keys().map(|_| "with keys".to_owned()),
        client.disabled.then(|| "disabled".to_owned()),
    ];
    let line = format!("{}  {}  [{}]  for {}", client.id, grants.join(","), rights.scope, audiences.join(","));
    further.into_iter().flatten().fold(line, |line, part| line + "  " + &part)
}

fn token_ttl(text: &str) -> Result<Duration, String> {
    let ttl = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if is_token_ttl(ttl) { Ok(ttl) } else { Err("must be whole seconds from 1m to 1h".to_owned()) }
}
