//! Many clients in one thread, each of which asks again as soon as it is answered: it takes as little of the machine as it
//! can, so that what is measured is the other side.

mod exchange;
mod http;
pub mod resp;

use std::{
    io,
    net::SocketAddr,
    ops::Range,
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token};

use crate::{clients::Samples, failure::Failure, stop_request::StopRequest};
use exchange::{Exchange, Progress};

/// How long nothing may happen before the other side counts as broken.
const PATIENCE: Duration = Duration::from_secs(10);
const EVENTS: usize = 256;

/// Where an answer is in what was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP's; 0 where the protocol has none.
    pub status: u16,
    /// What is in it.
    pub body: Range<usize>,
    /// The other side takes no more requests on this connection.
    pub closes: bool,
}

/// A client: what it asks, and what it makes of the answer.
pub trait Asker {
    /// A connection was opened: the next request is its first.
    fn opened(&mut self) {}

    /// Adds the next request, head and body, to `request`, which is empty.
    fn ask(&mut self, request: &mut Vec<u8>);

    /// Finds the answer in what was read since, once it is complete. It is HTTP's where nothing else is said.
    fn find(&self, bytes: &[u8]) -> io::Result<Option<Answer>> {
        http::answer(bytes)
    }

    /// Takes the answer; `false` where it is not the one that it ought to be.
    fn take(&mut self, status: u16, body: &[u8]) -> bool;
}

/// How long a load is kept up.
#[derive(Debug, Clone, Copy)]
pub struct Period {
    /// What does not count: connections are opened, caches filled.
    pub warm_up: Duration,
    /// What counts.
    pub measured: Duration,
}

/// Keeps all of `askers` asking at `address`, each on a connection of its own, and calls `begun` when it begins to count. The first
/// answer that is not as it ought to be is a failure.
pub fn drive<A: Asker>(
    address: SocketAddr,
    askers: &mut [A],
    period: Period,
    stop: &StopRequest,
    begun: impl FnOnce() -> Result<(), Failure>,
) -> Result<Samples, Failure> {
    let broken = || Failure::during("The load cannot be kept up");
    let mut poll = Poll::new().map_err(broken())?;
    let mut exchanges = Vec::with_capacity(askers.len());
    for (place, asker) in askers.iter_mut().enumerate() {
        exchanges.push(open(&poll, place, address, asker).map_err(broken())?);
    }
    let mut events = Events::with_capacity(EVENTS);
    let mut samples = Samples::default();
    let counted_from = Instant::now() + period.warm_up;
    let end = counted_from + period.measured;
    let mut begun = Some(begun);
    let mut over = vec![false; exchanges.len()];
    // What is under way at the end is let end: otherwise a client would not learn what became of its last request.
    while !over.iter().all(|over| *over) {
        poll.poll(&mut events, Some(PATIENCE)).map_err(broken())?;
        let now = Instant::now();
        if now >= counted_from
            && let Some(begun) = begun.take()
        {
            begun()?;
        }
        if stop.came() {
            return Err(Failure::Interrupted);
        }
        if events.is_empty() {
            return Err(Failure::Other(format!("{address} has not answered for {PATIENCE:?}.")));
        }
        for event in &events {
            let Token(place) = event.token();
            if over[place] {
                continue;
            }
            let (exchange, asker) = (&mut exchanges[place], &mut askers[place]);
            loop {
                match exchange.go_on(asker).map_err(broken())? {
                    Progress::Waits => break,
                    Progress::Answered { since } => {
                        let answered = Instant::now();
                        if answered >= end {
                            over[place] = true;
                            break;
                        }
                        if answered >= counted_from {
                            samples.latencies.push(answered - since);
                        }
                        exchange.begin(asker);
                    }
                    Progress::Odd(answer) => {
                        return Err(Failure::Other(format!("{address} has answered with {answer}")));
                    }
                    Progress::Closed if Instant::now() >= end => {
                        over[place] = true;
                        break;
                    }
                    Progress::Closed => {
                        poll.registry().deregister(exchange.stream()).map_err(broken())?;
                        *exchange = open(&poll, place, address, asker).map_err(broken())?;
                        break;
                    }
                }
            }
        }
    }
    Ok(samples)
}

fn open(poll: &Poll, place: usize, address: SocketAddr, asker: &mut impl Asker) -> io::Result<Exchange> {
    let mut exchange = Exchange::connect(address, asker)?;
    poll.registry().register(exchange.stream(), Token(place), Interest::READABLE | Interest::WRITABLE)?;
    Ok(exchange)
}
