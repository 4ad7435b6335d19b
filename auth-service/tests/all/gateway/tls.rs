//! TLS that ends at the gateway, and HTTP/2.

use std::{fs, path::Path, process::Command};

use reqwest::{Method, Version};
use rstest::rstest;
use serde_json::Value;

use super::{sent_on, stand_in::StandIn};
use crate::support::{
    answer::Answer,
    child::from_xtask,
    gateway::{
        Behind,
        Program::{self, Envoy, Nginx},
        Tls,
    },
};

fn self_signed(folder: &Path) -> Tls {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let tls = Tls { certificate: folder.join("certificate.pem"), key: folder.join("key.pem") };
    fs::write(&tls.certificate, made.cert.pem()).unwrap();
    fs::write(&tls.key, made.signing_key.serialize_pem()).unwrap();
    tls
}

/// Node's own client of HTTP/2: the protocol that was agreed on, and the answer's headers.
fn over_http2(url: &str, path: &str, certificate: &Path) -> Value {
    let mut node = Command::new(from_xtask("LATCHKEY_TEST_NODE"));
    node.args(["--input-type=module", "--eval", include_str!("http2.js"), url, path]).arg(certificate);
    let told = node.output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    serde_json::from_slice(&told.stdout).unwrap()
}

#[rstest]
#[tokio::test]
async fn tls_ends_at_the_gateway_which_speaks_http_2_to_clients_that_can(#[values(Nginx, Envoy)] program: Program) {
    let folder = tempfile::tempdir().unwrap();
    let tls = self_signed(folder.path());
    let auth = StandIn::mirror().await;
    let gateway = program.start(&Behind { auth: auth.address.clone(), ..Behind::default() }, Some(&tls)).await;

    let response = gateway.request(Method::GET, "/healthz").send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.version()), (200, Version::HTTP_11));
    let answer = Answer::of(gateway.request(Method::GET, "/auth/me")).await;
    assert_eq!(sent_on(&answer.text, "X-Forwarded-Proto"), Some("https"), "{answer}");
    assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"));

    let (url, path) = (gateway.address.clone(), "/auth/me");
    let told = tokio::task::spawn_blocking(move || over_http2(&url, path, &tls.certificate)).await.unwrap();
    assert_eq!((told["protocol"].as_str(), &told["headers"][":status"]), (Some("h2"), &Value::from(200)), "{told}");
    assert_eq!(told["headers"]["x-content-type-options"], "nosniff", "{told}");
    assert_eq!(told["headers"]["strict-transport-security"], "max-age=31536000", "{told}");
}

#[rstest]
#[tokio::test]
async fn without_tls_nothing_is_said_about_it(#[values(Nginx, Envoy)] program: Program) {
    let auth = StandIn::mirror().await;
    let gateway = program.before(&auth.address).await;
    let answer = Answer::of(gateway.request(Method::GET, "/auth/me").header("X-Forwarded-Proto", "https")).await;
    assert_eq!(sent_on(&answer.text, "X-Forwarded-Proto"), Some("http"), "{answer}");
    assert_eq!(answer.header("strict-transport-security"), None);
}

#[tokio::test]
async fn beside_tls_the_health_check_of_the_container_is_answered_and_others_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let tls = self_signed(folder.path());
    let gateway = Nginx.start(&Behind::default(), Some(&tls)).await;
    let healthy = gateway.answer_inside("/healthz").await;
    assert!(healthy.starts_with("HTTP/1.1 200 OK\r\n"), "{healthy}");
    let plain = gateway.client.get(gateway.address.replace("https://", "http://"));
    let answer = Answer::of(plain).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "bad_request"), "{answer}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer}");
}
