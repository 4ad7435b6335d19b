//! The keys that sign access tokens: the rules of their life, the store, what a running service does with them.

mod fleet;
mod jwks;
mod keeper;
mod listed;
mod rolling;
mod rules;
mod store;
