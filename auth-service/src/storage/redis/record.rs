//! A session's record, and the session that it stands for. What its fields are called is in [`fields`](super::fields).

use std::str::{self, FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::clock::Timestamp;

use super::{fields::Field, keys};
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
pub(super) type Fields = Vec<(Field, String)>;

/// The fields as a script answers them: what each holds, or `None` where there is no such field.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record([Option<Vec<u8>>; Field::ALL.len()]);

impl Record {
    /// `None` where these are not as many as there are fields.
    pub(super) fn of(contents: Vec<Option<Vec<u8>>>) -> Option<Self> {
        contents.try_into().ok().map(Self)
    }

    fn text(&self, field: Field) -> Result<Option<&str>, Field> {
        self.0[field as usize].as_deref().map(str::from_utf8).transpose().map_err(|_| field)
    }

    fn required(&self, field: Field) -> Result<&str, Field> {
        self.text(field)?.ok_or(field)
    }

    /// A text whose absence is as good as no text.
    fn filled(&self, field: Field) -> Result<Option<&str>, Field> {
        Ok(self.text(field)?.filter(|text| !text.is_empty()))
    }

    fn parsed<T: FromStr>(&self, field: Field) -> Result<T, Field> {
        self.required(field)?.parse().map_err(|_| field)
    }

    fn parsed_if_any<T: FromStr>(&self, field: Field) -> Result<Option<T>, Field> {
        self.text(field)?.map(str::parse).transpose().map_err(|_| field)
    }

    fn instant(&self, field: Field) -> Result<Timestamp, Field> {
        self.parsed(field).map(Timestamp::from_micros)
    }
}

/// Everything of a session but its own name and its user's, which its key holds. What there is not has no field, nor has what is
/// read the same without one.
pub(super) fn fields(session: &Session) -> Fields {
    let mut fields = vec![
        (Field::Current, session.current.id.to_string()),
        (Field::Generation, session.current.generation.to_string()),
        (Field::LastSeen, micros(session.last_seen)),
        (Field::IdleExpiry, micros(session.idle_expiry)),
        (Field::AbsoluteExpiry, micros(session.absolute_expiry)),
        (Field::CreatedAt, micros(session.created_at)),
        (Field::Mode, session.mode.to_string()),
        (Field::ClientId, session.client_id.clone()),
        (Field::Scope, session.scope.to_string()),
        (Field::Device, session.device.clone()),
    ];
    fields.extend(session.address.map(|address| (Field::Address, address.to_string())));
    fields.extend((session.epoch != 0).then(|| epoch(session.epoch)));
    fields.extend((!session.roles.is_empty()).then(|| roles(&session.roles)));
    // A session begins with a login. One that began otherwise would need the field: without it, the login is taken to be that late.
    let authenticated_later = session.authenticated_at != session.created_at;
    fields.extend(authenticated_later.then(|| authenticated_at(session.authenticated_at)));
    fields.extend(session.revoked.map(revoked));
    if let Some(SessionSecrets { current, previous }) = &session.secrets {
        fields.push((Field::Secret, secret(current)));
        fields.extend(previous.as_ref().map(|previous| (Field::PreviousSecret, secret(previous))));
    }
    fields
}

/// A hash as 43 characters of base64url.
pub(super) fn secret(hash: &SecretHash) -> String {
    URL_SAFE_NO_PAD.encode(hash.as_bytes())
}

pub(super) fn epoch(epoch: i64) -> (Field, String) {
    (Field::Epoch, epoch.to_string())
}

/// Divided by spaces, which no role has.
pub(super) fn roles(roles: &[String]) -> (Field, String) {
    (Field::Roles, roles.join(" "))
}

pub(super) fn authenticated_at(at: Timestamp) -> (Field, String) {
    (Field::AuthenticatedAt, micros(at))
}

pub(super) fn revoked(reason: RevokedReason) -> (Field, String) {
    (Field::Revoked, reason.as_str().to_owned())
}

/// In place of device and address, where the user is gone.
pub(super) fn nowhere() -> Fields {
    vec![(Field::Device, String::new()), (Field::Address, String::new())]
}

pub(super) fn micros(at: Timestamp) -> String {
    at.micros().to_string()
}

/// The session that a record stands for. What cannot be understood is never replaced by a default.
pub(super) fn session(user: UserId, id: SessionId, record: &Record) -> Result<Session, StoreError> {
    read(user, id, record)
        .map_err(|field| StoreError::Inconsistent(format!("the field {} of {}", field.name(), keys::session(user, id))))
}

/// An error is the field that cannot be understood.
fn read(user: UserId, id: SessionId, record: &Record) -> Result<Session, Field> {
    let created_at = record.instant(Field::CreatedAt)?;
    let session = Session {
        id,
        user,
        epoch: record.parsed_if_any(Field::Epoch)?.unwrap_or(0),
        current: CurrentToken { id: record.parsed(Field::Current)?, generation: record.parsed(Field::Generation)? },
        roles: record.filled(Field::Roles)?.map_or(Some(Vec::new()), read_roles).ok_or(Field::Roles)?,
        client_id: record.required(Field::ClientId)?.to_owned(),
        mode: record.parsed(Field::Mode)?,
        scope: record.parsed(Field::Scope)?,
        created_at,
        authenticated_at: record.parsed_if_any(Field::AuthenticatedAt)?.map_or(created_at, Timestamp::from_micros),
        absolute_expiry: record.instant(Field::AbsoluteExpiry)?,
        idle_expiry: record.instant(Field::IdleExpiry)?,
        last_seen: record.instant(Field::LastSeen)?,
        device: record.required(Field::Device)?.to_owned(),
        address: record.filled(Field::Address)?.map(str::parse).transpose().map_err(|_| Field::Address)?,
        revoked: record.parsed_if_any(Field::Revoked)?,
        secrets: read_secrets(record)?,
    };
    if session.has_the_secrets_of_its_mode() { Ok(session) } else { Err(Field::Secret) }
}

/// A previous secret that is forgotten leaves an empty field.
fn read_secrets(record: &Record) -> Result<Option<SessionSecrets>, Field> {
    let current = record.text(Field::Secret)?.map(|text| read_secret(text).ok_or(Field::Secret)).transpose()?;
    let previous = record.filled(Field::PreviousSecret)?;
    let previous = previous.map(|text| read_secret(text).ok_or(Field::PreviousSecret)).transpose()?;
    match current {
        Some(current) => Ok(Some(SessionSecrets { current, previous })),
        None if previous.is_none() => Ok(None),
        None => Err(Field::Secret),
    }
}

fn read_secret(text: &str) -> Option<SecretHash> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(SecretHash::stored)
}

