//! A corpus of tokens that must not be believed, each wrong in one respect.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

#[path = "corpus/claims.rs"]
mod claims;
#[path = "corpus/fixture.rs"]
mod fixture;
#[path = "corpus/forms.rs"]
mod forms;
#[path = "corpus/headers.rs"]
mod headers;
#[path = "corpus/signatures.rs"]
mod signatures;

use std::{collections::HashSet, sync::Arc};

use aws_lc_rs::{
    encoding::AsDer,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use common::{
    jwe::{Encryption, JweKey, JweKeys},
    rng::SystemRng,
    testing::ManualClock,
    verifier::{KeySet, Keys, TokenError, Verifier, VerifyingKey},
};
use fixture::{AUDIENCE, Fixture, ISSUER, NOW, encode, header, header_of, hs256, message, secret, signed};
use jsonwebtoken::{Algorithm, DecodingKey};

/// So many different tokens. A case that is lost by mistake shows here.
const SIZE: usize = 1_108;

/// A token and what is wrong with it.
#[derive(Clone)]
struct Case {
    what: String,
    token: String,
}

impl Case {
    fn new(what: impl Into<String>, token: String) -> Self {
        Self { what: what.into(), token }
    }
}

fn corpus(fixture: &Fixture) -> Vec<Case> {
    [headers::cases(), claims::cases(), signatures::cases(fixture), forms::cases()].concat()
}

#[test]
fn nothing_of_the_corpus_is_believed() {
    let fixture = Fixture::new();
    let corpus = corpus(&fixture);
    let believed: Vec<_> =
        corpus.iter().filter(|case| fixture.verify(&case.token).is_ok()).map(|case| &case.what).collect();
    assert!(believed.is_empty(), "{believed:#?}");
    // A refusal leaves no trace that would let the second attempt pass.
    assert!(corpus.iter().all(|case| fixture.verify(&case.token).is_err()));
    let different: HashSet<_> = corpus.iter().map(|case| &case.token).collect();
    assert_eq!(different.len(), SIZE);
}

#[test]
fn nothing_of_the_corpus_is_believed_when_it_is_encrypted() {
    let key = JweKey::parse(&encode([2; 32]).into()).unwrap();
    let fixture = Fixture::reading(Encryption::Accept(JweKeys::only(key.clone())));
    let good = signed(header().to_string(), fixture::claims().to_string());
    assert!(fixture.verify(&key.encrypt(&good, &SystemRng).unwrap()).is_ok());
    for case in corpus(&fixture) {
        assert!(fixture.verify(&case.token).is_err(), "{}", case.what);
        assert!(fixture.verify(&key.encrypt(&case.token, &SystemRng).unwrap()).is_err(), "{}, encrypted", case.what);
    }
}

#[test]
fn what_the_corpus_is_made_of_is_believed() {
    let fixture = Fixture::new();
    let claims = fixture::claims().to_string();
    assert!(fixture.verify(&signed(header().to_string(), &claims)).is_ok());
    let kid = secret().kid();
    for (algorithm, kid) in [("HS256", kid.as_str()), ("EdDSA", "ed"), ("ES256", "ec"), ("RS256", "rsa")] {
        let message = message(header_of(algorithm, kid).to_string(), &claims);
        let signature = match algorithm {
            "HS256" => hs256(secret().as_bytes(), &message),
            "EdDSA" => fixture.sign_ed(&message),
            "ES256" => fixture.sign_ec(&message),
            _ => fixture.sign_rsa(&message),
        };
        assert!(fixture.verify(&format!("{message}.{}", encode(signature))).is_ok(), "{algorithm}");
    }
}

/// Made once with OpenSSL, because aws-lc-rs makes no such keys: the modulus, and a token that its key has signed.
const WEAK_MODULUS: &str = "zDoI86TPmAfzjetFAocrfFYi0pISQNVGfIbIDtR8_IsuC0BOYGDqeKeT6VRqVsNz34ALM14AflXDfSFqLfKbCaPnfYrDxzSSc1j7hBgw1su1KL2Mb3M3CrY3ro7dhsq-GmoJqUXZfN2sKPFYI96-K9KzkU24g5nH30BZQrzZTss";
const WEAK_TOKEN: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IndlYWsifQ.eyJpc3MiOiJodHRwOi8vbG9jYWxob3N0OjgwODAiLCJhdWQiOlsibm90ZXMiXSwic3ViIjoiMDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDA3IiwiY2xpZW50X2lkIjoiZmlyc3QtcGFydHkiLCJleHAiOjE4MDAwMDA5MDAsImlhdCI6MTgwMDAwMDAwMCwianRpIjoidGVzdCIsInNpZCI6IjAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwMCIsInNjb3BlIjoiIiwicm9sZXMiOltdLCJhdXRoX3RpbWUiOjE4MDAwMDAwMDB9.YkDB5ska5HYgAAmwU83vecVxMUaB9mSzNT7hiGNrPgmeyblVC-R9qOfTs7bMe8FVnOYuQ0XcgvA7IWLrR8S-RAzeteQBw0lLDdSmjMCjvOPNq7xj2S_G6GzqtcfmS7cPhfVPGSiCoKraKH11EBcf4PAUT9jC8w4vVGMQuxXZGko";

#[test]
fn an_rsa_key_of_1024_bits_verifies_nothing() {
    let weak = DecodingKey::from_rsa_components(WEAK_MODULUS, "AQAB").unwrap();
    let set = KeySet::new([VerifyingKey { kid: "weak".to_owned(), algorithm: Algorithm::RS256, decoding: weak }]);
    let verifier = Verifier::with_keys(ISSUER, AUDIENCE, Keys::fixed(set.unwrap()), Arc::new(ManualClock::at(NOW)));
    assert_eq!(verifier.verify(WEAK_TOKEN).map(drop), Err(TokenError::BadSignature));
}

#[test]
fn a_key_of_one_algorithm_is_not_used_with_another() {
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let decoding = DecodingKey::from_ec_der(ec.public_key().as_ref());
    for algorithm in [Algorithm::HS256, Algorithm::RS256, Algorithm::EdDSA, Algorithm::ES384, Algorithm::HS512] {
        let key = VerifyingKey { kid: "k".to_owned(), algorithm, decoding: decoding.clone() };
        let keys = Keys::fixed(KeySet::new([key]).unwrap());
        let verifier = Verifier::with_keys(ISSUER, AUDIENCE, keys, Arc::new(ManualClock::at(NOW)));
        let message = message(header_of(&format!("{algorithm:?}"), "k").to_string(), fixture::claims().to_string());
        let public = ec.public_key().as_ref();
        let spki = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der>::as_der(ec.public_key()).unwrap();
        for signature in [hs256(public, &message), hs256(spki.as_ref(), &message)] {
            assert!(verifier.verify(&format!("{message}.{}", encode(signature))).is_err(), "{algorithm:?}");
        }
    }
}
