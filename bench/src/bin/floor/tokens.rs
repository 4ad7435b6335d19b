//! Tokens as auth-service would sign them.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    thread,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{
    claims::{ACCESS_TOKEN_TYPE, UserClaims},
    clock::Timestamp,
    revocation::Entry,
};
use jsonwebtoken::Header;
use uuid::Uuid;

use super::{
    Broken,
    keys::{KID, Pair},
};

pub const ISSUER: &str = "https://auth.example.org";
pub const AUDIENCE: &str = "resource-service";

/// So many that no cache of verified tokens holds a tenth of them.
pub const MANY: u32 = 100_000;

/// Seconds: longer than a benchmark takes.
const LIFE: i64 = 6 * 3600;

/// The claims of token number `number`: another user in another session each.
pub fn claims(number: u32, now: Timestamp) -> Result<UserClaims, Broken> {
    let name =
        |kind: u128| Uuid::from_u128(0x0189_0a5d_ac96_774b_bcce_0000_0000_0000 | kind << 40 | u128::from(number));
    Ok(UserClaims {
        iss: ISSUER.to_owned(),
        aud: vec![ISSUER.to_owned(), AUDIENCE.to_owned()],
        sub: name(1),
        client_id: "first-party".to_owned(),
        exp: now.seconds() + LIFE,
        iat: now.seconds(),
        nbf: None,
        jti: name(2).to_string(),
        sid: name(3),
        scope: "notes:read notes:write".parse()?,
        roles: vec!["admin".to_owned()],
        auth_time: now.seconds(),
        act: None,
        csrf: None,
    })
}

/// `number` sessions that were revoked, none of which is a token's here.
pub fn revoked(number: u32, now: Timestamp) -> Vec<Entry> {
    let entry = |number| Entry {
        kind: "sid".to_owned(),
        id: Uuid::from_u128(u128::from(number)).to_string(),
        before: None,
        until: now.seconds() + LIFE,
    };
    (0..number).map(entry).collect()
}

/// Writes [`MANY`] tokens to `path`, one a line, each changed by `finish` before.
pub fn write(
    path: &Path,
    pair: &Pair,
    now: Timestamp,
    finish: impl Fn(String) -> Option<String> + Sync,
) -> Result<(), Broken> {
    let threads = thread::available_parallelism().map_or(1, |number| u32::try_from(number.get()).unwrap_or(1));
    let share = |thread: u32| -> Result<Vec<String>, String> {
        let numbers = (thread..MANY).step_by(threads as usize);
        numbers.map(|number| sign(pair, number, now, &finish).map_err(|error| error.to_string())).collect()
    };
    let shares: Vec<_> = thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|thread| scope.spawn(move || share(thread))).collect();
        started.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("signing panicked".to_owned()))).collect()
    });
    let mut file = BufWriter::new(File::create(path)?);
    for share in shares {
        for token in share? {
            writeln!(file, "{token}")?;
        }
    }
    Ok(file.flush()?)
}

fn sign(
    pair: &Pair,
    number: u32,
    now: Timestamp,
    finish: &impl Fn(String) -> Option<String>,
) -> Result<String, Broken> {
    let mut header = Header::new(pair.verifying.algorithm);
    header.typ = Some(ACCESS_TOKEN_TYPE.to_owned());
    header.kid = Some(KID.to_owned());
    let (header, claims) = (serde_json::to_vec(&header)?, serde_json::to_vec(&claims(number, now)?)?);
    let message = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    let signature = URL_SAFE_NO_PAD.encode((pair.sign)(message.as_bytes())?);
    let token = format!("{message}.{signature}");
    finish(token).ok_or_else(|| "a token cannot be encrypted".into())
}
