//! Calls on behalf of a user whose token the service was given.

use std::sync::Arc;

use reqwest::{IntoUrl, Method};
use secrecy::SecretString;

use super::{
    Shared,
    call::{Bearer, Call},
    error::CallError,
    token_endpoint::Exchange,
};

/// Makes calls with a token that auth-service gives in exchange for the user's (RFC 8693): it names the user, and this
/// service as the one who acts. The user's own token goes nowhere else.
#[derive(Clone)]
#[must_use = "nothing is sent before a call is made"]
pub struct OnBehalfOf {
    shared: Arc<Shared>,
    exchange: Exchange,
}

impl OnBehalfOf {
    pub(super) fn new(shared: Arc<Shared>, user_token: &SecretString) -> Self {
        let exchange = Exchange { subject: user_token.clone(), audiences: Vec::new(), scope: None };
        Self { shared, exchange }
    }

    /// The token shall be for this service. May be said more than once.
    pub fn audience(mut self, audience: &str) -> Self {
        self.exchange.audiences.push(audience.to_owned());
        self
    }

    /// The token shall allow no more than this, words divided by spaces.
    pub fn scope(mut self, scope: &str) -> Self {
        self.exchange.scope = Some(scope.to_owned());
        self
    }

    /// The token itself, for a call that is made by other means.
    pub async fn token(&self) -> Result<SecretString, CallError> {
        self.shared.exchanged.get(&self.exchange, None).await.map_err(CallError::Exchange)
    }

    /// A call with this method.
    pub fn request(&self, method: Method, url: impl IntoUrl) -> Call {
        Call::new(Arc::clone(&self.shared), Bearer::User(self.exchange.clone()), method, url)
    }
}
