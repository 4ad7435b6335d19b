//! Decides whether a token may be believed.
//!
//! The order is fixed: size, encryption where it is on, form, header, key, signature, claims, time, revocation. Nothing of
//! a token is used before the step that makes it trustworthy, and the header never chooses how it is checked: `kid` names
//! a key, and the key says the algorithm. Signatures are checked by `aws-lc-rs`, with what can be computed from a key alone
//! computed once; everything else is checked here, each part of a token decoded once.

mod cache;
mod error;
mod header;
mod jws;
mod keys;
mod registered;
mod signature;
mod standing;
mod strict_json;

use std::{borrow::Cow, sync::Arc, time::Duration};

pub use error::TokenError;
pub(crate) use header::parameters as header_parameters;
pub use jws::{Expected, JwsVerifier, TokenType};
pub use keys::{KeySet, KeySource, Keys, RepeatedKid, VerifyingKey};
pub use standing::{RevocationCheck, Standing};

use crate::{
    browser::Site,
    claims::{ACCESS_TOKEN_TYPE, AccessClaims, Principal, TimedClaims},
    clock::{Clock, Timestamp},
    jwe::{self, Encryption},
    secret::SecretSet,
};
use cache::{TokenCache, VerifiedToken};

/// The longest token that is looked at, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The difference between two machines' clocks that is forgiven.
pub const LEEWAY: Duration = Duration::from_secs(5);

/// Verifies access tokens.
pub struct Verifier {
    jws: JwsVerifier,
    cache: Option<TokenCache>,
    encryption: Encryption,
    revocations: Option<Arc<dyn RevocationCheck>>,
    source: Option<Arc<dyn KeySource>>,
    site: Option<Site>,
    clock: Arc<dyn Clock>,
}

impl Verifier {
    /// Accepts access tokens of `issuer` whose `aud` names `audience`, signed with any of `secrets`.
    #[must_use]
    pub fn new(issuer: &str, audience: &str, secrets: &SecretSet, clock: Arc<dyn Clock>) -> Self {
        Self::with_keys(issuer, audience, Keys::fixed(KeySet::of_secrets(secrets)), clock)
    }

    /// Accepts access tokens of `issuer` whose `aud` names `audience`, signed with any of `keys`.
    #[must_use]
    pub fn with_keys(issuer: &str, audience: &str, keys: Keys, clock: Arc<dyn Clock>) -> Self {
        let expected = Expected {
            token_type: TokenType::Is(ACCESS_TOKEN_TYPE),
            issuer: issuer.to_owned(),
            audiences: vec![audience.to_owned()],
        };
        Self {
            jws: JwsVerifier::new(&expected, keys, Arc::clone(&clock)),
            cache: Some(TokenCache::new()),
            encryption: Encryption::Off,
            revocations: None,
            source: None,
            site: None,
            clock,
        }
    }

    /// Looks for unknown keys where the others come from, for those who can wait.
    #[must_use]
    pub fn with_source(mut self, source: Arc<dyn KeySource>) -> Self {
        self.source = Some(source);
        self
    }

    /// Reads encrypted tokens as `encryption` says.
    #[must_use]
    pub fn with_encryption(mut self, encryption: Encryption) -> Self {
        self.encryption = encryption;
        self
    }

    /// Asks `check` about every token that is right in itself, each time it comes.
    #[must_use]
    pub fn with_revocations(mut self, check: Arc<dyn RevocationCheck>) -> Self {
        self.revocations = Some(check);
        self
    }

    /// Verifies each token each time, for those who would rather spend the time than the memory.
    #[must_use]
    pub fn without_cache(mut self) -> Self {
        self.cache = None;
        self
    }

    /// Lets extractors look for tokens in the cookies of `site` as well.
    #[must_use]
    pub fn with_site(mut self, site: Site) -> Self {
        self.site = Some(site);
        self
    }

    /// Whose cookies may hold tokens.
    #[must_use]
    pub fn site(&self) -> Option<&Site> {
        self.site.as_ref()
    }

    /// The claims of `token`, if it may be believed now.
    pub fn verify(&self, token: &str) -> Result<Arc<AccessClaims>, TokenError> {
        self.verified(token, |verified| Arc::clone(&verified.claims))
    }

    /// The same, and who holds the token: made once for all requests with a token that is kept.
    pub fn verify_holder(&self, token: &str) -> Result<(Arc<AccessClaims>, Principal), TokenError> {
        self.verified(token, |verified| (Arc::clone(&verified.claims), verified.principal().clone()))
    }

    /// What `take` takes from `token`, if it may be believed now.
    fn verified<T>(&self, token: &str, take: impl FnOnce(&VerifiedToken) -> T) -> Result<T, TokenError> {
        let Some(cache) = &self.cache else { return self.verify_anew(token).map(|verified| take(&verified)) };
        if let Some(verified) = cache.get(token) {
            let checked = self.check_now(&verified);
            if matches!(checked, Err(TokenError::Expired | TokenError::Revoked)) {
                cache.remove(token);
            }
            return checked.map(|()| take(&verified));
        }
        let verified = self.verify_anew(token)?;
        let outcome = take(&verified);
        cache.insert(token, verified);
        Ok(outcome)
    }

    fn verify_anew(&self, token: &str) -> Result<VerifiedToken, TokenError> {
        let (claims, key) = self.jws.verify_signature(&self.decrypted(token)?)?;
        let verified = VerifiedToken::new(claims, key);
        self.check_now(&verified)?;
        Ok(verified)
    }

    /// The signed token in `token`: itself, where it is not encrypted and need not be.
    fn decrypted<'token>(&self, token: &'token str) -> Result<Cow<'token, str>, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLong);
        }
        match (&self.encryption, jwe::is_encrypted(token)) {
            (Encryption::Accept(keys) | Encryption::Require(keys), true) => keys.decrypt(token).map(Cow::Owned),
            (Encryption::Require(_), false) => Err(TokenError::NotEncrypted),
            (Encryption::Off, _) | (Encryption::Accept(_), false) => Ok(Cow::Borrowed(token)),
        }
    }

    /// What may change while a token is cached: the time, and whether it was revoked.
    fn check_now(&self, verified: &VerifiedToken) -> Result<(), TokenError> {
        let VerifiedToken { claims, key, .. } = verified;
        jws::check_times(claims.times(), self.clock.now())?;
        let check = |revocations: &Arc<dyn RevocationCheck>| revocations.check(claims, &key.key().kid);
        match self.revocations.as_ref().map_or(Standing::Good, check) {
            Standing::Good => Ok(()),
            Standing::Revoked => Err(TokenError::Revoked),
            Standing::Unknown => Err(TokenError::StandingUnknown),
        }
    }

    /// Whether a second look may come to another answer than `error`: see [`Verifier::verify_after_a_look`].
    #[must_use]
    pub fn may_learn(&self, error: TokenError) -> bool {
        error == TokenError::UnknownKey && self.source.is_some()
    }

    /// The claims of `token` and who holds it, after its unknown key has been looked for.
    pub async fn verify_after_a_look(&self, token: &str) -> Result<(Arc<AccessClaims>, Principal), TokenError> {
        let Some(source) = &self.source else { return self.verify_holder(token) };
        source.unknown_key().await;
        self.verify_holder(token).map_err(|error| match error {
            TokenError::UnknownKey if !source.is_loaded() => TokenError::KeysUnavailable,
            other => other,
        })
    }

    /// The present instant, by the clock that tokens are checked against.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
