//! Signatures, checked with what a key says alone: a key schedule, or a public key that has been parsed.

use aws_lc_rs::{
    hmac,
    signature::{
        ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
        VerificationAlgorithm,
    },
};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind};

use super::TokenError;

/// A key that is ready to check signatures of one algorithm.
pub(super) enum Checker {
    /// HS256.
    Shared(Box<hmac::Key>),
    /// `EdDSA` on Ed25519, ES256 or RS256.
    Public(ParsedPublicKey),
    /// Nothing is checked with it, and each token is refused for this.
    Useless(TokenError),
}

impl Checker {
    /// What is computed from the key once. An algorithm that is not used here, or is not the key's, makes it useless, and so
    /// do numbers that are no key.
    pub fn new(algorithm: Algorithm, key: &DecodingKey) -> Self {
        let (family, public): (_, &'static dyn VerificationAlgorithm) = match algorithm {
            Algorithm::HS256 => return Self::shared(key),
            Algorithm::EdDSA => (AlgorithmFamily::Ed, &ED25519),
            Algorithm::ES256 => (AlgorithmFamily::Ec, &ECDSA_P256_SHA256_FIXED),
            Algorithm::RS256 => (AlgorithmFamily::Rsa, &RSA_PKCS1_2048_8192_SHA256),
            _ => return Self::Useless(TokenError::WrongAlgorithm),
        };
        if key.family() != family {
            return Self::Useless(TokenError::Malformed);
        }
        let parsed = match key.kind() {
            DecodingKeyKind::SecretOrDer(bytes) => ParsedPublicKey::new(public, bytes),
            // How long the modulus may be is checked with each signature.
            DecodingKeyKind::RsaModulusExponent { n, e } => {
                RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            }
        };
        parsed.map_or(Self::Useless(TokenError::BadSignature), Self::Public)
    }

