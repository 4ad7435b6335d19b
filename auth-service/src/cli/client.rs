//! `client …`: the services that may ask for tokens of their own. Needs the database only.

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::{Args, Subcommand};
use common::{scope::Scope, sql::Sql};
use serde::Serialize;

use super::{Failure, input::secret_from_file, output, variables};
use crate::{
    config,
    domain::client::{Client, ClientId, ClientSecret, GrantType, LONGEST_CLIENT_TOKEN},
    ports::{SystemClock, SystemRng},
    service::manage_clients::{ClientAddition, ClientOperator, ManageClientError},
    storage::sql::{SCHEMA, SqlClients},
};

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
    /// Have a client's tokens allow this and nothing else
    SetScope {
        /// The client
        id: ClientId,
        /// Words divided by spaces; "" for nothing
        scope: Scope,
    },
    /// Give a client no more tokens; those it has are refused by auth-service at once
    Disable {
        /// The client
        id: ClientId,
    },
    /// Give a disabled client tokens again
    Enable {
        /// The client
        id: ClientId,
    },
}

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// 3 to 41 letters a-z, digits or dashes
    id: ClientId,
    /// The most that its tokens may allow, words divided by spaces
    #[arg(long, default_value = "")]
    scope: Scope,
    /// The services that its tokens are for beside auth-service, divided by commas
    #[arg(long, value_delimiter = ',')]
    audiences: Vec<String>,
    /// How long its tokens live
    #[arg(long, default_value = "5m", value_parser = token_ttl)]
    token_ttl: Duration,
    /// Take the secret from a file, less one trailing newline, instead of making one
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// When there is a client of that name, give it only what it lacks of the scope
    #[arg(long)]
    if_missing: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct ClientLine<'a> {
    client_id: &'a str,
    grants: &'a [GrantType],
    scope: String,
    audiences: &'a [String],
    token_ttl_seconds: u64,
    disabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
}

impl<'a> ClientLine<'a> {
    fn new(client: &'a Client, secret: Option<&'a ClientSecret>) -> Self {
        Self {
            client_id: client.id.as_str(),
            grants: &client.grants,
            scope: client.scope.to_string(),
            audiences: &client.audiences,
            token_ttl_seconds: client.token_ttl.as_secs(),
            disabled: client.disabled,
            client_secret: secret.map(ClientSecret::expose),
        }
    }
}

pub(super) async fn run(command: ClientCommand) -> Result<(), Failure> {
    let operator = operator()?;
    match command {
        ClientCommand::Add(args) => add(&operator, args).await,
        ClientCommand::List { json } => list(&operator, json).await,
        ClientCommand::RotateSecret { id, overlap, json } => {
            let secret = operator.rotate(&id, overlap).await?;
            shown(&operator.find(&id).await?, Some(&secret), json)
        }
        ClientCommand::SetScope { id, scope } => shown(&operator.set_scope(&id, scope).await?, None, false),
        ClientCommand::Disable { id } => shown(&operator.set_disabled(&id, true).await?, None, false),
        ClientCommand::Enable { id } => shown(&operator.set_disabled(&id, false).await?, None, false),
    }
}

fn operator() -> Result<ClientOperator, Failure> {
    let url = config::database(variables())?;
    SCHEMA.check(&url)?;
    let clients = SqlClients::new(Sql::open(&url, "sql")?);
    Ok(ClientOperator { clients: Arc::new(clients), clock: Arc::new(SystemClock), rng: Arc::new(SystemRng) })
}

async fn add(operator: &ClientOperator, args: AddArgs) -> Result<(), Failure> {
    let secret = args.secret_file.as_deref().map(secret_from_file).transpose()?.map(ClientSecret::presented);
    if secret.as_ref().is_some_and(|secret| secret.expose().len() < 32) {
        return Err(Failure::Input("the secret must have at least 32 bytes".to_owned()));
    }
    let (chosen, scope) = (secret.clone(), args.scope.clone());
    let addition = ClientAddition {
        id: args.id.clone(),
        secret,
        grants: vec![GrantType::ClientCredentials],
        scope: args.scope,
        audiences: args.audiences,
        token_ttl: args.token_ttl,
    };
    match operator.add(addition).await {
        Ok((client, secret)) => shown(&client, chosen.is_none().then_some(&secret), args.json),
        Err(ManageClientError::Taken) if args.if_missing => {
            let client = operator.find(&args.id).await?;
            let whole = client.scope.with(&scope);
            let has_it = scope.is_within(&client.scope);
            let client = if has_it { client } else { operator.set_scope(&args.id, whole).await? };
            shown(&client, None, args.json)
        }
        Err(error) => Err(error.into()),
    }
}

async fn list(operator: &ClientOperator, json: bool) -> Result<(), Failure> {
    let clients = operator.list().await?;
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
    let state = if client.disabled { "  disabled" } else { "" };
    format!("{}  [{}]  for {}{state}", client.id, client.scope, client.audiences.join(","))
}

fn token_ttl(text: &str) -> Result<Duration, String> {
    let ttl = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    let bounds = Duration::from_mins(1)..=LONGEST_CLIENT_TOKEN;
    if bounds.contains(&ttl) { Ok(ttl) } else { Err("must be from 1m to 1h".to_owned()) }
}
