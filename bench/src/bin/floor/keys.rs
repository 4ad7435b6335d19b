//! Keys of every algorithm, made anew for each run.

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use common::{jwk::KeyNumbers, secret::SigningSecret, verifier::VerifyingKey};
use jsonwebtoken::Algorithm;

use super::Broken;

/// The name of all of them: no verifier here knows two.
pub const KID: &str = "the-benchmarks-own";

/// Signs the bytes that it is given.
type Sign = Box<dyn Fn(&[u8]) -> Result<Vec<u8>, Broken> + Send + Sync>;

/// A key that signs, and the same to verify with.
pub struct Pair {
    pub name: &'static str,
    pub sign: Sign,
    pub verifying: VerifyingKey,
}

/// One of each.
pub fn all() -> Result<Vec<Pair>, Broken> {
    Ok(vec![shared_secret()?, ed25519()?, p256()?, rsa()?])
}

fn shared_secret() -> Result<Pair, Broken> {
    // The peers have it too.
    let secret = SigningSecret::new("a secret that is long enough for HS256".into())?;
    let verifying = VerifyingKey { kid: KID.to_owned(), ..VerifyingKey::of_secret(&secret) };
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    Ok(Pair {
        name: "HS256",
        sign: Box::new(move |message| Ok(hmac::sign(&key, message).as_ref().to_vec())),
        verifying,
    })
}

fn ed25519() -> Result<Pair, Broken> {
    let pair = Ed25519KeyPair::generate()?;
    let numbers = KeyNumbers::ed25519(pair.public_key().as_ref());
    public(Algorithm::EdDSA, "EdDSA", &numbers, Box::new(move |message| Ok(pair.sign(message).as_ref().to_vec())))
}

fn p256() -> Result<Pair, Broken> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
    // 4, which says that the point is not compressed, then its coordinates.
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    let numbers = KeyNumbers::p256(x, y);
    let sign = move |message: &[u8]| Ok(pair.sign(&SystemRandom::new(), message)?.as_ref().to_vec());
    public(Algorithm::ES256, "ES256", &numbers, Box::new(sign))
}

fn rsa() -> Result<Pair, Broken> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048)?;
    let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
    let numbers = KeyNumbers::rsa(n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero());
    let sign = move |message: &[u8]| -> Result<Vec<u8>, Broken> {
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)?;
        Ok(signature)
    };
    public(Algorithm::RS256, "RS256", &numbers, Box::new(sign))
}

fn public(algorithm: Algorithm, name: &'static str, numbers: &KeyNumbers, sign: Sign) -> Result<Pair, Broken> {
    let decoding = numbers.decoding_key().ok_or("a key that cannot be read")?;
    Ok(Pair { name, sign, verifying: VerifyingKey { kid: KID.to_owned(), algorithm, decoding } })
}
