//! What a user has been doing: here, and at the service that this one asks on behalf of the user.

use std::sync::Arc;

use common::claims::{ActorChain, User};
use secrecy::SecretString;

use crate::{
    domain::activity::Activity,
    ports::{NoteStore, Peer, RemoteError, StoreError},
};

/// The next service to ask, and who this one is when it does.
pub struct NextService {
    /// How it is asked.
    pub peer: Arc<dyn Peer>,
    /// This service's name as a client.
    pub client_id: String,
}

/// Activity of users.
pub struct Activities {
    store: Arc<dyn NoteStore>,
    service: String,
    next: Option<NextService>,
}

/// Why there is nothing to say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActivityError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The next service did not answer.
    #[error("the next service cannot be asked: {0}")]
    Remote(#[from] RemoteError),
}

impl Activities {
    /// What the service of that name knows, and the next one.
    #[must_use]
    pub fn new(store: Arc<dyn NoteStore>, service: String, next: Option<NextService>) -> Self {
        Self { store, service, next }
    }

    /// What `user` has been doing; `token` is the one by which they are known.
    pub async fn of(&self, user: &User, token: &SecretString) -> Result<Activity, ActivityError> {
        let summary = self.store.summary(user.id).await?;
        let actors: Vec<String> = user.actors.iter().flat_map(ActorChain::iter).map(str::to_owned).collect();
        let peer = match &self.next {
            // Whoever has acted in this already has asked: the next service may be this one.
            Some(next) if !actors.contains(&next.client_id) => Some(Box::new(next.peer.activity(token).await?)),
            _ => None,
        };
        Ok(Activity {
            service: self.service.clone(),
            notes: summary.notes,
            last_changed_at: summary.last_changed_at,
            actors,
            peer,
        })
    }
}
