//! What `jsonwebtoken` alone would believe, reading claims as any JSON. Whatever it refuses, the verifier must refuse.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::verifier::LEEWAY;
use jsonwebtoken::{Validation, decode, decode_header};
use serde_json::{Value, json};

use crate::fixture::{AUDIENCE, Fixture, ISSUER, NOW};

/// The claims of a signed token. The clock is the fixture's, which the crate cannot be told.
pub fn claims(fixture: &Fixture, token: &str) -> Option<Value> {
    let key = fixture.key(&decode_header(token).ok()?.kid?)?;
    let mut validation = Validation::new(key.algorithm);
    validation.validate_exp = false;
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
    let claims = decode::<Value>(token, &key.decoding, &validation).ok()?.claims;
    let leeway = i64::try_from(LEEWAY.as_secs()).unwrap();
    (claims["exp"].as_i64()? > NOW.seconds() - leeway).then_some(claims)
}

/// The text in an encrypted token whose header says exactly what it should.
pub fn decrypted(key: [u8; 32], kid: &str, token: &str) -> Option<String> {
    let [header, "", nonce, text, tag] = token.split('.').collect::<Vec<_>>()[..] else { return None };
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
    let said: Value = serde_json::from_slice(&decode(header)?).ok()?;
    let expected = json!({"alg": "dir", "enc": "A256GCM", "cty": "JWT", "kid": kid});
    let members = expected.as_object().unwrap().iter();
    if members.into_iter().any(|(name, value)| said.get(name) != Some(value)) {
        return None;
    }
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).unwrap());
    let nonce = Nonce::try_assume_unique_for_key(&decode(nonce)?).ok()?;
    let mut sealed = [decode(text)?, decode(tag)?].concat();
    let opened = key.open_in_place(nonce, Aad::from(header.as_bytes()), &mut sealed).ok()?;
    String::from_utf8(opened.to_vec()).ok()
}
