//! A service's own access token (RFC 6749, section 4.4), asked for once and kept until shortly before it ends.

use std::{sync::Arc, time::Duration};

use reqwest::{Client, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::sync::Mutex;

use crate::{
    clock::{Clock, Timestamp},
    outbound::{self, OutboundError},
};

const TIMEOUT: Duration = Duration::from_secs(5);
const MAX_BODY_BYTES: usize = 64 * 1024;

/// A token is asked for anew so long before it ends: longer than a request takes.
const BEFORE_ITS_END: Duration = Duration::from_secs(30);

/// Who the service is, and where it gets tokens.
#[derive(Debug, Clone)]
pub struct ServiceCredentials {
    /// auth-service's `/oauth/token`.
    pub token_url: Url,
    /// `client_id`
    pub client_id: String,
    /// The client's secret.
    pub client_secret: SecretString,
}

/// Gives out the service's token. Whoever asks while it is being fetched waits for the same answer.
pub struct ServiceTokens {
    http: Client,
    credentials: ServiceCredentials,
    clock: Arc<dyn Clock>,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    token: SecretString,
    good_until: Timestamp,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: SecretString,
    /// Seconds.
    expires_in: u64,
}

impl ServiceTokens {
    /// Fetches nothing yet.
    pub fn new(credentials: ServiceCredentials, clock: Arc<dyn Clock>) -> Result<Self, OutboundError> {
        Ok(Self { http: outbound::client(TIMEOUT)?, credentials, clock, kept: Mutex::new(None) })
    }

    /// A token that is good for a while.
    pub async fn token(&self) -> Result<SecretString, OutboundError> {
        let mut kept = self.kept.lock().await;
        let now = self.clock.now();
        if let Some(Kept { token, .. }) = kept.as_ref().filter(|kept| now < kept.good_until) {
            return Ok(token.clone());
        }
        let TokenAnswer { access_token, expires_in } = self.fetch().await?;
        let lifetime = Duration::from_secs(expires_in);
        let good_until = now + lifetime.saturating_sub(BEFORE_ITS_END).max(lifetime / 2);
        *kept = Some(Kept { token: access_token.clone(), good_until });
        Ok(access_token)
    }

    /// Asks auth-service, with the service's token, for what comes after a cursor in `url`. `None`: it does not know the
    /// cursor (410).
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        http: &Client,
        url: Url,
        max_body_bytes: usize,
    ) -> Result<Option<T>, OutboundError> {
        let token = self.token().await?;
        let response = http.get(url).bearer_auth(token.expose_secret()).send().await?;
        match response.status() {
            StatusCode::OK => {
                let body = outbound::body(response, max_body_bytes).await?;
                serde_json::from_slice(&body).map(Some).map_err(|_| OutboundError::NotUnderstood)
            }
            StatusCode::GONE => Ok(None),
            status => {
                // With 403, the client may have got the scope since the token was made.
                if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
                    self.drop_token(&token).await;
                }
                Err(OutboundError::Status(status.as_u16()))
            }
        }
    }

    /// Drops a token that was not accepted, unless it has been replaced.
    pub async fn drop_token(&self, refused: &SecretString) {
        let mut kept = self.kept.lock().await;
        if kept.as_ref().is_some_and(|kept| kept.token.expose_secret() == refused.expose_secret()) {
            *kept = None;
        }
    }

    async fn fetch(&self) -> Result<TokenAnswer, OutboundError> {
        let ServiceCredentials { token_url, client_id, client_secret } = &self.credentials;
        let request = self.http.post(token_url.clone()).basic_auth(client_id, Some(client_secret.expose_secret()));
        let response = request.form(&[("grant_type", "client_credentials")]).send().await?;
        if response.status() != StatusCode::OK {
            return Err(OutboundError::Status(response.status().as_u16()));
        }
        let body = outbound::body(response, MAX_BODY_BYTES).await?;
        serde_json::from_slice(&body).map_err(|_| OutboundError::NotUnderstood)
    }
}
