//! `POST /auth/refresh` as little as it can be: the script that decides about a refresh, on a session of its own for each
//! client, without tokens, keys, checks and logs. What a client holds is plain JSON, padded to the length of what auth-service
//! takes and gives.

use std::{env, net::Ipv4Addr, time::Duration};

use actix_web::{
    App, HttpServer,
    error::ErrorInternalServerError,
    web::{self, Data, Json},
};
use common::clock::{Clock, SystemClock};
use redis::{Script, Value, aio::MultiplexedConnection};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Broken, listening};

/// As auth-service puts it together.
const SCRIPT: &str = concat!(
    include_str!("../../../../auth-service/src/storage/redis/scripts/number.lua"),
    include_str!("../../../../auth-service/src/storage/redis/scripts/state.lua"),
    include_str!("../../../../auth-service/src/storage/redis/scripts/refresh.lua"),
);

/// Sessions that are there from the beginning.
const SESSIONS: u32 = 8_000;

const MONTH: Duration = Duration::from_hours(30 * 24);
const HOLD_SECONDS: u64 = 1;

/// Characters that make an answer as long as auth-service's.
const PADDING: usize = 1_150;

/// What a client holds, and sends.
#[derive(Clone, Serialize, Deserialize)]
struct Held {
    session: u32,
    id: String,
    parent: String,
    generation: u64,
    issued_at: i64,
}

#[derive(Deserialize)]
struct Asked {
    held: Held,
}

#[derive(Serialize)]
struct Answer {
    held: Held,
    padding: &'static str,
}

#[derive(Clone)]
struct Store {
    redis: MultiplexedConnection,
    script: Script,
    padding: &'static str,
}

pub async fn serve() -> Result<(), Broken> {
    let client = redis::Client::open(env::var("REDIS_URL")?)?;
    let mut redis = client.get_multiplexed_async_connection().await?;
    for batch in (0..SESSIONS).collect::<Vec<_>>().chunks(500) {
        let mut seed = redis::pipe();
        for session in batch {
            seed.cmd("HSET").arg(key(*session)).arg(&fields()[..]).ignore();
        }
        seed.exec_async(&mut redis).await?;
    }
    let (url, padding) = (env::var("REDIS_URL")?, &*"x".repeat(PADDING).leak());
    let app = move || {
        let url = url.clone();
        App::new().data_factory(move || connect(url.clone(), padding)).route("/auth/refresh", web::post().to(refresh))
    };
    let server = HttpServer::new(app).workers(1).disable_signals().bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = server.addrs()[0];
    listening::until_told(vec![("refresh".to_owned(), address, server.run())]).await
}

/// A connection for each worker.
async fn connect(url: String, padding: &'static str) -> Result<Store, redis::RedisError> {
    let redis = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
    Ok(Store { redis, script: Script::new(SCRIPT), padding })
}

async fn refresh(store: Data<Store>, asked: Json<Asked>) -> actix_web::Result<Json<Answer>> {
    let held = decide(&store, asked.into_inner().held).await.map_err(ErrorInternalServerError)?;
    Ok(Json(Answer { held, padding: store.padding }))
}

async fn decide(store: &Store, held: Held) -> Result<Held, Broken> {
    let now = SystemClock.now();
    let answer = run(store, held.clone()).await?;
    let Value::Array(answer) = answer else { return Err("Redis has not answered with a list".into()) };
    match &answer[..] {
        [Value::BulkString(granted), Value::BulkString(rotation), ..] if granted == b"granted" => {
            let child = Held {
                id: Uuid::new_v4().to_string(),
                parent: held.id.clone(),
                generation: held.generation + 1,
                issued_at: now.seconds(),
                ..held
            };
            Ok(if rotation == b"same" { held } else { child })
        }
        other => Err(format!("Redis has answered {other:?}").into()),
    }
}

async fn run(store: &Store, held: Held) -> Result<Value, redis::RedisError> {
    let now = SystemClock.now();
    let mut call = store.script.key(key(held.session));
    call.arg(now.micros()).arg(now.seconds()).arg(HOLD_SECONDS);
    call.arg(&held.id)
        .arg(&held.parent)
        .arg(held.generation)
        .arg(held.generation.saturating_sub(1))
        .arg(held.issued_at);
    call.arg((now + MONTH).micros()).arg(MONTH.as_millis().to_string());
    call.invoke_async(&mut store.redis.clone()).await
}

fn key(session: u32) -> String {
    format!("floor:{{{session}}}")
}

/// A session as auth-service keeps it, and nobody's.
fn fields() -> Vec<(&'static str, String)> {
    let now = SystemClock.now();
    let (now, later) = (now.micros().to_string(), (now + MONTH).micros().to_string());
    let device = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0".to_owned();
    vec![
        ("epoch", "0".to_owned()),
        ("current", "first".to_owned()),
        ("generation", "0".to_owned()),
        ("roles", "[]".to_owned()),
        ("client_id", "first-party".to_owned()),
        ("mode", "refresh".to_owned()),
        ("scope", "notes:read notes:write".to_owned()),
        ("created_at", now.clone()),
        ("authenticated_at", now.clone()),
        ("absolute_expiry", later.clone()),
        ("idle_expiry", later),
        ("last_seen", now),
        ("device", device),
    ]
}
