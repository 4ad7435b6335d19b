//! Who may wait for the hash function: so many at once, and of one network no more than a quarter of those who wait.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::domain::network::Network;

/// The places of one pool.
#[derive(Debug)]
pub struct Places {
    most: usize,
    most_of_one: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_network: HashMap<Network, usize>,
}

/// One of them, given back when this is dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    network: Option<Network>,
}

impl Places {
    /// Places for `queue` that wait while others are at work on `threads`.
    #[must_use]
    pub fn new(threads: usize, queue: usize) -> Arc<Self> {
        Arc::new(Self { most: threads + queue, most_of_one: (queue / 4).max(1), taken: Mutex::default() })
    }

    /// A place for somebody from `network`; `None` when all are taken, or the network has its share. Where the network is
    /// not known, everybody may be behind it, so it has no share.
    pub fn take(self: &Arc<Self>, network: Option<Network>) -> Option<Place> {
        let mut taken = self.lock();
        if taken.all >= self.most {
            return None;
        }
        if let Some(network) = network {
            let of_network = taken.by_network.entry(network).or_default();
            if *of_network >= self.most_of_one {
                return None;
            }
            *of_network += 1;
        }
        taken.all += 1;
        drop(taken);
        Some(Place { places: Arc::clone(self), network })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.all -= 1;
        if let Some(network) = self.network
            && let Some(of_network) = taken.by_network.get_mut(&network)
        {
            *of_network -= 1;
            if *of_network == 0 {
                taken.by_network.remove(&network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(last: u8) -> Network {
        Network::of([203, 0, 113, last].into())
    }

    #[test]
    fn one_network_has_a_quarter_of_the_queue_and_gets_a_place_back_for_a_place() {
        let places = Places::new(2, 16);
        let mut held: Vec<_> = (0..4).map(|_| places.take(Some(network(1))).unwrap()).collect();
        assert!(places.take(Some(network(1))).is_none());
        assert!(places.take(Some(network(2))).is_some());
        held.pop();
        assert!(places.take(Some(network(1))).is_some());
    }

    #[test]
    fn all_places_are_taken_by_many_networks_or_by_unknown_ones() {
        let places = Places::new(2, 16);
        let known: Vec<_> = (0..9).map(|last| places.take(Some(network(last))).unwrap()).collect();
        let unknown: Vec<_> = (0..9).map(|_| places.take(None).unwrap()).collect();
        assert!(places.take(None).is_none() && places.take(Some(network(100))).is_none());
        drop((known, unknown));
        assert_eq!(places.lock().all, 0);
        assert!(places.lock().by_network.is_empty(), "a flood of addresses leaves nothing behind");
    }

    #[test]
    fn in_the_shortest_queue_everybody_still_gets_a_place() {
        assert!(Places::new(1, 1).take(Some(network(1))).is_some());
    }
}
