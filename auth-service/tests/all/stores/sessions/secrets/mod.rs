//! Sessions of mode `session`, which are known by a secret in a cookie.

mod histories;
mod races;
mod renewals;
mod visits;
