//! Fetching, by one request at a time, and what follows from it.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use jsonwebtoken::Algorithm;
use reqwest::Url;
use tokio::time::{MissedTickBehavior, interval};

use super::{
    document::{self, DocumentError},
    fetch::Fetcher,
    schedule::Schedule,
};
use crate::{
    clock::Clock,
    outbound::OutboundError,
    rng::Rng,
    verifier::{KeySet, KeySource, Keys},
};

/// How often it is looked whether a request is due.
const LOOK: Duration = Duration::from_millis(200);

/// Where the keys come from and which of them are taken.
#[derive(Clone)]
pub struct JwksOptions {
    /// The address of the document.
    pub url: Url,
    /// The algorithms that are accepted; keys of others are passed over. HMAC is never among them.
    pub algorithms: Vec<Algorithm>,
    /// Keys that are accepted whatever the document says: the secrets of HS256 during a change.
    pub fixed: KeySet,
}

impl fmt::Debug for JwksOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwksOptions").field("algorithms", &self.algorithms).finish_non_exhaustive()
    }
}

/// Why the keys were not renewed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum RenewError {
    #[error("the JWKS cannot be fetched: {0}")]
    Fetch(#[from] OutboundError),
    #[error("the JWKS is refused: {0}")]
    Document(#[from] DocumentError),
}

/// Keeps a verifier's [`Keys`] what auth-service publishes.
pub struct JwksClient {
    fetcher: Fetcher,
    algorithms: Vec<Algorithm>,
    fixed: KeySet,
    keys: Keys,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    schedule: Mutex<Schedule>,
    /// The document in force.
    document: Mutex<Option<String>>,
    /// Held during a request. The number of requests that have ended says whether one ended while another waited.
    request: tokio::sync::Mutex<()>,
    requests: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl JwksClient {
    /// A client that keeps `keys`. Nothing is fetched before [`JwksClient::run`].
    pub fn new(
        options: JwksOptions,
        keys: Keys,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, OutboundError> {
        let JwksOptions { url, algorithms, fixed } = options;
        let schedule = Mutex::new(Schedule::new(clock.now()));
        Ok(Self {
            fetcher: Fetcher::new(url)?,
            algorithms,
            fixed,
            keys,
            clock,
            rng,
            schedule,
            document: Mutex::default(),
            request: tokio::sync::Mutex::default(),
            requests: AtomicU64::new(0),
        })
    }

    /// Fetches whenever it is due, for ever.
    pub async fn run(&self) {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failing = false;
        loop {
            ticks.tick().await;
            if !lock(&self.schedule).is_due(self.clock.now()) {
                continue;
            }
            let renewed = self.renew().await;
            match (&renewed, failing) {
                (Err(error), false) => tracing::warn!(%error, "the keys of auth-service are not renewed"),
                (Ok(()), true) => tracing::info!("the keys of auth-service are renewed again"),
                _ => {}
            }
            failing = renewed.is_err();
        }
    }

    /// One request, unless another one ended while this one waited for its turn.
    async fn renew(&self) -> Result<(), RenewError> {
        let before = self.requests.load(Ordering::SeqCst);
        let _turn = self.request.lock().await;
        if self.requests.load(Ordering::SeqCst) != before {
            return Ok(());
        }
        let fetched = self.fetcher.fetch().await;
        let renewed = fetched.map_err(RenewError::from).and_then(|fetched| {
            self.take(&fetched.document)?;
            Ok(fetched.max_age)
        });
        let now = self.clock.now();
        self.requests.fetch_add(1, Ordering::SeqCst);
        match renewed {
            Ok(max_age) => {
                lock(&self.schedule).succeeded(now, max_age);
                Ok(())
            }
            Err(error) => {
                let mut jitter = [0];
                self.rng.fill(&mut jitter);
                lock(&self.schedule).failed(now, jitter[0]);
                Err(error)
            }
        }
    }

    /// All of the document comes into force, or nothing of it.
    fn take(&self, document: &str) -> Result<(), DocumentError> {
        let mut current = lock(&self.document);
        if current.as_deref() == Some(document) {
            return Ok(());
        }
        let keys = document::read(document.as_bytes(), &self.algorithms)?;
        let set = KeySet::new(self.fixed.iter().cloned().chain(keys)).map_err(|_| DocumentError::RepeatedKid)?;
        self.keys.replace(set);
        *current = Some(document.to_owned());
        Ok(())
    }
}

#[async_trait]
impl KeySource for JwksClient {
    fn is_loaded(&self) -> bool {
        lock(&self.document).is_some()
    }

    async fn unknown_key(&self) {
        // Of many that meet the same unknown key one makes the request; the others wait for it.
        if lock(&self.schedule).admits_unknown_key(self.clock.now()) {
            // Logged by `run`, which tries again.
            let _stale = self.renew().await;
        } else {
            let _turn = self.request.lock().await;
        }
    }

    fn document(&self) -> Option<String> {
        lock(&self.document).clone()
    }

    fn restore(&self, document: &str) -> Result<(), String> {
        // What was fetched is newer.
        if self.is_loaded() { Ok(()) } else { self.take(document).map_err(|error| error.to_string()) }
    }
}
