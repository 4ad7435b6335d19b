//! What verifying a token costs, in time and in allocations: `cargo bench -p common`.
//!
//! `cold` has no cache, so that each token is one that has never been seen. `alone` is `jsonwebtoken` with the same claims
//! and whatever of the same checks it offers. `hit` is a token that the cache has.

#![expect(clippy::unwrap_used, reason = "a measurement says why it cannot go on")]

#[path = "../tests/every_kind/mod.rs"]
mod every_kind;

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, test::TestRequest, web};
use common::claims::{AccessClaims, User};
use divan::{AllocProfiler, Bencher, black_box};
use every_kind::{AUDIENCE, ISSUER, Issued, Kind, revoked_sessions};
use jsonwebtoken::Validation;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const TOKENS: u32 = 256;

fn main() {
    divan::main();
}

/// Measures `work` with one token after the other.
fn each<T>(bencher: Bencher, tokens: &[String], mut work: impl FnMut(&str) -> T) {
    let mut tokens = tokens.iter().cycle();
    bencher.bench_local(|| work(black_box(tokens.next().unwrap())));
}

#[divan::bench(args = [Kind::Hs256, Kind::EdDsa, Kind::Es256, Kind::Rs256])]
fn alone(bencher: Bencher, kind: Kind) {
    let issued = Issued::new(kind, TOKENS);
    let mut validation = Validation::new(issued.key.algorithm);
    // It has a clock of its own.
    validation.validate_exp = false;
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
    let decode = |token: &str| jsonwebtoken::decode::<AccessClaims>(token, &issued.key.decoding, &validation).unwrap();
    each(bencher, &issued.tokens, decode);
}

#[divan::bench(args = Kind::ALL)]
fn cold(bencher: Bencher, kind: Kind) {
    let issued = Issued::new(kind, TOKENS);
    let verifier = issued.verifier().without_cache();
    each(bencher, &issued.tokens, |token| verifier.verify(token).unwrap());
}

#[divan::bench(args = Kind::ALL)]
fn forged(bencher: Bencher, kind: Kind) {
    let issued = Issued::new(kind, TOKENS);
    let verifier = issued.verifier();
    verifier.verify(&issued.tokens[0]).unwrap();
    each(bencher, &issued.forged(), |token| verifier.verify(token).unwrap_err());
}

#[divan::bench(args = Kind::ALL)]
fn hit(bencher: Bencher, kind: Kind) {
    let issued = Issued::new(kind, TOKENS);
    let verifier = issued.verifier();
    issued.tokens.iter().for_each(|token| drop(verifier.verify(token)));
    each(bencher, &issued.tokens, |token| verifier.verify(token).unwrap());
}

/// A hit where this many sessions are over.
#[divan::bench(args = [0, 100_000])]
fn hit_among_revoked(bencher: Bencher, sessions: u32) {
    let issued = Issued::new(Kind::Hs256, TOKENS);
    let verifier = issued.verifier().with_revocations(revoked_sessions(sessions));
    issued.tokens.iter().for_each(|token| drop(verifier.verify(token)));
    each(bencher, &issued.tokens, |token| verifier.verify(token).unwrap());
}

/// A hit by way of a handler's argument.
#[divan::bench]
fn extractor(bencher: Bencher) {
    let issued = Issued::new(Kind::Hs256, TOKENS);
    let verifier = web::Data::new(issued.verifier());
    let request = |token: &String| {
        let request = TestRequest::default().app_data(verifier.clone());
        request.append_header(("Authorization", format!("Bearer {token}"))).to_http_request()
    };
    let requests: Vec<_> = issued.tokens.iter().map(request).collect();
    let mut requests = requests.iter().cycle();
    bencher.bench_local(|| extracted(black_box(requests.next().unwrap())));
}

fn extracted(request: &HttpRequest) -> User {
    let user = pin!(User::from_request(request, &mut Payload::None));
    let Poll::Ready(user) = user.poll(&mut Context::from_waker(Waker::noop())) else { panic!("nothing is waited for") };
    user.unwrap_or_else(|problem| panic!("{problem}"))
}
