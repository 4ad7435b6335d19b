//! Settings: all errors at once, by name, never by value.

use std::{collections::BTreeSet, fs};

use insta::assert_snapshot;
use resource_service::config::{Config, settings};

use crate::support::service::{Variables, least_variables, os};

fn errors(variables: &Variables) -> String {
    Config::read(os(variables)).unwrap_err().to_string()
}

#[test]
fn a_secret_and_a_database_are_enough() {
    let variables = vec![
        ("JWT_SECRET", "x".repeat(32)),
        ("RESOURCE_DATABASE_URL", "sqlite:notes.db".to_owned()),
        ("RESOURCE_BIND", String::new()),
    ];
    let config = Config::read(os(&variables)).unwrap();
    assert_eq!((config.audience.as_str(), config.migrate), ("resource-service", true));
    assert_eq!((config.public_bind.port(), config.internal_bind.port()), (8082, 9082));
}

#[test]
fn what_is_missing_is_reported_in_one_go() {
    assert_snapshot!(errors(&Variables::new()), @"
    JWT_SECRET is not set
    RESOURCE_DATABASE_URL is not set
    ");
}

#[test]
fn what_is_wrong_is_reported_in_one_go_and_without_values() {
    let wrong = "hunter2 & correct horse =";
    let variables: Variables = settings().iter().map(|setting| (setting.name, wrong.to_owned())).collect();
    let errors = errors(&variables);
    assert!(!errors.contains("hunter2") && !errors.contains("horse"), "{errors}");
    assert_snapshot!(errors, @"
    LOG_FORMAT must be json or pretty
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
    REVOCATION_MAX_STALENESS must be a duration such as 90s, 15m or 30d, between 2s and 1day
    REVOCATION_STALE must be serve or refuse
    REVOCATION_COLD_START must be serve or refuse
    REVOCATION_FEED_URL must be an http or https address
    SERVICE_TOKEN_URL must be an http or https address
    SERVICE_CLIENT_KEY is set, and so is SERVICE_CLIENT_SECRET: give one of them
    RESOURCE_PEER_URL needs SERVICE_TOKEN_URL, SERVICE_CLIENT_ID and SERVICE_CLIENT_SECRET
    JWT_AUDIENCE must be a name without spaces
    RESOURCE_PEER_AUDIENCE must be a name without spaces
    RESOURCE_DATABASE_URL must begin with sqlite: or postgres://
    RESOURCE_MIGRATE must be true or false
    RESOURCE_BIND must be an address and a port such as 0.0.0.0:8081
    RESOURCE_INTERNAL_BIND must be an address and a port such as 0.0.0.0:8081
    RESOURCE_DRAIN_TIMEOUT must be a duration such as 90s, 15m or 30d, between 1s and 10m
    ");
}

#[test]
fn encryption_needs_a_key_and_a_known_mode() {
    let with = |more: &[(&'static str, &str)]| {
        let more: Variables = more.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        [least_variables("sqlite:notes.db"), more].concat()
    };
    assert_snapshot!(errors(&with(&[("JWE", "require")])), @"JWE_KEY is missing, and JWE is not off");
    assert_snapshot!(errors(&with(&[("JWE", "accept"), ("JWE_KEY", "c2hvcnQ")])), @"JWE_KEY must be 32 bytes in base64url without padding");
    assert_snapshot!(errors(&with(&[("JWE", "on")])), @"JWE must be off, accept or require");
}

#[test]
fn no_secret_is_printed_with_the_configuration() {
    let config = Config::read(os(&least_variables("postgres://ada:hunter2@localhost/notes"))).unwrap();
    let printed = format!("{config:?}");
    assert!(!printed.contains("hunter2") && !printed.contains("that-all-services-share"), "{printed}");
}

#[test]
fn the_example_file_lists_every_setting_and_no_other() {
    let example = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../.env.example")).unwrap();
    let section = |start: &str| {
        let (_, rest) = example.split_once(start).unwrap_or_else(|| panic!("no section {start}"));
        rest.split("\n## ").next().unwrap().to_owned()
    };
    let sections = section("## Every service") + &section("## resource-service");
    let names = sections.lines().filter_map(|line| line.trim_start_matches("# ").split_once('=')).map(|(name, _)| name);
    let is_variable = |name: &&str| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let listed: BTreeSet<_> = names.filter(is_variable).collect();
    assert_eq!(listed, settings().iter().map(|setting| setting.name).collect());
    for setting in settings() {
        assert!(sections.contains(setting.help), "{}: {}", setting.name, setting.help);
    }
}
