//! A cookie that a browser would not keep is refused as a setting, before anybody logs in.

use auth_service::{
    config::Config,
    domain::{
        cookie_size::MOST_COOKIE_BYTES,
        user::{Identifier, MOST_ROLE_BYTES, checked_roles},
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::support::{
    browser::Browser,
    service::{Backend::Sqlite, TestService, Variables, least_variables, os, set},
};

type Settings = Vec<(&'static str, String)>;

fn with(settings: &Settings) -> Variables {
    let mut variables = least_variables("sqlite:unused.db");
    for (name, value) in settings {
        set(&mut variables, name, value);
    }
    variables
}

/// `settings` with the longest scope that is accepted.
fn longest(settings: &Settings) -> Settings {
    let of = |length: usize| {
        let scope = ("AUTH_FIRST_PARTY_SCOPES", "x".repeat(length));
        [settings.clone(), vec![scope]].concat()
    };
    let accepted = |length: &usize| Config::read(os(&with(&of(*length)))).is_ok();
    let length = (1..MOST_COOKIE_BYTES).rev().find(accepted).unwrap();
    of(length)
}

/// As many roles as fit.
fn most_roles() -> Vec<String> {
    let roles: Vec<_> = (0..MOST_ROLE_BYTES / 35).map(|number| format!("r{number:0>31}")).collect();
    let one_more = [roles.clone(), vec!["r".repeat(32)]].concat();
    assert!(checked_roles(roles.clone()).is_ok() && checked_roles(one_more).is_err());
    roles
}

async fn longest_cookie(settings: &Settings) -> usize {
    let settings = longest(settings);
    let borrowed: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let service = TestService::start_with(Sqlite, &borrowed).await;
    let ada = service.registered("ada").await;
    service.operator().set_roles(&Identifier::parse("ada").unwrap(), most_roles()).await.unwrap();
    let mut browser = Browser::default();
    assert_eq!(browser.log_in(&service, &ada, "cookie").await.status, 200);
    "__Host-lk_at".len() + browser.cookie("__Host-lk_at").unwrap().len()
}

#[tokio::test]
async fn the_longest_cookie_that_the_settings_allow_is_kept() {
    let issuer = || vec![("JWT_ISSUER", "https://shop.example".to_owned())];
    let key = URL_SAFE_NO_PAD.encode([7; 32]);
    let encrypted = vec![("JWE", "require".to_owned()), ("JWE_KEY", key.clone())];
    let signed = vec![
        ("AUTH_SIGNING_ALGORITHM", "RS256".to_owned()),
        ("JWT_ALGORITHMS", "RS256".to_owned()),
        ("AUTH_MASTER_KEY", key),
    ];
    for settings in [issuer(), [issuer(), encrypted.clone()].concat(), [issuer(), encrypted, signed].concat()] {
        let bytes = longest_cookie(&settings).await;
        assert!(bytes <= MOST_COOKIE_BYTES, "{bytes} bytes with {settings:?}");
        assert!(bytes > MOST_COOKIE_BYTES * 3 / 4, "{bytes} bytes: nobody is refused for much less than that");
    }
}

#[test]
fn a_longer_one_is_refused_with_the_remedy() {
    let settings = |modes: &str| {
        vec![
            ("AUTH_FIRST_PARTY_SCOPES", "x".repeat(4_000)),
            ("JWT_ISSUER", "https://shop.example".to_owned()),
            ("AUTH_LOGIN_MODES", modes.to_owned()),
        ]
    };
    assert_snapshot!(Config::read(os(&with(&settings("bearer,cookie")))).unwrap_err(), @"AUTH_FIRST_PARTY_SCOPES and AUTH_FIRST_PARTY_AUDIENCES make cookies of up to 7658 bytes, and browsers keep 4096: shorten them, or leave cookie out of AUTH_LOGIN_MODES");
    assert!(Config::read(os(&with(&settings("bearer")))).is_ok());
    assert!(Config::read(os(&with(&settings("session")))).is_ok(), "its cookie is always as long");
}
