//! The id of a request, as clients are told.

use std::{fmt, sync::Arc};

use uuid::Uuid;

/// The id of a request: the gateway's, or one made here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// `text`, if it is fit for a header and a log.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        ((1..=64).contains(&text.len()) && text.bytes().all(plain)).then(|| Self(text.into()))
    }

    /// One that nobody has had yet.
    #[expect(clippy::disallowed_methods, reason = "a request id decides nothing: it only tells log lines apart")]
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7().simple().to_string().into())
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_made_here_is_one_that_is_taken() {
        let made = RequestId::generate();
        assert_eq!(RequestId::parse(made.as_str()), Some(made));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn an_id_is_taken_as_it_is_or_not_at_all(sent in prop_oneof!["[-._a-zA-Z0-9]{0,70}", ".{0,70}"]) {
            let plain = sent.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
            let fit = plain && (1..=64).contains(&sent.len());
            let taken = RequestId::parse(&sent);
            prop_assert_eq!(taken.as_ref().map(RequestId::as_str), fit.then_some(sent.as_str()));
        }
    }
}
