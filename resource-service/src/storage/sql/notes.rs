//! The [`NoteStore`] in SQL.

use async_trait::async_trait;
use common::{
    clock::Timestamp,
    sql::{Sql, SqlError},
};
use diesel::{
    dsl::{count, count_star, max},
    prelude::*,
};
use uuid::Uuid;

use super::{forgotten::is_forgotten, note_row::NoteRow, schema::notes};
use crate::{
    domain::note::{Content, Note, NoteId},
    ports::{NoteStore, Stats, StoreError, Summary},
};

/// Notes in one database.
#[derive(Clone)]
pub struct SqlNotes {
    sql: Sql,
}

impl SqlNotes {
    /// A store in a database that has been migrated.
    #[must_use]
    pub fn new(sql: Sql) -> Self {
        Self { sql }
    }
}

fn number(count: i64) -> Result<u64, SqlError> {
    u64::try_from(count).map_err(|_| SqlError::Inconsistent("count of notes".into()))
}

#[async_trait]
impl NoteStore for SqlNotes {
    async fn insert(&self, note: &Note) -> Result<bool, StoreError> {
        let note = note.clone();
        let inserted = self.sql.write(move |connection| {
            if is_forgotten(connection, note.owner)? {
                return Ok(false);
            }
            diesel::insert_into(notes::table).values(NoteRow::from(note.clone())).execute(connection)?;
            Ok(true)
        });
        Ok(inserted.await?)
    }

    async fn find(&self, owner: Uuid, id: NoteId) -> Result<Option<Note>, StoreError> {
        let found = self.sql.read(move |connection| {
            let note = notes::table.find((owner.to_string(), id.to_string()));
            let row: Option<NoteRow> = note.select(NoteRow::as_select()).first(connection).optional()?;
            row.map(Note::try_from).transpose()
        });
        Ok(found.await?)
    }

    async fn list(&self, owner: Uuid, before: Option<NoteId>, limit: u32) -> Result<Vec<Note>, StoreError> {
        let listed = self.sql.read(move |connection| {
            let newest_first = notes::table
                .select(NoteRow::as_select())
                .filter(notes::owner_id.eq(owner.to_string()))
                .order(notes::id.desc())
                .limit(limit.into());
            let rows: Vec<NoteRow> = match before {
                Some(id) => newest_first.filter(notes::id.lt(id.to_string())).load(connection)?,
                None => newest_first.load(connection)?,
            };
            rows.into_iter().map(Note::try_from).collect()
        });
        Ok(listed.await?)
    }

    async fn replace(
        &self,
        owner: Uuid,
        id: NoteId,
        content: &Content,
        now: Timestamp,
    ) -> Result<Option<Note>, StoreError> {
        let (title, body) = (content.title.clone().into_string(), content.body.clone().into_string());
        let replaced = self.sql.write(move |connection| {
            let note = notes::table.find((owner.to_string(), id.to_string()));
            let row: Option<NoteRow> = diesel::update(note)
                .set((notes::title.eq(&title), notes::body.eq(&body), notes::updated_at.eq(now.micros())))
                .returning(notes::all_columns)
                .get_result(connection)
                .optional()?;
            row.map(Note::try_from).transpose()
        });
        Ok(replaced.await?)
    }

    async fn delete(&self, owner: Uuid, id: NoteId) -> Result<bool, StoreError> {
        let deleted = self.sql.write(move |connection| {
            let note = notes::table.find((owner.to_string(), id.to_string()));
            Ok(diesel::delete(note).execute(connection)? == 1)
        });
        Ok(deleted.await?)
    }

    async fn summary(&self, owner: Uuid) -> Result<Summary, StoreError> {
        let counted = self.sql.read(move |connection| {
            let own = notes::table.filter(notes::owner_id.eq(owner.to_string()));
            let (count, last): (i64, Option<i64>) =
                own.select((count_star(), max(notes::updated_at))).first(connection)?;
            Ok(Summary { notes: number(count)?, last_changed_at: last.map(Timestamp::from_micros) })
        });
        Ok(counted.await?)
    }

    async fn stats(&self) -> Result<Stats, StoreError> {
        let counted = self.sql.read(|connection| {
            let (notes, owners): (i64, i64) =
                notes::table.select((count_star(), count(notes::owner_id).aggregate_distinct())).first(connection)?;
            Ok(Stats { notes: number(notes)?, owners: number(owners)? })
        });
        Ok(counted.await?)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.sql.ping().await?)
    }
}
