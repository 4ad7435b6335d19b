//! The service over HTTP, one file a use case.

mod account;
mod any_headers;
mod audit;
mod bad_input;
mod clients;
mod configuration;
mod deleted_users;
mod documentation;
mod encrypted_tokens;
mod find_user;
mod foreign_tokens;
mod login;
mod login_load;
mod logout;
mod management;
mod oauth;
mod password;
mod races;
mod reauth;
mod refresh;
mod register;
mod revocations;
mod sessions;
mod temporary_password;
mod throttle;
