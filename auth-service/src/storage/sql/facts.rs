//! What `auth-service check` wants to know of the database.

use common::{
    clock::Timestamp,
    sql::{AnyConnection, Sql},
};
use diesel::{QueryableByName, RunQueryDsl, sql_types::BigInt};

use crate::{
    domain::diagnosis::{DatabaseFacts, PostgresFacts},
    ports::StoreError,
};

#[derive(QueryableByName)]
struct Row {
    /// 100 times the major version, then the minor, and two digits more.
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = BigInt)]
    micros: i64,
    #[diesel(sql_type = BigInt)]
    read_only: i64,
}

/// The facts of a database.
pub async fn database_facts(sql: &Sql) -> Result<DatabaseFacts, StoreError> {
    let facts = sql.read(|connection| {
        let AnyConnection::Postgres(postgres) = connection else { return Ok(DatabaseFacts { postgres: None }) };
        let query = "SELECT current_setting('server_version_num')::bigint AS version, \
                     (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS micros, \
                     (pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on')::int::bigint AS read_only";
        let row: Row = diesel::sql_query(query).get_result(postgres)?;
        let part = |number: i64| u32::try_from(number).unwrap_or_default();
        Ok(DatabaseFacts {
            postgres: Some(PostgresFacts {
                version: (part(row.version / 10_000), part(row.version % 10_000)),
                time: Timestamp::from_micros(row.micros),
                is_read_only: row.read_only != 0,
            }),
        })
    });
    Ok(facts.await?)
}
