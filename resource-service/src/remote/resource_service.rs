//! Another instance of a resource service, asked on behalf of the user who is asking here.

use async_trait::async_trait;
use common::{
    clock::Timestamp,
    service_client::{Limits, ServiceClient, Url},
};
use secrecy::SecretString;
use serde::Deserialize;

use super::LIMITS;
use crate::{
    domain::activity::Activity,
    ports::{Peer, RemoteError},
};

/// What the token for the other service has to allow, and nothing else.
const SCOPE: &str = "notes:read";

/// The other service.
pub struct ResourceService {
    client: ServiceClient,
    activity: Url,
    audience: String,
}

#[derive(Deserialize)]
struct ActivityAnswer {
    service: String,
    notes: u64,
    last_changed_at: Option<String>,
    actors: Vec<String>,
    peer: Option<Box<ActivityAnswer>>,
}

impl ResourceService {
    /// The service at `url`, which is `audience` in the tokens that are sent to it.
    #[must_use]
    pub fn at(url: &Url, audience: String, client: ServiceClient) -> Self {
        let mut activity = url.clone();
        activity.set_path("/api/activity");
        activity.set_query(None);
        Self { client, activity, audience }
    }
}

#[async_trait]
impl Peer for ResourceService {
    async fn activity(&self, token: &SecretString) -> Result<Activity, RemoteError> {
        let on_behalf = self.client.on_behalf_of(token).audience(&self.audience).scope(SCOPE);
        // Once: it may ask another one itself.
        let limits = Limits { per_try: LIMITS.whole_call, tries: 1, ..LIMITS };
        let answer = on_behalf.get(self.activity.clone()).limits(limits).send().await?;
        let answer: ActivityAnswer = answer.success().await?.json().await?;
        read(answer).ok_or_else(|| RemoteError::Failed("the answer has a time that is none".to_owned()))
    }
}

fn read(answer: ActivityAnswer) -> Option<Activity> {
    Some(Activity {
        service: answer.service,
        notes: answer.notes,
        last_changed_at: answer.last_changed_at.map_or(Some(None), |text| Timestamp::from_rfc3339(&text).map(Some))?,
        actors: answer.actors,
        peer: match answer.peer {
            Some(peer) => Some(Box::new(read(*peer)?)),
            None => None,
        },
    })
}
