//! One piece of work for all who ask for it at the same time.

use std::future::Future;

use tokio::sync::watch;
use tracing::Instrument;

use crate::context;

/// Work under way, and in the end what came of it. It goes on when nobody waits.
#[derive(Debug, Clone)]
pub(super) struct Flight<T>(watch::Receiver<Option<T>>);

impl<T: Clone + Send + Sync + 'static> Flight<T> {
    /// Begins `work` in a task of its own, within the context of the request at hand.
    pub fn start(work: impl Future<Output = T> + Send + 'static) -> Self {
        let (outcome, flight) = watch::channel(None);
        let work = async move {
            let done = work.await;
            outcome.send_replace(Some(done));
        };
        let work = work.in_current_span();
        match context::current() {
            Some(context) => drop(tokio::spawn(context::within(context, work))),
            None => drop(tokio::spawn(work)),
        }
        Self(flight)
    }

    /// One that ended before it began.
    pub fn over(outcome: T) -> Self {
        Self(watch::channel(Some(outcome)).1)
    }

    pub fn is_under_way(&self) -> bool {
        self.0.borrow().is_none() && self.0.has_changed().is_ok()
    }

    /// What came of it; `None` where its runtime has ended before.
    pub async fn landed(mut self) -> Option<T> {
        let outcome = self.0.wait_for(Option::is_some).await.ok()?;
        outcome.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn everybody_gets_what_one_has_done_also_later() {
        let flight = Flight::start(async { 7 });
        assert_eq!(flight.clone().landed().await, Some(7));
        assert!(!flight.is_under_way());
        assert_eq!(flight.landed().await, Some(7));
    }

    #[test]
    fn work_whose_runtime_has_ended_is_not_waited_for() {
        let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
        let first = runtime();
        let flight = first.block_on(async { Flight::start(pending::<u8>()) });
        assert!(flight.is_under_way());
        drop(first);
        assert!(!flight.is_under_way());
        assert_eq!(runtime().block_on(flight.landed()), None);
    }
}
