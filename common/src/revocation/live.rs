//! The revocations that some token could still be about.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{claims::AccessClaims, clock::Timestamp, verifier::LEEWAY};

/// An entry as the feed gives it. Kinds that are not known here are passed over: they are about tokens that are not
/// accepted here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// `sid`, `jti`, `client` or `kid`.
    pub kind: String,
    /// The name of what is revoked.
    pub id: String,
    /// Only tokens issued before this second, where it is given.
    pub before: Option<i64>,
    /// The second at which the last token that it could be about has ended.
    pub until: i64,
}

/// Which tokens of what was revoked, and for how long that matters. Seconds since the epoch.
#[derive(Debug, Clone, Copy)]
struct Extent {
    before: i64,
    until: i64,
}

impl Extent {
    fn of(entry: &Entry) -> Self {
        Self { before: entry.before.unwrap_or(i64::MAX), until: entry.until }
    }

    fn and(self, other: Self) -> Self {
        Self { before: self.before.max(other.before), until: self.until.max(other.until) }
    }
}

/// The revocations, by what they are about.
#[derive(Debug, Default)]
pub(super) struct Live {
    sessions: HashMap<Uuid, Extent>,
    tokens: HashMap<String, Extent>,
    clients: HashMap<String, Extent>,
    keys: HashMap<String, Extent>,
}

impl Live {
    /// Adds an entry; it never takes away from what an earlier one says.
    pub(super) fn add(&mut self, entry: &Entry) {
        let extent = Extent::of(entry);
        match entry.kind.as_str() {
            "sid" => {
                if let Ok(sid) = Uuid::try_parse(&entry.id) {
                    widen(&mut self.sessions, sid, extent);
                }
            }
            "jti" => widen(&mut self.tokens, entry.id.clone(), extent),
            "client" => widen(&mut self.clients, entry.id.clone(), extent),
            "kid" => widen(&mut self.keys, entry.id.clone(), extent),
            _ => {}
        }
    }

    /// Whether one of the entries is about the token, which the key of the name `kid` has signed.
    pub(super) fn revokes(&self, token: &AccessClaims, kid: &str) -> bool {
        let (session, client, jti, issued) = match token {
            AccessClaims::User(user) => {
                let exchanged = user.act.as_ref().and_then(|_| self.clients.get(&user.client_id));
                (self.sessions.get(&user.sid), exchanged, &user.jti, user.iat)
            }
            AccessClaims::Service(service) => (None, self.clients.get(&service.client_id), &service.jti, service.iat),
        };
        let extents = [session, client, self.tokens.get(jti), self.keys.get(kid)];
        extents.into_iter().flatten().any(|extent| issued < extent.before)
    }

    /// Drops the entries that are about no token any more.
    pub(super) fn prune(&mut self, now: Timestamp) {
        let matters = |extent: &Extent| Timestamp::from_seconds(extent.until) + LEEWAY > now;
        self.sessions.retain(|_, extent| matters(extent));
        self.tokens.retain(|_, extent| matters(extent));
        self.clients.retain(|_, extent| matters(extent));
        self.keys.retain(|_, extent| matters(extent));
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.sessions.len() + self.tokens.len() + self.clients.len() + self.keys.len()
    }

    /// The entries, in no order.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let entry = |kind: &str, id: String, extent: &Extent| Entry {
            kind: kind.to_owned(),
            id,
            before: (extent.before != i64::MAX).then_some(extent.before),
            until: extent.until,
        };
        let sessions = self.sessions.iter().map(|(sid, extent)| entry("sid", sid.to_string(), extent));
        let tokens = self.tokens.iter().map(|(jti, extent)| entry("jti", jti.clone(), extent));
        let clients = self.clients.iter().map(|(id, extent)| entry("client", id.clone(), extent));
        let keys = self.keys.iter().map(|(kid, extent)| entry("kid", kid.clone(), extent));
        sessions.chain(tokens).chain(clients).chain(keys).collect()
    }
}

fn widen<K: std::hash::Hash + Eq>(map: &mut HashMap<K, Extent>, key: K, extent: Extent) {
    map.entry(key).and_modify(|known| *known = known.and(extent)).or_insert(extent);
}
