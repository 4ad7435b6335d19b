//! Keys that must verify nothing.

use std::sync::Arc;

use aws_lc_rs::{
    encoding::AsDer,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use common::{
    testing::ManualClock,
    verifier::{KeySet, Keys, TokenError, Verifier, VerifyingKey},
};
use jsonwebtoken::{Algorithm, DecodingKey};

use crate::fixture::{AUDIENCE, ISSUER, NOW, claims, encode, header_of, hs256, message};

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
        let message = message(header_of(&format!("{algorithm:?}"), "k").to_string(), claims().to_string());
        let public = ec.public_key().as_ref();
        let spki = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der>::as_der(ec.public_key()).unwrap();
        for signature in [hs256(public, &message), hs256(spki.as_ref(), &message)] {
            assert!(verifier.verify(&format!("{message}.{}", encode(signature))).is_err(), "{algorithm:?}");
        }
    }
}
