//! The service on free ports, with a clock of its own, and a client that speaks HTTP and nothing else.

use std::{ffi::OsString, sync::Arc, time::Duration};

use auth_service::{
    app::App,
    config::Config,
    domain::{
        audit::{AuditEvent, AuditFilter},
        ids::UserId,
        user::Identifier,
    },
    ports::{AuditStore, SystemRng},
    service::manage_users::Operator,
    storage::sql::{SqlAudit, SqlUsers},
};
use common::{
    clock::{Clock, SystemClock},
    secret::SigningSecret,
    sql::Sql,
    testing::ManualClock,
};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use super::{
    answer::Answer,
    child::from_xtask,
    database::{Kind, TestDatabase},
    token::claims,
};

pub const ISSUER: &str = "http://localhost:8080";
pub const JWT_SECRET: &str = "the-secret-that-all-services-share-in-tests";
pub const REFRESH_SECRET: &str = "the-secret-that-only-auth-service-has-in-tests";

/// Where the service keeps what it keeps.
#[derive(Debug, Clone, Copy)]
pub enum Backend {
    Sqlite,
    PostgresAndRedis,
}

/// Settings as the environment gives them.
pub type Variables = Vec<(String, String)>;

pub fn set(variables: &mut Variables, name: &str, value: impl Into<String>) {
    variables.retain(|(other, _)| other != name);
    variables.push((name.to_owned(), value.into()));
}

pub fn os(variables: &Variables) -> impl Iterator<Item = (OsString, OsString)> {
    variables.iter().map(|(name, value)| (name.into(), value.into()))
}

