//! Two auth-services, two services that trust them, and clients that never pause, while secrets and keys change.

use std::{
    collections::HashSet,
    net::TcpListener,
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use actix_web::{App, HttpServer, dev::ServerHandle, web};
use common::{
    claims::User,
    clock::Clock,
    env::Env,
    jwks::{JwksClient, JwksOptions},
    rng::SystemRng,
    settings::{TOKENS, Tokens},
    testing::ManualClock,
    verifier::{Keys, Verifier},
};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::support::service::{Backend, Person, TestService, Variables, os, set};
use crate::support::token::{claims, header};

/// How long access tokens live in these tests.
pub const ACCESS_TTL: Duration = Duration::from_mins(1);

/// One move of the clock. Replicas and services look again in the time that the clients need for two rounds.
const STEP: Duration = Duration::from_secs(4);

/// So seldom that the sessions whose tokens are alive stay far below the number that a user may have.
const ROUNDS_OF_A_SESSION: usize = 100;

/// A token is not sent in its last seconds: the clock moves while it travels.
const MARGIN: i64 = 15;

pub type Settings<'a> = &'a [(&'a str, &'a str)];

/// A service that has nothing of Latchkey but `common`.
struct Resource {
    url: String,
    handle: ServerHandle,
    tasks: Vec<JoinHandle<()>>,
}

async fn whoami(user: User) -> String {
    user.id.to_string()
}

impl Resource {
    fn start(settings: &Variables, jwks_url: &str, clock: &Arc<ManualClock>) -> Self {
        let mut env = Env::new(os(settings), TOKENS);
        let tokens = Tokens::read(&mut env);
        let tokens = env.finish(tokens).unwrap();
        let clock: Arc<dyn Clock> = Arc::clone(clock) as _;
        let keys = Keys::fixed(tokens.secret_keys());
        let verifier = Verifier::with_keys(&tokens.issuer, "resource-service", keys.clone(), Arc::clone(&clock));
        let options = JwksOptions {
            url: jwks_url.parse().unwrap(),
            algorithms: tokens.public_key_algorithms(),
            fixed: tokens.secret_keys(),
        };
        let client = Arc::new(JwksClient::new(options, keys, clock, Arc::new(SystemRng)).unwrap());
        let verifier = web::Data::new(verifier.with_source(Arc::clone(&client) as _));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let server = HttpServer::new(move || App::new().app_data(verifier.clone()).route("/", web::get().to(whoami)))
            .workers(1)
            .disable_signals()
            .listen(listener)
            .unwrap()
            .run();
        let handle = server.handle();
        let serving = tokio::spawn(async move { server.await.unwrap() });
        let renewing = tokio::spawn(async move { client.run().await });
        Self { url, handle, tasks: vec![serving, renewing] }
    }

    async fn stop(self) {
        self.handle.stop(true).await;
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// What the clients see: where everybody is, and what they have met.
struct Traffic {
    auths: RwLock<[String; 2]>,
    resources: RwLock<[String; 2]>,
    clock: Arc<ManualClock>,
    http: Client,
    stopped: AtomicBool,
    rounds: [AtomicUsize; CLIENTS],
    requests: AtomicUsize,
    rejected: Mutex<Vec<String>>,
    kids: Mutex<HashSet<String>>,
    algorithms: Mutex<Vec<String>>,
}

const CLIENTS: usize = 4;

pub struct Fleet {
    home: TestService,
    shared: Variables,
    auths: Vec<TestService>,
    resources: Vec<Resource>,
    traffic: Arc<Traffic>,
    clients: Vec<JoinHandle<()>>,
}

/// What came of it all.
pub struct Outcome {
    pub requests: usize,
    pub rejected: Vec<String>,
    pub kids: usize,
    pub algorithms: Vec<String>,
}

impl Fleet {
    pub async fn start(settings: Settings<'_>) -> Self {
        // Keeps the database; nobody asks it.
        let home = TestService::start_with(
            Backend::PostgresAndRedis,
            &[("ACCESS_TTL", "60s"), ("ACCESS_ONLY_TTL", "60s"), ("REFRESH_HOLD", "1s")],
        )
        .await;
        // One each: a user has a bounded number of sessions.
        let mut people = Vec::new();
        for number in 0..CLIENTS {
            people.push(home.registered(&format!("ada{number}")).await);
        }
        let mut shared = Variables::new();
        for (name, value) in settings {
            set(&mut shared, name, *value);
        }
        set(&mut shared, "JWT_SECRET", crate::support::service::JWT_SECRET);
        let auths = vec![home.replica_with(settings).await, home.replica_with(settings).await];
        let jwks = |auth: &TestService| format!("{}/.well-known/jwks.json", auth.public());
        let resources = vec![
            Resource::start(&shared, &jwks(&auths[0]), &home.clock),
            Resource::start(&shared, &jwks(&auths[1]), &home.clock),
        ];
        let traffic = Arc::new(Traffic {
            auths: RwLock::new([auths[0].public().to_owned(), auths[1].public().to_owned()]),
            resources: RwLock::new([resources[0].url.clone(), resources[1].url.clone()]),
            clock: Arc::clone(&home.clock),
            http: Client::builder().timeout(Duration::from_secs(30)).no_proxy().build().unwrap(),
            stopped: AtomicBool::new(false),
            rounds: Default::default(),
            requests: AtomicUsize::new(0),
            rejected: Mutex::default(),
            kids: Mutex::default(),
            algorithms: Mutex::default(),
        });
        let clients = people
            .into_iter()
            .enumerate()
            .map(|(number, person)| {
                let traffic = Arc::clone(&traffic);
                tokio::spawn(async move { traffic.client(number, &person).await })
            })
            .collect();
        let fleet = Self { home, shared, auths, resources, traffic, clients };
        fleet.rounds(2).await;
        fleet
    }

    /// Until every client has begun and ended so many rounds.
    async fn rounds(&self, count: usize) {
        let before = self.traffic.rounds.each_ref().map(|rounds| rounds.load(Ordering::SeqCst));
        let start = Instant::now();
        while self.traffic.rounds.iter().zip(before).any(|(now, then)| now.load(Ordering::SeqCst) < then + count) {
            assert!(start.elapsed() < Duration::from_mins(1), "a client has come to a stop");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Lets so much time pass. After each step replicas and services have looked at least once.
    pub async fn pass(&self, time: Duration) {
        for _ in 0..time.as_secs().div_ceil(STEP.as_secs()) {
            self.traffic.clock.advance(STEP);
            tokio::time::sleep(Duration::from_millis(600)).await;
            self.rounds(2).await;
        }
    }

    /// Replaces one after the other, as a rolling restart does: services that verify first, then those that sign.
    pub async fn roll(&mut self, settings: Settings<'_>) {
        for (name, value) in settings {
            set(&mut self.home.variables, name, *value);
            set(&mut self.shared, name, *value);
        }
        for number in 0..2 {
            let jwks = format!("{}/.well-known/jwks.json", self.auths[number].public());
            let new = Resource::start(&self.shared, &jwks, &self.traffic.clock);
            self.traffic.resources.write().unwrap()[number].clone_from(&new.url);
            self.rounds(2).await;
            std::mem::replace(&mut self.resources[number], new).stop().await;
        }
        for number in 0..2 {
            let new = self.home.replica().await;
            new.public().clone_into(&mut self.traffic.auths.write().unwrap()[number]);
            self.rounds(2).await;
            // The address that a resource service asks is a gateway's: here it moves with the replica.
            let jwks = format!("{}/.well-known/jwks.json", new.public());
            let resource = Resource::start(&self.shared, &jwks, &self.traffic.clock);
            self.traffic.resources.write().unwrap()[number].clone_from(&resource.url);
            self.rounds(2).await;
            std::mem::replace(&mut self.resources[number], resource).stop().await;
            std::mem::replace(&mut self.auths[number], new).stop().await;
        }
    }

    /// Settings as a replica has them, for commands.
    pub fn variables(&self) -> &Variables {
        &self.auths[0].variables
    }

    pub fn clock(&self) -> &Arc<ManualClock> {
        &self.traffic.clock
    }

    pub async fn stop(self) -> Outcome {
        self.traffic.stopped.store(true, Ordering::SeqCst);
        for client in self.clients {
            client.await.unwrap();
        }
        for resource in self.resources {
            resource.stop().await;
        }
        for auth in self.auths {
            auth.stop().await;
        }
        Outcome {
            requests: self.traffic.requests.load(Ordering::SeqCst),
            rejected: std::mem::take(&mut self.traffic.rejected.lock().unwrap()),
            kids: self.traffic.kids.lock().unwrap().len(),
            algorithms: std::mem::take(&mut self.traffic.algorithms.lock().unwrap()),
        }
    }
}

impl Traffic {
    /// Logs in, and from then on refreshes here and there and sends every token that is alive to everybody.
    async fn client(&self, number: usize, person: &Person) {
        let credentials = json!({"username": person.username, "password": person.password});
        let mut refresh: Option<String> = None;
        let mut alive: Vec<(String, i64)> = Vec::new();
        for round in 0.. {
            if self.stopped.load(Ordering::SeqCst) {
                return;
            }
            let auth = self.auths.read().unwrap()[(number + round) % 2].clone();
            let request = match &refresh {
                Some(token) if round % ROUNDS_OF_A_SESSION != 0 => {
                    self.http.post(format!("{auth}/auth/refresh")).json(&json!({"refresh_token": token}))
                }
                _ => self.http.post(format!("{auth}/auth/login")).json(&credentials),
            };
            if let Some(answer) = self.send(request, &json!("login or refresh")).await {
                refresh = answer["refresh_token"].as_str().map(str::to_owned);
                let access = answer["access_token"].as_str().unwrap().to_owned();
                self.note(&header(&access));
                alive.push((access.clone(), claims(&access)["exp"].as_i64().unwrap()));
            }
            let now = self.clock.now().seconds();
            alive.retain(|(_, exp)| exp - now > MARGIN);
            // The oldest and the newest, and one in between.
            let chosen: HashSet<_> = [0, alive.len() / 2, alive.len().saturating_sub(1)].into();
            for (access, _) in chosen.iter().filter_map(|index| alive.get(*index)) {
                let (auths, resources) = (self.auths.read().unwrap().clone(), self.resources.read().unwrap().clone());
                let mine = auths.iter().map(|auth| format!("{auth}/auth/me"));
                for url in mine.chain(resources) {
                    let request = self.http.get(&url).bearer_auth(access);
                    self.send(request, &header(access)).await;
                }
            }
            self.rounds[number].fetch_add(1, Ordering::SeqCst);
        }
    }

    async fn send(&self, request: RequestBuilder, what: &Value) -> Option<Value> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        match request.send().await {
            Ok(answer) if answer.status() == 200 => {
                Some(serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
            }
            Ok(answer) => {
                let url = answer.url().clone();
                let text = format!("{what} at {url}: {} {}", answer.status(), answer.text().await.unwrap_or_default());
                self.rejected.lock().unwrap().push(text);
                None
            }
            Err(error) => {
                self.rejected.lock().unwrap().push(format!("{what}: {error}"));
                None
            }
        }
    }

    fn note(&self, header: &Value) {
        self.kids.lock().unwrap().insert(header["kid"].as_str().unwrap().to_owned());
        let algorithm = header["alg"].as_str().unwrap();
        let mut algorithms = self.algorithms.lock().unwrap();
        if !algorithms.iter().any(|known| known == algorithm) {
            algorithms.push(algorithm.to_owned());
        }
    }
}
