//! How many allocations a token costs. Unlike a time, a count is the same on every machine.
//!
//! A bound is what was counted when it was written: whoever exceeds it has made every request more expensive, and whoever
//! stays below it may lower it.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

mod every_kind;

use std::{
    future::Future,
    hint::black_box,
    pin::pin,
    task::{Context, Poll, Waker},
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, test::TestRequest, web};
use common::{actix::Guarded, claims::User};
use every_kind::{Issued, Kind, revoked_sessions};

/// Of a signed token: `iss`, `aud` and its two entries, `client_id`, `jti`, `scope` and its two words, `roles` and its
/// entry, the place where all this is shared, and the buffer that the parts are decoded into.
const COLD: u64 = 13;

fn allocations<T>(work: impl FnOnce() -> T) -> u64 {
    allocation_counter::measure(|| drop(black_box(work()))).count_total
}

#[test]
fn a_token_that_has_never_been_seen_costs_its_claims_and_a_buffer() {
    for kind in Kind::ALL {
        // The signed token in an encrypted one is a buffer more.
        let bound = COLD + u64::from(kind == Kind::Jwe);
        let issued = Issued::new(kind, 2);
        let verifier = issued.verifier().without_cache();
        // The first one reads the header of all.
        verifier.verify(&issued.tokens[0]).unwrap();
        let counted = allocations(|| verifier.verify(&issued.tokens[1]).unwrap());
        assert!(counted <= bound, "{kind}: {counted}, at most {bound}");
    }
}

#[test]
fn a_token_that_is_known_costs_nothing() {
    for kind in Kind::ALL {
        let issued = Issued::new(kind, 1);
        let verifier = issued.verifier();
        let [token] = &issued.tokens[..] else { panic!("one token") };
        verifier.verify_holder(token).unwrap();
        assert_eq!(allocations(|| verifier.verify(token).unwrap()), 0, "{kind}");
        assert_eq!(allocations(|| verifier.verify_holder(token).unwrap()), 0, "{kind}, with its holder");
    }
}

#[test]
fn a_forged_token_costs_a_buffer() {
    for kind in Kind::ALL {
        let issued = Issued::new(kind, 2);
        let verifier = issued.verifier();
        verifier.verify(&issued.tokens[0]).unwrap();
        let forged = issued.forged();
        let counted = allocations(|| verifier.verify(&forged[1]).unwrap_err());
        assert!(counted <= 1, "{kind}: {counted}");
    }
}

common::require_scope!(ReadsNotes, "notes:read");

#[test]
fn a_handler_is_given_a_known_user_for_nothing() {
    let issued = Issued::new(Kind::Hs256, 1);
    let header = ("Authorization", format!("Bearer {}", issued.tokens[0]));
    let request =
        TestRequest::default().app_data(web::Data::new(issued.verifier())).append_header(header).to_http_request();
    let user = || extracted::<User>(&request);
    let guarded = || extracted::<Guarded<ReadsNotes>>(&request);
    user();
    assert_eq!((allocations(user), allocations(guarded)), (0, 0));
}

/// Whether the request has what it takes.
fn extracted<T: FromRequest>(request: &HttpRequest) {
    let extracted = pin!(T::from_request(request, &mut Payload::None));
    assert!(matches!(extracted.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(_))));
}

#[test]
fn many_revocations_are_asked_about_for_nothing() {
    let mirror = revoked_sessions(1_000);
    assert_eq!(mirror.len(), 1_000);
    let issued = Issued::new(Kind::Hs256, 1);
    let verifier = issued.verifier().with_revocations(mirror);
    verifier.verify(&issued.tokens[0]).unwrap();
    assert_eq!(allocations(|| verifier.verify(&issued.tokens[0]).unwrap()), 0);
}
