//! Encrypted access tokens: what is read under which setting, and every refusal of the outer layer.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

use std::{sync::Arc, time::Duration};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{
    clock::Timestamp,
    jwe::{Encryption, JweKey, JweKeys},
    rng::SystemRng,
    secret::{SecretSet, SigningSecret},
    testing::{ManualClock, TestToken},
    verifier::{MAX_TOKEN_BYTES, TokenError, Verifier},
};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn secret() -> SigningSecret {
    SigningSecret::new("a".repeat(32).into()).unwrap()
}

fn key(byte: u8) -> JweKey {
    JweKey::parse(&URL_SAFE_NO_PAD.encode([byte; 32]).into()).unwrap()
}

fn signed() -> String {
    TestToken::new(&secret(), "issuer", "notes", Uuid::from_u128(7), NOW).sign()
}

fn encrypted(byte: u8) -> String {
    key(byte).encrypt(&signed(), &SystemRng).unwrap()
}

fn answer(encryption: Encryption, token: &str) -> Result<(), TokenError> {
    Verifier::new("issuer", "notes", &SecretSet::only(secret()), Arc::new(ManualClock::at(NOW)))
        .with_encryption(encryption)
        .verify(token)
        .map(drop)
}

fn accept() -> Encryption {
    Encryption::Accept(JweKeys::only(key(1)))
}

/// Encrypted correctly with the first key, whatever the header is.
fn sealed(header: &str, text: &[u8]) -> String {
    let header = URL_SAFE_NO_PAD.encode(header);
    let mut text = text.to_vec();
    let tag = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[1; 32]).unwrap())
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key([9; 12]), Aad::from(header.as_bytes()), &mut text)
        .unwrap();
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    format!("{header}..{}.{}.{}", encode(&[9; 12]), encode(&text), encode(tag.as_ref()))
}

fn good_header() -> Value {
    json!({"alg": "dir", "enc": "A256GCM", "cty": "JWT", "kid": key(1).kid()})
}

#[test]
fn each_setting_reads_what_it_says() {
    let require = || Encryption::Require(JweKeys::only(key(1)));
    assert_eq!(answer(Encryption::Off, &signed()), Ok(()));
    assert_eq!(answer(Encryption::Off, &encrypted(1)), Err(TokenError::Malformed));
    assert_eq!(answer(accept(), &signed()), Ok(()));
    assert_eq!(answer(accept(), &encrypted(1)), Ok(()));
    assert_eq!(answer(require(), &signed()), Err(TokenError::NotEncrypted));
    assert_eq!(answer(require(), &encrypted(1)), Ok(()));
    assert_eq!(answer(require().lenient(), &signed()), Ok(()));
    assert_eq!(answer(accept(), &sealed(&good_header().to_string(), signed().as_bytes())), Ok(()));
}

#[test]
fn the_next_and_the_previous_key_decrypt_and_no_other() {
    let keys = JweKeys { current: key(1), next: Some(key(2)), previous: Some(key(3)) };
    for byte in 1..=3 {
        assert_eq!(answer(Encryption::Require(keys.clone()), &encrypted(byte)), Ok(()), "{byte}");
    }
    assert_eq!(answer(Encryption::Require(keys), &encrypted(4)), Err(TokenError::UnknownKey));
}

#[test]
fn the_second_time_an_encrypted_token_comes_from_memory_until_it_expires() {
    let clock = Arc::new(ManualClock::at(NOW));
    let verifier = Verifier::new("issuer", "notes", &SecretSet::only(secret()), Arc::clone(&clock) as _);
    let verifier = verifier.with_encryption(accept());
    let token = encrypted(1);
    let (first, second) = (verifier.verify(&token).unwrap(), verifier.verify(&token).unwrap());
    assert!(Arc::ptr_eq(&first, &second));
    clock.advance(Duration::from_secs(905));
    assert_eq!(verifier.verify(&token).map(drop), Err(TokenError::Expired));
}

#[test]
fn no_token_is_encrypted_twice_alike() {
    assert_ne!(encrypted(1), encrypted(1));
}

