//! A verifier that knows one key of each algorithm, and the means to sign anything with them.

use std::sync::Arc;

use aws_lc_rs::{
    encoding::AsDer,
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{
    claims::AccessClaims,
    clock::Timestamp,
    jwe::Encryption,
    secret::SigningSecret,
    testing::{ManualClock, TestToken},
    verifier::{KeySet, Keys, TokenError, Verifier, VerifyingKey},
};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Value, json};
use uuid::Uuid;

pub const ISSUER: &str = "http://localhost:8080";
pub const AUDIENCE: &str = "notes";
pub const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn secret() -> SigningSecret {
    SigningSecret::new("a".repeat(32).into()).unwrap()
}

/// HMAC-SHA256 under any key.
pub fn hs256(key: &[u8], message: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message.as_bytes()).as_ref().to_vec()
}

/// The verifier's keys: one an algorithm.
pub fn key_names() -> [(Algorithm, String); 4] {
    [
        (Algorithm::HS256, secret().kid()),
        (Algorithm::EdDSA, "ed".to_owned()),
        (Algorithm::ES256, "ec".to_owned()),
        (Algorithm::RS256, "rsa".to_owned()),
    ]
}

pub struct Fixture {
    pub verifier: Verifier,
    keys: [VerifyingKey; 4],
    pub ed: Ed25519KeyPair,
    pub ec: EcdsaKeyPair,
    pub rsa: RsaKeyPair,
}

impl Fixture {
    pub fn new() -> Self {
        Self::reading(Encryption::Off)
    }

    pub fn reading(encryption: Encryption) -> Self {
        let ed = Ed25519KeyPair::generate().unwrap();
        let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let keys = key_names().map(|(algorithm, kid)| {
            let decoding = match algorithm {
                Algorithm::EdDSA => DecodingKey::from_ed_der(ed.public_key().as_ref()),
                Algorithm::ES256 => DecodingKey::from_ec_der(ec.public_key().as_ref()),
                Algorithm::RS256 => rsa_decoding(&rsa),
                _ => DecodingKey::from_secret(secret().as_bytes()),
            };
            VerifyingKey { kid, algorithm, decoding }
        });
        let set = KeySet::new(keys.clone());
        let clock = Arc::new(ManualClock::at(NOW));
        let verifier =
            Verifier::with_keys(ISSUER, AUDIENCE, Keys::fixed(set.unwrap()), clock).with_encryption(encryption);
        Self { verifier, keys, ed, ec, rsa }
    }

    pub fn verify(&self, token: &str) -> Result<Arc<AccessClaims>, TokenError> {
        self.verifier.verify(token)
    }

    /// The key of this name.
    pub fn key(&self, kid: &str) -> Option<&VerifyingKey> {
        self.keys.iter().find(|key| key.kid == kid)
    }

    /// A signature by the key of `algorithm`.
    pub fn sign(&self, algorithm: Algorithm, message: &str) -> Vec<u8> {
        match algorithm {
            Algorithm::HS256 => hs256(secret().as_bytes(), message),
            Algorithm::EdDSA => self.sign_ed(message),
            Algorithm::ES256 => self.sign_ec(message),
            Algorithm::RS256 => self.sign_rsa(message),
            other => panic!("no key of {other:?}"),
        }
    }

    pub fn sign_ed(&self, message: &str) -> Vec<u8> {
        self.ed.sign(message.as_bytes()).as_ref().to_vec()
    }

    pub fn sign_ec(&self, message: &str) -> Vec<u8> {
        self.ec.sign(&SystemRandom::new(), message.as_bytes()).unwrap().as_ref().to_vec()
    }

    pub fn sign_rsa(&self, message: &str) -> Vec<u8> {
        let mut signature = vec![0; self.rsa.public_modulus_len()];
        self.rsa.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
        signature
    }

    /// The public key of RS256 in every form in which somebody could have it.
    pub fn rsa_public_forms(&self) -> Vec<(&'static str, Vec<u8>)> {
        let public = self.rsa.public_key();
        let pkcs1 = public.as_ref().to_vec();
        let spki = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der>::as_der(public).unwrap().as_ref().to_vec();
        let (n, e) =
            (public.modulus().big_endian_without_leading_zero(), public.exponent().big_endian_without_leading_zero());
        let pem = |label: &str, der: &[u8], ending: &str| {
            let text = base64::engine::general_purpose::STANDARD.encode(der);
            let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
            format!("-----BEGIN {label}-----\n{}\n-----END {label}-----{ending}", lines.join("\n")).into_bytes()
        };
        let jwk = json!({"kty": "RSA", "n": encode(n), "e": encode(e)});
        vec![
            ("pkcs1 pem", pem("RSA PUBLIC KEY", &pkcs1, "\n")),
            ("pkcs1 pem without the last newline", pem("RSA PUBLIC KEY", &pkcs1, "")),
            ("spki pem", pem("PUBLIC KEY", &spki, "\n")),
            ("spki pem without the last newline", pem("PUBLIC KEY", &spki, "")),
            (
                "spki pem with CRLF",
                String::from_utf8(pem("PUBLIC KEY", &spki, "\n")).unwrap().replace('\n', "\r\n").into(),
            ),
            ("base64 of spki", base64::engine::general_purpose::STANDARD.encode(&spki).into_bytes()),
            ("jwk", jwk.to_string().into_bytes()),
            ("modulus in base64url", encode(n).into_bytes()),
            ("modulus", n.to_vec()),
            ("exponent", e.to_vec()),
            ("pkcs1 der", pkcs1),
            ("spki der", spki),
        ]
    }
}

fn rsa_decoding(pair: &RsaKeyPair) -> DecodingKey {
    let public = pair.public_key();
    DecodingKey::from_rsa_raw_components(
        public.modulus().big_endian_without_leading_zero(),
        public.exponent().big_endian_without_leading_zero(),
    )
}

/// Header and claims, ready to be signed.
pub fn message(header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
    format!("{}.{}", encode(header), encode(claims))
}

/// The same with a correct signature under the shared secret.
pub fn signed(header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
    let message = message(header, claims);
    format!("{message}.{}", encode(hs256(secret().as_bytes(), &message)))
}

pub fn header() -> Value {
    header_of("HS256", &secret().kid())
}

pub fn header_of(algorithm: &str, kid: &str) -> Value {
    json!({"alg": algorithm, "typ": "at+jwt", "kid": kid})
}

pub fn claims() -> Value {
    serde_json::to_value(TestToken::new(&secret(), ISSUER, AUDIENCE, Uuid::from_u128(7), NOW).claims).unwrap()
}

pub fn with(mut object: Value, name: &str, value: Value) -> String {
    object[name] = value;
    object.to_string()
}

pub fn without(mut object: Value, name: &str) -> String {
    object.as_object_mut().unwrap().remove(name);
    object.to_string()
}

/// Under each name that a careless reader would take for `name`.
pub fn renamed(object: &Value, name: &str) -> Vec<String> {
    let others = [
        name.to_uppercase(),
        format!("{}{}", name[..1].to_uppercase(), &name[1..]),
        format!("{name} "),
        format!(" {name}"),
        format!("{name}\u{0}"),
        format!("{name}\u{200b}"),
        format!("\u{feff}{name}"),
        name.chars().rev().collect(),
    ];
    let rename = |other: String| {
        let mut object = object.clone();
        let members = object.as_object_mut().unwrap();
        let value = members.remove(name).unwrap();
        members.insert(other, value);
        object.to_string()
    };
    others.map(rename).into()
}
