//! Encrypted access tokens between the services: revoked like any others, and turned on and rekeyed as
//! `docs/operations.md` says without refusing anybody.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::support::{
    auth::service::{Backend::Sqlite, TestService},
    resource::Resource,
    system::System,
};

/// Settings of one kind of service.
type Settings = Vec<(&'static str, String)>;

fn key(byte: u8) -> String {
    URL_SAFE_NO_PAD.encode([byte; 32])
}

fn jwe(mode: &str, keys: &[(&'static str, u8)]) -> Settings {
    let keys = keys.iter().map(|(name, byte)| (*name, key(*byte)));
    [("JWE", mode.to_owned())].into_iter().chain(keys).collect()
}

fn borrowed(settings: &Settings) -> Vec<(&'static str, &str)> {
    settings.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

#[tokio::test]
async fn an_encrypted_token_is_revoked_like_any_other() {
    let settings = jwe("require", &[("JWE_KEY", 1)]);
    let system = System::start_with(Sqlite, &borrowed(&settings), &borrowed(&settings)).await;
    system.resource.heard().await;
    let (_, ada) = system.logged_in("ada").await;
    assert_eq!(ada.access.split('.').count(), 5);
    system.resource.answers(&ada.access, 200).await;
    system.log_out(&ada.access).await;
    system.resource.answers(&ada.access, 401).await;
}

/// One step of the instructions: what auth-service has after it, what resource-service has, and whether the longest
/// token's life has passed before it.
struct Step {
    auth: Settings,
    resource: Settings,
    after_the_tokens: bool,
}

fn steps() -> Vec<Step> {
    let step = |auth: &Settings, resource: &Settings, after_the_tokens| Step {
        auth: auth.clone(),
        resource: resource.clone(),
        after_the_tokens,
    };
    let both = |settings: &Settings, after_the_tokens| step(settings, settings, after_the_tokens);
    let (off, accept) = (jwe("off", &[]), jwe("accept", &[("JWE_KEY", 1)]));
    let require = jwe("require", &[("JWE_KEY", 1)]);
    let next = jwe("require", &[("JWE_KEY", 1), ("JWE_KEY_NEXT", 2)]);
    let previous = jwe("require", &[("JWE_KEY", 2), ("JWE_KEY_PREVIOUS", 1)]);
    let other = jwe("require", &[("JWE_KEY", 2)]);
    let accept_other = jwe("accept", &[("JWE_KEY", 2)]);
    vec![
        both(&off, false),
        both(&accept, false),
        step(&require, &accept, false),
        both(&require, true),
        both(&next, false),
        both(&previous, false),
        both(&other, true),
        step(&other, &accept_other, false),
        both(&accept_other, false),
        both(&off, true),
    ]
}

#[tokio::test]
async fn encryption_is_turned_on_rekeyed_and_turned_off_without_refusing_anybody() {
    let home = TestService::start(Sqlite).await;
    let person = home.registered("ada").await;
    let mut tokens: Vec<String> = Vec::new();
    let mut before: Option<(TestService, Resource)> = None;
    for (number, step) in steps().iter().enumerate() {
        if step.after_the_tokens {
            home.clock.advance(Duration::from_secs(3600 + 5));
            tokens.clear();
            // What is there already goes on issuing.
            if let Some((auth, _)) = &before {
                tokens.push(auth.log_in(&person).await.access);
            }
        }
        let auth = home.replica_with(&borrowed(&step.auth)).await;
        let resource = Resource::start(Arc::clone(&home.clock), &borrowed(&step.resource)).await;
        let after = (auth, resource);
        // In the middle of the rolling restart: both issue, both read.
        let running = || before.iter().chain([&after]);
        for (auth, _) in running() {
            tokens.push(auth.log_in(&person).await.access);
        }
        for token in &tokens {
            for (auth, resource) in running() {
                assert_eq!(resource.whoami(token).await, 200, "step {number}");
                assert_eq!(auth.get_as(token, "/auth/me").await.status, 200, "step {number}");
            }
        }
        before = Some(after);
    }
}
