//! The service on free ports, with a clock of its own; tokens for its users; a client that speaks HTTP and nothing else.

use std::{ffi::OsString, sync::Arc, time::Duration};

use common::{
    clock::{Clock, Timestamp},
    secret::SigningSecret,
    testing::{ManualClock, TestToken},
};
use reqwest::{Client, Method, RequestBuilder, redirect::Policy};
use resource_service::{app::App, config::Config, ports::SystemRng};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    answer::Answer,
    database::{Kind, TestDatabase},
};

pub const ISSUER: &str = "http://localhost:8080";
pub const AUDIENCE: &str = "resource-service";
pub const JWT_SECRET: &str = "the-secret-that-all-services-share-in-tests";

/// 2026-01-01T00:00:00Z
pub const START: Timestamp = Timestamp::from_seconds(1_767_225_600);

pub const ADA: Uuid = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0ada);
pub const EVE: Uuid = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0e5e);

/// Settings as the environment gives them.
pub type Variables = Vec<(&'static str, String)>;

/// What the service needs to start, on ports that nobody else has.
pub fn least_variables(database_url: impl Into<String>) -> Variables {
    vec![
        ("JWT_SECRET", JWT_SECRET.to_owned()),
        ("RESOURCE_DATABASE_URL", database_url.into()),
        ("RESOURCE_BIND", "127.0.0.1:0".to_owned()),
        ("RESOURCE_INTERNAL_BIND", "127.0.0.1:0".to_owned()),
    ]
}

/// A later one of the same name wins.
pub fn os(variables: &Variables) -> impl Iterator<Item = (OsString, OsString)> {
    variables.iter().map(|(name, value)| (name.into(), value.into()))
}

pub fn secret(text: &str) -> SigningSecret {
    SigningSecret::new(text.to_owned().into()).unwrap()
}

pub struct TestService {
    pub clock: Arc<ManualClock>,
    app: App,
    client: Client,
    _database: Option<TestDatabase>,
}

impl TestService {
    pub async fn start(kind: Kind) -> Self {
        Self::start_with(kind, Variables::new()).await
    }

    pub async fn start_with(kind: Kind, more: Variables) -> Self {
        let database = TestDatabase::empty(kind);
        let variables = [least_variables(database.url()), more].concat();
        Self { _database: Some(database), ..Self::start_on(&variables).await }
    }

    /// A service on a database that the test looks after itself.
    pub async fn start_on(variables: &Variables) -> Self {
        let clock = Arc::new(ManualClock::at(START));
        let config = Config::read(os(variables)).unwrap();
        let app = App::start(&config, Arc::clone(&clock) as Arc<dyn Clock>, Arc::new(SystemRng)).await.unwrap();
        let patience = Duration::from_secs(30);
        let client = Client::builder().timeout(patience).redirect(Policy::none()).no_proxy().build().unwrap();
        Self { clock, app, client, _database: None }
    }

    /// What auth-service would give the user now.
    pub fn token(&self, user: Uuid) -> TestToken {
        TestToken::new(&secret(JWT_SECRET), ISSUER, AUDIENCE, user, self.clock.now())
    }

    pub fn token_for(&self, user: Uuid, scope: &str) -> String {
        let mut token = self.token(user);
        token.claims.scope = scope.parse().unwrap();
        token.sign()
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.app.public()))
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    pub async fn get_with(&self, token: &str, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path).bearer_auth(token)).await
    }

    /// From the internal listener.
    pub async fn manage(&self, path: &str) -> Answer {
        Answer::of(self.client.get(format!("http://{}{path}", self.app.internal()))).await
    }

    /// A user who may read and write notes.
    pub fn person(&self, id: Uuid) -> Person<'_> {
        Person { token: self.token_for(id, "notes:read notes:write"), service: self }
    }

    pub async fn stop(self) {
        self.app.stop().await;
    }
}

pub struct Person<'s> {
    pub token: String,
    service: &'s TestService,
}

impl Person<'_> {
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.service.request(method, path).bearer_auth(&self.token)
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, body: &Value) -> Answer {
        Answer::of(self.request(Method::POST, "/api/notes").json(body)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::PUT, path).json(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::DELETE, path)).await
    }

    /// Makes a note; its address.
    pub async fn noted(&self, title: &str) -> String {
        let answer = self.post(&json!({"title": title, "body": ""})).await;
        assert_eq!(answer.status, 201, "{answer}");
        answer.header("location").unwrap().to_owned()
    }
}