#[test]
fn what_is_inside_is_verified_as_ever() {
    let sealed = |text: &[u8]| answer(accept(), &sealed(&good_header().to_string(), text));
    let forged = signed().replace('.', ".e30.").replacen(".e30.", ".", 1);
    assert!(sealed(forged.as_bytes()).is_err());
    assert_eq!(sealed(b"{}"), Err(TokenError::Malformed));
    assert_eq!(sealed(b""), Err(TokenError::Malformed));
    assert_eq!(sealed(&[0xff, 0xfe]), Err(TokenError::Malformed));
    assert_eq!(sealed(encrypted(1).as_bytes()), Err(TokenError::Malformed), "encrypted twice");
    let by_another = SigningSecret::new("b".repeat(32).into()).unwrap();
    let by_another = TestToken::new(&by_another, "issuer", "notes", Uuid::nil(), NOW).sign();
    assert_eq!(sealed(by_another.as_bytes()), Err(TokenError::UnknownKey));
    let unsigned = format!("{}.", signed().rsplit_once('.').unwrap().0);
    assert_eq!(sealed(unsigned.as_bytes()), Err(TokenError::Malformed));
}

#[test]
fn the_outer_header_must_say_how_and_with_what() {
    let cases = [
        ("alg", json!("A256GCMKW"), TokenError::WrongAlgorithm),
        ("alg", json!("A256KW"), TokenError::WrongAlgorithm),
        ("alg", json!("RSA-OAEP"), TokenError::WrongAlgorithm),
        ("alg", json!("RSA1_5"), TokenError::WrongAlgorithm),
        ("alg", json!("ECDH-ES"), TokenError::WrongAlgorithm),
        ("alg", json!("PBES2-HS256+A128KW"), TokenError::WrongAlgorithm),
        ("alg", json!("none"), TokenError::WrongAlgorithm),
        ("alg", json!("HS256"), TokenError::WrongAlgorithm),
        ("alg", json!("DIR"), TokenError::WrongAlgorithm),
        ("alg", json!(["dir"]), TokenError::Malformed),
        ("alg", Value::Null, TokenError::Malformed),
        ("enc", json!("A128GCM"), TokenError::WrongAlgorithm),
        ("enc", json!("A192GCM"), TokenError::WrongAlgorithm),
        ("enc", json!("A256CBC-HS512"), TokenError::WrongAlgorithm),
        ("enc", json!("none"), TokenError::WrongAlgorithm),
        ("enc", json!(""), TokenError::WrongAlgorithm),
        ("enc", Value::Null, TokenError::Malformed),
        ("cty", json!("jwt"), TokenError::WrongType),
        ("cty", json!("text/plain"), TokenError::WrongType),
        ("cty", json!("at+jwt"), TokenError::WrongType),
        ("cty", Value::Null, TokenError::WrongType),
        ("kid", json!(key(2).kid()), TokenError::UnknownKey),
        ("kid", json!("../../dev/null"), TokenError::UnknownKey),
        ("kid", json!(""), TokenError::UnknownKey),
        ("kid", Value::Null, TokenError::UnknownKey),
        ("kid", json!(1), TokenError::Malformed),
        ("zip", json!("DEF"), TokenError::WrongType),
        ("zip", Value::Null, TokenError::WrongType),
        ("crit", json!(["exp"]), TokenError::WrongType),
        ("crit", json!([]), TokenError::WrongType),
        ("b64", json!(false), TokenError::WrongType),
        ("jku", json!("https://evil.example/jwks"), TokenError::WrongType),
        ("jwk", json!({"kty": "oct", "k": "AQEB"}), TokenError::WrongType),
        ("x5u", json!("https://evil.example/x5u"), TokenError::WrongType),
        ("x5c", json!(["MIIB"]), TokenError::WrongType),
    ];
    for (name, value, error) in cases {
        let mut header = good_header();
        header[name] = value;
        assert_eq!(answer(accept(), &sealed(&header.to_string(), signed().as_bytes())), Err(error), "{header}");
    }
    for name in ["alg", "enc", "cty", "kid"] {
        let mut header = good_header();
        header.as_object_mut().unwrap().remove(name);
        assert!(answer(accept(), &sealed(&header.to_string(), signed().as_bytes())).is_err(), "without {name}");
    }
    let repeated = good_header().to_string().replacen('{', r#"{"enc":"A128GCM","#, 1);
    assert_eq!(answer(accept(), &sealed(&repeated, signed().as_bytes())), Err(TokenError::Malformed));
}

#[test]
fn the_parts_must_have_their_lengths() {
    let good = encrypted(1);
    let parts: Vec<_> = good.split('.').collect();
    let [header, _, nonce, text, tag] = parts[..] else { panic!("five parts") };
    let zeros = |length: usize| URL_SAFE_NO_PAD.encode(vec![0; length]);
    let cases = [
        (format!("{header}.AAAA.{nonce}.{text}.{tag}"), "an encrypted key"),
        (format!("{header}...{text}.{tag}"), "no nonce"),
        (format!("{header}..{}.{text}.{tag}", zeros(11)), "a short nonce"),
        (format!("{header}..{}.{text}.{tag}", zeros(16)), "a long nonce"),
        (format!("{header}..{nonce}.{text}."), "no tag"),
        (format!("{header}..{nonce}.{text}.{}", zeros(12)), "a short tag"),
        (format!("{header}..{nonce}.{text}.{}", zeros(15)), "a tag of 15 bytes"),
        (format!("{header}..{nonce}.{text}.{}", zeros(17)), "a long tag"),
        (format!("{header}..{nonce}.{text}.{tag}="), "padding"),
        (format!("{header}..{nonce}.{text}.{tag}."), "six parts"),
        (format!("{header}.{nonce}.{text}.{tag}"), "four parts"),
        (format!("..{nonce}.{text}.{tag}"), "no header"),
        (format!("{good}{}", "A".repeat(MAX_TOKEN_BYTES)), "too long"),
        (format!(" {good}"), "a space before"),
        (format!("{good}\n"), "a newline after"),
    ];
    for (token, what) in cases {
        assert!(matches!(answer(accept(), &token), Err(TokenError::Malformed | TokenError::TooLong)), "{what}");
    }
    for wrong in [
        format!("{header}..{}.{text}.{tag}", zeros(12)),
        format!("{header}..{nonce}.{text}.{}", zeros(16)),
        format!("{header}..{nonce}..{tag}"),
    ] {
        assert_eq!(answer(accept(), &wrong), Err(TokenError::Undecryptable));
    }
}

#[test]
fn a_signed_token_does_not_pass_for_an_encrypted_one_nor_the_other_way_round() {
    let (header, rest) = {
        let signed = signed();
        let (header, rest) = signed.split_once('.').unwrap();
        (header.to_owned(), rest.to_owned())
    };
    assert!(answer(accept(), &format!("{header}..{rest}.AAAA")).is_err(), "the header of a JWS over five parts");
    let jwe = encrypted(1);
    let parts: Vec<_> = jwe.split('.').collect();
    assert!(answer(accept(), &format!("{}.{}.{}", parts[0], parts[3], parts[4])).is_err(), "a JWE cut to three parts");
}

proptest! {
    #[test]
    fn one_changed_character_is_enough(position in 0_usize..2_000, character in "[A-Za-z0-9_.-]") {
        let good = encrypted(1);
        let position = position % good.len();
        prop_assume!(!good[position..].starts_with(&character));
        let changed = format!("{}{character}{}", &good[..position], &good[position + 1..]);
        prop_assert!(answer(accept(), &changed).is_err());
    }

    #[test]
    fn any_five_parts_are_answered_without_a_panic(parts in prop::array::uniform5(any::<Vec<u8>>())) {
        let token = parts.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        prop_assert!(answer(accept(), &token).is_err());
    }

    #[test]
    fn anything_well_sealed_is_answered_without_a_panic(text in any::<Vec<u8>>()) {
        prop_assert!(answer(accept(), &sealed(&good_header().to_string(), &text)).is_err());
    }
}
