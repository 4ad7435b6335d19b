//! A row of `notes`, and the note it stands for.

use common::{
    clock::Timestamp,
    sql::{AnyBackend, SqlError},
};
use diesel::prelude::*;

use super::schema::notes;
use crate::domain::note::{Body, Content, Note, Title};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = notes, check_for_backend(AnyBackend))]
pub(super) struct NoteRow {
    owner_id: String,
    id: String,
    title: String,
    body: String,
    created_at: i64,
    updated_at: i64,
}

impl From<Note> for NoteRow {
    fn from(note: Note) -> Self {
        Self {
            owner_id: note.owner.to_string(),
            id: note.id.to_string(),
            title: note.content.title.into_string(),
            body: note.content.body.into_string(),
            created_at: note.created_at.micros(),
            updated_at: note.updated_at.micros(),
        }
    }
}

impl TryFrom<NoteRow> for Note {
    type Error = SqlError;

    fn try_from(row: NoteRow) -> Result<Self, SqlError> {
        let wrong = |column| SqlError::Inconsistent(format!("notes.{column} of {}", row.id));
        Ok(Self {
            id: row.id.parse().map_err(|_| wrong("id"))?,
            owner: row.owner_id.parse().map_err(|_| wrong("owner_id"))?,
            content: Content {
                title: Title::parse(row.title).map_err(|_| wrong("title"))?,
                body: Body::parse(row.body).map_err(|_| wrong("body"))?,
            },
            created_at: Timestamp::from_micros(row.created_at),
            updated_at: Timestamp::from_micros(row.updated_at),
        })
    }
}
