//! Tokens of every kind as they are in use, for those who count what one costs.

use std::{fmt, sync::Arc, time::Duration};

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{
    claims::{AccessClaims, UserClaims},
    clock::Timestamp,
    jwe::{Encryption, JweKey, JweKeys},
    revocation::{Entry, Mirror, Policy, WhenCold, WhenStale},
    rng::SystemRng,
    secret::SigningSecret,
    testing::{ManualClock, TestToken},
    verifier::{KeySet, Keys, RevocationCheck, Standing, Verifier, VerifyingKey},
};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::json;
use uuid::Uuid;

pub const ISSUER: &str = "http://localhost:8080";
pub const AUDIENCE: &str = "notes";
pub const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// How a token is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Hs256,
    EdDsa,
    Es256,
    Rs256,
    /// Encrypted, with HS256 inside.
    Jwe,
}

impl Kind {
    pub const ALL: [Self; 5] = [Self::Hs256, Self::EdDsa, Self::Es256, Self::Rs256, Self::Jwe];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hs256 => "HS256",
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::Jwe => "HS256 encrypted",
        })
    }
}

/// Revocations are asked about each time.
struct NothingRevoked;

impl RevocationCheck for NothingRevoked {
    fn check(&self, _: &AccessClaims, _: &str) -> Standing {
        Standing::Good
    }
}

/// A mirror that knows of so many sessions that are over, and of none that a token here is of.
pub fn revoked_sessions(count: u32) -> Arc<Mirror> {
    let entry = |number: u32| Entry {
        kind: "sid".to_owned(),
        id: Uuid::from_u128(u128::from(number) + 1).to_string(),
        before: None,
        until: NOW.seconds() + 900,
    };
    let entries: Vec<_> = (0..count).map(entry).collect();
    let policy =
        Policy { max_staleness: Duration::from_mins(1), when_stale: WhenStale::Refuse, when_cold: WhenCold::Refuse };
    Arc::new(Mirror::new(policy, Arc::new(ManualClock::at(NOW))).knowing(&entries, NOW))
}

/// A key, and tokens that it has signed, each with another `jti`.
pub struct Issued {
    pub key: VerifyingKey,
    pub tokens: Vec<String>,
    encryption: Encryption,
}

impl Issued {
    pub fn new(kind: Kind, tokens: u32) -> Self {
        let (key, sign) = signer(kind);
        let header = URL_SAFE_NO_PAD.encode(json!({"alg": key.algorithm, "typ": "at+jwt", "kid": key.kid}).to_string());
        let encryption = match kind {
            Kind::Jwe => {
                let key = JweKey::parse(&URL_SAFE_NO_PAD.encode([1; 32]).into()).unwrap();
                Encryption::Require(JweKeys::only(key))
            }
            _ => Encryption::Off,
        };
        let token = |number| {
            let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims(number)).unwrap()));
            let signed = format!("{message}.{}", URL_SAFE_NO_PAD.encode(sign(message.as_bytes())));
            encryption.issuing_key().map_or(signed.clone(), |key| key.encrypt(&signed, &SystemRng).unwrap())
        };
        let tokens = (0..tokens).map(token).collect();
        Self { key, tokens, encryption }
    }

    /// The same tokens with the signature of the next one, or its tag.
    pub fn forged(&self) -> Vec<String> {
        let next = self.tokens.iter().cycle().skip(1);
        let forge = |(token, other): (&String, &String)| {
            let (message, _) = token.rsplit_once('.').unwrap();
            let (_, signature) = other.rsplit_once('.').unwrap();
            format!("{message}.{signature}")
        };
        self.tokens.iter().zip(next).map(forge).collect()
    }

    pub fn verifier(&self) -> Verifier {
        let keys = Keys::fixed(KeySet::new([self.key.clone()]).unwrap());
        Verifier::with_keys(ISSUER, AUDIENCE, keys, Arc::new(ManualClock::at(NOW)))
            .with_encryption(self.encryption.clone())
            .with_revocations(Arc::new(NothingRevoked))
    }
}

type Sign = Box<dyn Fn(&[u8]) -> Vec<u8>>;

fn secret() -> SigningSecret {
    SigningSecret::new("a".repeat(32).into()).unwrap()
}

fn signer(kind: Kind) -> (VerifyingKey, Sign) {
    let public = |kid: &str, algorithm, decoding| VerifyingKey { kid: kid.to_owned(), algorithm, decoding };
    match kind {
        Kind::Hs256 | Kind::Jwe => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret().as_bytes());
            let sign: Sign = Box::new(move |message| hmac::sign(&key, message).as_ref().to_vec());
            (VerifyingKey::of_secret(&secret()), sign)
        }
        Kind::EdDsa => {
            let pair = Ed25519KeyPair::generate().unwrap();
            let key = public("ed", Algorithm::EdDSA, DecodingKey::from_ed_der(pair.public_key().as_ref()));
            (key, Box::new(move |message| pair.sign(message).as_ref().to_vec()))
        }
        Kind::Es256 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
            let key = public("ec", Algorithm::ES256, DecodingKey::from_ec_der(pair.public_key().as_ref()));
            (key, Box::new(move |message| pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()))
        }
        Kind::Rs256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
            let numbers = (
                pair.public_key().modulus().big_endian_without_leading_zero().to_vec(),
                pair.public_key().exponent().big_endian_without_leading_zero().to_vec(),
            );
            let key = public("rsa", Algorithm::RS256, DecodingKey::from_rsa_raw_components(&numbers.0, &numbers.1));
            let sign = move |message: &[u8]| {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
                signature
            };
            (key, Box::new(sign))
        }
    }
}

fn claims(number: u32) -> UserClaims {
    let mut claims = TestToken::new(&secret(), ISSUER, AUDIENCE, Uuid::from_u128(7), NOW).claims;
    claims.jti = format!("{number:043}");
    claims.scope = "notes:read notes:write".parse().unwrap();
    claims.roles = vec!["admin".to_owned()];
    claims
}
