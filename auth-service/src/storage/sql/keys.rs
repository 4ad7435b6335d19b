//! Signing keys in SQL. The revision is one row that every change raises first, so of two replicas that decided on the
//! same keys one comes second and is told so.

use async_trait::async_trait;
use common::{
    clock::Timestamp,
    sql::{AnyBackend, AnyConnection, Sql, SqlError},
};
use diesel::prelude::*;

use super::{
    announcements, audit,
    failure::inconsistent,
    schema::{signing_keys, signing_keys_revision},
};
use crate::{
    domain::{
        audit::AuditEvent,
        revocation::Revoked,
        signing_key::{KeyId, Retirement, SigningKey},
    },
    ports::{KeyChange, KeyRing, KeyStore, SealedKey, StoreError, StoredKey},
};

/// The [`KeyStore`] in SQL.
#[derive(Clone)]
pub struct SqlKeys {
    sql: Sql,
}

impl SqlKeys {
    /// A store in a database that has been migrated.
    #[must_use]
    pub fn new(sql: Sql) -> Self {
        Self { sql }
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = signing_keys, check_for_backend(AnyBackend))]
struct KeyRow {
    kid: String,
    algorithm: String,
    private_key: Vec<u8>,
    master_kid: String,
    created_at: i64,
    activates_at: i64,
    retires_at: Option<i64>,
    verify_until: Option<i64>,
}

impl From<&StoredKey> for KeyRow {
    fn from(stored: &StoredKey) -> Self {
        let key = &stored.key;
        Self {
            kid: key.kid.to_string(),
            algorithm: key.algorithm.to_string(),
            private_key: stored.sealed.bytes.clone(),
            master_kid: stored.sealed.master.clone(),
            created_at: key.created_at.micros(),
            activates_at: key.activates_at.micros(),
            retires_at: key.retirement.map(|it| it.at.micros()),
            verify_until: key.retirement.map(|it| it.verify_until.micros()),
        }
    }
}

impl TryFrom<KeyRow> for StoredKey {
    type Error = SqlError;

    fn try_from(row: KeyRow) -> Result<Self, SqlError> {
        let wrong = |column| inconsistent("signing_keys", column, &row.kid);
        let retirement = match (row.retires_at, row.verify_until) {
            (None, None) => None,
            (Some(at), Some(until)) if at <= until => {
                Some(Retirement { at: Timestamp::from_micros(at), verify_until: Timestamp::from_micros(until) })
            }
            _ => return Err(wrong("verify_until")),
        };
        let key = SigningKey {
            algorithm: row.algorithm.parse().map_err(|_| wrong("algorithm"))?,
            kid: KeyId(row.kid),
            created_at: Timestamp::from_micros(row.created_at),
            activates_at: Timestamp::from_micros(row.activates_at),
            retirement,
        };
        Ok(Self { key, sealed: SealedKey { master: row.master_kid, bytes: row.private_key } })
    }
}

#[async_trait]
impl KeyStore for SqlKeys {
    async fn load(&self) -> Result<KeyRing, StoreError> {
        let loaded = self.sql.read(|connection| {
            // The revision first: what changes in between is newer than it says, and a change decided on it is refused.
            let revision = signing_keys_revision::table.select(signing_keys_revision::revision).first(connection)?;
            let rows: Vec<KeyRow> = signing_keys::table
                .select(KeyRow::as_select())
                .order((signing_keys::activates_at, signing_keys::kid))
                .load(connection)?;
            let keys = rows.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
            Ok(KeyRing { revision, keys })
        });
        Ok(loaded.await?)
    }

    async fn change(&self, revision: i64, changes: &[KeyChange], audit: &[AuditEvent]) -> Result<bool, StoreError> {
        let (changes, events) = (changes.to_vec(), audit.to_vec());
        let done = self.sql.write(move |connection| {
            let unchanged = signing_keys_revision::table.filter(signing_keys_revision::revision.eq(revision));
            let raised = signing_keys_revision::revision.eq(revision + 1);
            if diesel::update(unchanged).set(raised).execute(connection)? != 1 {
                return Ok(false);
            }
            for change in &changes {
                carry_out(connection, change)?;
            }
            events.iter().try_for_each(|event| audit::insert(connection, event))?;
            Ok(true)
        });
        Ok(done.await?)
    }
}

fn carry_out(connection: &mut AnyConnection, change: &KeyChange) -> Result<(), SqlError> {
    let of = |kid: &KeyId| signing_keys::table.filter(signing_keys::kid.eq(kid.to_string()));
    let (kid, rows) = match change {
        KeyChange::Insert(stored) => {
            let rows = diesel::insert_into(signing_keys::table).values(KeyRow::from(stored)).execute(connection)?;
            (&stored.key.kid, rows)
        }
        KeyChange::Activate(kid, at) => {
            let values = signing_keys::activates_at.eq(at.micros());
            (kid, diesel::update(of(kid)).set(values).execute(connection)?)
        }
        KeyChange::Retire(kid, retirement) => {
            let values = (
                signing_keys::retires_at.eq(retirement.at.micros()),
                signing_keys::verify_until.eq(retirement.verify_until.micros()),
            );
            (kid, diesel::update(of(kid)).set(values).execute(connection)?)
        }
        KeyChange::Reseal(kid, sealed) => {
            let values = (
                signing_keys::private_key.eq(sealed.bytes.clone()),
                signing_keys::master_kid.eq(sealed.master.clone()),
            );
            (kid, diesel::update(of(kid)).set(values).execute(connection)?)
        }
        KeyChange::Delete(kid) => {
            announcements::push(connection, &Revoked::Key(kid.to_string()), None)?;
            (kid, diesel::delete(of(kid)).execute(connection)?)
        }
    };
    if rows == 1 { Ok(()) } else { Err(inconsistent("signing_keys", "kid", kid)) }
}
