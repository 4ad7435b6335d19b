//! Encrypted access tokens with other people's libraries, in both directions.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

mod peer;

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{
    claims::AccessClaims,
    clock::Timestamp,
    jwe::{Encryption, JweKey, JweKeys},
    rng::SystemRng,
    secret::{SecretSet, SigningSecret},
    testing::{ManualClock, TestToken},
    verifier::{TokenError, Verifier},
};
use peer::{Peer, Shared};
use serde_json::{Value, json};
use uuid::Uuid;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const SECRET: &str = "a-secret-of-more-than-32-bytes-with-umläuts";
const SHARED: Shared<'static> =
    Shared { issuer: "http://localhost:8080", audience: "notes", secret: SECRET, now: NOW.seconds() };

fn secret() -> SigningSecret {
    SigningSecret::new(SECRET.to_owned().into()).unwrap()
}

fn key_text(byte: u8) -> String {
    URL_SAFE_NO_PAD.encode([byte; 32])
}

fn key(byte: u8) -> JweKey {
    JweKey::parse(&key_text(byte).into()).unwrap()
}

fn ours() -> TestToken {
    let mut token = TestToken::new(&secret(), SHARED.issuer, SHARED.audience, Uuid::from_u128(7), NOW);
    token.claims.scope = "notes:read notes:write".parse().unwrap();
    token.claims.roles = vec!["rédacteur".to_owned()];
    token
}

fn outer(byte: u8) -> Value {
    json!({"alg": "dir", "enc": "A256GCM", "cty": "JWT", "kid": key(byte).kid()})
}

/// A good token by `peer` but for its outer header and the key of the encryption.
fn sealed(peer: Peer, outer: &Value, key: &str) -> Result<String, String> {
    let header = json!({"alg": "HS256", "typ": "at+jwt", "kid": secret().kid()});
    peer.seal(&SHARED, &header, &serde_json::to_value(ours().claims).unwrap(), outer, key)
}

fn answer(encryption: Encryption, token: &str) -> Result<AccessClaims, TokenError> {
    let clock = Arc::new(ManualClock::at(NOW));
    let verifier = Verifier::new(SHARED.issuer, SHARED.audience, &SecretSet::only(secret()), clock);
    verifier.with_encryption(encryption).verify(token).map(|claims| (*claims).clone())
}

#[test]
fn others_read_what_we_encrypt_if_they_have_the_key() {
    let token = key(1).encrypt(&ours().sign(), &SystemRng).unwrap();
    for peer in Peer::ALL {
        let read = peer.open(&SHARED, &token, &key_text(1), key(1).kid());
        assert_eq!(read, Ok(serde_json::to_value(ours().claims).unwrap()), "{peer:?}");
        assert!(peer.open(&SHARED, &token, &key_text(2), key(1).kid()).is_err(), "{peer:?}");
    }
}

#[test]
fn we_read_what_others_encrypt_if_we_have_the_key() {
    for peer in Peer::ALL {
        let token = sealed(peer, &outer(1), &key_text(1)).unwrap();
        let read = Ok(AccessClaims::User(ours().claims));
        assert_eq!(answer(Encryption::Accept(JweKeys::only(key(1))), &token), read, "{peer:?}");
        assert_eq!(answer(Encryption::Require(JweKeys::only(key(1))), &token), read, "{peer:?}");
        assert_eq!(answer(Encryption::Off, &token), Err(TokenError::Malformed), "{peer:?}");
        let another = Encryption::Require(JweKeys::only(key(2)));
        assert_eq!(answer(another, &token), Err(TokenError::UnknownKey), "{peer:?}");
        let named_wrongly = sealed(peer, &outer(1), &key_text(2)).unwrap();
        let require = Encryption::Require(JweKeys::only(key(1)));
        assert_eq!(answer(require, &named_wrongly), Err(TokenError::Undecryptable), "{peer:?}");
    }
}

#[test]
fn while_the_key_changes_others_may_use_the_old_and_the_new_one() {
    let keys = JweKeys { current: key(2), next: Some(key(3)), previous: Some(key(1)) };
    for peer in Peer::ALL {
        for byte in 1..=3 {
            let token = sealed(peer, &outer(byte), &key_text(byte)).unwrap();
            assert!(answer(Encryption::Require(keys.clone()), &token).is_ok(), "{peer:?}, {byte}");
        }
        let token = sealed(peer, &outer(4), &key_text(4)).unwrap();
        assert_eq!(answer(Encryption::Require(keys.clone()), &token), Err(TokenError::UnknownKey), "{peer:?}");
    }
}

#[test]
fn what_others_encrypt_in_another_way_is_refused() {
    let bytes = |length: usize| URL_SAFE_NO_PAD.encode(vec![1; length]);
    let cases = [
        ("enc", json!("A128GCM"), 16, TokenError::WrongAlgorithm),
        ("enc", json!("A192GCM"), 24, TokenError::WrongAlgorithm),
        ("enc", json!("A128CBC-HS256"), 32, TokenError::WrongAlgorithm),
        ("enc", json!("A256CBC-HS512"), 64, TokenError::WrongAlgorithm),
        ("alg", json!("A256KW"), 32, TokenError::WrongAlgorithm),
        ("alg", json!("A256GCMKW"), 32, TokenError::WrongAlgorithm),
        ("cty", json!("jwe"), 32, TokenError::WrongType),
        ("cty", json!("at+jwt"), 32, TokenError::WrongType),
        ("kid", json!("another"), 32, TokenError::UnknownKey),
    ];
    for peer in Peer::ALL {
        for (name, value, length, refusal) in &cases {
            let mut header = outer(1);
            header[name] = value.clone();
            let token = sealed(peer, &header, &bytes(*length)).unwrap();
            // With a key of its own the encrypted key makes the form another one before the header is read.
            let refusal = if *name == "alg" { &TokenError::Malformed } else { refusal };
            let read = answer(Encryption::Accept(JweKeys::only(key(1))), &token);
            assert_eq!(read.as_ref(), Err(refusal), "{peer:?}: {header}");
        }
        for name in ["cty", "kid"] {
            let mut header = outer(1);
            header.as_object_mut().unwrap().remove(name);
            let token = sealed(peer, &header, &key_text(1)).unwrap();
            assert!(answer(Encryption::Accept(JweKeys::only(key(1))), &token).is_err(), "{peer:?}: no {name}");
        }
    }
}

#[test]
fn what_others_compress_is_refused() {
    let mut header = outer(1);
    header["zip"] = json!("DEF");
    for peer in Peer::ALL {
        let token = sealed(peer, &header, &key_text(1)).unwrap();
        let read = answer(Encryption::Accept(JweKeys::only(key(1))), &token);
        assert_eq!(read, Err(TokenError::WrongType), "{peer:?}");
    }
}
