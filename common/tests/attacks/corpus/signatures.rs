//! Signatures that are not by the key that `kid` names, though they look like it.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PSS_SHA256};
use aws_lc_rs::{
    digest,
    encoding::{AsDer, EcPrivateKeyRfc5915Der},
    hmac,
    rand::SystemRandom,
};

use super::Case;
use crate::fixture::{Fixture, claims, encode, header, header_of, hs256, key_names, message, secret};

pub fn cases(fixture: &Fixture) -> Vec<Case> {
    [confusion(fixture), none(), hmacs(), ecdsa(fixture), eddsa(fixture), rsa(fixture)].concat()
}

fn case(what: impl Into<String>, message: &str, signature: impl AsRef<[u8]>) -> Case {
    Case::new(what, format!("{message}.{}", encode(signature)))
}

fn message_of(algorithm: &str, kid: &str) -> String {
    message(header_of(algorithm, kid).to_string(), claims().to_string())
}

/// What everybody may know, taken for a secret.
fn confusion(fixture: &Fixture) -> Vec<Case> {
    let mut publics = fixture.rsa_public_forms();
    publics.push(("ed25519 key", fixture.ed.public_key().as_ref().to_vec()));
    publics.push(("p-256 point", fixture.ec.public_key().as_ref().to_vec()));
    let kid = secret().kid();
    let mut cases = Vec::new();
    for (form, key) in publics {
        for name in ["rsa", "ed", "ec", &kid] {
            let message = message_of("HS256", name);
            cases.push(case(format!("HS256 by {form} as {name}"), &message, hs256(&key, &message)));
        }
    }
    // One real signature under each other name, and under each other algorithm's name.
    for (signer, _) in key_names() {
        for (algorithm, _) in key_names() {
            for (owner, name) in key_names() {
                if signer == algorithm && signer == owner {
                    continue;
                }
                let message = message_of(&format!("{algorithm:?}"), &name);
                let signature = fixture.sign(signer, &message);
                cases.push(case(format!("{signer:?} called {algorithm:?} by {name}"), &message, signature));
            }
        }
    }
    cases
}

fn none() -> Vec<Case> {
    let kid = secret().kid();
    let names = ["none", "None", "NONE", "nOnE", ""];
    let signatures: [&[u8]; 3] = [b"", b"\0", b"none"];
    let mut cases: Vec<_> = names
        .iter()
        .flat_map(|name| signatures.map(|signature| case(format!("alg {name:?}"), &message_of(name, &kid), signature)))
        .collect();
    for (algorithm, kid) in key_names() {
        let message = message_of(&format!("{algorithm:?}"), &kid);
        cases.push(case(format!("{algorithm:?} without a signature"), &message, []));
        cases.push(Case::new(format!("{algorithm:?} without its last dot"), message));
    }
    cases
}

fn hmacs() -> Vec<Case> {
    let message = message(header().to_string(), claims().to_string());
    let good = hs256(secret().as_bytes(), &message);
    let mut cases = vec![
        case("an HMAC of zeros", &message, [0; 32]),
        case("an HMAC of 31 bytes", &message, &good[..31]),
        case("half an HMAC", &message, &good[..16]),
        case("one byte of an HMAC", &message, &good[..1]),
        case("an HMAC and a zero", &message, [&good[..], &[0]].concat()),
        case("an HMAC twice", &message, [&good[..], &good].concat()),
        case("under an empty secret", &message, hs256(b"", &message)),
        case("under the secret's name", &message, hs256(secret().kid().as_bytes(), &message)),
        case("under the secret in base64url", &message, hs256(encode(secret().as_bytes()).as_bytes(), &message)),
        case("under the secret and a newline", &message, hs256(&[secret().as_bytes(), b"\n"].concat(), &message)),
        case("a bare hash", &message, digest::digest(&digest::SHA256, message.as_bytes())),
        case("the HMAC of the claims only", &message, hs256(secret().as_bytes(), message.split_once('.').unwrap().1)),
        Case::new("an HMAC in hexadecimal", format!("{message}.{}", hexadecimal(&good))),
    ];
    for algorithm in [hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, hmac::HMAC_SHA384, hmac::HMAC_SHA512] {
        let signature = hmac::sign(&hmac::Key::new(algorithm, secret().as_bytes()), message.as_bytes());
        cases.push(case(format!("{algorithm:?}"), &message, signature));
    }
    cases
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]))
        .collect()
}

