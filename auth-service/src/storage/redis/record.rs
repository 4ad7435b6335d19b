//! The fields of a session's hash, and the session they stand for. All are text; times are microseconds.

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::clock::Timestamp;

use super::keys;
use crate::{
    domain::{
        ids::{SessionId, UserId},
        session::{CurrentToken, RevokedReason, Session},
        session_secret::{SecretHash, SessionSecrets},
        user::is_role,
    },
    ports::StoreError,
};

/// Fields to be written.
pub(super) type Fields = Vec<(&'static str, String)>;

/// Fields as they were read.
pub(super) type Record = HashMap<String, String>;

/// Everything of a session but its own name and its user's, which its key holds. What there is not has no field.
pub(super) fn fields(session: &Session) -> Fields {
    let mut fields = vec![
        epoch(session.epoch),
        ("current", session.current.id.to_string()),
        ("generation", session.current.generation.to_string()),
        roles(&session.roles),
        ("client_id", session.client_id.clone()),
        ("mode", session.mode.to_string()),
        ("scope", session.scope.to_string()),
        ("created_at", micros(session.created_at)),
        authenticated_at(session.authenticated_at),
        ("absolute_expiry", micros(session.absolute_expiry)),
        ("idle_expiry", micros(session.idle_expiry)),
        ("last_seen", micros(session.last_seen)),
        ("device", session.device.clone()),
    ];
    fields.extend(session.address.map(|address| ("address", address.to_string())));
    fields.extend(session.revoked.map(revoked));
    if let Some(SessionSecrets { current, previous }) = &session.secrets {
        fields.push(("secret", secret(current)));
        fields.extend(previous.as_ref().map(|previous| ("previous_secret", secret(previous))));
    }
    fields
}

/// A hash as 43 characters of base64url.
pub(super) fn secret(hash: &SecretHash) -> String {
    URL_SAFE_NO_PAD.encode(hash.as_bytes())
}

pub(super) fn epoch(epoch: i64) -> (&'static str, String) {
    ("epoch", epoch.to_string())
}

/// A JSON array.
pub(super) fn roles(roles: &[String]) -> (&'static str, String) {
    ("roles", serde_json::Value::from(roles).to_string())
}

pub(super) fn authenticated_at(at: Timestamp) -> (&'static str, String) {
    ("authenticated_at", micros(at))
}

pub(super) fn revoked(reason: RevokedReason) -> (&'static str, String) {
    ("revoked", reason.as_str().to_owned())
}

/// In place of device and address, where the user is gone.
pub(super) fn nowhere() -> Fields {
    vec![("device", String::new()), ("address", String::new())]
}

pub(super) fn micros(at: Timestamp) -> String {
    at.micros().to_string()
}

/// The session that a record stands for. What cannot be understood is never replaced by a default.
pub(super) fn session(user: UserId, id: SessionId, record: &Record) -> Result<Session, StoreError> {
    read(user, id, record)
        .map_err(|field| StoreError::Inconsistent(format!("the field {field} of {}", keys::session(user, id))))
}

/// An error is the name of the field.
fn read(user: UserId, id: SessionId, record: &Record) -> Result<Session, &'static str> {
    let text = |field| record.get(field).map(String::as_str);
    let required = |field| text(field).ok_or(field);
    let number = |field| required(field)?.parse::<i64>().map_err(|_| field);
    let instant = |field| number(field).map(Timestamp::from_micros);
    let session = Session {
        id,
        user,
        epoch: number("epoch")?,
        current: CurrentToken {
            id: required("current")?.parse().map_err(|_| "current")?,
            generation: number("generation")?.try_into().map_err(|_| "generation")?,
        },
        roles: read_roles(required("roles")?).ok_or("roles")?,
        client_id: required("client_id")?.to_owned(),
        mode: required("mode")?.parse().map_err(|_| "mode")?,
        scope: required("scope")?.parse().map_err(|_| "scope")?,
        created_at: instant("created_at")?,
        authenticated_at: instant("authenticated_at")?,
        absolute_expiry: instant("absolute_expiry")?,
        idle_expiry: instant("idle_expiry")?,
        last_seen: instant("last_seen")?,
        device: required("device")?.to_owned(),
        address: text("address")
            .filter(|address| !address.is_empty())
            .map(str::parse)
            .transpose()
            .map_err(|_| "address")?,
        revoked: text("revoked").map(str::parse).transpose().map_err(|_| "revoked")?,
        secrets: read_secrets(text("secret"), text("previous_secret"))?,
    };
    if session.has_the_secrets_of_its_mode() { Ok(session) } else { Err("secret") }
}

/// A previous secret that is forgotten leaves an empty field. An error is the name of the field.
fn read_secrets(current: Option<&str>, previous: Option<&str>) -> Result<Option<SessionSecrets>, &'static str> {
    let current = current.map(|text| read_secret(text).ok_or("secret")).transpose()?;
    let previous = previous.filter(|text| !text.is_empty());
    let previous = previous.map(|text| read_secret(text).ok_or("previous_secret")).transpose()?;
    match current {
        Some(current) => Ok(Some(SessionSecrets { current, previous })),
        None if previous.is_none() => Ok(None),
        None => Err("secret"),
    }
}

fn read_secret(text: &str) -> Option<SecretHash> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(SecretHash::stored)
}

fn read_roles(text: &str) -> Option<Vec<String>> {
    serde_json::from_str::<Vec<String>>(text).ok().filter(|roles| roles.iter().all(|role| is_role(role)))
}
