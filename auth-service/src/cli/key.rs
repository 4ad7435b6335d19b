//! `key …`: what an operator does with the signing keys. Needs the database and the master key; running services follow
//! within a second.

use std::sync::Arc;

use clap::{Args, Subcommand};
use common::sql::Sql;
use serde::Serialize;

use super::{Failure, output, variables};
use crate::{
    config,
    crypto::master_key::MasterKey,
    domain::signing_key::{KeyId, SigningKey},
    ports::{Clock, SystemClock, SystemRng},
    service::signing_keys::KeyKeeper,
    storage::sql::{SCHEMA, SqlKeys},
};

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// List the keys: which one signs, which one is next, which ones are only verified with
    List(Format),
    /// Let the next key take over as soon as every verifier can know it
    Rotate(Format),
    /// Delete a key at once, because somebody else may have it: tokens signed by it are refused
    Retire {
        /// The key's name, as `list` shows it
        #[arg(allow_hyphen_values = true)]
        kid: String,
        #[command(flatten)]
        format: Format,
    },
    /// Encrypt every key under `AUTH_MASTER_KEY` that is still under another master key
    Rewrap,
    /// Print a new value for `AUTH_MASTER_KEY`; changes nothing
    NewMaster,
}

#[derive(Debug, Args)]
pub(super) struct Format {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct KeyLine {
    kid: String,
    algorithm: &'static str,
    phase: &'static str,
    created_at: String,
    activates_at: String,
    retires_at: Option<String>,
    verify_until: Option<String>,
}

impl KeyLine {
    fn of(key: &SigningKey) -> Self {
        let time = common::clock::Timestamp::rfc3339;
        Self {
            kid: key.kid.to_string(),
            algorithm: key.algorithm.as_str(),
            phase: key.phase(SystemClock.now()).as_str(),
            created_at: time(key.created_at),
            activates_at: time(key.activates_at),
            retires_at: key.retirement.map(|it| time(it.at)),
            verify_until: key.retirement.map(|it| time(it.verify_until)),
        }
    }
}

pub(super) async fn run(command: KeyCommand) -> Result<(), Failure> {
    match command {
        KeyCommand::List(format) => print(&keeper()?.list().await?, &format),
        KeyCommand::Rotate(format) => print(&keeper()?.rotate().await?, &format),
        KeyCommand::Retire { kid, format } => print(&keeper()?.retire_at_once(&KeyId(kid)).await?, &format),
        KeyCommand::Rewrap => {
            let count = keeper()?.rewrap().await?;
            output::line(&format!("Encrypted {count} keys under AUTH_MASTER_KEY."));
            Ok(())
        }
        KeyCommand::NewMaster => {
            output::line(&MasterKey::new_text(&SystemRng));
            Ok(())
        }
    }
}

fn keeper() -> Result<KeyKeeper, Failure> {
    let url = config::database(variables())?;
    let (masters, policy) = config::keys(variables())?;
    SCHEMA.check(&url)?;
    let store = Arc::new(SqlKeys::new(Sql::open(&url, "sql")?));
    Ok(KeyKeeper::new(store, masters, policy, Arc::new(SystemClock), Arc::new(SystemRng)))
}

fn print(keys: &[SigningKey], format: &Format) -> Result<(), Failure> {
    let lines: Vec<_> = keys.iter().map(KeyLine::of).collect();
    if format.json {
        return output::json(&lines);
    }
    if lines.is_empty() {
        output::line("There are no signing keys.");
    }
    for line in &lines {
        let end = match (&line.retires_at, &line.verify_until) {
            (Some(at), Some(until)) => format!("  to {at}, verified until {until}"),
            _ => String::new(),
        };
        output::line(&format!(
            "{}  {}  {:<7}  signs from {}{end}",
            line.kid, line.algorithm, line.phase, line.activates_at
        ));
    }
    Ok(())
}