/// The order of P-256's group.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7,
    0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

fn ecdsa(fixture: &Fixture) -> Vec<Case> {
    let message = message_of("ES256", "ec");
    let good = fixture.sign_ec(&message);
    let (r, s) = good.split_at(32);
    let mut one = [0; 32];
    one[31] = 1;
    let private: EcPrivateKeyRfc5915Der<'_> = fixture.ec.private_key().as_der().unwrap();
    let asn1 = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_ASN1_SIGNING, private.as_ref());
    let der = asn1.unwrap().sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    let pairs: [(&str, &[u8], &[u8]); 9] = [
        ("r = s = 0", &[0; 32], &[0; 32]),
        ("r = 0", &[0; 32], s),
        ("s = 0", r, &[0; 32]),
        ("r = s = n", &ORDER, &ORDER),
        ("s = n", r, &ORDER),
        ("r = n", &ORDER, s),
        ("r = s = 1", &one, &one),
        ("r and s changed round", s, r),
        ("all ones", &[0xff; 32], &[0xff; 32]),
    ];
    let mut cases: Vec<_> =
        pairs.iter().map(|(what, r, s)| case(format!("ES256 {what}"), &message, [*r, *s].concat())).collect();
    cases.extend([
        case("ES256 in DER", &message, der),
        case("ES256 of 63 bytes", &message, &good[1..]),
        case("ES256 and a zero", &message, [&good[..], &[0]].concat()),
        case("ES256 of r only", &message, r),
        case("ES256 with zeros before each half", &message, [&[0][..], r, &[0], s].concat()),
    ]);
    cases
}

fn eddsa(fixture: &Fixture) -> Vec<Case> {
    /// The order of edwards25519's group, little-endian.
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let message = message_of("EdDSA", "ed");
    let good = fixture.sign_ed(&message);
    let another = Ed25519KeyPair::generate().unwrap();
    // s + n verifies wherever s is not checked to be below n.
    let mut malleable = good.clone();
    let mut carry = 0;
    for (byte, order) in malleable[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = u8::try_from(sum & 0xff).unwrap();
        carry = sum >> 8;
    }
    let mut identity = [0; 64];
    identity[0] = 1;
    vec![
        case("EdDSA with s + n", &message, malleable),
        case("EdDSA of zeros", &message, [0; 64]),
        case("EdDSA with the identity as R", &message, identity),
        case("EdDSA by another key", &message, another.sign(message.as_bytes())),
        case("EdDSA of 63 bytes", &message, &good[..63]),
        case("EdDSA and a zero", &message, [&good[..], &[0]].concat()),
        case("EdDSA with its halves changed round", &message, [&good[32..], &good[..32]].concat()),
    ]
}

fn rsa(fixture: &Fixture) -> Vec<Case> {
    let message = message_of("RS256", "rsa");
    let good = fixture.sign_rsa(&message);
    let mut pss = vec![0; fixture.rsa.public_modulus_len()];
    fixture.rsa.sign(&RSA_PSS_SHA256, &SystemRandom::new(), message.as_bytes(), &mut pss).unwrap();
    let mut one = vec![0; good.len()];
    *one.last_mut().unwrap() = 1;
    vec![
        case("RS256 with the padding of PSS", &message, pss),
        case("RS256 of zeros", &message, vec![0; good.len()]),
        case("RS256 of one", &message, one),
        case("RS256 of ones", &message, vec![0xff; good.len()]),
        case("RS256 without its first byte", &message, &good[1..]),
        case("RS256 after a zero", &message, [&[0], &good[..]].concat()),
        case("RS256 and a zero", &message, [&good[..], &[0]].concat()),
    ]
}
