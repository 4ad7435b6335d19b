//! `session …`: what an operator does with sessions, wherever they are kept.

use std::{sync::Arc, time::SystemTime};

use clap::{Args, Subcommand};
use common::{
    clock::{Clock, SystemClock, Timestamp},
    sql::Sql,
};

use super::{Failure, output, variables};
use crate::{
    config,
    ports::SessionStore,
    service::{Trouble, end_sessions_before::end_sessions_before},
    storage::{
        redis::RedisSessions,
        sql::{SCHEMA, SqlSessions},
    },
};

#[derive(Debug, Subcommand)]
pub(super) enum SessionCommand {
    /// End all sessions that began before an instant: after a break-in, or after restoring a session store
    Revoke(RevokeArgs),
}

#[derive(Debug, Args)]
pub(super) struct RevokeArgs {
    /// Such as 2026-11-24T12:00:00Z
    #[arg(long, value_name = "INSTANT", value_parser = humantime::parse_rfc3339_weak)]
    issued_before: SystemTime,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(command: SessionCommand) -> Result<(), Failure> {
    let SessionCommand::Revoke(args) = command;
    let (database, redis) = config::session_store(variables())?;
    let sessions: Arc<dyn SessionStore> = if let Some(url) = redis {
        Arc::new(RedisSessions::connect(&url).map_err(|error| Failure::Input(format!("REDIS_URL {error}")))?)
    } else {
        SCHEMA.check(&database)?;
        Arc::new(SqlSessions::new(Sql::open(&database, "session")?))
    };
    let since_1970 = args.issued_before.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let instant = Timestamp::from_micros(0) + since_1970;
    let ended = end_sessions_before(&*sessions, instant, SystemClock.now()).await;
    let ended = ended.map_err(|error| Failure::Manage(Trouble::from(error).into()))?;
    if args.json {
        output::json(&serde_json::json!({ "ended": ended }))
    } else {
        output::line(&format!("Ended {ended} sessions."));
        Ok(())
    }
}
