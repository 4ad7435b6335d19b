//! The audit trail: every event is a log line at once and a row soon after, without keeping anybody waiting.

use std::{net::IpAddr, sync::Arc, time::Duration};

use common::telemetry::metrics::Metrics;
use prometheus_client::metrics::counter::Counter;
use tokio::{
    sync::{mpsc, oneshot},
    time::{sleep, timeout},
};
use uuid::Uuid;

use super::{Deps, Trouble};
use crate::{
    domain::{
        audit::{Actor, AuditEvent, AuditFilter, AuditKind},
        session::Session,
    },
    ports::{AuditStore, Clock, Rng},
};

/// Events that may wait for the store. What comes on top is a log line only, and counted.
const QUEUE: usize = 10_000;

/// Rows written at a time.
const BATCH: usize = 100;

/// Between two attempts while the store is away.
const PAUSE: Duration = Duration::from_millis(500);

/// How long the end waits for rows that have not been written.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// Where use cases say what happened. Cheap to clone.
#[derive(Clone)]
pub struct Audit {
    queue: mpsc::Sender<Queued>,
    unwritten: Counter,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

enum Queued {
    Event(Box<AuditEvent>),
    /// Answered when everything before it has been written.
    Mark(oneshot::Sender<()>),
}

/// The events that wait for the store; [`AuditQueue::write_to`] takes them there.
pub struct AuditQueue(mpsc::Receiver<Queued>);

impl Audit {
    /// The two ends of the queue.
    pub fn new(clock: Arc<dyn Clock>, rng: Arc<dyn Rng>, metrics: &Metrics) -> (Self, AuditQueue) {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let unwritten = metrics.counter("audit_unwritten", "Audit events that are in the log only");
        (Self { queue, unwritten, clock, rng }, AuditQueue(waiting))
    }

    /// An event of this moment, to be completed and then recorded or stored.
    #[must_use]
    pub fn event(&self, kind: AuditKind, actor: Actor) -> AuditEvent {
        AuditEvent::new(kind, actor, self.clock.now(), &*self.rng)
    }

    /// Writes the log line, and the row as soon as the store takes it.
    pub fn record(&self, event: AuditEvent) {
        log(&event);
        if self.queue.try_send(Queued::Event(Box::new(event))).is_err() {
            self.unwritten.inc();
        }
    }

    /// Waits until what has been recorded so far is in the store, or for two seconds.
    pub async fn flush(&self) {
        let (mark, reached) = oneshot::channel();
        if self.queue.send_timeout(Queued::Mark(mark), FLUSH_TIMEOUT).await.is_ok() {
            // Late, or nobody writes any more: the lines are in the log.
            let _late = timeout(FLUSH_TIMEOUT, reached).await;
        }
    }
}

/// What the holder of `session` did in it.
pub(super) fn own_event(deps: &Deps, kind: AuditKind, session: &Session, address: Option<IpAddr>) -> AuditEvent {
    let event = deps.audit.event(kind, Actor::User(session.user));
    event.to_user(session.user).in_session(session.id).from_address(address)
}

/// Writes the log line alone: for an event whose row was committed together with what it tells of.
pub fn log(event: &AuditEvent) {
    let AuditEvent { id, kind, actor, subject, session, client, address, detail, .. } = event;
    tracing::info!(
        target: "audit",
        event = kind.as_str(),
        %id,
        %actor,
        subject = subject.map(tracing::field::display),
        session = session.map(tracing::field::display),
        client,
        address = address.map(tracing::field::display),
        detail = (!detail.is_empty()).then(|| tracing::field::debug(detail)),
        "{kind}"
    );
}

impl AuditQueue {
    /// Writes what comes, for ever. While the store is away, events wait.
    pub async fn write_to(mut self, store: Arc<dyn AuditStore>) {
        let mut queued = Vec::new();
        while self.0.recv_many(&mut queued, BATCH).await > 0 {
            let (mut events, mut marks) = (Vec::new(), Vec::new());
            for one in queued.drain(..) {
                match one {
                    Queued::Event(event) => events.push(*event),
                    Queued::Mark(mark) => marks.push(mark),
                }
            }
            while let Err(error) = store.append(&events).await {
                tracing::warn!(%error, events = events.len(), "audit events wait for the store");
                sleep(PAUSE).await;
            }
            for mark in marks {
                // Whoever waited may have given up.
                let _gone = mark.send(());
            }
        }
    }
}

/// Some of the events, and where the older ones begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPage {
    /// The newest first.
    pub events: Vec<AuditEvent>,
    /// The last of them, where there are older ones.
    pub next: Option<Uuid>,
}

/// The newest events that `filter` shows, at most `limit`.
pub async fn audit_page(store: &dyn AuditStore, filter: &AuditFilter, limit: u32) -> Result<AuditPage, Trouble> {
    let mut events = store.find(filter, limit.saturating_add(1)).await?;
    let more = events.len() > limit as usize;
    events.truncate(limit as usize);
    let next = events.last().filter(|_| more).map(|event| event.id);
    Ok(AuditPage { events, next })
}
