//! One bounded request for a JWKS document.

use std::time::Duration;

use reqwest::{
    Client, StatusCode, Url,
    header::{ACCEPT, CACHE_CONTROL, HeaderMap},
    redirect::Policy,
};

/// A longer document is refused.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// From the first byte sent to the last byte read.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Why nothing was fetched. Never quotes the address, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// No connection, no answer in time, or an answer that breaks off.
    #[error("the JWKS cannot be fetched: {0}")]
    Unreachable(String),
    /// Another status than 200; redirects are not followed.
    #[error("the JWKS is answered with status {0}")]
    Status(u16),
    /// More than [`MAX_BODY_BYTES`].
    #[error("the JWKS is longer than {MAX_BODY_BYTES} bytes")]
    TooLong,
}

/// What was fetched.
pub(super) struct Fetched {
    pub document: Vec<u8>,
    /// How long it may be kept, if the server says so.
    pub max_age: Option<Duration>,
}

/// Fetches from one address.
pub(super) struct Fetcher {
    client: Client,
    url: Url,
}

impl Fetcher {
    pub fn new(url: Url) -> Result<Self, FetchError> {
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .redirect(Policy::none())
            .no_proxy()
            .user_agent(concat!("latchkey/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(unreachable)?;
        Ok(Self { client, url })
    }

    pub async fn fetch(&self) -> Result<Fetched, FetchError> {
        let request = self.client.get(self.url.clone()).header(ACCEPT, "application/jwk-set+json, application/json");
        let mut response = request.send().await.map_err(unreachable)?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let max_age = max_age(response.headers());
        let mut document = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if document.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(FetchError::TooLong);
            }
            document.extend_from_slice(&chunk);
        }
        Ok(Fetched { document, max_age })
    }
}

fn unreachable(error: reqwest::Error) -> FetchError {
    let what = match () {
        () if error.is_timeout() => "no answer in time".to_owned(),
        () if error.is_connect() => "no connection".to_owned(),
        () => error.without_url().to_string(),
    };
    FetchError::Unreachable(what)
}

/// `max-age` (RFC 9111, section 5.2.2.1); nothing for `no-store` and `no-cache`.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let directives = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut directives = directives.flat_map(|value| value.split(',')).map(|word| word.trim().to_ascii_lowercase());
    directives.find_map(|word| word.strip_prefix("max-age=")?.parse().ok().map(Duration::from_secs))
}
