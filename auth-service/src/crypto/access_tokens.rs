//! Access tokens: signed for everybody who has the shared secret, and told apart here from what others could sign.
//!
//! With HS256 a resource service that is broken into holds the secret and could mint. So the second half of every
//! `jti` is a code over all other claims, under a key that only auth-service has. Resource services do not look at it;
//! auth-service's own routes accept nothing without it.

use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::{constant_time, hmac};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{
    claims::{ACCESS_TOKEN_TYPE, AccessClaims},
    clock::Timestamp,
    jwe::{Encryption, JweKey},
    jwk::JwkSet,
    secret::SecretSet,
    verifier::{KeySet, Keys, RepeatedKid, RevocationCheck, TokenError, Verifier},
};
use secrecy::{ExposeSecret, SecretString};

use super::{
    jws::{JwsSigner, SigningFailed},
    open_keys::OpenKeys,
};
use crate::ports::{Clock, Rng};

const RANDOM_BYTES: usize = 16;
const CODE_BYTES: usize = 16;

/// Where the keys that sign come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignsWith {
    /// The shared secret alone (HS256); there is no other key.
    Secret,
    /// The shared secret; keys of the store are verified with as long as there are some.
    SecretBesideKeys,
    /// The keys of the store. As long as none of them is active: the shared secret where it is accepted, else the key
    /// that is next.
    Keys,
}

/// Signs access tokens and verifies those that come back to auth-service.
pub struct AccessTokens {
    signs_with: SignsWith,
    /// HS256, where it is accepted.
    secret: Option<JwsSigner>,
    /// As the store had them last; `None` before it has been asked.
    keys: RwLock<Option<Arc<OpenKeys>>>,
    verifier: Verifier,
    verifying: Keys,
    secrets: KeySet,
    /// Set where new tokens are encrypted.
    encrypts_with: Option<JweKey>,
    /// The one that makes codes comes first; the others only check them.
    code_keys: Vec<hmac::Key>,
    clock: Arc<dyn Clock>,
}

/// Why a token was not signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The keys have not been read from the store yet: try again.
    #[error("the signing keys have not been read yet")]
    NoKey,
    /// It could not be written or signed.
    #[error(transparent)]
    Failed(#[from] SigningFailed),
}

impl AccessTokens {
    /// Signs as `signs_with` says, with `shared` as the secrets of HS256 where it is accepted, and makes its codes with
    /// keys derived from `own`.
    pub fn new(
        issuer: &str,
        signs_with: SignsWith,
        shared: Option<&SecretSet>,
        own: &SecretSet,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SigningFailed> {
        let signer = |secrets: &SecretSet| JwsSigner::with_secret(ACCESS_TOKEN_TYPE, &secrets.current);
        let secrets = shared.map(KeySet::of_secrets).unwrap_or_default();
        let verifying = Keys::fixed(secrets.clone());
        Ok(Self {
            signs_with,
            secret: shared.map(signer).transpose()?,
            keys: RwLock::default(),
            verifier: Verifier::with_keys(issuer, issuer, verifying.clone(), Arc::clone(&clock)),
            verifying,
            secrets,
            encrypts_with: None,
            code_keys: own
                .iter()
                .map(|secret| hmac::Key::new(hmac::HMAC_SHA256, &secret.derive(b"latchkey jti")))
                .collect(),
            clock,
        })
    }

    /// Takes over the keys as the store has them now: one of them signs, and all of them verify.
    pub fn adopt(&self, keys: &Arc<OpenKeys>) -> Result<(), RepeatedKid> {
        let mut current = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|known| Arc::ptr_eq(known, keys)) {
            return Ok(());
        }
        let own = keys.iter().map(|open| open.verifying.clone());
        self.verifying.replace(KeySet::new(self.secrets.iter().cloned().chain(own))?);
        *current = Some(Arc::clone(keys));
        Ok(())
    }

    /// The public keys for everybody at `now`. `None` when they have not been read yet.
    #[must_use]
    pub fn published(&self, now: Timestamp) -> Option<JwkSet> {
        match self.signs_with {
            SignsWith::Secret => Some(JwkSet::default()),
            SignsWith::SecretBesideKeys | SignsWith::Keys => Some(self.keys()?.published(now)),
        }
    }

