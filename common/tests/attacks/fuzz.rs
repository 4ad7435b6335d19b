//! The verifier under random forgeries: it never panics, and never believes what the reference refuses.

use std::sync::LazyLock;

use common::{
    jwe::{Encryption, JweKey, JweKeys},
    verifier::MAX_TOKEN_BYTES,
};
use proptest::{
    collection::vec,
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};

use crate::{
    fixture::{Fixture, encode},
    forgery::{Envelope, Forgery, envelope, forgery},
    reference,
};

/// More by `PROPTEST_CASES`.
const CASES: u32 = 16_384;

const KEY: [u8; 32] = [7; 32];

static SIGNED: LazyLock<Fixture> = LazyLock::new(Fixture::new);

static ENCRYPTED: LazyLock<(Fixture, String)> = LazyLock::new(|| {
    let key = JweKey::parse(&encode(KEY).into()).unwrap();
    let kid = key.kid().to_owned();
    (Fixture::reading(Encryption::Accept(JweKeys::only(key))), kid)
});

fn config() -> Config {
    let default = Config::default();
    Config { cases: default.cases.max(CASES), ..default }
}

/// Whether `token` is believed. What is believed says what the reference reads, member by member.
fn is_believed(fixture: &Fixture, token: &str, inner: &str) -> bool {
    let Ok(believed) = fixture.verify(token) else { return false };
    let read = reference::claims(fixture, inner).unwrap_or_else(|| panic!("the reference refuses {token}"));
    let believed = serde_json::to_value(&*believed).unwrap();
    for (name, value) in believed.as_object().unwrap() {
        // `scope` is a set, so its words may stand in another order.
        assert!(name == "scope" || read.get(name) == Some(value), "{name}: {value} for {read}");
    }
    true
}

fn is_believed_sealed(inner: &Forgery, outer: &Envelope) -> bool {
    let (fixture, kid) = &*ENCRYPTED;
    let token = outer.token(KEY, kid, &inner.token(fixture));
    match reference::decrypted(KEY, kid, &token) {
        Some(opened) => is_believed(fixture, &token, &opened),
        // Changed until it was a signed token, or nothing.
        None => is_believed(fixture, &token, &token),
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_forgery_is_believed_only_if_the_reference_believes_it(forgery in forgery()) {
        let token = forgery.token(&SIGNED);
        is_believed(&SIGNED, &token, &token);
    }

    #[test]
    fn an_encrypted_forgery_is_believed_only_if_the_reference_believes_it(inner in forgery(), outer in envelope()) {
        is_believed_sealed(&inner, &outer);
    }

    #[test]
    fn any_bytes_are_refused(bytes in vec(any::<u8>(), 0..2 * MAX_TOKEN_BYTES)) {
        let text = String::from_utf8_lossy(&bytes);
        prop_assert!(SIGNED.verify(&text).is_err());
        prop_assert!(ENCRYPTED.0.verify(&text).is_err());
    }

    #[test]
    fn any_parts_are_refused(parts in vec(vec(any::<u8>(), 0..60), 0..7)) {
        let token = parts.iter().map(encode).collect::<Vec<_>>().join(".");
        prop_assert!(SIGNED.verify(&token).is_err());
        prop_assert!(ENCRYPTED.0.verify(&token).is_err());
    }
}

#[test]
fn among_the_forgeries_are_some_to_be_believed_and_many_that_are_not() {
    let mut runner = TestRunner::deterministic();
    let strategy = (forgery(), envelope());
    let (mut signed, mut encrypted) = (0, 0);
    for _ in 0..1_000 {
        let (inner, outer) = strategy.new_tree(&mut runner).unwrap().current();
        let token = inner.token(&SIGNED);
        signed += u32::from(is_believed(&SIGNED, &token, &token));
        encrypted += u32::from(is_believed_sealed(&inner, &outer));
    }
    assert!((50..500).contains(&signed) && (10..500).contains(&encrypted), "{signed} and {encrypted} of 1,000");
}
