//! An auth-service that can go away and come back at its place, on stores that stay, and a resource-service that follows
//! it.

use std::{sync::Arc, time::Duration};

use auth_service::domain::client::GrantType;
use common::{sql::Sql, testing::ManualClock};
use reqwest::Method;

use super::{
    auth::{
        answer::Answer,
        client::TestClient,
        service::{Backend, Person, TestService, Tokens},
        token::claims,
        wait::until,
    },
    resource::Resource,
};

pub struct System {
    /// Another replica on the same stores. It never goes away, and nobody follows it.
    pub home: TestService,
    pub resource: Resource,
    /// resource-service as a client.
    pub client: TestClient,
    followed: Option<TestService>,
    place: [(&'static str, String); 2],
}

impl System {
    pub async fn start(backend: Backend) -> Self {
        Self::start_with(backend, &[], &[]).await
    }

    /// With settings for auth-service, and for resource-service.
    pub async fn start_with(backend: Backend, auth: &[(&str, &str)], resource: &[(&str, &str)]) -> Self {
        let home = TestService::start_with(backend, auth).await;
        let followed = home.replica().await;
        let address = |url: &str| url.strip_prefix("http://").unwrap().to_owned();
        let place = [("AUTH_BIND", address(followed.public())), ("AUTH_INTERNAL_BIND", address(followed.internal()))];
        let client = home.client("resource-service", |rights| {
            rights.scope = "revocations:read users:deleted users:read notes:read".parse().unwrap();
            rights.audiences = ["resource-service", "archive"].map(|name| name.parse().unwrap()).into();
        });
        let client = client.await;
        let mut own = place_of(&followed, &client.id, &client.secret);
        own.push(("JWT_JWKS_URL", format!("{}/.well-known/jwks.json", followed.public())));
        let settings: Vec<_> =
            own.iter().map(|(name, value)| (*name, value.as_str())).chain(resource.iter().copied()).collect();
        let resource = Resource::start(Arc::clone(&home.clock), &settings).await;
        Self { home, resource, client, followed: Some(followed), place }
    }

    /// Where another service follows the auth-service that can go away, as one of its clients.
    pub fn place_to_follow(&self, client_id: &str, secret: &str) -> Vec<(&'static str, String)> {
        place_of(self.followed.as_ref().unwrap(), client_id, secret)
    }

    /// All of it runs, and the mirror is as good as the feed.
    pub async fn in_touch(backend: Backend) -> Self {
        let system = Self::start(backend).await;
        system.resource.heard().await;
        system
    }

    pub fn clock(&self) -> &ManualClock {
        &self.home.clock
    }

    pub async fn auth_goes_away(&mut self) {
        self.followed.take().unwrap().stop().await;
    }

    pub async fn auth_comes_back(&mut self) {
        self.auth_comes_back_with(&[]).await;
    }

    pub async fn auth_comes_back_with(&mut self, settings: &[(&str, &str)]) {
        let place = self.place.iter().map(|(name, value)| (*name, value.as_str()));
        let settings: Vec<_> = place.chain(settings.iter().copied()).collect();
        self.followed = Some(self.home.replica_with(&settings).await);
        // Whoever has asked in vain asks again some seconds later, by a clock that only this moves: not before there is somebody to answer, or they would
        // wait once more, and for ever.
        self.clock().advance(Duration::from_secs(6));
    }

    /// Waits until the state file names what the mirror has heard of. It is written at most once a second, by a clock that only this moves.
    pub async fn written_down(&self, name: &str) {
        self.clock().advance(Duration::from_secs(1));
        until(&format!("{name} is written down"), async || self.resource.state().contains(name)).await;
    }

    /// Somebody who is logged in, and whose token is good at resource-service, where that can be known.
    pub async fn logged_in(&self, username: &str) -> (Person, Tokens) {
        let person = self.home.registered(username).await;
        let tokens = self.home.log_in(&person).await;
        (person, tokens)
    }

    /// Without a body.
    pub async fn post(&self, token: &str, path: &str) -> Answer {
        Answer::of(self.home.request(Method::POST, path).bearer_auth(token)).await
    }

    /// Ends the session that a token belongs to.
    pub async fn log_out(&self, token: &str) {
        let answer = self.post(token, "/auth/logout").await;
        assert_eq!(answer.status, 204, "{answer}");
    }
}

fn place_of(auth: &TestService, client_id: &str, secret: &str) -> Vec<(&'static str, String)> {
    vec![
        ("REVOCATION_FEED_URL", format!("{}/internal/revocations", auth.internal())),
        ("SERVICE_TOKEN_URL", format!("{}/oauth/token", auth.public())),
        ("SERVICE_CLIENT_ID", client_id.to_owned()),
        ("SERVICE_CLIENT_SECRET", secret.to_owned()),
    ]
}

/// Adds a client that asks for tokens of its own; its secret.
pub async fn add_client(auth: &TestService, id: &str, scope: &str, audiences: &[&str]) -> String {
    let client = auth.client(id, |rights| {
        rights.grants = vec![GrantType::ClientCredentials];
        rights.scope = scope.parse().unwrap();
        rights.audiences = audiences.iter().map(|audience| audience.parse().unwrap()).collect();
    });
    client.await.secret
}

/// auth-service's database.
pub fn database(auth: &TestService) -> Sql {
    let (_, url) = auth.variables.iter().find(|(name, _)| name == "AUTH_DATABASE_URL").unwrap();
    Sql::open(&url.parse().unwrap(), "operator").unwrap()
}

/// The session of a token.
pub fn sid(token: &str) -> String {
    claims(token)["sid"].as_str().unwrap().to_owned()
}
