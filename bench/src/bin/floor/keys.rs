//! Keys of every algorithm, made anew for each run.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair},
};
use common::{jwk::KeyNumbers, secret::SigningSecret, verifier::VerifyingKey};
use jsonwebtoken::{Algorithm, EncodingKey};

use super::Broken;

/// The name of all of them: no verifier here knows two.
pub const KID: &str = "the-benchmarks-own";

/// A key that signs, and the same to verify with.
pub struct Pair {
    pub name: &'static str,
    pub algorithm: Algorithm,
    pub signing: EncodingKey,
    pub verifying: VerifyingKey,
}

/// One of each.
pub fn all() -> Result<Vec<Pair>, Broken> {
    Ok(vec![shared_secret()?, ed25519()?, p256()?, rsa()?])
}

fn shared_secret() -> Result<Pair, Broken> {
    let secret = SigningSecret::new("a secret that is long enough for HS256".into())?;
    let verifying = VerifyingKey { kid: KID.to_owned(), ..VerifyingKey::of_secret(&secret) };
    let signing = EncodingKey::from_secret(secret.as_bytes());
    Ok(Pair { name: "HS256", algorithm: Algorithm::HS256, signing, verifying })
}

fn ed25519() -> Result<Pair, Broken> {
    let pair = Ed25519KeyPair::generate()?;
    let signing = EncodingKey::from_ed_der(pair.to_pkcs8v1()?.as_ref());
    public("EdDSA", Algorithm::EdDSA, signing, &KeyNumbers::ed25519(pair.public_key().as_ref()))
}

fn p256() -> Result<Pair, Broken> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
    let signing = EncodingKey::from_ec_der(pair.to_pkcs8v1()?.as_ref());
    // 4, which says that the point is not compressed, then its coordinates.
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    public("ES256", Algorithm::ES256, signing, &KeyNumbers::p256(x, y))
}

fn rsa() -> Result<Pair, Broken> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048)?;
    let der = AsDer::<Pkcs8V1Der>::as_der(&pair)?;
    let public_key = pair.public_key();
    let (n, e) = (public_key.modulus(), public_key.exponent());
    let numbers = KeyNumbers::rsa(n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero());
    public("RS256", Algorithm::RS256, EncodingKey::from_rsa_der(der.as_ref()), &numbers)
}

fn public(
    name: &'static str,
    algorithm: Algorithm,
    signing: EncodingKey,
    numbers: &KeyNumbers,
) -> Result<Pair, Broken> {
    let decoding = numbers.decoding_key().ok_or("a key that cannot be read")?;
    let verifying = VerifyingKey { kid: KID.to_owned(), algorithm, decoding };
    Ok(Pair { name, algorithm, signing, verifying })
}
