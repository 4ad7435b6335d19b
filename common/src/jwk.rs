//! Public keys as JWK (RFC 7517): what auth-service publishes and other services verify with.

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Serialize;

/// A public key by its numbers. They are base64url, as the document has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kty")]
pub enum KeyNumbers {
    /// Ed25519 (RFC 8037, section 2).
    #[serde(rename = "OKP")]
    Ed25519 {
        /// The name of the curve.
        crv: Ed25519Curve,
        /// The key.
        x: String,
    },
    /// P-256 (RFC 7518, section 6.2.1).
    #[serde(rename = "EC")]
    P256 {
        /// The name of the curve.
        crv: P256Curve,
        /// The first coordinate.
        x: String,
        /// The second coordinate.
        y: String,
    },
    /// RSA (RFC 7518, section 6.3.1).
    #[serde(rename = "RSA")]
    Rsa {
        /// The modulus.
        n: String,
        /// The exponent.
        e: String,
    },
}

/// `crv` of Ed25519.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Ed25519Curve {
    /// The one there is.
    Ed25519,
}

/// `crv` of P-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum P256Curve {
    /// The one there is.
    #[serde(rename = "P-256")]
    P256,
}

impl KeyNumbers {
    /// From the 32 bytes of a key.
    #[must_use]
    pub fn ed25519(key: &[u8]) -> Self {
        Self::Ed25519 { crv: Ed25519Curve::Ed25519, x: URL_SAFE_NO_PAD.encode(key) }
    }

    /// From the 32 bytes of each coordinate.
    #[must_use]
    pub fn p256(x: &[u8], y: &[u8]) -> Self {
        Self::P256 { crv: P256Curve::P256, x: URL_SAFE_NO_PAD.encode(x), y: URL_SAFE_NO_PAD.encode(y) }
    }

    /// From modulus and exponent, big-endian without leading zeros.
    #[must_use]
    pub fn rsa(n: &[u8], e: &[u8]) -> Self {
        Self::Rsa { n: URL_SAFE_NO_PAD.encode(n), e: URL_SAFE_NO_PAD.encode(e) }
    }

    /// The one algorithm that this key is used with.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed25519 { .. } => Algorithm::EdDSA,
            Self::P256 { .. } => Algorithm::ES256,
            Self::Rsa { .. } => Algorithm::RS256,
        }
    }

    /// The key's name that follows from itself: base64url(SHA-256) of its members in their order (RFC 7638).
    #[must_use]
    pub fn thumbprint(&self) -> String {
        let canonical = match self {
            Self::Ed25519 { x, .. } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
            Self::P256 { x, y, .. } => format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#),
            Self::Rsa { n, e } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
        };
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()))
    }

    /// The key in the form that verifies. `None` when the numbers are not base64url.
    #[must_use]
    pub fn decoding_key(&self) -> Option<DecodingKey> {
        match self {
            Self::Ed25519 { x, .. } => DecodingKey::from_ed_components(x),
            Self::P256 { x, y, .. } => DecodingKey::from_ec_components(x, y),
            Self::Rsa { n, e } => DecodingKey::from_rsa_components(n, e),
        }
        .ok()
    }
}

/// A public key of a JWKS. `use` is always `sig`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PublicJwk {
    /// Its name in a token's header.
    pub kid: String,
    /// What it verifies.
    pub alg: &'static str,
    /// What it is for.
    pub r#use: &'static str,
    /// The key itself.
    #[serde(flatten)]
    pub numbers: KeyNumbers,
}

impl PublicJwk {
    /// A key that verifies signatures.
    #[must_use]
    pub fn new(kid: String, numbers: KeyNumbers) -> Self {
        let alg = match numbers.algorithm() {
            Algorithm::EdDSA => "EdDSA",
            Algorithm::ES256 => "ES256",
            _ => "RS256",
        };
        Self { kid, alg, r#use: "sig", numbers }
    }
}

/// A JWK set (RFC 7517, section 5).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JwkSet {
    /// The keys.
    pub keys: Vec<PublicJwk>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037, appendix A.3, and RFC 7638, section 3.1.
    #[test]
    fn thumbprints_are_those_of_the_standards() {
        let ed25519 = KeyNumbers::Ed25519 {
            crv: Ed25519Curve::Ed25519,
            x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".to_owned(),
        };
        assert_eq!(ed25519.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        let rsa = KeyNumbers::Rsa {
            n: "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw".to_owned(),
            e: "AQAB".to_owned(),
        };
        assert_eq!(rsa.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn a_key_is_written_as_the_standard_wants() {
        let key = PublicJwk::new("one".to_owned(), KeyNumbers::p256(&[1; 32], &[2; 32]));
        let json = serde_json::to_value(key).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "kid": "one", "alg": "ES256", "use": "sig", "kty": "EC", "crv": "P-256",
                "x": URL_SAFE_NO_PAD.encode([1; 32]), "y": URL_SAFE_NO_PAD.encode([2; 32]),
            })
        );
    }
}
