//! JWTs that clients sign to prove who they are (RFC 7523, section 2.2): with keys that auth-service has the public
//! parts of.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{
    claims::{RegisteredTimes, TimedClaims},
    clock::Timestamp,
    jwks::{Algorithm, DocumentError, read_document},
    verifier::{Expected, JwsVerifier, KeySet, Keys, LEEWAY, TokenError, TokenType},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    domain::client::{ClientId, ClientKeys},
    ports::Clock,
};

/// `typ`, where there is one: what is usual, and what is asked for since.
const TOKEN_TYPES: TokenType = TokenType::OneOfOrNone(&["JWT", "client-authentication+jwt"]);

const ALGORITHMS: [Algorithm; 3] = [Algorithm::EdDSA, Algorithm::ES256, Algorithm::RS256];

/// The algorithms by their names, for the metadata.
pub const ALGORITHM_NAMES: [&str; 4] = ["EdDSA", "Ed25519", "ES256", "RS256"];

/// The longest that an assertion may be good for: so long it has to be remembered.
const LONGEST_LIFE: Duration = Duration::from_hours(1);

/// The longest `jti`, in bytes.
const LONGEST_JTI: usize = 255;

/// The longest document with a client's keys, in bytes.
const LONGEST_DOCUMENT: usize = 16 * 1024;

#[derive(Serialize, Deserialize)]
struct AssertionClaims {
    sub: String,
    jti: String,
    exp: i64,
    iat: Option<i64>,
    nbf: Option<i64>,
}

impl TimedClaims for AssertionClaims {
    fn times(&self) -> RegisteredTimes {
        // It need not say when it was made (RFC 7523, section 3, number 6).
        RegisteredTimes { exp: self.exp, iat: self.iat.unwrap_or(0), nbf: self.nbf }
    }
}

/// An assertion that holds now, and has not been compared with earlier ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedAssertion {
    /// What the client calls it.
    pub jti: String,
    /// It must not be taken a second time before that.
    pub until: Timestamp,
}

/// Verifies assertions.
pub struct ClientAssertions {
    /// What `aud` may name: auth-service, or the address that is asked (RFC 7523, section 3, number 3).
    audiences: Vec<String>,
    clock: Arc<dyn Clock>,
}

impl ClientAssertions {
    /// Accepts what is made out to `issuer` or to its token endpoint.
    #[must_use]
    pub fn new(issuer: &str, clock: Arc<dyn Clock>) -> Self {
        let token_endpoint = format!("{}/oauth/token", issuer.trim_end_matches('/'));
        Self { audiences: vec![issuer.to_owned(), token_endpoint], clock }
    }

    /// Verifies that `assertion` was signed by `client` with one of `keys`.
    pub fn verify(
        &self,
        client: &ClientId,
        keys: &ClientKeys,
        assertion: &str,
    ) -> Result<VerifiedAssertion, TokenError> {
        let keys = read_document(keys.as_str().as_bytes(), &ALGORITHMS).map_err(|_| TokenError::UnknownKey)?;
        let keys = Keys::fixed(KeySet::new(keys).map_err(|_| TokenError::UnknownKey)?);
        let expected =
            Expected { token_type: TOKEN_TYPES, issuer: client.to_string(), audiences: self.audiences.clone() };
        let claims: AssertionClaims = JwsVerifier::new(&expected, keys, Arc::clone(&self.clock)).verify(assertion)?;
        let expires_at = Timestamp::from_seconds(claims.exp);
        let lives_too_long = expires_at > self.clock.now() + LONGEST_LIFE + LEEWAY;
        if claims.sub != client.as_str() || !(1..=LONGEST_JTI).contains(&claims.jti.len()) || lives_too_long {
            return Err(TokenError::InvalidClaims);
        }
        Ok(VerifiedAssertion { jti: claims.jti, until: expires_at + LEEWAY })
    }
}

/// Whom an assertion says to be of. Nothing has been verified: it says only whose keys to look for.
#[must_use]
pub fn claimed_client(assertion: &str) -> Option<ClientId> {
    #[derive(Deserialize)]
    struct Subject {
        sub: String,
    }
    let bytes = URL_SAFE_NO_PAD.decode(assertion.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Subject>(&bytes).ok()?.sub.parse().ok()
}

/// Why a document with a client's public keys is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidClientKeys {
    /// See [`DocumentError`].
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// It has no key, or is very long.
    #[error("it must have a key, and at most {LONGEST_DOCUMENT} bytes")]
    Size,
    /// Nothing could be verified with one of its keys.
    #[error("each key must be for signatures with EdDSA (Ed25519), ES256 or RS256")]
    Unusable,
    /// With several keys, one has no name.
    #[error("each of several keys must have a kid")]
    NoName,
}

