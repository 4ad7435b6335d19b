//! Sessions in Redis: one hash a session, one script a step.
//!
//! All keys of one user lie in one hash slot. What has expired leaves Redis by itself, an hour later. Redis must not
//! evict: `maxmemory-policy noeviction`.

mod address;
mod answer;
mod client;
mod connection;
mod disk;
mod facts;
mod fields;
mod id;
mod keys;
mod link;
mod record;
mod revocations;
mod runtimes;
mod scan;
mod script;
mod sessions;
mod throttle;

pub use address::InvalidRedisUrl;
pub use facts::{NoFacts, redis_facts};
pub use revocations::RedisRevocations;
pub use sessions::RedisSessions;
pub use throttle::RedisThrottle;
