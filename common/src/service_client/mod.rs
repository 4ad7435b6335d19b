//! Calling other services: with a token of the service's own, or with one on behalf of a user.
//!
//! [`ServiceClient`] gets tokens and keeps them for as long as they live, tries again what may be tried again, leaves a
//! peer alone that keeps failing, and ends every call in ten seconds. A call carries the id and the trace of the
//! [request at hand](crate::context).
//!
//! ```no_run
//! # async fn example(user_token: &secrecy::SecretString) -> Result<(), Box<dyn std::error::Error>> {
//! use common::service_client::ServiceClient;
//!
//! let client = ServiceClient::from_env()?;
//! let prices = client.get("http://prices:8080/today").send().await?.success().await?;
//! let prices: Vec<u32> = prices.json().await?;
//! client.on_behalf_of(user_token).audience("orders").post("http://orders:8080/orders").json(&prices).send().await?;
//! # Ok(())
//! # }
//! ```

mod answer;
mod call;
mod circuit;
mod client_key;
mod error;
mod exchanged_tokens;
mod flight;
mod kept_token;
mod limits;
mod measures;
mod on_behalf_of;
mod own_token;
mod peers;
mod retry;
mod settings;
mod token_endpoint;

use std::{env, sync::Arc};

use reqwest::IntoUrl;
use secrecy::SecretString;

use self::{
    call::Bearer,
    exchanged_tokens::ExchangedTokens,
    measures::Measures,
    own_token::OwnToken,
    peers::{Peers, Surroundings},
    token_endpoint::TokenEndpoint,
};
use crate::{
    clock::{Clock, SystemClock},
    env::SettingErrors,
    outbound::{self, OutboundError},
    rng::{Rng, SystemRng},
};

pub use answer::Answer;
pub use call::Call;
pub use client_key::{ClientKey, InvalidClientKey};
pub use error::{CallError, NoAnswer, TokenError};
pub use limits::Limits;
pub use on_behalf_of::OnBehalfOf;
pub use reqwest::{Method, StatusCode, Url};
pub use settings::{ClientProof, SERVICE_CLIENT, ServiceClientSettings};

/// Calls other services. A clone shares tokens and what is known of peers.
#[derive(Clone)]
pub struct ServiceClient(Arc<Shared>);

struct Shared {
    http: reqwest::Client,
    limits: Limits,
    peers: Peers,
    own: Arc<OwnToken>,
    exchanged: Arc<ExchangedTokens>,
    measures: Measures,
    surroundings: Surroundings,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum NoClient {
    /// What is wrong with the settings, a line a variable.
    #[error("{0}")]
    Settings(#[from] SettingErrors),
    /// The machine has no roots of trust, or the like.
    #[error("no client can be made: {0}")]
    Http(#[from] OutboundError),
}

impl ServiceClient {
    /// A client by the environment's `SERVICE_TOKEN_URL`, `SERVICE_CLIENT_ID` and `SERVICE_CLIENT_SECRET` or
    /// `SERVICE_CLIENT_KEY`. Nothing is asked before the first call.
    pub fn from_env() -> Result<Self, NoClient> {
        let settings = ServiceClientSettings::of(env::vars_os())?;
        Ok(Self::new(settings, Arc::new(SystemClock), Arc::new(SystemRng))?)
    }

    /// A client by these settings, with the usual limits.
    pub fn new(
        settings: ServiceClientSettings,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, OutboundError> {
        Self::with_limits(settings, Limits::default(), clock, rng)
    }

    /// A client whose calls have these limits.
    pub fn with_limits(
        settings: ServiceClientSettings,
        limits: Limits,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, OutboundError> {
        let http = outbound::patient_client()?;
        let limits = limits.bounded();
        let (surroundings, measures) = (Surroundings { clock, rng }, Measures::default());
        let (http_of_endpoint, around) = (http.clone(), surroundings.clone());
        let endpoint = TokenEndpoint::new(http_of_endpoint, settings, limits.per_try, around, measures.clone());
        let endpoint = Arc::new(endpoint);
        Ok(Self(Arc::new(Shared {
            http,
            limits,
            peers: Peers::new(surroundings.clone(), measures.clone()),
            own: Arc::new(OwnToken::new(Arc::clone(&endpoint))),
            exchanged: Arc::new(ExchangedTokens::new(endpoint, measures.clone())),
            measures,
            surroundings,
        })))
    }

    /// Adds what is counted of calls, circuits and tokens to the metrics of a service.
    #[cfg(feature = "server")]
    pub fn measure(&self, metrics: &crate::telemetry::metrics::Metrics) {
        self.0.measures.register(metrics);
        let exchanged = Arc::clone(&self.0.exchanged);
        let count = move || Some(i64::try_from(exchanged.len()).unwrap_or(i64::MAX));
        metrics.gauge("service_exchanged_tokens", "Tokens on behalf of users that are kept", count);
    }

    /// The service's own token, for a call that is made by other means.
    pub async fn token(&self) -> Result<SecretString, CallError> {
        self.0.own.get().await.map_err(CallError::OwnToken)
    }

    /// Calls on behalf of the user who sent this token.
    pub fn on_behalf_of(&self, user_token: &SecretString) -> OnBehalfOf {
        OnBehalfOf::new(Arc::clone(&self.0), user_token)
    }

    /// A call with this method and the service's own token.
    pub fn request(&self, method: Method, url: impl IntoUrl) -> Call {
        Call::new(Arc::clone(&self.0), Bearer::Own, method, url)
    }
}

macro_rules! methods {
    ($($name:ident = $method:ident),+) => {
        impl ServiceClient {
            $(
                #[doc = concat!("A ", stringify!($method), " with the service's own token.")]
                pub fn $name(&self, url: impl IntoUrl) -> Call {
                    self.request(Method::$method, url)
                }
            )+
        }

        impl OnBehalfOf {
            $(
                #[doc = concat!("A ", stringify!($method), " on behalf of the user.")]
                pub fn $name(&self, url: impl IntoUrl) -> Call {
                    self.request(Method::$method, url)
                }
            )+
        }
    };
}

methods!(get = GET, head = HEAD, post = POST, put = PUT, patch = PATCH, delete = DELETE);