/// Reads a JWK or a JWK set. What a single public key leaves out is filled in: `use`, `alg`, and `kid`, which the client's
/// assertions may leave out too.
pub fn read_keys(document: &str) -> Result<ClientKeys, InvalidClientKeys> {
    if document.len() > LONGEST_DOCUMENT {
        return Err(InvalidClientKeys::Size);
    }
    let document: Value = serde_json::from_str(document).map_err(|_| DocumentError::Malformed)?;
    let given = match document.get("keys") {
        Some(keys) => keys.as_array().cloned().ok_or(DocumentError::Malformed)?,
        None => vec![document],
    };
    let alone = given.len() == 1;
    let keys = given.into_iter().map(|key| completed(key, alone)).collect::<Result<Vec<_>, _>>()?;
    let document = json!({ "keys": keys }).to_string();
    match read_document(document.as_bytes(), &ALGORITHMS)?.len() {
        0 if keys.is_empty() => Err(InvalidClientKeys::Size),
        usable if usable == keys.len() => Ok(ClientKeys::stored(document)),
        _ => Err(InvalidClientKeys::Unusable),
    }
}

fn completed(mut key: Value, alone: bool) -> Result<Value, InvalidClientKeys> {
    let members = key.as_object_mut().ok_or(DocumentError::Malformed)?;
    let alg = match members.get("kty").and_then(Value::as_str) {
        Some("OKP") => "EdDSA",
        Some("EC") => "ES256",
        _ => "RS256",
    };
    let given = members.get("alg").and_then(Value::as_str);
    // EdDSA on Ed25519 by its newer name (RFC 9864).
    if given.is_none_or(|given| given == "Ed25519" && alg == "EdDSA") {
        members.insert("alg".to_owned(), alg.into());
    }
    members.entry("use").or_insert_with(|| "sig".into());
    if !members.contains_key("kid") {
        if !alone {
            return Err(InvalidClientKeys::NoName);
        }
        members.insert("kid".to_owned(), "only".into());
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use common::testing::ManualClock;
    use secrecy::ExposeSecret;

    use super::*;
    use crate::{
        crypto::{jws::JwsSigner, signing_pair::SigningPair},
        domain::signing_key::KeyAlgorithm,
    };

    const NOW: i64 = 1_000_000;
    const ISSUER: &str = "https://login.example.org";

    /// A client's key, and the document that auth-service has of it.
    fn pair(algorithm: KeyAlgorithm) -> (Vec<u8>, String) {
        let (pair, pkcs8) = SigningPair::generate(algorithm).unwrap();
        (pkcs8.to_vec(), serde_json::to_string(&pair.public().unwrap()).unwrap())
    }

    fn signed(algorithm: KeyAlgorithm, pkcs8: &[u8], kid: &str, typ: &str, claims: &Value) -> String {
        let pair = SigningPair::from_pkcs8(algorithm, pkcs8).unwrap();
        let signer = JwsSigner::with_pair(typ, kid.to_owned(), pair).unwrap();
        signer.sign(claims).unwrap().expose_secret().to_owned()
    }

    fn claims() -> Value {
        json!({"iss": "reports", "sub": "reports", "aud": ISSUER, "jti": "one", "iat": NOW, "exp": NOW + 60})
    }

    fn verified(keys: &str, assertion: &str) -> Result<VerifiedAssertion, TokenError> {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(NOW)));
        let keys = read_keys(keys).unwrap();
        ClientAssertions::new(ISSUER, clock).verify(&"reports".parse().unwrap(), &keys, assertion)
    }

    #[test]
    fn a_client_signs_with_whichever_algorithm_its_key_is_for() {
        for algorithm in [KeyAlgorithm::EdDsa, KeyAlgorithm::Es256, KeyAlgorithm::Rs256] {
            let (pkcs8, public) = pair(algorithm);
            let assertion = signed(algorithm, &pkcs8, "only", "JWT", &claims());
            let until = Timestamp::from_seconds(NOW + 60) + LEEWAY;
            assert_eq!(verified(&public, &assertion), Ok(VerifiedAssertion { jti: "one".to_owned(), until }));
            assert_eq!(claimed_client(&assertion).unwrap().as_str(), "reports");
            let (_, another) = pair(algorithm);
            assert_eq!(verified(&another, &assertion), Err(TokenError::BadSignature));
        }
    }

    #[test]
    fn it_is_made_out_by_the_client_to_auth_service_for_a_short_while() {
        let (pkcs8, public) = pair(KeyAlgorithm::EdDsa);
        let with = |name: &str, value: Value| {
            let mut claims = claims();
            claims[name] = value;
            verified(&public, &signed(KeyAlgorithm::EdDsa, &pkcs8, "only", "JWT", &claims)).map(drop)
        };
        for aud in [json!(ISSUER), json!([ISSUER]), json!(format!("{ISSUER}/oauth/token")), json!(["x", ISSUER])] {
            assert_eq!(with("aud", aud.clone()), Ok(()), "{aud}");
        }
        assert_eq!(with("aud", json!("https://other.example.org")), Err(TokenError::WrongAudience));
        assert_eq!(with("iss", json!("others")), Err(TokenError::WrongIssuer));
        for (name, value) in [
            ("sub", json!("others")),
            ("jti", json!("")),
            ("jti", json!("x".repeat(256))),
            ("jti", Value::Null),
            ("exp", json!(NOW + 3_606)),
            ("exp", Value::Null),
        ] {
            assert_eq!(with(name, value.clone()), Err(TokenError::InvalidClaims), "{name} {value}");
        }
        assert_eq!(with("exp", json!(NOW - 5)), Err(TokenError::Expired));
        assert_eq!(with("iat", json!(NOW + 60)), Err(TokenError::NotYetValid));
        assert_eq!(with("iat", Value::Null), Ok(()));
    }

    #[test]
    fn the_newer_name_of_an_algorithm_is_as_good() {
        let (pkcs8, public) = pair(KeyAlgorithm::EdDsa);
        let pair = SigningPair::from_pkcs8(KeyAlgorithm::EdDsa, &pkcs8).unwrap();
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let sign = |claims: &Value| {
            let message = format!("{}.{}", part(&json!({"alg": "Ed25519", "kid": "only"})), part(claims));
            format!("{message}.{}", URL_SAFE_NO_PAD.encode(pair.sign(message.as_bytes()).unwrap()))
        };
        let with = |name: &str, value: Value| {
            let mut claims = claims();
            claims[name] = value;
            verified(&public, &sign(&claims)).map(drop)
        };
        assert_eq!(with("aud", json!([ISSUER, "x"])), Ok(()));
        assert_eq!(with("aud", json!(ISSUER)), Ok(()));
        assert_eq!(with("aud", json!([])), Err(TokenError::WrongAudience));
        assert_eq!(with("aud", Value::Null), Err(TokenError::InvalidClaims));
        assert_eq!(with("iss", json!("others")), Err(TokenError::WrongIssuer));
        assert_eq!(with("sub", json!("others")), Err(TokenError::InvalidClaims));
        assert_eq!(with("exp", json!(NOW - 5)), Err(TokenError::Expired));
        let (message, _) = sign(&claims()).rsplit_once('.').map(|(it, rest)| (it.to_owned(), rest.to_owned())).unwrap();
        let forged = format!("{message}.{}", URL_SAFE_NO_PAD.encode([0; 64]));
        assert_eq!(verified(&public, &forged), Err(TokenError::BadSignature));
        let (_, of_another_kind) = self::pair(KeyAlgorithm::Es256);
        assert_eq!(verified(&of_another_kind, &sign(&claims())), Err(TokenError::WrongAlgorithm));
    }

    #[test]
    fn an_access_token_is_no_assertion() {
        let (pkcs8, public) = pair(KeyAlgorithm::EdDsa);
        let sign = |typ: &str| signed(KeyAlgorithm::EdDsa, &pkcs8, "only", typ, &claims());
        assert_eq!(verified(&public, &sign("at+jwt")), Err(TokenError::WrongType));
        assert!(verified(&public, &sign("client-authentication+jwt")).is_ok());
    }

    #[test]
    fn a_document_has_public_keys_with_names_and_nothing_else() {
        let (_, public) = pair(KeyAlgorithm::Es256);
        let key: Value = serde_json::from_str(&public).unwrap();
        let with = |name: &str, value: Value| {
            let mut key = key.clone();
            key[name] = value;
            key
        };
        let both = |one: Value, other: Value| json!({"keys": [one, other]}).to_string();
        assert!(read_keys(&json!({"keys": [key]}).to_string()).is_ok());
        assert!(read_keys(&both(with("kid", json!("1")), with("kid", json!("2")))).is_ok());
        for (document, error) in [
            (both(key.clone(), with("kid", json!("2"))), InvalidClientKeys::NoName),
            (both(with("kid", json!("1")), with("kid", json!("1"))), DocumentError::RepeatedKid.into()),
            (with("d", json!("AQAB")).to_string(), DocumentError::Secret.into()),
            (json!({"kty": "oct", "k": "AQAB"}).to_string(), DocumentError::Secret.into()),
            (with("use", json!("enc")).to_string(), InvalidClientKeys::Unusable),
            (with("alg", json!("ES384")).to_string(), InvalidClientKeys::Unusable),
            (json!({"keys": []}).to_string(), InvalidClientKeys::Size),
            (json!({"keys": {}}).to_string(), DocumentError::Malformed.into()),
            ("-----BEGIN PUBLIC KEY-----".to_owned(), DocumentError::Malformed.into()),
            (" ".repeat(LONGEST_DOCUMENT + 1), InvalidClientKeys::Size),
        ] {
            assert_eq!(read_keys(&document), Err(error), "{document}");
        }
    }
}