/// What a service needs to start, on ports that nobody else has.
pub fn least_variables(database_url: &str) -> Variables {
    [
        ("JWT_SECRET", JWT_SECRET),
        ("REFRESH_SECRET", REFRESH_SECRET),
        ("AUTH_DATABASE_URL", database_url),
        ("AUTH_BIND", "127.0.0.1:0"),
        ("AUTH_INTERNAL_BIND", "127.0.0.1:0"),
        ("AUTH_BCRYPT_COST", "4"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

pub struct TestService {
    pub clock: Arc<ManualClock>,
    pub variables: Variables,
    app: Option<App>,
    client: Client,
    public: String,
    internal: String,
    _database: Option<TestDatabase>,
}

/// A user and their password.
#[derive(Debug, Clone)]
pub struct Person {
    pub username: String,
    pub password: String,
}

/// What a login in mode `bearer` gives.
#[derive(Debug, Clone)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
}

impl Tokens {
    /// Whose they are.
    pub fn user(&self) -> UserId {
        claims(&self.access)["sub"].as_str().unwrap().parse().unwrap()
    }
}

impl TestService {
    pub async fn start(backend: Backend) -> Self {
        Self::start_with(backend, &[]).await
    }

    pub async fn start_with(backend: Backend, settings: &[(&str, &str)]) -> Self {
        let kind = match backend {
            Backend::Sqlite => Kind::Sqlite,
            Backend::PostgresAndRedis => Kind::Postgres,
        };
        let database = TestDatabase::empty(kind);
        let mut variables = least_variables(&database.address());
        if let Backend::PostgresAndRedis = backend {
            set(&mut variables, "REDIS_URL", from_xtask("LATCHKEY_TEST_REDIS_URL"));
            // The throttle's keys are made with it: tests that share a Redis must not stop each other's logins.
            let own = UserId::new(SystemClock.now(), &SystemRng);
            set(&mut variables, "REFRESH_SECRET", format!("{REFRESH_SECRET}-{own}"));
        }
        for (name, value) in settings {
            set(&mut variables, name, *value);
        }
        Self { _database: Some(database), ..Self::start_on(variables).await }
    }

    /// A service on stores that the test looks after itself.
    pub async fn start_on(variables: Variables) -> Self {
        let clock = Arc::new(ManualClock::at(SystemClock.now()));
        Self::start_at(variables, clock).await
    }

    /// Another replica, or the same one after a restart: the same settings, stores and clock.
    pub async fn replica(&self) -> Self {
        Self::start_at(self.variables.clone(), Arc::clone(&self.clock)).await
    }

    /// The same with other settings; an empty one is as good as none.
    pub async fn replica_with(&self, settings: &[(&str, &str)]) -> Self {
        let mut variables = self.variables.clone();
        for (name, value) in settings {
            set(&mut variables, name, *value);
        }
        Self::start_at(variables, Arc::clone(&self.clock)).await
    }

    async fn start_at(variables: Variables, clock: Arc<ManualClock>) -> Self {
        let config = Config::read(os(&variables)).unwrap();
        let app = App::start(config, Arc::clone(&clock) as Arc<dyn Clock>, Arc::new(SystemRng)).await.unwrap();
        let client = Client::builder()
            .timeout(Duration::from_secs(30))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        let (public, internal) = (format!("http://{}", app.public()), format!("http://{}", app.internal()));
        Self { clock, variables, app: Some(app), client, public, internal, _database: None }
    }

    pub async fn stop(mut self) {
        self.app.take().unwrap().stop().await;
    }

    /// The public address, with its scheme.
    pub fn public(&self) -> &str {
        &self.public
    }

    /// The internal address, with its scheme.
    pub fn internal(&self) -> &str {
        &self.internal
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.public))
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    pub async fn get_as(&self, token: &str, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path).bearer_auth(token)).await
    }

    pub async fn post_as(&self, token: &str, path: &str, body: Value) -> Answer {
        Answer::of(self.request(Method::POST, path).bearer_auth(token).json(&body)).await
    }

    pub async fn patch_as(&self, token: &str, path: &str, body: Value) -> Answer {
        Answer::of(self.request(Method::PATCH, path).bearer_auth(token).json(&body)).await
    }

    pub async fn delete_as(&self, token: &str, path: &str) -> Answer {
        Answer::of(self.request(Method::DELETE, path).bearer_auth(token)).await
    }

    /// From the internal listener.
    pub async fn manage(&self, path: &str) -> Answer {
        Answer::of(self.internal_request(path)).await
    }

    pub fn internal_request(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.internal()))
    }

    /// One value of `/metrics`, by everything that stands before it on its line.
    pub async fn metric(&self, name: &str) -> u64 {
        let text = self.manage("/metrics").await.text;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
        line.map_or(0, |value| value.parse().unwrap())
    }

    /// What an operator's commands would do to the service's database.
    pub fn operator(&self) -> Operator {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        Operator::at_the_machine(Arc::new(SqlUsers::new(self.sql())), clock, Arc::new(SystemRng))
    }

    /// The audit events of one kind, read behind the service's back.
    pub async fn audit_events(&self, kind: &str) -> Vec<AuditEvent> {
        let filter = AuditFilter { kind: Some(kind.parse().unwrap()), ..AuditFilter::default() };
        SqlAudit::new(self.sql()).find(&filter, 1_000).await.unwrap()
    }

    pub(super) fn sql(&self) -> Sql {
        Sql::open(&self.database_url().parse().unwrap(), "test").unwrap()
    }

    pub(super) fn database_url(&self) -> &str {
        &self.variables.iter().find(|(name, _)| name == "AUTH_DATABASE_URL").unwrap().1
    }

    /// Waits until the audit events so far are in the store.
    pub async fn audit_written(&self) {
        self.app.as_ref().unwrap().audit_written().await;
    }

    pub async fn registered(&self, username: &str) -> Person {
        let person = Person { username: username.to_owned(), password: "plum-anvil-tundra-9".to_owned() };
        let answer =
            self.post("/auth/register", json!({"username": person.username, "password": person.password})).await;
        assert_eq!(answer.status, 201, "{answer}");
        person
    }

    /// Somebody with the role `admin`, logged in.
    pub async fn administrator(&self) -> (Person, Tokens) {
        let root = self.registered("root").await;
        self.operator().set_roles(&Identifier::parse("root").unwrap(), vec!["admin".to_owned()]).await.unwrap();
        let tokens = self.log_in(&root).await;
        (root, tokens)
    }

    pub async fn log_in(&self, person: &Person) -> Tokens {
        let answer = self.try_log_in(person, json!("bearer")).await;
        assert_eq!(answer.status, 200, "{answer}");
        answer.tokens()
    }

    /// A login from somewhere else; the service must trust 127.0.0.1 to say so.
    pub async fn try_log_in_from(&self, address: &str, username: &str, password: &str) -> Answer {
        let body = json!({"username": username, "password": password});
        Answer::of(self.request(Method::POST, "/auth/login").header("X-Forwarded-For", address).json(&body)).await
    }

    pub async fn try_log_in(&self, person: &Person, mode: Value) -> Answer {
        let body = json!({"username": person.username, "password": person.password, "mode": mode});
        self.post("/auth/login", body).await
    }

    /// Ends the session of a token.
    pub async fn log_out(&self, token: &str) -> Answer {
        Answer::of(self.request(Method::POST, "/auth/logout").bearer_auth(token)).await
    }

    pub async fn refresh(&self, token: &str) -> Answer {
        self.post("/auth/refresh", json!({"refresh_token": token})).await
    }
}

pub fn shared_secret() -> SigningSecret {
    SigningSecret::new(JWT_SECRET.to_owned().into()).unwrap()
}
