//! The client of public keys against servers that answer well, badly, late, or not at all.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use common::{
    clock::Timestamp,
    jwk::{JwkSet, KeyNumbers, PublicJwk},
    jwks::{JwksClient, JwksOptions, MAX_BODY_BYTES},
    rng::SystemRng,
    secret::{SecretSet, SigningSecret},
    testing::ManualClock,
    verifier::{KeySet, KeySource, Keys},
};
use jsonwebtoken::Algorithm;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// What the server sends, byte by byte; `None`: nothing, ever.
type Reply = Option<Vec<u8>>;

struct Server {
    address: String,
    reply: Arc<Mutex<Reply>>,
    requests: Arc<AtomicUsize>,
}

impl Server {
    fn start(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/.well-known/jwks.json", listener.local_addr().unwrap());
        let server = Self { address, reply: Arc::new(Mutex::new(reply)), requests: Arc::default() };
        let (reply, requests) = (Arc::clone(&server.reply), Arc::clone(&server.requests));
        thread::spawn(move || {
            let mut silent = Vec::new();
            for connection in listener.incoming() {
                let mut connection: TcpStream = connection.unwrap();
                let mut head = [0; 4096];
                // A client that has gone away asks for nothing.
                let Ok(1..) = connection.read(&mut head) else { continue };
                requests.fetch_add(1, Ordering::SeqCst);
                match reply.lock().unwrap().as_ref() {
                    Some(bytes) => drop(connection.write_all(bytes)),
                    None => silent.push(connection),
                }
            }
        });
        server
    }

    fn reply(&self, reply: Reply) {
        *self.reply.lock().unwrap() = reply;
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

fn http(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn document(kids: &[&str]) -> Vec<u8> {
    let keys = kids.iter().map(|kid| PublicJwk::new((*kid).to_owned(), KeyNumbers::ed25519(&[7; 32])));
    serde_json::to_vec(&JwkSet { keys: keys.collect() }).unwrap()
}

fn good(kids: &[&str]) -> Vec<u8> {
    http("200 OK", "Cache-Control: public, max-age=300\r\n", &document(kids))
}

struct Fixture {
    clock: Arc<ManualClock>,
    keys: Keys,
    client: Arc<JwksClient>,
}

impl Fixture {
    fn new(server: &Server) -> Self {
        let clock = Arc::new(ManualClock::at(NOW));
        let secret = SigningSecret::new("a secret that is shared by everybody".to_owned().into()).unwrap();
        let fixed = KeySet::of_secrets(&SecretSet::only(secret));
        let keys = Keys::fixed(fixed.clone());
        let options = JwksOptions { url: server.address.parse().unwrap(), algorithms: vec![Algorithm::EdDSA], fixed };
        let client = JwksClient::new(options, keys.clone(), Arc::clone(&clock) as _, Arc::new(SystemRng)).unwrap();
        Self { clock, keys, client: Arc::new(client) }
    }

    /// The names of the public keys in force, sorted.
    fn kids(&self) -> Vec<String> {
        let current = self.keys.current();
        let public = current.iter().filter(|key| key.algorithm != Algorithm::HS256);
        let mut kids: Vec<_> = public.map(|key| key.kid.clone()).collect();
        kids.sort();
        kids
    }

    fn run(&self) -> tokio::task::JoinHandle<()> {
        let client = Arc::clone(&self.client);
        tokio::spawn(async move { client.run().await })
    }
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(20), "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn keys_are_fetched_at_the_start_and_again_before_their_lifetime_is_over() {
    let server = Server::start(Some(good(&["one"])));
    let fixture = Fixture::new(&server);
    assert!(!fixture.client.is_loaded());
    let running = fixture.run();
    until("the first fetch", || fixture.kids() == ["one"]).await;
    assert!(fixture.client.is_loaded());
    assert_eq!(fixture.keys.current().iter().count(), 2, "the secret stays");
    server.reply(Some(good(&["one", "two"])));
    fixture.clock.advance(Duration::from_secs(299));
    until("the second fetch", || fixture.kids() == ["one", "two"]).await;
    server.reply(Some(good(&["two"])));
    fixture.clock.advance(Duration::from_secs(299));
    until("a key that goes", || fixture.kids() == ["two"]).await;
    assert_eq!(server.requests(), 3);
    running.abort();
}

#[tokio::test]
async fn of_many_that_meet_an_unknown_key_one_asks_and_again_only_after_a_minute() {
    let server = Server::start(Some(good(&["one"])));
    let fixture = Fixture::new(&server);
    let all_ask = async || {
        let asking: Vec<_> = (0..50)
            .map(|_| {
                let client = Arc::clone(&fixture.client);
                tokio::spawn(async move { client.unknown_key().await })
            })
            .collect();
        for one in asking {
            one.await.unwrap();
        }
    };
    all_ask().await;
    assert_eq!((server.requests(), fixture.kids()), (1, vec!["one".to_owned()]), "all of them waited for it");
    fixture.clock.advance(Duration::from_secs(59));
    all_ask().await;
    assert_eq!(server.requests(), 1);
    fixture.clock.advance(Duration::from_secs(1));
    all_ask().await;
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn whatever_else_the_server_answers_the_last_good_keys_stay() {
    let server = Server::start(Some(good(&["one"])));
    let fixture = Fixture::new(&server);
    fixture.client.unknown_key().await;
    let endless = [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b' '; 4 * MAX_BODY_BYTES]].concat();
    let secret = br#"{"keys":[{"kty":"oct","kid":"x","k":"AAAA"}]}"#;
    let bad = [
        ("another status", Some(http("500 Internal Server Error", "", &document(&["evil"])))),
        ("a redirect", Some(http("302 Found", "Location: http://127.0.0.1:1/\r\n", b""))),
        ("no JSON", Some(http("200 OK", "", b"<html>"))),
        ("a secret", Some(http("200 OK", "", secret))),
        ("one name twice", Some(http("200 OK", "", &document(&["evil", "evil"])))),
        ("too long", Some(http("200 OK", "", &vec![b' '; MAX_BODY_BYTES + 1]))),
        ("without an end", Some(endless)),
        ("cut off", Some(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{\"keys\":[]}".to_vec())),
        ("not HTTP", Some(b"\x15\x03\x01\x00\x02\x02\x28".to_vec())),
        ("nothing, ever", None),
    ];
    let count = bad.len();
    for (what, reply) in bad {
        server.reply(reply);
        fixture.clock.advance(Duration::from_mins(1));
        let begun = Instant::now();
        fixture.client.unknown_key().await;
        assert!(begun.elapsed() < Duration::from_secs(7), "{what}");
        assert_eq!(fixture.kids(), ["one"], "{what}");
    }
    assert_eq!(server.requests(), 1 + count);
    server.reply(Some(good(&["two"])));
    fixture.clock.advance(Duration::from_mins(1));
    fixture.client.unknown_key().await;
    assert_eq!(fixture.kids(), ["two"]);
}

#[tokio::test]
async fn what_was_saved_serves_after_a_restart_while_auth_service_is_away() {
    let server = Server::start(Some(good(&["one"])));
    let before = Fixture::new(&server);
    assert_eq!(before.client.document(), None);
    before.client.unknown_key().await;
    let saved = before.client.document().unwrap();

    server.reply(None);
    let after = Fixture::new(&server);
    assert!(after.client.restore("garbage").is_err() && !after.client.is_loaded());
    after.client.restore(&saved).unwrap();
    assert!(after.client.is_loaded());
    assert_eq!(after.kids(), ["one"]);
}
