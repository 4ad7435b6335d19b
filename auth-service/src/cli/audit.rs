//! `audit`: what happened that matters to security. Needs the database only.

use clap::Args;
use common::{clock::Timestamp, sql::Sql};

use super::{Failure, output, variables};
use crate::{
    config,
    domain::{
        audit::{AuditEvent, AuditFilter, AuditKind},
        ids::UserId,
        user::Identifier,
    },
    http::AuditAnswer,
    ports::UserStore,
    service::{Trouble, audit::audit_page, manage_users::ManageError},
    storage::sql::{SCHEMA, SqlAudit, SqlUsers},
};

#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    /// Done by this user, or to them: a username, an e-mail address, or an id (for those who are gone)
    #[arg(long)]
    user: Option<String>,
    /// Such as `login_failed`
    #[arg(long, value_parser = parse_kind)]
    kind: Option<AuditKind>,
    /// Not before this instant, such as 2026-11-24 or 2026-11-24T14:30:00Z
    #[arg(long, value_parser = parse_instant)]
    since: Option<Timestamp>,
    /// Before this instant
    #[arg(long, value_parser = parse_instant)]
    until: Option<Timestamp>,
    /// So many events at most, the newest
    #[arg(long, default_value_t = 100)]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn parse_kind(text: &str) -> Result<AuditKind, String> {
    let words = || AuditKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
    text.parse().map_err(|_| format!("must be one of {}", words()))
}

fn parse_instant(text: &str) -> Result<Timestamp, &'static str> {
    Timestamp::from_rfc3339(text).ok_or("must be a date or an instant in RFC 3339")
}

pub(super) async fn run(args: AuditArgs) -> Result<(), Failure> {
    let url = config::database(variables())?;
    SCHEMA.check(&url)?;
    let sql = Sql::open(&url, "sql")?;
    let user = match args.user {
        Some(text) => Some(user(&SqlUsers::new(sql.clone()), &text).await?),
        None => None,
    };
    let filter = AuditFilter { user, kind: args.kind, since: args.since, until: args.until, after: None };
    let page = audit_page(&SqlAudit::new(sql), &filter, args.limit).await.map_err(ManageError::from)?;
    if args.json {
        return output::json(&page.events.into_iter().map(AuditAnswer::from).collect::<Vec<_>>());
    }
    for event in &page.events {
        output::line(&described(event));
    }
    Ok(())
}

async fn user(users: &SqlUsers, text: &str) -> Result<UserId, Failure> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let identifier = Identifier::parse(text).ok_or(ManageError::NoSuchUser)?;
    let account = users.find(&identifier).await.map_err(|error| ManageError::from(Trouble::from(error)))?;
    Ok(account.ok_or(ManageError::NoSuchUser)?.user.id)
}

fn described(event: &AuditEvent) -> String {
    let AuditEvent { at, kind, actor, .. } = event;
    let known = [
        ("to", event.subject.map(|user| user.to_string())),
        ("session", event.session.map(|session| session.to_string())),
        ("client", event.client.clone()),
        ("from", event.address.map(|address| address.to_string())),
    ];
    let known = known.into_iter().filter_map(|(word, value)| Some(format!("{word} {}", value?)));
    let detail = event.detail.iter().map(|(name, value)| format!("{name}={value}"));
    let first = format!("{}  {kind}  by {actor}", at.rfc3339());
    [first].into_iter().chain(known).chain(detail).collect::<Vec<_>>().join("  ")
}
