//! What becomes of Latchkey as it grows: more replicas, more services on the feed, more sessions and users.

mod added;
mod listed;
mod mirrors;
mod redis_store;
mod replicas;
mod sizes;
mod sql_store;
mod swept;

use redis::Client;

use crate::{
    arguments::{self, Options},
    failure::Failure,
    report::Output,
    stop_request::StopRequest,
};

/// The lowest that auth-service takes: logging in is not what is measured.
const BCRYPT_COST: u32 = 4;

/// Refreshes under way at once.
const CLIENTS: usize = 32;

/// Measures, prints and writes what came out.
pub fn run(options: &Options) -> Result<(), Failure> {
    let stop = StopRequest::watch()?;
    let mut output = Output::begin(options)?;
    // These two first: the sizes are measured with auth-service on a processor of its own.
    replicas::run(options, &mut output, &stop)?;
    mirrors::run(options, &mut output, &stop)?;
    sizes::run(options, &mut output, &stop)
}

/// The private Redis, with nothing in it.
fn empty_redis() -> Result<String, Failure> {
    let url = arguments::redis_url()?;
    redis::cmd("FLUSHALL").exec(&mut Client::open(url.as_str())?.get_connection()?)?;
    Ok(url)
}
