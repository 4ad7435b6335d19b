//! A resource-service that follows an auth-service.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use common::{clock::Clock, rng::SystemRng, sql::Sql, testing::ManualClock};
use reqwest::{Client, Method, RequestBuilder};
use resource_service::{app::App, config::Config, storage::sql::SqlNotes};
use serde_json::json;
use tempfile::TempDir;

use super::auth::{
    service::{JWT_SECRET, Variables, os, set},
    wait::until,
};

pub struct Resource {
    pub clock: Arc<ManualClock>,
    variables: Variables,
    app: Option<App>,
    http: Client,
    folder: TempDir,
}

impl Resource {
    /// It runs, and may have heard nothing yet.
    pub async fn start(clock: Arc<ManualClock>, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut variables = Variables::new();
        set(&mut variables, "JWT_SECRET", JWT_SECRET);
        set(&mut variables, "RESOURCE_DATABASE_URL", format!("sqlite:{}", folder.path().join("notes.db").display()));
        set(&mut variables, "RESOURCE_BIND", "127.0.0.1:0");
        set(&mut variables, "RESOURCE_INTERNAL_BIND", "127.0.0.1:0");
        for (name, value) in settings {
            set(&mut variables, name, *value);
        }
        let http = Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
        let mut resource = Self { clock, variables, app: None, http, folder };
        resource.start_again().await;
        resource
    }

    pub async fn start_again(&mut self) {
        let config = Config::read(os(&self.variables)).unwrap();
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        self.app = Some(App::start(&config, clock, Arc::new(SystemRng)).await.unwrap());
    }

    pub async fn stop(&mut self) {
        self.app.take().unwrap().stop().await;
    }

    /// From the next start on.
    pub fn set(&mut self, name: &str, value: &str) {
        set(&mut self.variables, name, value);
    }

    /// From the next start on, the mirror is kept in a file.
    pub fn keep_state(&mut self) {
        let path = self.state_file().display().to_string();
        self.set("REVOCATION_STATE_FILE", &path);
    }

    /// What the state file says.
    pub fn state(&self) -> String {
        fs::read_to_string(self.state_file()).unwrap_or_default()
    }

    pub fn spoil_state(&self) {
        fs::write(self.state_file(), r#"{"cursor": "#).unwrap();
    }

    fn state_file(&self) -> PathBuf {
        self.folder.path().join("revocations.json")
    }

    /// A request to the public listener.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    /// The same with another method.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path))
    }

    /// A public address.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.app.as_ref().unwrap().public())
    }

    /// The status of a guarded route.
    pub async fn whoami(&self, token: &str) -> u16 {
        self.get("/api/whoami").bearer_auth(token).send().await.unwrap().status().as_u16()
    }

    pub async fn is_ready(&self) -> bool {
        self.manage("/readyz").await.0 == 200
    }

    /// One value of `/metrics`.
    pub async fn metric(&self, name: &str) -> Option<f64> {
        let (_, text) = self.manage("/metrics").await;
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }

    async fn manage(&self, path: &str) -> (u16, String) {
        let url = format!("http://{}{path}", self.app.as_ref().unwrap().internal());
        let response = self.http.get(url).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Waits until the mirror has been as good as the feed.
    pub async fn heard(&self) {
        until("the feed is heard", async || self.is_ready().await).await;
    }

    /// Waits until the token is answered with this status.
    pub async fn answers(&self, token: &str, status: u16) {
        until(&format!("{status} for the token"), async || self.whoami(token).await == status).await;
    }

    /// Makes a note; the status.
    pub async fn add_note(&self, token: &str) -> u16 {
        let request = self.http.post(self.url("/api/notes")).json(&json!({"title": "Sums", "body": "1 + 1"}));
        request.bearer_auth(token).send().await.unwrap().status().as_u16()
    }

    /// The notes in the database, whoever's they are.
    pub fn notes(&self) -> SqlNotes {
        let (_, url) = self.variables.iter().find(|(name, _)| name == "RESOURCE_DATABASE_URL").unwrap();
        SqlNotes::new(Sql::open(&url.parse().unwrap(), "test").unwrap())
    }
}
