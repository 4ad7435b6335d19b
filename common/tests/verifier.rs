//! What the verifier refuses, and that it accepts what it should.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{
    claims::{AccessClaims, UserClaims},
    clock::Timestamp,
    secret::{SecretSet, SigningSecret},
    testing::{ManualClock, TestToken, header, sign},
    verifier::{MAX_TOKEN_BYTES, TokenError, Verifier},
};
use jsonwebtoken::Algorithm;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

const ISSUER: &str = "http://localhost:8080";
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn secret(letter: &str) -> SigningSecret {
    SigningSecret::new(letter.repeat(32).into()).unwrap()
}

fn verifier() -> Verifier {
    Verifier::new(ISSUER, "notes", &SecretSet::only(secret("a")), Arc::new(ManualClock::at(NOW)))
}

fn token() -> TestToken {
    TestToken::new(&secret("a"), ISSUER, "notes", Uuid::from_u128(7), NOW)
}

fn verify(token: &str) -> Result<Arc<AccessClaims>, TokenError> {
    verifier().verify(token)
}

/// Signed correctly, whatever header and claims are.
fn signed(header: &str, claims: &str) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret("a").as_bytes());
    let signature = aws_lc_rs::hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn good_header() -> Value {
    json!({"alg": "HS256", "typ": "at+jwt", "kid": secret("a").kid()})
}

fn good_claims() -> Value {
    serde_json::to_value(token().claims).unwrap()
}

fn with(mut object: Value, name: &str, value: Value) -> String {
    object[name] = value;
    object.to_string()
}

fn without(mut object: Value, name: &str) -> String {
    object.as_object_mut().unwrap().remove(name);
    object.to_string()
}

#[test]
fn a_token_that_is_right_in_every_respect_is_believed() {
    let token = token();
    assert_eq!(verify(&token.sign()), Ok(Arc::new(AccessClaims::User(token.claims))));
    assert!(verify(&signed(&good_header().to_string(), &good_claims().to_string())).is_ok());
}

#[test]
fn the_next_and_the_previous_secret_are_accepted_and_no_other() {
    let set = SecretSet { current: secret("a"), next: Some(secret("b")), previous: Some(secret("c")) };
    let verifier = Verifier::new(ISSUER, "notes", &set, Arc::new(ManualClock::at(NOW)));
    let by = |letter: &str| TestToken::new(&secret(letter), ISSUER, "notes", Uuid::nil(), NOW).sign();
    for letter in ["a", "b", "c"] {
        assert!(verifier.verify(&by(letter)).is_ok(), "{letter}");
    }
    assert_eq!(verifier.verify(&by("d")), Err(TokenError::UnknownKey));
}

#[test]
fn the_header_must_name_type_algorithm_and_key() {
    let claims = good_claims().to_string();
    let cases = [
        (without(good_header(), "typ"), TokenError::WrongType),
        (with(good_header(), "typ", json!("JWT")), TokenError::WrongType),
        (with(good_header(), "typ", json!("rt+jwt")), TokenError::WrongType),
        (with(good_header(), "alg", json!("none")), TokenError::WrongAlgorithm),
        (with(good_header(), "alg", json!("HS384")), TokenError::WrongAlgorithm),
        (with(good_header(), "alg", json!("RS256")), TokenError::WrongAlgorithm),
        (without(good_header(), "alg"), TokenError::Malformed),
        (without(good_header(), "kid"), TokenError::UnknownKey),
        (with(good_header(), "kid", json!("../../dev/null")), TokenError::UnknownKey),
        (with(good_header(), "kid", json!("' OR 1=1 --")), TokenError::UnknownKey),
        (with(good_header(), "kid", json!(["a"])), TokenError::Malformed),
    ];
    for (header, error) in cases {
        assert_eq!(verify(&signed(&header, &claims)), Err(error), "{header}");
    }
}

#[test]
fn parameters_that_would_change_the_rules_are_refused() {
    for name in ["crit", "b64", "zip", "jku", "jwk", "x5u", "x5c"] {
        let header = with(good_header(), name, json!("anything"));
        assert_eq!(verify(&signed(&header, &good_claims().to_string())), Err(TokenError::WrongType), "{name}");
    }
}

