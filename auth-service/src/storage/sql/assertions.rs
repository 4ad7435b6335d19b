//! What clients with keys have signed and shown, for as long as it would be good.

use std::time::Duration;

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{clock::Timestamp, sql::AnyConnection};
use diesel::prelude::*;

use super::schema::client_assertions;

/// Fails on one that is there already. What a client calls it may be long, so its hash is kept.
pub(super) fn insert(connection: &mut AnyConnection, client: &str, jti: &str, until: Timestamp) -> QueryResult<()> {
    let values = (
        client_assertions::client_id.eq(client),
        client_assertions::jti.eq(URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, jti.as_bytes()))),
        client_assertions::until_at.eq(until.micros()),
    );
    diesel::insert_into(client_assertions::table).values(values).execute(connection).map(drop)
}

/// Another replica's clock may be behind: what it still takes must not be forgotten.
const CLOCKS_DIFFER: Duration = Duration::from_mins(1);

pub(super) fn sweep(connection: &mut AnyConnection, now: Timestamp, limit: u32) -> QueryResult<usize> {
    let over = client_assertions::table.filter(client_assertions::until_at.le((now - CLOCKS_DIFFER).micros()));
    let keys: Vec<(String, String)> =
        over.select((client_assertions::client_id, client_assertions::jti)).limit(limit.into()).load(connection)?;
    let mut deleted = 0;
    for key in keys {
        deleted += diesel::delete(client_assertions::table.find(key)).execute(connection)?;
    }
    Ok(deleted)
}