    /// Whether there is a key to sign with.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let now = self.clock.now();
        let any = |keys: &OpenKeys| keys.signing_at(now).or(keys.next_after(now)).is_some();
        self.secret.is_some() || self.keys().is_some_and(|keys| any(&keys))
    }

    fn keys(&self) -> Option<Arc<OpenKeys>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Encrypts what is signed, and reads encrypted tokens, as `encryption` says. A plain token stays good here until it
    /// expires: its code shows that it is auth-service's own, so that turning encryption on refuses nobody.
    #[must_use]
    pub fn with_encryption(mut self, encryption: Encryption) -> Self {
        self.encrypts_with = encryption.issuing_key().cloned();
        self.verifier = self.verifier.with_encryption(encryption.lenient());
        self
    }

    /// Refuses what `check` says was revoked.
    #[must_use]
    pub fn with_revocations(mut self, check: Arc<dyn RevocationCheck>) -> Self {
        self.verifier = self.verifier.with_revocations(check);
        self
    }

    /// Gives `claims` a `jti`, signs them, and encrypts the token where that is set.
    pub fn sign(&self, claims: AccessClaims, rng: &dyn Rng) -> Result<SecretString, SignError> {
        let signed = self.signed(claims, rng)?;
        let Some(key) = &self.encrypts_with else { return Ok(signed) };
        key.encrypt(signed.expose_secret(), rng).map(SecretString::from).ok_or(SigningFailed.into())
    }

    fn signed(&self, claims: AccessClaims, rng: &dyn Rng) -> Result<SecretString, SignError> {
        let mut jti = [0; RANDOM_BYTES + CODE_BYTES];
        let (random, code) = jti.split_at_mut(RANDOM_BYTES);
        rng.fill(random);
        let key = self.code_keys.first().ok_or(SigningFailed)?;
        let claims = claims.with_jti(URL_SAFE_NO_PAD.encode(&*random));
        let tag = hmac::sign(key, &json(&claims).ok_or(SigningFailed)?);
        code.copy_from_slice(&tag.as_ref()[..CODE_BYTES]);
        let claims = claims.with_jti(URL_SAFE_NO_PAD.encode(jti));
        let keys = if self.signs_with == SignsWith::Keys { self.keys() } else { None };
        let now = self.clock.now();
        if let Some(active) = keys.as_ref().and_then(|keys| keys.signing_at(now)) {
            return Ok(active.signer.sign(&claims)?);
        }
        if let Some(secret) = &self.secret {
            return Ok(secret.sign(&claims)?);
        }
        let next = keys.as_ref().and_then(|keys| keys.next_after(now));
        Ok(next.ok_or(SignError::NoKey)?.signer.sign(&claims)?)
    }

    /// The claims of a token that auth-service itself has signed and that is valid now.
    pub fn verify(&self, token: &str) -> Result<Arc<AccessClaims>, TokenError> {
        let claims = self.verifier.verify(token).map_err(|error| match error {
            TokenError::UnknownKey if self.signs_with != SignsWith::Secret && self.keys().is_none() => {
                TokenError::KeysUnavailable
            }
            error => error,
        })?;
        if self.is_own(&claims) { Ok(claims) } else { Err(TokenError::BadSignature) }
    }

    fn is_own(&self, claims: &AccessClaims) -> bool {
        let Ok(jti) = URL_SAFE_NO_PAD.decode(claims.jti()) else { return false };
        let Some((random, code)) = jti.split_at_checked(RANDOM_BYTES) else { return false };
        let Some(text) = json(&claims.clone().with_jti(URL_SAFE_NO_PAD.encode(random))) else { return false };
        code.len() == CODE_BYTES
            && self.code_keys.iter().any(|key| {
                let tag = hmac::sign(key, &text);
                constant_time::verify_slices_are_equal(code, &tag.as_ref()[..CODE_BYTES]).is_ok()
            })
    }
}

/// What the code is about: the claims in the order of their definition, with the random half alone as `jti`.
fn json(claims: &AccessClaims) -> Option<Vec<u8>> {
    serde_json::to_vec(claims).ok()
}

#[cfg(test)]
mod tests {
    use common::{claims::UserClaims, jwe::JweKeys, secret::SigningSecret, testing::ManualClock};
    use uuid::Uuid;

    use super::*;
    use crate::ports::SystemRng;

    const ISSUER: &str = "http://localhost:8080";

