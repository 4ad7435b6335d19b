//! What a token costs the first time and each time after: `cargo run -p common --example cost_of_verifying`.
//!
//! Every kind of token in turn, in rounds, so that whatever else the machine does meets all of them. A round verifies
//! different tokens with a new verifier, then the same ones again; the median over the rounds is printed.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement says what it has found, or why it cannot")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use aws_lc_rs::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{
    claims::{AccessClaims, UserClaims},
    clock::Timestamp,
    jwe::{Encryption, JweKey, JweKeys},
    rng::SystemRng,
    secret::SigningSecret,
    testing::{ManualClock, TestToken},
    verifier::{KeySet, Keys, RevocationCheck, Standing, Verifier, VerifyingKey},
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::json;
use uuid::Uuid;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const TOKENS: u32 = 1_000;
const ROUNDS: usize = 31;

/// Revocations are asked about each time.
struct NothingRevoked;

impl RevocationCheck for NothingRevoked {
    fn check(&self, _: &AccessClaims, _: &str) -> Standing {
        Standing::Good
    }
}

struct Kind {
    name: &'static str,
    key: VerifyingKey,
    encryption: Encryption,
    tokens: Vec<String>,
    alone: Vec<Duration>,
    first: Vec<Duration>,
    again: Vec<Duration>,
}

fn main() {
    let mut kinds = kinds();
    for _ in 0..ROUNDS {
        for kind in &mut kinds {
            kind.measure();
        }
    }
    println!("{:<16} {:>12} {:>10} {:>10} {:>12}", "kind", "jsonwebtoken", "first", "again", "first:again");
    for Kind { name, alone, first, again, .. } in &mut kinds {
        let alone = if alone.is_empty() { "-".to_owned() } else { format!("{:.2?}", median(alone)) };
        let (first, again) = (median(first), median(again));
        let ratio = first.as_secs_f64() / again.as_secs_f64();
        println!("{name:<16} {alone:>12} {first:>10.2?} {again:>10.2?} {ratio:>12.0}");
    }
}

fn kinds() -> [Kind; 3] {
    let kind = |name, key: &VerifyingKey, encryption, tokens| {
        let (alone, first, again) = (Vec::new(), Vec::new(), Vec::new());
        Kind { name, key: key.clone(), encryption, tokens, alone, first, again }
    };
    let secret = secret();
    let shared = VerifyingKey::of_secret(&secret);
    let code = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let plain = signed(&shared, |message| hmac::sign(&code, message).as_ref().to_vec());

    let encrypting = JweKey::parse(&URL_SAFE_NO_PAD.encode([1; 32]).into()).unwrap();
    let encrypted = plain.iter().map(|token| encrypting.encrypt(token, &SystemRng).unwrap()).collect();

    let pair = Ed25519KeyPair::generate().unwrap();
    let decoding = DecodingKey::from_ed_der(pair.public_key().as_ref());
    let public = VerifyingKey { kid: "ed".to_owned(), algorithm: Algorithm::EdDSA, decoding };
    let by_pair = signed(&public, |message| pair.sign(message).as_ref().to_vec());
    [
        kind("HS256", &shared, Encryption::Off, plain),
        kind("HS256 encrypted", &shared, Encryption::Require(JweKeys::only(encrypting)), encrypted),
        kind("EdDSA", &public, Encryption::Off, by_pair),
    ]
}

fn secret() -> SigningSecret {
    SigningSecret::new("a".repeat(32).into()).unwrap()
}

/// Tokens as they are in use, each with another `jti`.
fn signed(key: &VerifyingKey, sign: impl Fn(&[u8]) -> Vec<u8>) -> Vec<String> {
    let header = json!({"alg": key.algorithm, "typ": "at+jwt", "kid": key.kid});
    let token = |number: u32| {
        let claims = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims(number)).unwrap());
        let message = format!("{}.{claims}", URL_SAFE_NO_PAD.encode(header.to_string()));
        let signature = URL_SAFE_NO_PAD.encode(sign(message.as_bytes()));
        format!("{message}.{signature}")
    };
    (0..TOKENS).map(token).collect()
}

fn claims(number: u32) -> UserClaims {
    let mut claims = TestToken::new(&secret(), "http://localhost:8080", "notes", Uuid::from_u128(7), NOW).claims;
    claims.jti = format!("{number:043}");
    claims.scope = "notes:read notes:write".parse().unwrap();
    claims.roles = vec!["admin".to_owned()];
    claims
}

impl Kind {
    fn measure(&mut self) {
        let keys = Keys::fixed(KeySet::new([self.key.clone()]).unwrap());
        let clock = Arc::new(ManualClock::at(NOW));
        let verifier = Verifier::with_keys("http://localhost:8080", "notes", keys, clock)
            .with_encryption(self.encryption.clone())
            .with_revocations(Arc::new(NothingRevoked));
        let verify = |token: &String| assert!(verifier.verify(token).is_ok());
        self.first.push(each(&self.tokens, verify));
        self.again.push(each(&self.tokens, verify));
        if let Encryption::Off = self.encryption {
            let mut validation = Validation::new(self.key.algorithm);
            validation.set_audience(&["notes"]);
            validation.validate_exp = false;
            let decode = |token: &String| {
                assert!(jsonwebtoken::decode::<AccessClaims>(token, &self.key.decoding, &validation).is_ok());
            };
            self.alone.push(each(&self.tokens, decode));
        }
    }
}

fn each(tokens: &[String], work: impl Fn(&String)) -> Duration {
    let begun = Instant::now();
    tokens.iter().for_each(work);
    begun.elapsed() / TOKENS
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
