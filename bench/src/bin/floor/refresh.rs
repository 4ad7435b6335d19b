//! `POST /auth/refresh` as little as it can be: the script that decides about a refresh, on a session of its own for each
//! client, without tokens, keys, checks and logs. What a client holds is plain JSON, padded to the length of what auth-service
//! takes and gives.

use std::{env, net::Ipv4Addr};

use actix_web::{
    App, HttpServer,
    error::ErrorInternalServerError,
    web::{self, Data, Json},
};
use bench::rotation::{self, Arguments, Held};
use common::clock::{Clock, SystemClock};
use redis::{Script, aio::MultiplexedConnection};
use serde::{Deserialize, Serialize};

use super::{Broken, listening};

/// Whose sessions they are.
const OWNER: &str = "floor";

/// Characters that make an answer as long as auth-service's.
const PADDING: usize = 1_150;

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
    for some in rotation::seeds(OWNER, SystemClock.now()) {
        some.exec_async(&mut redis).await?;
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
    Ok(Store { redis, script: Script::new(&rotation::script()), padding })
}

async fn refresh(store: Data<Store>, asked: Json<Asked>) -> actix_web::Result<Json<Answer>> {
    let held = decide(&store, asked.into_inner().held).await.map_err(ErrorInternalServerError)?;
    Ok(Json(Answer { held, padding: store.padding }))
}

async fn decide(store: &Store, mut held: Held) -> Result<Held, Broken> {
    let now = SystemClock.now();
    let mut call = store.script.key(rotation::key(OWNER, held.session));
    let answer = call.arg(Arguments { held: &held, now }).invoke_async(&mut store.redis.clone()).await?;
    held.follow(answer, now)?;
    Ok(held)
}
