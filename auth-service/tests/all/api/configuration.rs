//! Settings: all errors at once, by name, never by value.

use std::collections::BTreeSet;

use auth_service::config::{Config, settings};
use common::settings::EXAMPLE_SECRET;

use crate::support::service::{JWT_SECRET, Variables, least_variables, os, set};

fn errors(variables: &Variables) -> String {
    Config::read(os(variables)).unwrap_err().to_string()
}

fn with(changes: &[(&str, &str)]) -> Variables {
    let mut variables = least_variables("sqlite:unused.db");
    for (name, value) in changes {
        set(&mut variables, name, *value);
    }
    variables
}

#[test]
fn what_is_missing_is_reported_in_one_go() {
    assert_snapshot!(errors(&Variables::new()), @"
    JWT_SECRET is not set
    REFRESH_SECRET is not set
    AUTH_DATABASE_URL is not set
    ");
}

#[test]
fn what_is_wrong_is_reported_in_one_go_and_without_values() {
    let wrong = "hunter2 & correct horse";
    let names =
        settings().into_iter().map(|setting| setting.name).filter(|name| *name != "LOG_FORMAT" && *name != "LOG_LEVEL");
    let variables: Variables = names.map(|name| (name.to_owned(), wrong.to_owned())).collect();
    let errors = errors(&variables);
    assert!(!errors.contains("hunter2") && !errors.contains("horse"), "{errors}");
    assert_snapshot!(errors, @"
    JWT_ALGORITHMS must be HS256, EdDSA, ES256 or RS256, divided by commas
    JWT_ISSUER must be an http or https address without a trailing slash, query or fragment
    JWT_SECRET must have at least 32 bytes
    JWT_SECRET_NEXT must have at least 32 bytes
    JWT_SECRET_PREVIOUS must have at least 32 bytes
    JWE must be off, accept or require
    JWE_KEY must be 32 bytes in base64url without padding
    JWE_KEY_NEXT must be 32 bytes in base64url without padding
    JWE_KEY_PREVIOUS must be 32 bytes in base64url without padding
    CORS_ORIGINS must be origins that begin with http:// or https://, divided by commas
    OTEL_EXPORTER_OTLP_ENDPOINT must be an http or https address without a password, query or fragment
    REFRESH_SECRET must have at least 32 bytes
    REFRESH_SECRET_NEXT must have at least 32 bytes
    REFRESH_SECRET_PREVIOUS must have at least 32 bytes
    AUTH_SIGNING_ALGORITHM must be HS256, EdDSA, ES256 or RS256
    AUTH_MASTER_KEY must be 32 random bytes in base64url, 43 characters: make one with `auth-service key new-master`
    AUTH_MASTER_KEY_NEXT must be 32 random bytes in base64url, 43 characters: make one with `auth-service key new-master`
    AUTH_MASTER_KEY_PREVIOUS must be 32 random bytes in base64url, 43 characters: make one with `auth-service key new-master`
    AUTH_KEY_ROTATION must be a duration such as 90s, 15m or 30d, between 1m and 9years 11months 27days 21h 50m 24s
    AUTH_JWKS_MAX_AGE must be a duration such as 90s, 15m or 30d, between 1s and 1day
    REDIS_URL must begin with redis:// or rediss://, or with redis+cluster:// or redis+sentinel:// (rediss+… for TLS)
    REDIS_DURABLE_LOGINS must be true or false
    REFRESH_HOLD must be a duration such as 90s, 15m or 30d, between 1s and 10m
    REFRESH_IDLE_TTL must be a duration such as 90s, 15m or 30d, between 1m and 9years 11months 27days 21h 50m 24s
    REFRESH_ABSOLUTE_TTL must be a duration such as 90s, 15m or 30d, between 1m and 9years 11months 27days 21h 50m 24s
    ACCESS_TTL must be a duration such as 90s, 15m or 30d, between 1s and 1day
    ACCESS_ONLY_TTL must be a duration such as 90s, 15m or 30d, between 1s and 30days
    AUTH_DATABASE_URL must begin with sqlite: or postgres://
    AUTH_MIGRATE must be true or false
    AUTH_BIND must be an address and a port such as 0.0.0.0:8081
    AUTH_INTERNAL_BIND must be an address and a port such as 0.0.0.0:8081
    AUTH_DRAIN_TIMEOUT must be a duration such as 90s, 15m or 30d, between 1s and 10m
    AUTH_TRUSTED_PROXIES must be networks divided by commas, such as 10.0.0.0/8,127.0.0.1/32
    AUTH_BCRYPT_COST must be a number from 4 to 16
    AUTH_BCRYPT_QUEUE must be a number from 1 to 10000
    AUTH_AUDIT_RETENTION must be a duration such as 90s, 15m or 30d, between 1day and 9years 11months 27days 21h 50m 24s
    AUTH_AUDIT_ADDRESS_RETENTION must be a duration such as 90s, 15m or 30d, between 0s and 9years 11months 27days 21h 50m 24s
    AUTH_REGISTRATION must be open, invite or closed
    AUTH_LOGIN_MODES must be some of bearer, access_only, cookie and session, divided by commas
    AUTH_FIRST_PARTY_AUDIENCES must be names divided by commas
    ");
}

#[test]
fn short_secrets_the_example_and_one_secret_for_two_purposes_are_refused() {
    assert_eq!(errors(&with(&[("JWT_SECRET", "short")])), "JWT_SECRET must have at least 32 bytes\n");
    let example = errors(&with(&[("REFRESH_SECRET", EXAMPLE_SECRET)]));
    assert!(example.starts_with("REFRESH_SECRET is still the value of the example"), "{example}");
    for name in ["REFRESH_SECRET", "REFRESH_SECRET_NEXT", "REFRESH_SECRET_PREVIOUS"] {
        let same = errors(&with(&[(name, JWT_SECRET)]));
        assert!(same.contains("is the same as a JWT_SECRET"), "{name}: {same}");
    }
}

#[test]
fn the_example_file_lists_every_setting_and_no_other() {
    let example = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../.env.example")).unwrap();
    let section = |start: &str| {
        let (_, rest) = example.split_once(start).unwrap_or_else(|| panic!("no section {start}"));
        rest.split("\n## ").next().unwrap().to_owned()
    };
    let sections = section("## Every service") + &section("## auth-service");
    let listed: BTreeSet<_> = sections
        .lines()
        .filter_map(|line| line.trim_start_matches("# ").split_once('='))
        .map(|(name, _)| name)
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
        .map(str::to_owned)
        .collect();
    let known: BTreeSet<_> = settings().iter().map(|setting| setting.name.to_owned()).collect();
    assert_eq!(listed, known);
    for setting in settings() {
        if let Some(default) = setting.default {
            assert!(sections.contains(&format!("{}={default}\n", setting.name)), "{} = {default}", setting.name);
        }
        assert!(sections.contains(setting.help), "{}: {}", setting.name, setting.help);
    }
}

#[test]
fn cookies_do_not_travel_in_the_clear() {
    assert_snapshot!(errors(&with(&[("JWT_ISSUER", "http://shop.example")])), @"JWT_ISSUER is plain http and not localhost, so that cookies would travel in the clear: use https, or leave cookie and session out of AUTH_LOGIN_MODES");
    for modes in ["cookie", "session", "bearer,session"] {
        let plain = with(&[("JWT_ISSUER", "http://shop.example"), ("AUTH_LOGIN_MODES", modes)]);
        assert!(errors(&plain).starts_with("JWT_ISSUER is plain http"), "{modes}");
    }
    for settings in [
        [("JWT_ISSUER", "http://shop.example"), ("AUTH_LOGIN_MODES", "bearer, access_only")],
        [("JWT_ISSUER", "https://shop.example"), ("AUTH_LOGIN_MODES", "cookie")],
        [("JWT_ISSUER", "http://127.0.0.1:8080"), ("AUTH_LOGIN_MODES", "session")],
    ] {
        assert!(Config::read(os(&with(&settings))).is_ok(), "{settings:?}");
    }
    for modes in ["", "telepathy", "bearer,,cookie", "bearer cookie"] {
        let config = Config::read(os(&with(&[("AUTH_LOGIN_MODES", modes)])));
        assert_eq!(config.is_ok(), modes.is_empty(), "{modes}: an empty setting is as good as none");
    }
}
