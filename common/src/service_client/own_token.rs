//! The service's own token (RFC 6749, section 4.4): asked for once for all callers, and renewed while the old one lives.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use secrecy::SecretString;

use super::{
    error::TokenError,
    flight::Flight,
    kept_token::KeptToken,
    token_endpoint::{Grant, Issued, TokenEndpoint},
};
use crate::clock::Timestamp;

/// After a failure nobody asks for so long; twice as long after each further one. Chance takes up to half of it.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// Gives out the token.
pub(super) struct OwnToken {
    endpoint: Arc<TokenEndpoint>,
    state: Mutex<State>,
}

type Outcome = Result<SecretString, TokenError>;

#[derive(Default)]
struct State {
    kept: Option<KeptToken>,
    flight: Option<Flight<Outcome>>,
    failed: Option<Failed>,
    /// The last token that was given up because a peer had refused it.
    refused: Option<Timestamp>,
}

/// What went wrong in the last request, of so many in a row.
struct Failed {
    error: TokenError,
    times: u32,
    at: Timestamp,
    pause: Duration,
}

impl OwnToken {
    pub fn new(endpoint: Arc<TokenEndpoint>) -> Self {
        Self { endpoint, state: Mutex::default() }
    }

    /// A token that is good for a while.
    pub async fn get(self: &Arc<Self>) -> Result<SecretString, TokenError> {
        loop {
            let (flight, refused) = {
                let mut state = self.lock();
                let now = self.endpoint.now();
                let kept = state.kept.as_ref().filter(|kept| kept.is_good(now));
                let good = kept.filter(|kept| !kept.is_refused()).map(|kept| (kept.token.clone(), kept.is_old(now)));
                let refused = kept.map(|kept| kept.token.clone());
                if let Some((token, is_old)) = good {
                    if is_old && state.pausing(now).is_none() {
                        self.flight(&mut state);
                    }
                    return Ok(token);
                }
                if let Some(error) = state.pausing(now) {
                    return refused.ok_or_else(|| error.clone());
                }
                (self.flight(&mut state), refused)
            };
            // Where the runtime of the task has ended, this one's takes over.
            if let Some(outcome) = flight.landed().await {
                // One peer has refused it; the others need not suffer for that while there is no other.
                return outcome.or_else(|error| refused.ok_or(error));
            }
        }
    }

    /// Has a token replaced that was not accepted, unless it has been. Whether another one may do better.
    pub fn refused(&self, token: &SecretString) -> bool {
        let mut state = self.lock();
        let now = self.endpoint.now();
        match &mut state.kept {
            Some(kept) if kept.is(token) => {
                if !kept.may_be_replaced(now) {
                    return false;
                }
                kept.refuse();
                state.refused = Some(now);
                true
            }
            _ => true,
        }
    }

    /// A token that allows too little: the client may be allowed more by now.
    pub fn outdated(&self, token: &SecretString) {
        let mut state = self.lock();
        let now = self.endpoint.now();
        if let Some(kept) = state.kept.as_mut().filter(|kept| kept.is(token) && kept.may_be_replaced(now)) {
            kept.age(now);
            state.refused = Some(now);
        }
    }

    /// The request under way, or a new one.
    fn flight(self: &Arc<Self>, state: &mut State) -> Flight<Outcome> {
        if let Some(flight) = state.flight.as_ref().filter(|flight| flight.is_under_way()) {
            return flight.clone();
        }
        let own = Arc::clone(self);
        let flight = Flight::start(async move {
            let issued = Arc::clone(&own.endpoint).ask(Grant::Own).await;
            own.landed(issued)
        });
        state.flight = Some(flight.clone());
        flight
    }

    fn landed(&self, issued: Result<Issued, TokenError>) -> Outcome {
        let mut state = self.lock();
        let now = self.endpoint.now();
        match issued {
            Ok(issued) => {
                if state.failed.take().is_some() {
                    tracing::info!("there are tokens for this service again");
                }
                let token = issued.token.clone();
                state.kept = Some(KeptToken::new(issued, now, state.refused.take()));
                Ok(token)
            }
            Err(error) => {
                let times = state.failed.as_ref().map_or(0, |failed| failed.times);
                if times == 0 {
                    tracing::warn!(%error, "there is no new token for this service");
                }
                let longest = FIRST_PAUSE.saturating_mul(1 << times.min(10)).min(LONGEST_PAUSE);
                let pause = longest / 2 + longest * u32::from(self.endpoint.chance()) / 512;
                state.failed = Some(Failed { error: error.clone(), times: times.saturating_add(1), at: now, pause });
                Err(error)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What went wrong, as long as nobody is to ask again.
    fn pausing(&self, now: Timestamp) -> Option<&TokenError> {
        let Failed { error, at, pause, .. } = self.failed.as_ref()?;
        (*at <= now && now.since(*at) < *pause).then_some(error)
    }
}
