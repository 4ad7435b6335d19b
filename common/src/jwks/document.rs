//! What a JWKS document says (RFC 7517), read with suspicion: it decides whose tokens are believed.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::{
    jwk::{Ed25519Curve, KeyNumbers, P256Curve},
    verifier::VerifyingKey,
};

/// More keys than this are refused.
pub const MAX_KEYS: usize = 32;

/// The longest `kid` that is accepted, in bytes.
const MAX_KID_BYTES: usize = 128;

/// NIST SP 800-131A asks for this much.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// Why a document is not believed. None of it is used then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// It is not a JSON object with a list `keys`.
    #[error("it is no JWK set")]
    Malformed,
    /// It has more than [`MAX_KEYS`].
    #[error("it has more than {MAX_KEYS} keys")]
    TooManyKeys,
    /// Two keys have one name.
    #[error("two of its keys have the same kid")]
    RepeatedKid,
    /// A private or a symmetric key is in it: whoever reads it can sign.
    #[error("a secret is published in it")]
    Secret,
    /// An RSA key has fewer than 2048 bits or an exponent that nobody uses, or an elliptic-curve key is not a point of
    /// its size.
    #[error("one of its keys is weak")]
    Weak,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Member>,
}

#[derive(Deserialize)]
struct Member {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    r#use: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    // Members of private and symmetric keys (RFC 7518, sections 6.2.2, 6.3.2, 6.4.1).
    d: Option<IgnoredAny>,
    p: Option<IgnoredAny>,
    q: Option<IgnoredAny>,
    dp: Option<IgnoredAny>,
    dq: Option<IgnoredAny>,
    qi: Option<IgnoredAny>,
    oth: Option<IgnoredAny>,
    k: Option<IgnoredAny>,
}

impl Member {
    fn is_secret(&self) -> bool {
        let private = [&self.d, &self.p, &self.q, &self.dp, &self.dq, &self.qi, &self.oth, &self.k];
        self.kty == "oct" || private.iter().any(|it| it.is_some())
    }

    /// Whether it is made to verify signatures.
    fn verifies(&self) -> bool {
        let for_signatures = self.r#use.as_deref() == Some("sig");
        let verifies = self.key_ops.as_ref().is_none_or(|ops| ops.iter().all(|op| op == "verify"));
        for_signatures && verifies
    }
}

/// The keys of `document` whose algorithm is among `algorithms`. Keys of other kinds or for other purposes are passed
/// over, as RFC 7517, section 5, asks; what could only be a mistake or an attack refuses the whole document.
pub fn read(document: &[u8], algorithms: &[Algorithm]) -> Result<Vec<VerifyingKey>, DocumentError> {
    let Document { keys } = serde_json::from_slice(document).map_err(|_| DocumentError::Malformed)?;
    if keys.len() > MAX_KEYS {
        return Err(DocumentError::TooManyKeys);
    }
    if keys.iter().any(Member::is_secret) {
        return Err(DocumentError::Secret);
    }
    let mut read: Vec<VerifyingKey> = Vec::with_capacity(keys.len());
    for member in keys {
        let Some(kid) = member.kid.clone().filter(|kid| (1..=MAX_KID_BYTES).contains(&kid.len())) else { continue };
        // A name that is given twice is wrong, whatever the two keys are for.
        if read.iter().any(|key| key.kid == kid) {
            return Err(DocumentError::RepeatedKid);
        }
        if !member.verifies() {
            continue;
        }
        let Some(numbers) = numbers(&member)? else { continue };
        let algorithm = numbers.algorithm();
        if algorithms.contains(&algorithm) {
            let decoding = numbers.decoding_key().ok_or(DocumentError::Weak)?;
            read.push(VerifyingKey { kid, algorithm, decoding });
        }
    }
    Ok(read)
}

