//! bcrypt on threads of its own: as many as there are processors, at the lowest priority, behind a bounded queue.
//!
//! A login costs a quarter of a second of one processor. On the threads that serve requests it would stop all others;
//! in an unbounded queue a flood of logins would grow without end. Full, this says so at once. Whoever has gone away
//! before their turn costs nothing, but keeps the place until then: by coming and going nobody gets more of them.

use std::{io, net::IpAddr, sync::Arc};

use async_trait::async_trait;
use bcrypt::HashParts;
use common::{
    telemetry::metrics::Metrics,
    threads::{NotDone, Priority, Threads},
};
use prometheus_client::metrics::counter::Counter;

use super::bcrypt_places::{Place, Places};
use crate::{
    domain::{
        network::Network,
        password::{Password, PasswordHash},
    },
    ports::{HashError, HashTurn, PasswordHasher, Rng},
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
#[derive(Clone)]
pub struct BcryptPool {
    threads: Arc<Threads>,
    places: Arc<Places>,
    cost: u32,
    rng: Arc<dyn Rng>,
    hashes: Counter,
    turned_away: Counter,
}

/// A place in the pool's queue.
struct BcryptTurn {
    pool: BcryptPool,
    place: Arc<Place>,
}

impl BcryptPool {
    /// Starts the threads.
    pub fn start(options: BcryptOptions, rng: Arc<dyn Rng>, metrics: &Metrics) -> io::Result<Self> {
        let BcryptOptions { cost, threads, queue } = options;
        let places = Places::new(threads, queue);
        // Room for all places: those who have one are not turned away.
        let threads = Arc::new(Threads::start("bcrypt", threads, threads + queue, Priority::Lowest)?);
        let hashes = metrics.counter("bcrypt_hashes", "Passwords hashed or verified");
        let turned_away = metrics.counter("bcrypt_turned_away", "Requests that found no place in the queue");
        let queue = Arc::clone(&threads);
        let waiting = move || Some(i64::try_from(queue.waiting()).unwrap_or(i64::MAX));
        metrics.gauge("bcrypt_queue_length", "Passwords that wait for a thread", waiting);
        Ok(Self { threads, places, cost, rng, hashes, turned_away })
    }
}

impl PasswordHasher for BcryptPool {
    fn admit(&self, from: Option<IpAddr>) -> Result<Box<dyn HashTurn>, HashError> {
        let Some(place) = self.places.take(from.map(Network::of)) else {
            self.turned_away.inc();
            return Err(HashError::Busy);
        };
        Ok(Box::new(BcryptTurn { pool: self.clone(), place: Arc::new(place) }))
    }

    fn is_outdated(&self, hash: &PasswordHash) -> bool {
        cost_of(hash).is_some_and(|cost| cost != self.cost)
    }
}

impl BcryptTurn {
    async fn run<T, F>(&self, job: F) -> Result<T, HashError>
    where
        F: FnOnce() -> Result<T, HashError> + Send + 'static,
        T: Send + 'static,
    {
        let (hashes, place) = (self.pool.hashes.clone(), Arc::clone(&self.place));
        let counted = move || {
            let _place = place;
            hashes.inc();
            job()
        };
        self.pool.threads.run(counted).await.unwrap_or_else(|not_done| {
            Err(match not_done {
                NotDone::QueueFull => HashError::Busy,
                NotDone::Panicked => HashError::Failed,
            })
        })
    }
}

#[async_trait]
impl HashTurn for BcryptTurn {
    async fn hash(&self, password: Password) -> Result<PasswordHash, HashError> {
        let (cost, salt) = (self.pool.cost, salt(&*self.pool.rng));
        self.run(move || hash(password.as_bytes(), cost, salt)).await
    }

    async fn verify(&self, password: Password, stored: Option<PasswordHash>) -> Result<bool, HashError> {
        let cost = self.pool.cost;
        self.run(move || {
            let done = match stored.map(|stored| (verify(&password, &stored), cost_of(&stored))) {
                None => None,
                Some((Ok(true), _)) => return Ok(true),
                Some((Ok(false), cost)) => cost,
                Some((Err(_), _)) => {
                    tracing::error!("a stored password hash cannot be read");
                    None
                }
            };
            // Time must not tell which of them it was.
            missing_work(done, cost).into_iter().try_for_each(|cost| verify(&password, &dummy(cost)).map(drop))?;
            Ok(false)
        })
        .await
    }
}

/// The costs at which to hash for nothing, so that it is as much work as one hash at `cost` when one at `done` has been
/// made: 2^done + (2^done + 2^(done+1) + … + 2^(cost-1)) = 2^cost.
fn missing_work(done: Option<u32>, cost: u32) -> Vec<u32> {
    done.map_or_else(|| vec![cost], |done| (done..cost).collect())
}

/// `None` for a hash that cannot be read.
fn cost_of(hash: &PasswordHash) -> Option<u32> {
    hash.expose().parse::<HashParts>().ok().map(|parts| parts.get_cost())
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

    fn pool_of(options: BcryptOptions) -> (BcryptPool, Metrics) {
        let metrics = Metrics::new("test");
        (BcryptPool::start(options, Arc::new(SystemRng), &metrics).unwrap(), metrics)
    }

    fn turn() -> Box<dyn HashTurn> {
        pool_of(OPTIONS).0.admit(None).unwrap()
    }

    fn password(text: &str) -> Password {
        Password::new(text.to_owned().into()).unwrap()
    }

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let turn = turn();
        let hash = turn.hash(password("one")).await.unwrap();
        assert!(hash.expose().starts_with("$2b$04$"));
        assert!(turn.verify(password("one"), Some(hash.clone())).await.unwrap());
        assert!(!turn.verify(password("two"), Some(hash)).await.unwrap());
    }

    #[tokio::test]
    async fn seventy_one_bytes_are_read_to_the_last() {
        let turn = turn();
        let hash = turn.hash(password(&"x".repeat(71))).await.unwrap();
        assert!(!turn.verify(password(&format!("{}y", "x".repeat(70))), Some(hash)).await.unwrap());
    }

    #[tokio::test]
    async fn nobody_and_an_unreadable_hash_are_no_match_for_the_same_work() {
        let (pool, metrics) = pool_of(OPTIONS);
        let turn = pool.admit(None).unwrap();
        assert!(!turn.verify(password("one"), None).await.unwrap());
        assert!(!turn.verify(password("one"), Some(PasswordHash::new("broken".to_owned()))).await.unwrap());
        assert!(metrics.encode().contains("test_bcrypt_hashes_total 2"), "{}", metrics.encode());
    }

    #[tokio::test]
    async fn a_hash_of_another_cost_is_outdated_and_still_matches() {
        let cheap = turn().hash(password("one")).await.unwrap();
        let (pool, _) = pool_of(BcryptOptions { cost: 6, ..OPTIONS });
        assert!(pool.is_outdated(&cheap) && !pool_of(OPTIONS).0.is_outdated(&cheap));
        let turn = pool.admit(None).unwrap();
        assert!(turn.verify(password("one"), Some(cheap.clone())).await.unwrap());
        assert!(!turn.verify(password("two"), Some(cheap)).await.unwrap());
    }

    #[test]
    fn a_wrong_password_is_as_much_work_whatever_its_hash_cost() {
        for cost in 4..=16 {
            for done in (4..=cost).map(Some).chain([None]) {
                let rounds = done.into_iter().chain(missing_work(done, cost)).map(|cost| 1_u64 << cost);
                assert_eq!(rounds.sum::<u64>(), 1 << cost, "{done:?} of {cost}");
            }
        }
        assert!(missing_work(Some(12), 10).is_empty());
    }

    #[tokio::test]
    async fn whoever_finds_no_place_is_told_at_once_and_counted() {
        let (pool, metrics) = pool_of(OPTIONS);
        let here = Some([203, 0, 113, 1].into());
        let _held = (pool.admit(here).unwrap(), pool.admit(here).unwrap());
        assert_eq!(pool.admit(here).err(), Some(HashError::Busy));
        assert!(pool.admit(Some([203, 0, 113, 2].into())).is_ok());
        assert!(metrics.encode().contains("test_bcrypt_turned_away_total 1"), "{}", metrics.encode());
    }

    #[tokio::test]
    async fn whoever_has_gone_away_is_not_hashed_for_and_keeps_the_place_until_then() {
        let (pool, metrics) = pool_of(BcryptOptions { cost: 10, ..OPTIONS });
        let here = Some([203, 0, 113, 1].into());
        let at_work = tokio::spawn({
            let turn = pool.admit(None).unwrap();
            async move { turn.verify(password("one"), None).await }
        });
        while !metrics.encode().contains("test_bcrypt_hashes_total 1") {
            tokio::task::yield_now().await;
        }
        let gone: Vec<_> = (0..2)
            .map(|_| {
                let turn = pool.admit(here).unwrap();
                tokio::spawn(async move { turn.verify(password("one"), None).await })
            })
            .collect();
        while pool.threads.waiting() < 2 {
            tokio::task::yield_now().await;
        }
        for client in &gone {
            client.abort();
        }
        for client in gone {
            assert!(client.await.unwrap_err().is_cancelled());
        }
        assert_eq!(pool.admit(here).err(), Some(HashError::Busy), "gone, and still in the queue");
        assert!(!at_work.await.unwrap().unwrap());
        while pool.admit(here).is_err() {
            tokio::task::yield_now().await;
        }
        assert!(metrics.encode().contains("test_bcrypt_hashes_total 1"), "{}", metrics.encode());
    }
}
