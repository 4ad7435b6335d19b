//! A client's private key, and what it signs to show who the client is (RFC 7523, section 2.2).

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeyPairComponents, PublicKeyComponents},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};
use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    jwk::{KeyNumbers, PublicJwk},
    rng::{Rng, uuid_v7},
};

/// How long an assertion may be used, in seconds: it is sent at once.
const LIFETIME: i64 = 60;

/// The text is not a key, or not one of those.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a private key of Ed25519, P-256 or RSA (2048 bits or more), as PEM or JWK")]
pub struct InvalidClientKey;

/// The key did not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotSigned;

/// A private key. Prints its public name only.
#[derive(Clone)]
pub struct ClientKey(Arc<Named>);

struct Named {
    pair: Pair,
    public: PublicJwk,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

/// A JWK (RFC 7517) with its private members.
#[derive(Deserialize)]
#[serde(tag = "kty")]
enum PrivateJwk {
    #[serde(rename = "OKP")]
    Ed25519 { crv: String, x: String, d: SecretString },
    #[serde(rename = "EC")]
    P256 { crv: String, x: String, y: String, d: SecretString },
    #[serde(rename = "RSA")]
    Rsa {
        n: String,
        e: String,
        d: SecretString,
        p: SecretString,
        q: SecretString,
        dp: SecretString,
        dq: SecretString,
        qi: SecretString,
    },
}

#[derive(Deserialize)]
struct Name {
    kid: Option<String>,
}

#[derive(Serialize)]
struct Header<'a> {
    typ: &'static str,
    alg: &'static str,
    kid: &'a str,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: String,
    iat: i64,
    exp: i64,
}

impl ClientKey {
    /// Reads PEM (PKCS#8, or the older forms of EC and RSA) or a JWK. Its name is the JWK's `kid`, else the thumbprint of
    /// the public key (RFC 7638).
    pub fn parse(text: &SecretString) -> Result<Self, InvalidClientKey> {
        let text = text.expose_secret().trim();
        let (pair, kid) = if text.starts_with('{') { from_jwk(text)? } else { (from_pem(text)?, None) };
        let numbers = pair.public().ok_or(InvalidClientKey)?;
        let kid = kid.unwrap_or_else(|| numbers.thumbprint());
        Ok(Self(Arc::new(Named { pair, public: PublicJwk::new(kid, numbers) })))
    }

    /// The public part: what auth-service has to know.
    #[must_use]
    pub fn public(&self) -> &PublicJwk {
        &self.0.public
    }

    /// A token that says: the one who holds this key is `client_id`, and talks to `audience`, now.
    pub(super) fn assertion(
        &self,
        client_id: &str,
        audience: &str,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Result<SecretString, NotSigned> {
        let Named { pair, public } = &*self.0;
        let (jti, iat) = (uuid_v7(now, rng).simple().to_string(), now.seconds());
        let header = Header { typ: "JWT", alg: public.alg, kid: &public.kid };
        let claims = Claims { iss: client_id, sub: client_id, aud: audience, jti, iat, exp: iat + LIFETIME };
        let part = |json: serde_json::Result<Vec<u8>>| json.map(|it| URL_SAFE_NO_PAD.encode(it)).map_err(|_| NotSigned);
        let signed = format!("{}.{}", part(serde_json::to_vec(&header))?, part(serde_json::to_vec(&claims))?);
        let signature = pair.sign(signed.as_bytes()).ok_or(NotSigned)?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)).into())
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientKey").field(&self.0.public.kid).finish()
    }
}

impl Pair {
    fn public(&self) -> Option<KeyNumbers> {
        match self {
            Self::Ed25519(pair) => Some(KeyNumbers::ed25519(pair.public_key().as_ref())),
            Self::P256(pair) => {
                // 4, then both coordinates (SEC 1, section 2.3.3).
                let (x, y) = pair.public_key().as_ref().get(1..)?.split_at_checked(32)?;
                Some(KeyNumbers::p256(x, y))
            }
            Self::Rsa(pair) => {
                let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
                Some(KeyNumbers::rsa(n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero()))
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Ed25519(pair) => pair.try_sign(message).ok().map(|it| it.as_ref().to_vec()),
            Self::P256(pair) => pair.sign(&SystemRandom::new(), message).ok().map(|it| it.as_ref().to_vec()),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).ok()?;
                Some(signature)
            }
        }
    }
}

fn from_pem(text: &str) -> Result<Pair, InvalidClientKey> {
    let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| InvalidClientKey)?;
    let p256 = |der: &[u8]| EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map(Pair::P256);
    match &key {
        PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()).map(Pair::Rsa),
        PrivateKeyDer::Sec1(der) => p256(der.secret_sec1_der()),
        PrivateKeyDer::Pkcs8(der) => {
            let der = der.secret_pkcs8_der();
            // The form that OpenSSL writes has no public key beside the private one.
            let ed25519 = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(Pair::Ed25519);
            ed25519.or_else(|_| p256(der)).or_else(|_| RsaKeyPair::from_pkcs8(der).map(Pair::Rsa))
        }
        _ => return Err(InvalidClientKey),
    }
    .map_err(|_| InvalidClientKey)
}

