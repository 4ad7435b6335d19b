//! One bounded request for a JWKS document.

use std::time::Duration;

use reqwest::{
    Client, StatusCode, Url,
    header::{ACCEPT, CACHE_CONTROL, HeaderMap},
};

use crate::outbound::{self, OutboundError};

/// A longer document is refused.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// From the first byte sent to the last byte read.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What was fetched.
pub(super) struct Fetched {
    pub document: String,
    /// How long it may be kept, if the server says so.
    pub max_age: Option<Duration>,
}

/// Fetches from one address.
pub(super) struct Fetcher {
    client: Client,
    url: Url,
}

impl Fetcher {
    pub fn new(url: Url) -> Result<Self, OutboundError> {
        Ok(Self { client: outbound::client(TIMEOUT)?, url })
    }

    pub async fn fetch(&self) -> Result<Fetched, OutboundError> {
        let request = self.client.get(self.url.clone()).header(ACCEPT, "application/jwk-set+json, application/json");
        let response = request.send().await?;
        if response.status() != StatusCode::OK {
            return Err(OutboundError::Status(response.status().as_u16()));
        }
        let max_age = max_age(response.headers());
        let body = outbound::body(response, MAX_BODY_BYTES).await?;
        let document = String::from_utf8(body).map_err(|_| OutboundError::NotUnderstood)?;
        Ok(Fetched { document, max_age })
    }
}

/// `max-age` (RFC 9111, section 5.2.2.1); nothing for `no-store` and `no-cache`.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let directives = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut directives = directives.flat_map(|value| value.split(',')).map(|word| word.trim().to_ascii_lowercase());
    directives.find_map(|word| word.strip_prefix("max-age=")?.parse().ok().map(Duration::from_secs))
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};
    use reqwest::header::HeaderValue;

    use super::*;

    fn read(value: &[u8]) -> Option<Duration> {
        max_age(&HeaderMap::from_iter([(CACHE_CONTROL, HeaderValue::from_bytes(value).ok()?)]))
    }

    #[test]
    fn a_lifetime_is_found_among_other_directives() {
        assert_eq!(read(b"public, Max-Age=300"), Some(Duration::from_mins(5)));
        for none in [&b""[..], b"no-store", b"max-age", b"max-age=", b"max-age=-1", b"max-age=1e3", b"s-maxage=300"] {
            assert_eq!(read(none), None);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn a_lifetime_is_a_number_that_was_written(
            value in prop_oneof![
                "(public|max-age=|[0-9]{0,25}|[,= ]){0,6}".prop_map(Into::into),
                vec(any::<u8>(), 0..40),
            ],
        ) {
            if let Some(age) = read(&value) {
                let text = String::from_utf8_lossy(&value).to_ascii_lowercase();
                let seconds = age.as_secs().to_string();
                prop_assert!(text.contains("max-age=") && text.contains(&seconds), "{seconds} of {text:?}");
            }
        }
    }
}