#[test]
fn a_repeated_member_is_refused_at_any_depth() {
    let kid = secret("a").kid();
    let header = format!(r#"{{"alg":"none","alg":"HS256","typ":"at+jwt","kid":"{kid}"}}"#);
    assert_eq!(verify(&signed(&header, &good_claims().to_string())), Err(TokenError::Malformed));
    let claims = good_claims().to_string();
    let repeated = format!("{},\"sub\":\"{}\"}}", claims.strip_suffix('}').unwrap(), Uuid::nil());
    assert!(verify(&signed(&good_header().to_string(), &repeated)).is_err());
    let nested = format!("{},\"more\":[{{\"a\":1,\"a\":2}}]}}", claims.strip_suffix('}').unwrap());
    assert_eq!(verify(&signed(&good_header().to_string(), &nested)), Err(TokenError::Malformed));
}

#[test]
fn every_required_claim_is_required_in_its_shape() {
    let header = good_header().to_string();
    for name in ["iss", "aud", "sub", "client_id", "exp", "iat", "jti", "sid", "scope", "roles", "auth_time"] {
        assert!(verify(&signed(&header, &without(good_claims(), name))).is_err(), "without {name}");
        assert!(verify(&signed(&header, &with(good_claims(), name, json!({})))).is_err(), "{name} is an object");
    }
    for (name, value) in [
        ("exp", json!(1.9e9)),
        ("exp", json!("1900000000")),
        ("iat", json!(1.5)),
        ("aud", json!("notes")),
        ("sub", json!("ada")),
        ("scope", json!("a  b")),
    ] {
        assert!(verify(&signed(&header, &with(good_claims(), name, value.clone()))).is_err(), "{name}: {value}");
    }
}

#[test]
fn issuer_and_audience_must_be_the_expected_ones() {
    let changed = |change: fn(&mut UserClaims)| {
        let mut token = token();
        change(&mut token.claims);
        verify(&token.sign())
    };
    assert_eq!(changed(|claims| claims.iss = "http://elsewhere".to_owned()), Err(TokenError::WrongIssuer));
    assert_eq!(changed(|claims| claims.aud = vec!["other".to_owned()]), Err(TokenError::WrongAudience));
    assert_eq!(changed(|claims| claims.aud = Vec::new()), Err(TokenError::WrongAudience));
}

#[test]
fn times_hold_to_the_second_with_five_of_leeway() {
    let at = |exp: i64, iat: i64, nbf: Option<i64>| {
        let mut token = token();
        let now = NOW.seconds();
        (token.claims.exp, token.claims.iat, token.claims.nbf) = (now + exp, now + iat, nbf.map(|nbf| now + nbf));
        verify(&token.sign()).map(drop)
    };
    assert_eq!(at(-4, -900, None), Ok(()));
    assert_eq!(at(-5, -900, None), Err(TokenError::Expired));
    assert_eq!(at(900, 5, None), Ok(()));
    assert_eq!(at(900, 6, None), Err(TokenError::NotYetValid));
    assert_eq!(at(900, 0, Some(6)), Err(TokenError::NotYetValid));
    let negative = with(good_claims(), "exp", json!(-1));
    assert!(verify(&signed(&good_header().to_string(), &negative)).is_err());
}

#[test]
fn only_the_compact_form_is_read() {
    let good = token().sign();
    let (message, signature) = good.rsplit_once('.').unwrap();
    let long = format!("{good}{}", "A".repeat(MAX_TOKEN_BYTES));
    assert_eq!(verify(&long), Err(TokenError::TooLong));
    for bad in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        message.to_owned(),
        format!("{message}."),
        format!("{good}."),
        format!("{good}.a.b"),
        format!(" {good}"),
        format!("{good} "),
        format!("{good}\n"),
        format!("{good}="),
        format!("{message}.{}", &signature[..signature.len() - 1]),
        format!("{message}!.{signature}"),
    ] {
        assert!(verify(&bad).is_err(), "{bad:?}");
    }
}

#[test]
fn base64_with_stray_bits_is_refused() {
    let good = token().sign();
    // 32 bytes end in a character of which two bits mean nothing: they must be zero.
    let last = good.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let stray = alphabet.chars().nth(alphabet.find(last).unwrap() + 1).unwrap();
    let bad = format!("{}{stray}", &good[..good.len() - 1]);
    assert!(verify(&bad).is_err());
}

#[test]
fn another_key_under_the_right_name_is_a_bad_signature() {
    let by_another = sign(&header(&secret("a")), &token().claims, &secret("b"));
    assert_eq!(verify(&by_another), Err(TokenError::BadSignature));
    let mut hs512 = header(&secret("a"));
    hs512.alg = Algorithm::HS512;
    assert_eq!(verify(&sign(&hs512, &token().claims, &secret("a"))), Err(TokenError::WrongAlgorithm));
}

proptest! {
    #[test]
    fn any_text_is_answered_without_a_panic(text in "\\PC{0,200}") {
        prop_assert!(verify(&text).is_err());
    }

    #[test]
    fn any_three_parts_are_answered_without_a_panic(header in any::<Vec<u8>>(), claims in any::<Vec<u8>>()) {
        let token = format!("{}.{}.AA", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        prop_assert!(verify(&token).is_err());
    }

    #[test]
    fn one_changed_character_is_enough(position in 0_usize..500, character in "[A-Za-z0-9_-]") {
        let good = token().sign();
        let position = position % good.len();
        prop_assume!(!good[position..].starts_with(&character));
        let changed = format!("{}{character}{}", &good[..position], &good[position + 1..]);
        prop_assert!(verify(&changed).is_err());
    }
}