    fn secrets(letter: &str) -> SecretSet {
        SecretSet::only(SigningSecret::new(letter.repeat(32).into()).unwrap())
    }

    fn tokens(shared: &SecretSet, own: &SecretSet) -> AccessTokens {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1000)));
        AccessTokens::new(ISSUER, SignsWith::Secret, Some(shared), own, clock).unwrap()
    }

    fn claims() -> AccessClaims {
        AccessClaims::User(UserClaims {
            iss: ISSUER.to_owned(),
            aud: vec![ISSUER.to_owned()],
            sub: Uuid::from_u128(1),
            client_id: "first-party".to_owned(),
            exp: 1900,
            iat: 1000,
            nbf: None,
            jti: String::new(),
            sid: Uuid::from_u128(2),
            scope: "notes:read".parse().unwrap(),
            roles: vec!["admin".to_owned()],
            auth_time: 1000,
            act: None,
            csrf: None,
        })
    }

    #[test]
    fn a_token_of_ones_own_comes_back_as_it_was() {
        let tokens = tokens(&secrets("a"), &secrets("b"));
        let token = tokens.sign(claims(), &SystemRng).unwrap();
        let verified = tokens.verify(token.expose_secret()).unwrap();
        assert_eq!((*verified).clone().with_jti(String::new()), claims());
    }

    #[test]
    fn a_claim_changed_by_a_holder_of_the_shared_secret_is_noticed() {
        let shared = secrets("a");
        let tokens = tokens(&shared, &secrets("b"));
        let token = tokens.sign(claims(), &SystemRng).unwrap();
        let AccessClaims::User(own) = (*tokens.verify(token.expose_secret()).unwrap()).clone() else {
            panic!("a service's")
        };
        let resign = |claims: &UserClaims| {
            common::testing::sign(&common::testing::header(&shared.current), claims, &shared.current)
        };
        assert!(tokens.verify(&resign(&own)).is_ok());
        let changes: [fn(&mut UserClaims); 6] = [
            |claims| claims.roles.push("root".to_owned()),
            |claims| claims.sub = Uuid::from_u128(9),
            |claims| claims.sid = Uuid::from_u128(9),
            |claims| claims.exp += 1,
            |claims| claims.auth_time += 1,
            |claims| claims.jti.truncate(22),
        ];
        for change in changes {
            let mut claims = own.clone();
            change(&mut claims);
            assert_eq!(tokens.verify(&resign(&claims)), Err(TokenError::BadSignature));
        }
    }

    #[test]
    fn codes_outlive_a_change_of_the_own_secret() {
        let (shared, old, new) = (secrets("a"), secrets("b"), secrets("c"));
        let token = tokens(&shared, &old).sign(claims(), &SystemRng).unwrap();
        let rolling = SecretSet { previous: Some(old.current.clone()), ..new.clone() };
        assert!(tokens(&shared, &rolling).verify(token.expose_secret()).is_ok());
        assert_eq!(tokens(&shared, &new).verify(token.expose_secret()), Err(TokenError::BadSignature));
    }

    #[test]
    fn where_encryption_is_required_tokens_are_encrypted_and_older_plain_ones_stay_good_here() {
        let (shared, own) = (secrets("a"), secrets("b"));
        let key = JweKey::parse(&URL_SAFE_NO_PAD.encode([1; 32]).into()).unwrap();
        let keys = JweKeys::only(key);
        let off = tokens(&shared, &own);
        let accept = tokens(&shared, &own).with_encryption(Encryption::Accept(keys.clone()));
        let require = tokens(&shared, &own).with_encryption(Encryption::Require(keys));
        let parts = |tokens: &AccessTokens| {
            let token = tokens.sign(claims(), &SystemRng).unwrap();
            (token.expose_secret().split('.').count(), token)
        };
        let ((plain, plain_token), (accepted, _), (encrypted, encrypted_token)) =
            (parts(&off), parts(&accept), parts(&require));
        assert_eq!((plain, accepted, encrypted), (3, 3, 5));
        for reader in [&accept, &require] {
            assert!(reader.verify(plain_token.expose_secret()).is_ok());
            assert!(reader.verify(encrypted_token.expose_secret()).is_ok());
        }
        assert_eq!(off.verify(encrypted_token.expose_secret()), Err(TokenError::Malformed));
    }
}