    fn shared(key: &DecodingKey) -> Self {
        match (key.family(), key.kind()) {
            (AlgorithmFamily::Hmac, DecodingKeyKind::SecretOrDer(secret)) => {
                Self::Shared(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret)))
            }
            _ => Self::Useless(TokenError::Malformed),
        }
    }

    /// Whether `signature` is one of `message` by this key.
    pub fn check(&self, message: &[u8], signature: &[u8]) -> Result<(), TokenError> {
        let checked = match self {
            Self::Shared(key) => hmac::verify(key, message, signature),
            Self::Public(key) => key.verify_sig(message, signature),
            Self::Useless(error) => return Err(*error),
        };
        checked.map_err(|_| TokenError::BadSignature)
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        rand::SystemRandom,
        rsa::KeySize,
        signature::{
            ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
        },
    };
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use proptest::{collection::vec, prelude::*};

    use super::*;

    const PAYLOAD: &str =
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

    fn decode(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    fn answer(algorithm: Algorithm, key: &DecodingKey, message: &str, signature: &str) -> Result<(), TokenError> {
        Checker::new(algorithm, key).check(message.as_bytes(), &decode(signature))
    }

    /// RFC 7515, appendices A.1 to A.3, and RFC 8037, appendix A.4.
    #[test]
    fn the_examples_of_the_standards_are_right_and_nothing_beside_them() {
        let secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let modulus = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
        let x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
        let y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
        let ed25519 = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let cases = [
            (
                Algorithm::HS256,
                DecodingKey::from_secret(&decode(secret)),
                format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{PAYLOAD}"),
                "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            ),
            (
                Algorithm::RS256,
                DecodingKey::from_rsa_components(modulus, "AQAB").unwrap(),
                format!("eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}"),
                "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
            ),
            (
                Algorithm::ES256,
                DecodingKey::from_ec_components(x, y).unwrap(),
                format!("eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}"),
                "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
            ),
            (
                Algorithm::EdDSA,
                DecodingKey::from_ed_components(ed25519).unwrap(),
                "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc".to_owned(),
                "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
            ),
        ];
        for (algorithm, key, message, signature) in &cases {
            assert_eq!(answer(*algorithm, key, message, signature), Ok(()), "{algorithm:?}");
            assert_eq!(answer(*algorithm, key, &message[1..], signature), Err(TokenError::BadSignature));
            for (_, _, _, other) in cases.iter().filter(|(other, ..)| other != algorithm) {
                assert_eq!(answer(*algorithm, key, message, other), Err(TokenError::BadSignature), "{algorithm:?}");
            }
        }
    }

    #[test]
    fn a_key_of_another_kind_checks_nothing() {
        let secret = DecodingKey::from_secret(&[1; 32]);
        let numbers = DecodingKey::from_rsa_components("AQAB", "AQAB").unwrap();
        for (algorithm, key, error) in [
            (Algorithm::HS512, &secret, TokenError::WrongAlgorithm),
            (Algorithm::EdDSA, &secret, TokenError::Malformed),
            (Algorithm::RS256, &secret, TokenError::Malformed),
            (Algorithm::HS256, &numbers, TokenError::Malformed),
            (Algorithm::ES256, &numbers, TokenError::Malformed),
            (Algorithm::RS256, &numbers, TokenError::BadSignature),
            (Algorithm::EdDSA, &DecodingKey::from_ed_der(&[1; 31]), TokenError::BadSignature),
            (Algorithm::ES256, &DecodingKey::from_ec_der(&[4; 65]), TokenError::BadSignature),
        ] {
            assert_eq!(Checker::new(algorithm, key).check(b"", b""), Err(error), "{algorithm:?}");
        }
    }

    const MESSAGE: &[u8] = b"header.claims";

    /// A key of each algorithm, and a signature of [`MESSAGE`] by it.
    fn signed() -> [(Algorithm, DecodingKey, Vec<u8>); 4] {
        let random = SystemRandom::new();
        let ed = Ed25519KeyPair::generate().unwrap();
        let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let (n, e) = (rsa.public_key().modulus(), rsa.public_key().exponent());
        let numbers = (n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero());
        let mut by_rsa = vec![0; rsa.public_modulus_len()];
        rsa.sign(&RSA_PKCS1_SHA256, &random, MESSAGE, &mut by_rsa).unwrap();
        let by_secret = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &[1; 32]), MESSAGE).as_ref().to_vec();
        [
            (Algorithm::HS256, DecodingKey::from_secret(&[1; 32]), by_secret),
            (Algorithm::EdDSA, DecodingKey::from_ed_der(ed.public_key().as_ref()), ed.sign(MESSAGE).as_ref().to_vec()),
            (
                Algorithm::ES256,
                DecodingKey::from_ec_der(ec.public_key().as_ref()),
                ec.sign(&random, MESSAGE).unwrap().as_ref().to_vec(),
            ),
            (Algorithm::RS256, DecodingKey::from_rsa_raw_components(numbers.0, numbers.1), by_rsa),
        ]
    }

    /// Whether the signature is right; the same for `jsonwebtoken`, which reads the key each time.
    fn is_right(algorithm: Algorithm, key: &DecodingKey, checker: &Checker, signature: &[u8]) -> bool {
        let is_right = checker.check(MESSAGE, signature).is_ok();
        let text = URL_SAFE_NO_PAD.encode(signature);
        let reference = jsonwebtoken::crypto::verify(&text, MESSAGE, key, algorithm).unwrap();
        assert_eq!(is_right, reference, "{algorithm:?} {text}");
        is_right
    }

    /// The order of P-256 less `number`.
    fn negated(number: &[u8]) -> Vec<u8> {
        let order = decode("_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE");
        let mut borrow = 0;
        let mut difference = order.iter().zip(number).rev().map(|(one, other)| {
            let digit = i16::from(*one) - i16::from(*other) - borrow;
            borrow = i16::from(digit < 0);
            digit.to_le_bytes()[0]
        });
        let mut digits: Vec<_> = difference.by_ref().collect();
        digits.reverse();
        digits
    }

    #[test]
    fn a_signature_of_another_form_is_judged_as_by_the_library() {
        for (algorithm, key, signature) in signed() {
            let checker = Checker::new(algorithm, &key);
            let judge = |signature: &[u8]| is_right(algorithm, &key, &checker, signature);
            assert!(judge(&signature));
            for length in 0..signature.len() {
                assert!(!judge(&signature[..length]), "{algorithm:?}, {length} bytes");
            }
            for bit in 0..8 * signature.len() {
                let mut other = signature.clone();
                other[bit / 8] ^= 1 << (bit % 8);
                assert!(!judge(&other), "{algorithm:?}, bit {bit}");
            }
            for other in [
                [&signature[..], &[0]].concat(),
                [&[0], &signature[..]].concat(),
                [&signature[..], &signature[..]].concat(),
                vec![0; signature.len()],
                vec![255; signature.len()],
            ] {
                assert!(!judge(&other), "{algorithm:?}");
            }
        }
    }

    #[test]
    fn the_other_signature_of_the_same_numbers_is_judged_as_by_the_library() {
        let [_, _, (algorithm, key, signature), _] = signed();
        let checker = Checker::new(algorithm, &key);
        let (r, s) = signature.split_at(32);
        // ECDSA has two signatures of each message; RFC 7518 accepts both.
        assert!(is_right(algorithm, &key, &checker, &[r, &negated(s)].concat()));
        let order = negated(&[0; 32]);
        for (r, s) in [(r, &[0; 32][..]), (&[0; 32], s), (r, &order), (&order, s), (&negated(r), s)] {
            assert!(!is_right(algorithm, &key, &checker, &[r, s].concat()));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged_as_by_the_library(signature in vec(any::<u8>(), 0..600)) {
            for (algorithm, key, _) in signed_once() {
                prop_assert!(!is_right(*algorithm, key, &Checker::new(*algorithm, key), &signature));
            }
        }
    }

    fn signed_once() -> &'static [(Algorithm, DecodingKey, Vec<u8>); 4] {
        static SIGNED: std::sync::LazyLock<[(Algorithm, DecodingKey, Vec<u8>); 4]> = std::sync::LazyLock::new(signed);
        &SIGNED
    }
}
