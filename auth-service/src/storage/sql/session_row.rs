//! A row of `sessions`, and the session it stands for.

use std::time::Duration;

use common::{
    clock::Timestamp,
    sql::{AnyBackend, SqlError},
};
use diesel::prelude::*;

use super::{failure::inconsistent, names, schema::sessions};
use crate::domain::{
    session::{CurrentToken, RevokedReason, Session},
    session_secret::{SecretHash, SessionSecrets},
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions, check_for_backend(AnyBackend))]
pub(super) struct SessionRow {
    id: String,
    user_id: String,
    epoch: i64,
    version: i64,
    current_token: String,
    generation: i64,
    roles: String,
    client_id: String,
    mode: String,
    scope: String,
    created_at: i64,
    authenticated_at: i64,
    absolute_expires_at: i64,
    idle_expires_at: i64,
    last_seen_at: i64,
    device: String,
    address: Option<String>,
    revoked_reason: Option<String>,
    delete_after: i64,
    secret: Option<Vec<u8>>,
    previous_secret: Option<Vec<u8>>,
}

/// What is written to the row of a session that ends.
#[diesel::dsl::auto_type]
pub(super) fn ended(reason: RevokedReason) -> _ {
    let reason: &'static str = reason.as_str();
    (sessions::revoked_reason.eq(reason), sessions::version.eq(sessions::version + 1_i64))
}

/// A session and the version of the row it was read from.
pub(super) struct StoredSession {
    pub(super) session: Session,
    pub(super) version: i64,
}

impl From<&Session> for SessionRow {
    fn from(session: &Session) -> Self {
        Self {
            id: session.id.to_string(),
            user_id: session.user.to_string(),
            epoch: session.epoch,
            version: 0,
            current_token: session.current.id.to_string(),
            generation: session.current.generation.into(),
            roles: names::to_text(&session.roles),
            client_id: session.client_id.clone(),
            mode: session.mode.to_string(),
            scope: session.scope.to_string(),
            created_at: session.created_at.micros(),
            authenticated_at: session.authenticated_at.micros(),
            absolute_expires_at: session.absolute_expiry.micros(),
            idle_expires_at: session.idle_expiry.micros(),
            last_seen_at: session.last_seen.micros(),
            device: session.device.clone(),
            address: session.address.map(|address| address.to_string()),
            revoked_reason: session.revoked.map(|reason| reason.as_str().to_owned()),
            delete_after: delete_after(session).micros(),
            secret: session.secrets.map(|secrets| bytes(secrets.current)),
            previous_secret: session.secrets.and_then(|secrets| secrets.previous).map(bytes),
        }
    }
}

pub(super) fn bytes(hash: SecretHash) -> Vec<u8> {
    hash.as_bytes().to_vec()
}

/// An error is the name of the column.
fn secrets(current: Option<Vec<u8>>, previous: Option<Vec<u8>>) -> Result<Option<SessionSecrets>, &'static str> {
    let hash = |bytes: Option<Vec<u8>>| bytes.map(TryInto::try_into).transpose().map(|it| it.map(SecretHash::stored));
    let (current, previous) = (hash(current).map_err(|_| "secret")?, hash(previous).map_err(|_| "previous_secret")?);
    match current {
        Some(current) => Ok(Some(SessionSecrets { current, previous })),
        None if previous.is_none() => Ok(None),
        None => Err("secret"),
    }
}

/// When the row of a session goes: not before the session has expired, so that a revoked one is refused with the right
/// reason until then; rounded up to a whole day, so that a refresh seldom moves it.
pub(super) fn delete_after(session: &Session) -> Timestamp {
    const DAY: Duration = Duration::from_hours(24);
    let expiry = session.absolute_expiry.min(session.idle_expiry);
    let day = expiry.rounded_down(DAY);
    if day < expiry { day + DAY } else { day }
}

impl TryFrom<SessionRow> for StoredSession {
    type Error = SqlError;

    fn try_from(row: SessionRow) -> Result<Self, SqlError> {
        let wrong = |column| inconsistent("sessions", column, &row.id);
        let current = CurrentToken {
            id: row.current_token.parse().map_err(|_| wrong("current_token"))?,
            generation: row.generation.try_into().map_err(|_| wrong("generation"))?,
        };
        let address = row.address.as_deref().map(str::parse).transpose().map_err(|_| wrong("address"))?;
        let revoked = row.revoked_reason.as_deref().map(str::parse).transpose().map_err(|_| wrong("revoked_reason"))?;
        let session = Session {
            id: row.id.parse().map_err(|_| wrong("id"))?,
            user: row.user_id.parse().map_err(|_| wrong("user_id"))?,
            epoch: row.epoch,
            current,
            roles: names::from_text(&row.roles).ok_or_else(|| wrong("roles"))?,
            mode: row.mode.parse().map_err(|_| wrong("mode"))?,
            scope: row.scope.parse().map_err(|_| wrong("scope"))?,
            created_at: Timestamp::from_micros(row.created_at),
            authenticated_at: Timestamp::from_micros(row.authenticated_at),
            absolute_expiry: Timestamp::from_micros(row.absolute_expires_at),
            idle_expiry: Timestamp::from_micros(row.idle_expires_at),
            last_seen: Timestamp::from_micros(row.last_seen_at),
            address,
            revoked,
            secrets: secrets(row.secret, row.previous_secret).map_err(wrong)?,
            client_id: row.client_id,
            device: row.device,
        };
        if !session.has_the_secrets_of_its_mode() {
            return Err(inconsistent("sessions", "secret", session.id));
        }
        if row.delete_after < session.absolute_expiry.min(session.idle_expiry).micros() {
            return Err(inconsistent("sessions", "delete_after", session.id));
        }
        Ok(Self { session, version: row.version })
    }
}
