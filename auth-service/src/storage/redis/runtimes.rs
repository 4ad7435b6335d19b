//! A connection for each runtime that asks.
//!
//! A connection is driven by the runtime that it was made on, and ends with it. Every worker is a runtime: with a connection of
//! its own, a request goes to Redis and comes back without another thread, and none dies with a worker that happened
//! to need it first.

use std::sync::{Arc, PoisonError, RwLock};

use redis::{ErrorKind, RedisResult};
use secrecy::{ExposeSecret, SecretString};
use tokio::runtime::{Handle, Id};

use super::{
    address::{Address, InvalidRedisUrl},
    connection::KeptConnection,
};

/// The connections of one client.
pub(super) struct Connections {
    url: SecretString,
    kept: RwLock<Vec<OfRuntime>>,
}

type OfRuntime = (Id, Arc<KeptConnection>);

impl Connections {
    /// Begins to connect for the caller's runtime; for another one when it first asks.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub(super) fn open(url: &SecretString) -> Result<Self, InvalidRedisUrl> {
        let first = KeptConnection::open(Address::parse(url.expose_secret())?);
        Ok(Self { url: url.clone(), kept: RwLock::new(vec![(Handle::current().id(), Arc::new(first))]) })
    }

    /// The caller's.
    pub(super) fn of_this_runtime(&self) -> RedisResult<Arc<KeptConnection>> {
        let runtime = Handle::current().id();
        if let Some(connection) = of(runtime, &self.kept.read().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(connection);
        }
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = of(runtime, &kept) {
            return Ok(connection);
        }
        let address = Address::parse(self.url.expose_secret());
        let address = address.map_err(|_| (ErrorKind::InvalidClientConfig, "the address cannot be understood"))?;
        let connection = Arc::new(KeptConnection::open(address));
        kept.retain(|(_, connection)| connection.is_kept());
        kept.push((runtime, Arc::clone(&connection)));
        Ok(connection)
    }
}

/// One that nobody keeps up any more is none: a runtime may have the id of another that is gone.
fn of(runtime: Id, kept: &[OfRuntime]) -> Option<Arc<KeptConnection>> {
    let of_runtime = |(id, connection): &&OfRuntime| *id == runtime && connection.is_kept();
    kept.iter().find(of_runtime).map(|(_, connection)| Arc::clone(connection))
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// Nobody listens there.
    const URL: &str = "redis://127.0.0.1:1";

    fn in_a_runtime<T>(work: impl FnOnce() -> T) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async { work() })
    }

    #[tokio::test]
    async fn a_runtime_has_one_connection_and_another_one_has_another() {
        let connections = Connections::open(&URL.into()).unwrap();
        let own = connections.of_this_runtime().unwrap();
        assert!(Arc::ptr_eq(&own, &connections.of_this_runtime().unwrap()));
        thread::scope(|scope| {
            let other = || {
                let [one, two] = [(); 2].map(|()| connections.of_this_runtime().unwrap());
                assert!(Arc::ptr_eq(&one, &two) && one.is_kept());
                one
            };
            let other = scope.spawn(move || in_a_runtime(other)).join().unwrap();
            assert!(!Arc::ptr_eq(&own, &other) && !other.is_kept());
            scope.spawn(|| in_a_runtime(|| drop(connections.of_this_runtime()))).join().unwrap();
        });
        // What the first of the others had went with it.
        assert_eq!(connections.kept.read().unwrap().len(), 2);
        assert!(Arc::ptr_eq(&own, &connections.of_this_runtime().unwrap()));
    }
}
