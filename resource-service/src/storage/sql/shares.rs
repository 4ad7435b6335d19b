//! The [`ShareStore`] in SQL.

use async_trait::async_trait;
use common::{
    clock::Timestamp,
    sql::{AnyConnection, Sql, SqlError},
};
use diesel::{
    prelude::*,
    result::{DatabaseErrorKind, Error},
};
use uuid::Uuid;

use super::{
    forgotten::is_forgotten,
    note_row::NoteRow,
    schema::{note_shares, notes},
};
use crate::{
    domain::{
        note::{Note, NoteId},
        share::{MOST_SHARES, Share},
    },
    ports::{ShareStore, Sharing, StoreError},
};

/// Shares in the database of the notes.
#[derive(Clone)]
pub struct SqlShares {
    sql: Sql,
}

type Row = (String, String, i64);

fn share((user, username, shared_at): Row) -> Result<Share, SqlError> {
    let wrong = |_| SqlError::Inconsistent("note_shares.user_id".to_owned());
    Ok(Share { user: user.parse().map_err(wrong)?, username, shared_at: Timestamp::from_micros(shared_at) })
}

impl SqlShares {
    /// A store in a database that has been migrated.
    #[must_use]
    pub fn new(sql: Sql) -> Self {
        Self { sql }
    }
}

fn has_note(connection: &mut AnyConnection, owner: Uuid, note: NoteId) -> QueryResult<bool> {
    let note = notes::table.find((owner.to_string(), note.to_string())).select(notes::id);
    Ok(note.first::<String>(connection).optional()?.is_some())
}

fn shares_of(connection: &mut AnyConnection, owner: Uuid, note: NoteId) -> Result<Vec<Share>, SqlError> {
    let rows: Vec<Row> = note_shares::table
        .filter(note_shares::owner_id.eq(owner.to_string()))
        .filter(note_shares::note_id.eq(note.to_string()))
        .order((note_shares::shared_at, note_shares::user_id))
        .select((note_shares::user_id, note_shares::username, note_shares::shared_at))
        .load(connection)?;
    rows.into_iter().map(share).collect()
}

/// Somebody else has shared the note, or deleted it, meanwhile: look again.
fn overtaken(error: Error) -> SqlError {
    match error {
        Error::DatabaseError(
            kind @ (DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::ForeignKeyViolation),
            _,
        ) => SqlError::Conflict(format!("{kind:?}")),
        other => other.into(),
    }
}

#[async_trait]
impl ShareStore for SqlShares {
    async fn share(&self, owner: Uuid, note: NoteId, share: &Share) -> Result<Sharing, StoreError> {
        let share = share.clone();
        let shared = self.sql.write(move |connection| {
            if !has_note(connection, owner, note)? {
                return Ok(Sharing::NoSuchNote);
            }
            if is_forgotten(connection, share.user)? {
                return Ok(Sharing::UserGone);
            }
            let shares = shares_of(connection, owner, note)?;
            if let Some(known) = shares.iter().find(|known| known.user == share.user) {
                return Ok(Sharing::Done { share: known.clone(), new: false });
            }
            if shares.len() >= MOST_SHARES {
                return Ok(Sharing::TooMany);
            }
            let values = (
                note_shares::user_id.eq(share.user.to_string()),
                note_shares::note_id.eq(note.to_string()),
                note_shares::owner_id.eq(owner.to_string()),
                note_shares::username.eq(&share.username),
                note_shares::shared_at.eq(share.shared_at.micros()),
            );
            let inserted = diesel::insert_into(note_shares::table).values(values).execute(connection);
            inserted.map_err(overtaken)?;
            Ok(Sharing::Done { share: share.clone(), new: true })
        });
        Ok(shared.await?)
    }

    async fn shares(&self, owner: Uuid, note: NoteId) -> Result<Option<Vec<Share>>, StoreError> {
        let read = self.sql.read(move |connection| {
            let found = has_note(connection, owner, note)?;
            found.then(|| shares_of(connection, owner, note)).transpose()
        });
        Ok(read.await?)
    }

    async fn unshare(&self, by: Uuid, note: NoteId, user: Uuid) -> Result<bool, StoreError> {
        let removed = self.sql.write(move |connection| {
            let share = note_shares::table.find((user.to_string(), note.to_string()));
            let removed = if by == user {
                diesel::delete(share).execute(connection)?
            } else {
                diesel::delete(share.filter(note_shares::owner_id.eq(by.to_string()))).execute(connection)?
            };
            Ok(removed == 1)
        });
        Ok(removed.await?)
    }

    async fn find_shared(&self, reader: Uuid, note: NoteId) -> Result<Option<Note>, StoreError> {
        let found = self.sql.read(move |connection| {
            let share = note_shares::table.find((reader.to_string(), note.to_string()));
            let owner: Option<String> = share.select(note_shares::owner_id).first(connection).optional()?;
            let Some(owner) = owner else { return Ok(None) };
            let row: Option<NoteRow> = notes::table
                .find((owner, note.to_string()))
                .select(NoteRow::as_select())
                .first(connection)
                .optional()?;
            row.map(Note::try_from).transpose()
        });
        Ok(found.await?)
    }

    async fn list_shared(&self, reader: Uuid, before: Option<NoteId>, limit: u32) -> Result<Vec<Note>, StoreError> {
        let listed = self.sql.read(move |connection| {
            let is_of = notes::owner_id.eq(note_shares::owner_id).and(notes::id.eq(note_shares::note_id));
            let newest_first = notes::table
                .inner_join(note_shares::table.on(is_of))
                .filter(note_shares::user_id.eq(reader.to_string()))
                .select(NoteRow::as_select())
                .order(note_shares::note_id.desc())
                .limit(limit.into());
            let rows: Vec<NoteRow> = match before {
                Some(id) => newest_first.filter(note_shares::note_id.lt(id.to_string())).load(connection)?,
                None => newest_first.load(connection)?,
            };
            rows.into_iter().map(Note::try_from).collect()
        });
        Ok(listed.await?)
    }
}
