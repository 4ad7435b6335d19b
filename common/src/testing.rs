//! Tokens, a clock and a process's output, for the tests of a service that trusts Latchkey. Refused in release builds.

use std::{
    io::{BufRead, BufReader, Read},
    sync::{
        atomic::{AtomicI64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    claims::{ACCESS_TOKEN_TYPE, ServiceClaims, UserClaims},
    clock::{Clock, Timestamp},
    scope::Scope,
    secret::SigningSecret,
};

/// A clock that moves only when told to.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.micros()))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.0.store((self.now() + by).micros(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// What a process under test prints, line by line. It is read as it comes: when nobody reads, the process stops as soon as
/// the pipe is full.
pub fn lines_of(output: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (printed, lines) = mpsc::channel();
    thread::spawn(move || BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| printed.send(line)));
    lines
}

/// An access token as a test wants it: change a field of [`TestToken::claims`], then [`TestToken::sign`].
#[derive(Debug, Clone)]
pub struct TestToken<C = UserClaims> {
    /// What the token will say.
    pub claims: C,
    secret: SigningSecret,
}

impl TestToken {
    /// A user's token of 15 minutes from `now` for `sub`, from `issuer` for `audience`, without scope and roles.
    #[must_use]
    pub fn new(secret: &SigningSecret, issuer: &str, audience: &str, sub: Uuid, now: Timestamp) -> Self {
        let claims = UserClaims {
            iss: issuer.to_owned(),
            aud: vec![issuer.to_owned(), audience.to_owned()],
            sub,
            client_id: "first-party".to_owned(),
            exp: now.seconds() + 900,
            iat: now.seconds(),
            nbf: None,
            jti: "test".to_owned(),
            sid: Uuid::nil(),
            scope: Scope::default(),
            roles: Vec::new(),
            auth_time: now.seconds(),
            act: None,
            csrf: None,
        };
        Self { claims, secret: secret.clone() }
    }
}

impl TestToken<ServiceClaims> {
    /// A service's own token of 5 minutes from `now`, from `issuer` for `audience`, without scope.
    #[must_use]
    pub fn service(secret: &SigningSecret, issuer: &str, audience: &str, client_id: &str, now: Timestamp) -> Self {
        let claims = ServiceClaims {
            iss: issuer.to_owned(),
            aud: vec![issuer.to_owned(), audience.to_owned()],
            sub: client_id.to_owned(),
            client_id: client_id.to_owned(),
            exp: now.seconds() + 300,
            iat: now.seconds(),
            nbf: None,
            jti: "test".to_owned(),
            scope: Scope::default(),
        };
        Self { claims, secret: secret.clone() }
    }
}

impl<C: Serialize> TestToken<C> {
    /// The token in compact form.
    ///
    /// # Panics
    /// Never in practice: the claims are plain data.
    #[must_use]
    pub fn sign(&self) -> String {
        sign(&header(&self.secret), &self.claims, &self.secret)
    }
}

/// The header that auth-service would write under `secret`.
#[must_use]
pub fn header(secret: &SigningSecret) -> Header {
    let mut header = Header::new(Algorithm::HS256);
    header.typ = Some(ACCESS_TOKEN_TYPE.to_owned());
    header.kid = Some(secret.kid());
    header
}

/// Any header and any claims, signed with `secret`.
///
/// # Panics
/// When `claims` cannot be written as JSON.
#[must_use]
#[expect(clippy::expect_used, reason = "a test helper reports by panicking")]
pub fn sign(header: &Header, claims: &impl Serialize, secret: &SigningSecret) -> String {
    jsonwebtoken::encode(header, claims, &EncodingKey::from_secret(secret.as_bytes())).expect("claims are JSON")
}
