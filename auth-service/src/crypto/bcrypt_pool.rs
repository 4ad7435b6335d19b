//! bcrypt on threads of its own: as many as there are processors, at low priority, behind a bounded queue.
//!
//! A login costs a quarter of a second of one processor. On the threads that serve requests it would stop all others;
//! in an unbounded queue a flood of logins would grow without end. Full, this says so at once.

use std::{io, sync::Arc};

use async_trait::async_trait;
use common::{
    telemetry::metrics::Metrics,
    threads::{NotDone, Priority, Threads},
};
use prometheus_client::metrics::counter::Counter;

use crate::{
    domain::password::{Password, PasswordHash},
    ports::{HashError, PasswordHasher, Rng},
};

/// How much work one hash is, and how many may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BcryptOptions {
    /// 2^cost rounds; 12 by default.
    pub cost: u32,
    /// Threads.
    pub threads: usize,
    /// Waiting jobs before [`HashError::Busy`].
    pub queue: usize,
}

/// The pool.
pub struct BcryptPool {
    threads: Arc<Threads>,
    cost: u32,
    dummy: PasswordHash,
    rng: Arc<dyn Rng>,
    hashes: Counter,
}

impl BcryptPool {
    /// Starts the threads.
    pub fn start(options: BcryptOptions, rng: Arc<dyn Rng>, metrics: &Metrics) -> io::Result<Self> {
        let threads = Arc::new(Threads::start("bcrypt", options.threads, options.queue, Priority::Low)?);
        let hashes = Counter::default();
        metrics.register("bcrypt_hashes", "Passwords hashed or verified", hashes.clone());
        let queue = Arc::clone(&threads);
        let waiting = move || Some(i64::try_from(queue.waiting()).unwrap_or(i64::MAX));
        metrics.gauge("bcrypt_queue_length", "Passwords that wait for a thread", waiting);
        Ok(Self { threads, cost: options.cost, dummy: dummy(options.cost), rng, hashes })
    }

    async fn run<T, F>(&self, job: F) -> Result<T, HashError>
    where
        F: FnOnce() -> Result<T, HashError> + Send + 'static,
        T: Send + 'static,
    {
        let hashes = self.hashes.clone();
        let counted = move || {
            hashes.inc();
            job()
        };
        self.threads.run(counted).await.unwrap_or_else(|not_done| {
            Err(match not_done {
                NotDone::QueueFull => HashError::Busy,
                NotDone::Panicked => HashError::Failed,
            })
        })
    }
}

#[async_trait]
impl PasswordHasher for BcryptPool {
    async fn hash(&self, password: Password) -> Result<PasswordHash, HashError> {
        let (cost, salt) = (self.cost, salt(&*self.rng));
        self.run(move || hash(password.as_bytes(), cost, salt)).await
    }

    async fn verify(&self, password: Password, stored: Option<PasswordHash>) -> Result<bool, HashError> {
        let dummy = self.dummy.clone();
        self.run(move || {
            let Some(stored) = stored else {
                verify(&password, &dummy)?;
                return Ok(false);
            };
            if let Ok(matches) = verify(&password, &stored) {
                return Ok(matches);
            }
            // A hash that cannot be read returns at once. The work is done all the same: time must not tell.
            tracing::error!("a stored password hash cannot be read");
            verify(&password, &dummy)?;
            Ok(false)
        })
        .await
    }
}

/// What nobody's password is verified against: a well-formed hash of no known password, made without hashing. The work
/// is in its cost, and whatever comes of it the answer is no.
fn dummy(cost: u32) -> PasswordHash {
    let (salt, digest) = (".".repeat(22), ".".repeat(31));
    PasswordHash::new(format!("$2b${cost:02}${salt}{digest}"))
}

fn salt(rng: &dyn Rng) -> [u8; 16] {
    let mut salt = [0; 16];
    rng.fill(&mut salt);
    salt
}

fn hash(password: &[u8], cost: u32, salt: [u8; 16]) -> Result<PasswordHash, HashError> {
    bcrypt::non_truncating_hash_with_salt(password, cost, salt)
        .map(|parts| PasswordHash::new(parts.format_for_version(bcrypt::Version::TwoB)))
        .map_err(|_| HashError::Failed)
}

fn verify(password: &Password, stored: &PasswordHash) -> Result<bool, HashError> {
    bcrypt::non_truncating_verify(password.as_bytes(), stored.expose()).map_err(|_| HashError::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::SystemRng;

    const OPTIONS: BcryptOptions = BcryptOptions { cost: 4, threads: 1, queue: 8 };

    fn pool() -> (BcryptPool, Metrics) {
        let metrics = Metrics::new("test");
        (BcryptPool::start(OPTIONS, Arc::new(SystemRng), &metrics).unwrap(), metrics)
    }

    fn password(text: &str) -> Password {
        Password::new(text.to_owned().into()).unwrap()
    }

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let (pool, _) = pool();
        let hash = pool.hash(password("one")).await.unwrap();
        assert!(hash.expose().starts_with("$2b$04$"));
        assert!(pool.verify(password("one"), Some(hash.clone())).await.unwrap());
        assert!(!pool.verify(password("two"), Some(hash)).await.unwrap());
    }

    #[tokio::test]
    async fn seventy_one_bytes_are_read_to_the_last() {
        let (pool, _) = pool();
        let hash = pool.hash(password(&"x".repeat(71))).await.unwrap();
        assert!(!pool.verify(password(&format!("{}y", "x".repeat(70))), Some(hash)).await.unwrap());
    }

    #[tokio::test]
    async fn nobody_and_an_unreadable_hash_are_no_match_for_the_same_work() {
        let (pool, metrics) = pool();
        assert!(!pool.verify(password("one"), None).await.unwrap());
        assert!(!pool.verify(password("one"), Some(PasswordHash::new("broken".to_owned()))).await.unwrap());
        assert!(metrics.encode().contains("test_bcrypt_hashes_total 2"), "{}", metrics.encode());
    }
}
