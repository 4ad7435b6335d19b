//! Requests to auth-service, bounded in time and size. What goes wrong is said without the address, which may hold a
//! password.

use std::time::Duration;

use reqwest::{Client, ClientBuilder, Response, Url, redirect::Policy};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Connections that nobody uses are closed before a server closes them: a request must not meet that.
const KEPT_IDLE: Duration = Duration::from_secs(50);
const MOST_KEPT_IDLE: usize = 32;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// No connection, no answer in time, or an answer that breaks off.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// The answer is longer than expected.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    /// Another status than expected; redirects are not followed.
    #[error("answered with status {0}")]
    Status(u16),
    /// The answer is not of the expected form.
    #[error("the answer cannot be understood")]
    NotUnderstood,
}

impl From<reqwest::Error> for OutboundError {
    fn from(error: reqwest::Error) -> Self {
        Self::Unreachable(match () {
            () if error.is_timeout() => "not in time".to_owned(),
            () if error.is_connect() => "no connection".to_owned(),
            () => error.without_url().to_string(),
        })
    }
}

/// The http or https address that `text` is.
#[must_use]
pub fn http_url(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

/// What is beside `url`, under another last name: auth-service's internal addresses are beside its feed.
#[must_use]
pub fn beside(url: &Url, name: &str) -> Url {
    let mut beside = url.clone();
    if let Ok(mut path) = beside.path_segments_mut() {
        path.pop_if_empty().pop().push(name);
    }
    beside.set_query(None);
    beside
}

/// A client whose requests take `timeout` at the most, from the first byte sent to the last byte read.
#[cfg(any(feature = "jwks", feature = "otlp"))]
pub(crate) fn client(timeout: Duration) -> Result<Client, OutboundError> {
    Ok(builder().timeout(timeout).build()?)
}

/// A client whose caller sets the limits of time.
#[cfg(feature = "service-client")]
pub(crate) fn patient_client() -> Result<Client, OutboundError> {
    Ok(builder().build()?)
}

fn builder() -> ClientBuilder {
    Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(KEPT_IDLE)
        .pool_max_idle_per_host(MOST_KEPT_IDLE)
        .redirect(Policy::none())
        .no_proxy()
        .user_agent(concat!("latchkey/", env!("CARGO_PKG_VERSION")))
}

/// The body of an answer, if it has at most `limit` bytes.
pub(crate) async fn body(mut response: Response, limit: usize) -> Result<Vec<u8>, OutboundError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > limit {
            return Err(OutboundError::TooLong(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