fn read_roles(text: &str) -> Option<Vec<String>> {
    text.split(' ').map(|role| is_role(role).then(|| role.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use uuid::Uuid;

    use super::*;
    use crate::domain::session::Mode;

    const USER: UserId = UserId(Uuid::from_u128(1));
    const ID: SessionId = SessionId(Uuid::from_u128(2));

    /// As most are: of nobody with a role, whose password is as old as the account.
    fn usual() -> Session {
        let at = Timestamp::from_micros;
        Session {
            id: ID,
            user: USER,
            epoch: 0,
            current: CurrentToken { id: "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(), generation: 11 },
            roles: Vec::new(),
            client_id: "first-party".to_owned(),
            mode: Mode::Bearer,
            scope: "notes:read notes:write".parse().unwrap(),
            created_at: at(1_800_000_000_000_001),
            authenticated_at: at(1_800_000_000_000_001),
            absolute_expiry: at(1_807_776_000_000_002),
            idle_expiry: at(1_802_592_000_000_003),
            last_seen: at(1_800_000_000_000_004),
            device: "Firefox on Windows".to_owned(),
            address: Some("203.0.113.217".parse().unwrap()),
            revoked: None,
            secrets: None,
        }
    }

    /// With all that a session can have.
    fn full() -> Session {
        let secrets = SessionSecrets { current: SecretHash::of(&[1; 32]), previous: Some(SecretHash::of(&[2; 32])) };
        Session {
            epoch: 7,
            roles: vec!["admin".to_owned(), "on-call".to_owned()],
            mode: Mode::Session,
            authenticated_at: Timestamp::from_micros(1_800_000_000_000_005),
            revoked: Some(RevokedReason::Logout),
            secrets: Some(secrets),
            ..usual()
        }
    }

    fn record_of(fields: &Fields) -> Record {
        let content =
            |field: &Field| fields.iter().find(|(name, _)| name == field).map(|(_, text)| text.clone().into());
        Record::of(Field::ALL.iter().map(content).collect()).unwrap()
    }

    fn read_back(fields: &Fields) -> Result<Session, StoreError> {
        session(USER, ID, &record_of(fields))
    }

    fn damaged(field: Field) -> Result<Session, StoreError> {
        let key = "lk:{AAAAAAAAAAAAAAAAAAAAAQ}:s:AAAAAAAAAAAAAAAAAAAAAg";
        Err(StoreError::Inconsistent(format!("the field {} of {key}", field.name())))
    }

    #[test]
    fn a_session_is_read_as_it_was_written() {
        assert_eq!(fields(&full()).len(), Field::ALL.len(), "all fields there are");
        for session in [usual(), full(), Session { address: None, ..usual() }, Session { epoch: -1, ..usual() }] {
            assert_eq!(read_back(&fields(&session)), Ok(session));
        }
    }

    #[test]
    fn a_usual_record_fits_into_192_bytes_of_a_listpack() {
        // What Redis adds to names and texts, and to numbers that it keeps in eight bytes.
        let (header, of_a_text, number) = (7, 2, 10);
        let fields = fields(&usual());
        let content = |text: &str| if text.len() == 16 { number } else { of_a_text + text.len() };
        let bytes: usize = fields.iter().map(|(field, text)| of_a_text + field.name().len() + content(text)).sum();
        assert!(header + bytes <= 192, "{bytes}: {fields:?}");
        assert_eq!(fields.iter().map(|(field, text)| field.name().len() + text.len()).sum::<usize>(), 169);
    }

    #[test]
    fn no_name_stands_for_two_fields() {
        let names: std::collections::BTreeSet<_> = Field::ALL.iter().map(|field| field.name()).collect();
        assert_eq!(names.len(), Field::ALL.len());
    }

    #[test]
    fn what_is_not_there_is_the_strictest_that_it_could_be() {
        let mut fields = fields(&full());
        fields.retain(|(field, _)| {
            !matches!(
                field,
                Field::Epoch | Field::Roles | Field::AuthenticatedAt | Field::Address | Field::PreviousSecret
            )
        });
        let Session { epoch, roles, authenticated_at, created_at, address, secrets, .. } = read_back(&fields).unwrap();
        assert_eq!((epoch, roles, authenticated_at, address), (0, Vec::new(), created_at, None));
        assert_eq!(secrets, Some(SessionSecrets::first(SecretHash::of(&[1; 32]))));
    }

    #[test]
    fn what_is_empty_was_taken_away() {
        let mut fields = [fields(&full()), nowhere()].concat();
        fields.extend([roles(&[]), (Field::PreviousSecret, String::new())]);
        fields.reverse();
        let Session { device, address, roles, secrets, .. } = read_back(&fields).unwrap();
        assert_eq!((device.as_str(), address, roles), ("", None, Vec::new()));
        assert_eq!(secrets, Some(SessionSecrets::first(SecretHash::of(&[1; 32]))));
    }

    #[test]
    fn what_is_always_written_must_be_there() {
        let written = fields(&Session { address: None, ..usual() });
        assert_eq!(written.len(), 10);
        for (field, _) in &written {
            let mut rest = written.clone();
            rest.retain(|(other, _)| other != field);
            assert_eq!(read_back(&rest), damaged(*field), "{field:?}");
        }
    }

    #[rstest]
    fn a_text_that_means_nothing_is_no_default(
        #[values(
            Field::Current,
            Field::Generation,
            Field::LastSeen,
            Field::IdleExpiry,
            Field::AbsoluteExpiry,
            Field::CreatedAt,
            Field::Mode,
            Field::Scope,
            Field::Address,
            Field::Epoch,
            Field::Roles,
            Field::AuthenticatedAt,
            Field::Revoked,
            Field::Secret,
            Field::PreviousSecret
        )]
        field: Field,
        #[values("  ", "\u{1}")] text: &str,
    ) {
        let mut fields = fields(&full());
        fields.retain(|(other, _)| *other != field);
        fields.push((field, text.to_owned()));
        assert_eq!(read_back(&fields), damaged(field));
    }

    #[rstest]
    #[case(Field::Epoch)]
    #[case(Field::AuthenticatedAt)]
    #[case(Field::Revoked)]
    #[case(Field::Secret)]
    fn an_empty_text_is_not_the_same_as_none(#[case] field: Field) {
        let mut fields = fields(&full());
        fields.retain(|(other, _)| *other != field);
        fields.push((field, String::new()));
        assert_eq!(read_back(&fields), damaged(field));
    }

    #[test]
    fn bytes_that_are_no_text_are_named() {
        let mut record = record_of(&fields(&full()));
        record.0[Field::Device as usize] = Some(vec![0xff]);
        assert_eq!(session(USER, ID, &record), damaged(Field::Device));
    }
}