/// The key's numbers, if `kty`, `crv` and `alg` belong together and are known.
fn numbers(member: &Member) -> Result<Option<KeyNumbers>, DocumentError> {
    let Member { kty, alg, crv, x, y, n, e, .. } = member;
    let numbers = match (kty.as_str(), alg.as_deref(), crv.as_deref()) {
        ("OKP", Some("EdDSA"), Some("Ed25519")) => {
            KeyNumbers::Ed25519 { crv: Ed25519Curve::Ed25519, x: sized(x.as_ref(), 32..=32)? }
        }
        ("EC", Some("ES256"), Some("P-256")) => {
            KeyNumbers::P256 { crv: P256Curve::P256, x: sized(x.as_ref(), 32..=32)?, y: sized(y.as_ref(), 32..=32)? }
        }
        ("RSA", Some("RS256"), None) => {
            let (n, e) = (sized(n.as_ref(), RSA_BYTES)?, sized(e.as_ref(), 3..=4)?);
            KeyNumbers::Rsa { n, e }
        }
        _ => return Ok(None),
    };
    Ok(Some(numbers))
}

/// A number in canonical base64url without leading zeros beyond its size.
fn sized(text: Option<&String>, bytes: std::ops::RangeInclusive<usize>) -> Result<String, DocumentError> {
    let text = text.ok_or(DocumentError::Weak)?;
    let number = URL_SAFE_NO_PAD.decode(text).map_err(|_| DocumentError::Weak)?;
    // A leading zero would make a short modulus look long.
    let padded = bytes.start() != bytes.end() && number.first() == Some(&0);
    if padded || !bytes.contains(&number.len()) { Err(DocumentError::Weak) } else { Ok(text.clone()) }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::{collection::vec, prelude::*, sample::select};
    use serde_json::{Value, json};

    use super::*;

    const ALL: [Algorithm; 3] = [Algorithm::EdDSA, Algorithm::ES256, Algorithm::RS256];

    fn base64(bytes: usize) -> String {
        URL_SAFE_NO_PAD.encode(vec![0xC5; bytes])
    }

    fn ed25519() -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "one", "x": base64(32)})
    }

    fn p256() -> Value {
        json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "two", "x": base64(32), "y": base64(32)})
    }

    fn rsa() -> Value {
        json!({"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "three", "n": base64(256), "e": "AQAB"})
    }

    fn with(mut key: Value, name: &str, value: Value) -> Value {
        key[name] = value;
        key
    }

    fn without(mut key: Value, name: &str) -> Value {
        key.as_object_mut().unwrap().remove(name);
        key
    }

    fn kids(keys: &[Value]) -> Result<Vec<String>, DocumentError> {
        let document = json!({ "keys": keys }).to_string();
        read(document.as_bytes(), &ALL).map(|keys| keys.into_iter().map(|key| key.kid).collect())
    }

    #[test]
    fn each_key_is_read_with_its_one_algorithm() {
        let document = json!({"keys": [ed25519(), p256(), rsa()], "more": 1}).to_string();
        let keys = read(document.as_bytes(), &ALL).unwrap();
        let algorithms: Vec<_> = keys.iter().map(|key| key.algorithm).collect();
        assert_eq!(algorithms, ALL);
        let only = read(document.as_bytes(), &[Algorithm::ES256]).unwrap();
        assert_eq!(only.len(), 1, "a key whose algorithm is not accepted is passed over");
    }

    #[test]
    fn keys_of_other_kinds_and_for_other_purposes_are_passed_over() {
        let foreign = [
            with(ed25519(), "kty", json!("AKP")),
            with(ed25519(), "crv", json!("Ed448")),
            with(p256(), "crv", json!("P-521")),
            with(ed25519(), "alg", json!("ES256")),
            with(rsa(), "alg", json!("RS512")),
            with(rsa(), "alg", json!("HS256")),
            with(ed25519(), "use", json!("enc")),
            with(ed25519(), "key_ops", json!(["sign"])),
            without(ed25519(), "use"),
            without(ed25519(), "alg"),
            without(ed25519(), "kid"),
            with(ed25519(), "kid", json!("")),
            with(ed25519(), "kid", json!("k".repeat(129))),
        ];
        for key in foreign {
            assert_eq!(kids(&[key.clone(), with(p256(), "kid", json!("good"))]), Ok(vec!["good".to_owned()]), "{key}");
        }
    }

    #[test]
    fn what_could_only_be_a_mistake_or_an_attack_refuses_the_whole_document() {
        let secret = json!({"kty": "oct", "kid": "s", "k": base64(32), "alg": "HS256", "use": "sig"});
        let cases = [
            (secret, DocumentError::Secret),
            (with(ed25519(), "d", json!(base64(32))), DocumentError::Secret),
            (with(rsa(), "p", json!("x")), DocumentError::Secret),
            (with(ed25519(), "kid", json!("good")), DocumentError::RepeatedKid),
            (with(rsa(), "n", json!(base64(128))), DocumentError::Weak),
            (with(rsa(), "n", json!(URL_SAFE_NO_PAD.encode([[0; 128], [7; 128]].concat()))), DocumentError::Weak),
            (with(rsa(), "n", json!(base64(2048))), DocumentError::Weak),
            (with(rsa(), "e", json!("Aw")), DocumentError::Weak),
            (with(ed25519(), "x", json!(base64(31))), DocumentError::Weak),
            (with(ed25519(), "x", json!("not base64!")), DocumentError::Weak),
            (without(p256(), "y"), DocumentError::Weak),
            (with(ed25519(), "kid", json!(7)), DocumentError::Malformed),
        ];
        for (key, refused) in cases {
            assert_eq!(kids(&[with(p256(), "kid", json!("good")), key.clone()]), Err(refused), "{key}");
        }
        let many: Vec<_> = (0..=MAX_KEYS).map(|number| with(ed25519(), "kid", json!(number.to_string()))).collect();
        assert_eq!(kids(&many), Err(DocumentError::TooManyKeys));
        for garbage in [&b""[..], b"<html>", b"[]", b"{}", b"{\"keys\":7}", b"{\"keys\":[]} x", b"\xFF\xFE"] {
            assert_eq!(read(garbage, &ALL).err(), Some(DocumentError::Malformed));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn whatever_a_document_says_its_keys_have_one_of_the_algorithms_and_names_of_their_own(
            members in vec((0..3_usize, select(MEMBERS.to_vec()), value()), 0..8),
        ) {
            let mut keys = [ed25519(), p256(), rsa()];
            for (key, name, value) in members {
                keys[key][name] = value;
            }
            if let Ok(kids) = kids(&keys) {
                let different: HashSet<_> = kids.iter().collect();
                prop_assert_eq!(different.len(), kids.len());
                prop_assert!(keys.iter().all(|key| key.get("d").is_none_or(Value::is_null)));
            }
        }

        #[test]
        fn any_bytes_are_answered(document in vec(any::<u8>(), 0..300)) {
            prop_assert!(read(&document, &ALL).is_err());
        }
    }

    const MEMBERS: [&str; 14] =
        ["kty", "kid", "alg", "use", "key_ops", "crv", "x", "y", "n", "e", "d", "k", "oth", "x5c"];

    fn value() -> impl Strategy<Value = Value> {
        let words =
            ["", "OKP", "EC", "RSA", "oct", "one", "two", "EdDSA", "ES256", "RS256", "HS256", "none", "P-256", "AQAB"];
        prop_oneof![
            4 => select(words.to_vec()).prop_map(Value::from),
            1 => (0..300_usize).prop_map(|bytes| json!(base64(bytes))),
            1 => Just(Value::Null),
            1 => any::<i64>().prop_map(Value::from),
            1 => Just(json!(["verify"])),
            1 => Just(json!({})),
        ]
    }
}