fn from_jwk(text: &str) -> Result<(Pair, Option<String>), InvalidClientKey> {
    let public = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidClientKey);
    let private = |text: &SecretString| public(text.expose_secret()).map(Zeroizing::new);
    let Name { kid } = serde_json::from_str(text).map_err(|_| InvalidClientKey)?;
    let pair = match serde_json::from_str(text).map_err(|_| InvalidClientKey)? {
        PrivateJwk::Ed25519 { crv, x, d } if crv == "Ed25519" => {
            Ed25519KeyPair::from_seed_and_public_key(&private(&d)?, &public(&x)?).map(Pair::Ed25519)
        }
        PrivateJwk::P256 { crv, x, y, d } if crv == "P-256" => {
            let point = [&[4][..], &public(&x)?, &public(&y)?].concat();
            let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
            EcdsaKeyPair::from_private_key_and_public_key(algorithm, &private(&d)?, &point).map(Pair::P256)
        }
        PrivateJwk::Rsa { n, e, d, p, q, dp, dq, qi } => RsaKeyPair::from_components(&KeyPairComponents {
            public_key: PublicKeyComponents { n: public(&n)?, e: public(&e)? },
            d: private(&d)?,
            p: private(&p)?,
            q: private(&q)?,
            dP: private(&dp)?,
            dQ: private(&dq)?,
            qInv: private(&qi)?,
        })
        .map(Pair::Rsa),
        PrivateJwk::Ed25519 { .. } | PrivateJwk::P256 { .. } => return Err(InvalidClientKey),
    };
    Ok((pair.map_err(|_| InvalidClientKey)?, kid))
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use serde_json::{Value, json};

    use super::*;
    use crate::rng::SystemRng;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn pem(label: &str, der: &[u8]) -> SecretString {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der)).into()
    }

    /// What the public part makes of an assertion: header and claims.
    fn verified(key: &ClientKey) -> (Value, Value) {
        let assertion = key.assertion("reports", "https://auth/oauth/token", NOW, &SystemRng).unwrap();
        let (signed, signature) = assertion.expose_secret().rsplit_once('.').unwrap();
        let numbers = &key.public().numbers;
        let public = numbers.decoding_key().unwrap();
        assert!(jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &public, numbers.algorithm()).unwrap());
        let (header, claims) = signed.split_once('.').unwrap();
        let part = |text| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap();
        (part(header), part(claims))
    }

    #[test]
    fn an_assertion_says_who_it_is_to_whom_and_for_how_long() {
        let pkcs8 = Ed25519KeyPair::generate().unwrap().to_pkcs8v1().unwrap();
        let key = ClientKey::parse(&pem("PRIVATE KEY", pkcs8.as_ref())).unwrap();
        let (header, mut claims) = verified(&key);
        assert_eq!(header, json!({"typ": "JWT", "alg": "EdDSA", "kid": key.public().numbers.thumbprint()}));
        let jti = claims.as_object_mut().unwrap().remove("jti").unwrap();
        let (iat, exp) = (1_800_000_000, 1_800_000_060);
        let audience = "https://auth/oauth/token";
        assert_eq!(claims, json!({"iss": "reports", "sub": "reports", "aud": audience, "iat": iat, "exp": exp}));
        assert_ne!(jti, verified(&key).1["jti"], "an assertion is used once");
    }

    #[test]
    fn every_algorithm_signs_from_pem() {
        let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap().to_pkcs8v1().unwrap();
        let key = ClientKey::parse(&pem("PRIVATE KEY", ec.as_ref())).unwrap();
        assert_eq!(verified(&key).0["alg"], "ES256");
        let rsa = RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        let rsa = aws_lc_rs::encoding::AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&rsa).unwrap();
        let key = ClientKey::parse(&pem("PRIVATE KEY", rsa.as_ref())).unwrap();
        assert_eq!(verified(&key).0["alg"], "RS256");
    }

    /// RFC 8037, appendix A.1, and RFC 7517, appendix A.2.
    #[test]
    fn the_keys_of_the_standards_are_read_as_jwk() {
        let ed25519 = json!({"kty": "OKP", "crv": "Ed25519", "kid": "mine",
            "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        assert_eq!(verified(&ClientKey::parse(&ed25519.to_string().into()).unwrap()).0["kid"], "mine");
        let p256 = json!({"kty": "EC", "crv": "P-256", "d": "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE",
            "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"});
        assert_eq!(verified(&ClientKey::parse(&p256.to_string().into()).unwrap()).0["alg"], "ES256");
        let mut other = ed25519;
        other["x"] = json!("Ml-5DjgQ2jNVQz4ESOHV_8cBfVVJ0sXqGXaYLBsDOcU");
        assert!(ClientKey::parse(&other.to_string().into()).is_err(), "the public part of another key");
    }

    #[test]
    fn what_is_no_private_key_of_ours_is_refused_and_nothing_of_it_is_printed() {
        let no_d = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        let p384 = json!({"kty": "EC", "crv": "P-384", "d": "AA", "x": "AA", "y": "AA"});
        let texts = [String::new(), "hunter2".to_owned(), "{}".to_owned(), no_d.to_string(), p384.to_string()];
        for text in texts {
            let error = ClientKey::parse(&text.clone().into()).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{text}");
        }
        let pkcs8 = Ed25519KeyPair::generate().unwrap().to_pkcs8().unwrap();
        let key = ClientKey::parse(&pem("PRIVATE KEY", pkcs8.as_ref())).unwrap();
        assert_eq!(format!("{key:?}"), format!("ClientKey({:?})", key.public().kid));
    }
}
