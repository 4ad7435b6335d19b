//! Refresh tokens: JWTs of a type of their own, under a secret that only auth-service has.

use std::sync::Arc;

use common::{
    claims::{RegisteredTimes, TimedClaims},
    clock::Timestamp,
    secret::SecretSet,
    verifier::{Expected, JwsVerifier, KeySet, Keys, TokenError, TokenType},
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::jws::{JwsSigner, SigningFailed};
use crate::{
    domain::{
        ids::{SessionId, TokenId, UserId},
        session::{CurrentToken, PresentedToken, Session},
    },
    ports::{Clock, Rng},
};

/// The header parameter `typ`.
pub const REFRESH_TOKEN_TYPE: &str = "rt+jwt";

/// What a refresh token says. Times are seconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct RefreshClaims {
    iss: String,
    sub: Uuid,
    sid: Uuid,
    jti: TokenId,
    parent: Option<TokenId>,
    #[serde(rename = "gen")]
    generation: u32,
    iat: i64,
    exp: i64,
}

impl TimedClaims for RefreshClaims {
    fn times(&self) -> RegisteredTimes {
        RegisteredTimes { exp: self.exp, iat: self.iat, nbf: None }
    }
}

/// A refresh token whose signature and time have been verified: whose it is, and its place in the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifiedRefreshToken {
    /// The user it was given to.
    pub user: UserId,
    /// The session it belongs to.
    pub session: SessionId,
    /// What the refresh is decided on.
    pub presented: PresentedToken,
}

/// Signs and verifies refresh tokens.
pub struct RefreshTokens {
    issuer: String,
    signer: JwsSigner,
    verifier: JwsVerifier,
}

impl RefreshTokens {
    /// Signs with the current one of `secrets`, and accepts all of them.
    pub fn new(issuer: &str, secrets: &SecretSet, clock: Arc<dyn Clock>) -> Result<Self, SigningFailed> {
        let expected = Expected {
            token_type: TokenType::Is(REFRESH_TOKEN_TYPE),
            issuer: issuer.to_owned(),
            audiences: Vec::new(),
        };
        Ok(Self {
            issuer: issuer.to_owned(),
            signer: JwsSigner::with_secret(REFRESH_TOKEN_TYPE, &secrets.current)?,
            verifier: JwsVerifier::new(&expected, Keys::fixed(KeySet::of_secrets(secrets)), clock),
        })
    }

    /// The token that a login gives out: the session's current one.
    pub fn sign_first(&self, session: &Session, now: Timestamp) -> Result<SecretString, SigningFailed> {
        self.sign(session, session.current, None, now)
    }

    /// A new child of the session's current token.
    pub fn sign_child(&self, session: &Session, now: Timestamp, rng: &dyn Rng) -> Result<SecretString, SigningFailed> {
        let CurrentToken { id: parent, generation } = session.current;
        let child = CurrentToken { id: TokenId::new(rng), generation: generation.saturating_add(1) };
        self.sign(session, child, Some(parent), now)
    }

    fn sign(
        &self,
        session: &Session,
        token: CurrentToken,
        parent: Option<TokenId>,
        now: Timestamp,
    ) -> Result<SecretString, SigningFailed> {
        let claims = RefreshClaims {
            iss: self.issuer.clone(),
            sub: session.user.0,
            sid: session.id.0,
            jti: token.id,
            parent,
            generation: token.generation,
            iat: now.seconds(),
            // How long it may lie unused is the session's to say: it may be asked for again at any later time.
            exp: session.absolute_expiry.seconds(),
        };
        self.signer.sign(&claims)
    }

    /// What `token` says, if auth-service has signed it and it has not expired. No store is asked.
    pub fn verify(&self, token: &str) -> Result<VerifiedRefreshToken, TokenError> {
        let claims: RefreshClaims = self.verifier.verify(token)?;
        Ok(VerifiedRefreshToken {
            user: UserId(claims.sub),
            session: SessionId(claims.sid),
            presented: PresentedToken {
                id: claims.jti,
                parent: claims.parent,
                generation: claims.generation,
                issued_at: claims.iat,
            },
        })
    }
}
