//! A header that has been read once is judged each time it comes.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{
    claims::AccessClaims,
    clock::Timestamp,
    secret::SigningSecret,
    testing::{ManualClock, TestToken},
    verifier::{Expected, JwsVerifier, KeySet, Keys, TokenError, TokenType, VerifyingKey},
};
use uuid::Uuid;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn secret(letter: &str) -> SigningSecret {
    SigningSecret::new(letter.repeat(32).into()).unwrap()
}

fn keys(letters: &[&str]) -> KeySet {
    KeySet::new(letters.iter().map(|letter| VerifyingKey::of_secret(&secret(letter)))).unwrap()
}

fn signed(letter: &str, header: &str) -> String {
    let claims = TestToken::new(&secret(letter), "issuer", "notes", Uuid::from_u128(7), NOW).claims;
    let claims = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims).unwrap());
    let message = format!("{}.{claims}", URL_SAFE_NO_PAD.encode(header));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret(letter).as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, message.as_bytes())))
}

fn header(letter: &str) -> String {
    format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"{}"}}"#, secret(letter).kid())
}

fn verifier(token_type: TokenType, keys: &Keys) -> JwsVerifier {
    let expected = Expected { token_type, issuer: "issuer".to_owned(), audiences: vec!["notes".to_owned()] };
    JwsVerifier::new(&expected, keys.clone(), Arc::new(ManualClock::at(NOW)))
}

fn answer(verifier: &JwsVerifier, token: &str) -> Result<(), TokenError> {
    verifier.verify::<AccessClaims>(token).map(drop)
}

#[test]
fn a_known_header_is_still_of_the_wrong_type_for_others() {
    let keys = Keys::fixed(keys(&["a"]));
    let [access, refresh] = ["at+jwt", "rt+jwt"].map(|name| verifier(TokenType::Is(name), &keys));
    let token = signed("a", &header("a"));
    for _ in 0..2 {
        assert_eq!(answer(&access, &token), Ok(()));
        assert_eq!(answer(&refresh, &token), Err(TokenError::WrongType));
    }
}

#[test]
fn a_known_header_vouches_for_no_signature() {
    let verifier = verifier(TokenType::Is("at+jwt"), &Keys::fixed(keys(&["a", "b"])));
    let (token, by_b) = (signed("a", &header("a")), signed("b", &header("a")));
    assert_eq!(answer(&verifier, &by_b), Err(TokenError::BadSignature));
    assert_eq!(answer(&verifier, &token), Ok(()));
    assert_eq!(answer(&verifier, &by_b), Err(TokenError::BadSignature));
    assert_eq!(answer(&verifier, &signed("b", &header("b"))), Ok(()));
}

#[test]
fn another_header_of_the_same_key_is_read() {
    let verifier = verifier(TokenType::Is("at+jwt"), &Keys::fixed(keys(&["a"])));
    let kid = secret("a").kid();
    for (other, expected) in [
        (header("a"), Ok(())),
        (format!(r#"{{"kid":"{kid}","typ":"at+jwt","alg":"HS256"}}"#), Ok(())),
        (format!("{} ", header("a")), Ok(())),
        (format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"{kid}","kid":"{kid}"}}"#), Err(TokenError::Malformed)),
        (format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"{kid}","k\u0069d":"{kid}"}}"#), Err(TokenError::Malformed)),
        (format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"{kid}","x5t":1}}"#), Err(TokenError::Malformed)),
        (format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"{kid}","crit":[]}}"#), Err(TokenError::WrongType)),
        (format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{kid}"}}"#), Err(TokenError::WrongAlgorithm)),
    ] {
        assert_eq!(answer(&verifier, &signed("a", &other)), expected, "{other}");
    }
}

#[test]
fn a_known_header_without_a_name_needs_the_only_key() {
    let keys = Keys::fixed(keys(&["a"]));
    let verifier = verifier(TokenType::OneOfOrNone(&["JWT"]), &keys);
    let token = signed("a", r#"{"alg":"HS256"}"#);
    assert_eq!(answer(&verifier, &token), Ok(()));
    keys.replace(self::keys(&["a", "b"]));
    assert_eq!(answer(&verifier, &token), Err(TokenError::UnknownKey));
}

#[test]
fn a_known_header_leaves_with_its_key() {
    let keys = Keys::fixed(keys(&["a"]));
    let verifier = verifier(TokenType::Is("at+jwt"), &keys);
    let token = signed("a", &header("a"));
    assert_eq!(answer(&verifier, &token), Ok(()));
    keys.replace(self::keys(&["b"]));
    assert_eq!(answer(&verifier, &token), Err(TokenError::UnknownKey));
}
