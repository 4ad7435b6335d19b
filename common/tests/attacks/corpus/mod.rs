//! A corpus of tokens that must not be believed, each wrong in one respect.

mod claims;
mod forms;
mod headers;
mod signatures;

use std::collections::HashSet;

use common::{
    jwe::{Encryption, JweKey, JweKeys},
    rng::SystemRng,
};

use crate::fixture::{self, Fixture, encode, header, header_of, key_names, message, signed};

/// So many different tokens. A case that is lost by mistake shows here.
const SIZE: usize = 1_118;

/// A token and what is wrong with it.
#[derive(Clone)]
struct Case {
    what: String,
    token: String,
}

impl Case {
    fn new(what: impl Into<String>, token: String) -> Self {
        Self { what: what.into(), token }
    }
}

fn corpus(fixture: &Fixture) -> Vec<Case> {
    [headers::cases(), claims::cases(), signatures::cases(fixture), forms::cases()].concat()
}

#[test]
fn nothing_of_the_corpus_is_believed() {
    let fixture = Fixture::new();
    let corpus = corpus(&fixture);
    let believed: Vec<_> =
        corpus.iter().filter(|case| fixture.verify(&case.token).is_ok()).map(|case| &case.what).collect();
    assert!(believed.is_empty(), "{believed:#?}");
    // A refusal leaves no trace that would let the second attempt pass.
    assert!(corpus.iter().all(|case| fixture.verify(&case.token).is_err()));
    let different: HashSet<_> = corpus.iter().map(|case| &case.token).collect();
    assert_eq!(different.len(), SIZE);
}

#[test]
fn nothing_of_the_corpus_is_believed_when_it_is_encrypted() {
    let key = JweKey::parse(&encode([2; 32]).into()).unwrap();
    let fixture = Fixture::reading(Encryption::Accept(JweKeys::only(key.clone())));
    let good = signed(header().to_string(), fixture::claims().to_string());
    assert!(fixture.verify(&key.encrypt(&good, &SystemRng).unwrap()).is_ok());
    for case in corpus(&fixture) {
        assert!(fixture.verify(&case.token).is_err(), "{}", case.what);
        assert!(fixture.verify(&key.encrypt(&case.token, &SystemRng).unwrap()).is_err(), "{}, encrypted", case.what);
    }
}

#[test]
fn what_the_corpus_is_made_of_is_believed() {
    let fixture = Fixture::new();
    let claims = fixture::claims().to_string();
    assert!(fixture.verify(&signed(header().to_string(), &claims)).is_ok());
    for (algorithm, kid) in key_names() {
        let message = message(header_of(&format!("{algorithm:?}"), &kid).to_string(), &claims);
        let token = format!("{message}.{}", encode(fixture.sign(algorithm, &message)));
        assert!(fixture.verify(&token).is_ok(), "{algorithm:?}");
    }
}
