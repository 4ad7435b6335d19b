//! Behind the real nginx and the real Envoy, with the configurations that are shipped.

mod files;
mod sidecar;
mod stand_in;
mod tls;
mod verify;

use std::{fs, net::IpAddr, time::Duration};

use auth_service::domain::user::Identifier;
use reqwest::{Client, Method};
use rstest::rstest;
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    process::Served,
    support::{
        answer::Answer,
        database::{Kind, TestDatabase},
        gateway::{
            Behind, Gateway,
            Program::{self, Envoy, Nginx},
            mirror, sent_on,
        },
        service::{Backend, Person, TestService},
    },
};

#[rstest]
#[tokio::test]
async fn nobody_outside_says_what_only_the_gateway_may_say(#[values(Nginx, Envoy)] program: Program) {
    let upstream = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = program.before(&upstream.local_addr().unwrap().to_string()).await;
    let mut request = gateway.request(Method::GET, "/auth/me").bearer_auth("kept");
    let headers = ["Subject", "Session", "Client", "Scope", "Roles"].map(|name| format!("X-Auth-{name}"));
    let others = [
        "X-Original-Method",
        "X-Original-URI",
        "X-Required-Scope",
        "X-Required-Role",
        "X-Real-IP",
        "Forwarded",
        "X-Forwarded-For",
    ];
    for name in headers.iter().map(String::as_str).chain(others) {
        let twice = request.header(name, "spoofed").header(name.to_uppercase(), "spoofed");
        request = twice.header(name.replace('-', "_"), "spoofed");
    }
    let (answer, ()) = tokio::join!(Answer::of(request), mirror(&upstream));
    assert_eq!(answer.status, 200, "{answer}");
    assert!(answer.text.contains("Bearer kept") && !answer.text.contains("spoofed"), "{answer}");
}

/// What a browser may send, and what is left of it for a service that is no part of the login.
const COOKIES: [(&str, Option<&str>); 9] = [
    ("theme=dark", Some("theme=dark")),
    ("lk_sid=secret", None),
    ("lk_sid=secret; theme=dark", Some("theme=dark")),
    ("theme=dark; __Host-lk_sid=secret; lk_at=token", Some("theme=dark; lk_at=token")),
    ("theme=dark;lk_sid =secret", Some("theme=dark")),
    ("a=1; __Host-lk_sid=secret; b=2; __Secure-lk_rt=secret; c=3", Some("a=1; b=2; c=3")),
    ("lk_rt=secret; lk_at=token; lk_csrf=value", Some("lk_at=token; lk_csrf=value")),
    ("not_lk_sid=kept; lk_sidecar=kept", Some("not_lk_sid=kept; lk_sidecar=kept")),
    ("a=1,2; lk_sid=secret; b=[3,lk_sid=4]", Some("a=1,2; b=[3,lk_sid=4]")),
];

#[rstest]
#[tokio::test]
async fn no_service_but_auth_service_sees_the_secret_of_a_session(#[values(Nginx, Envoy)] program: Program) {
    let upstream = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream_address = upstream.local_addr().unwrap().to_string();
    let (auth, resource) = (upstream_address.clone(), upstream_address.clone());
    let gateway = program.start(&Behind { auth, resource, ..Behind::default() }, None).await;
    let cookie_sent = async |path: &str, cookie: &str| {
        let request = gateway.request(Method::GET, path).bearer_auth("token").header("Cookie", cookie);
        let (answer, ()) = tokio::join!(Answer::of(request), mirror(&upstream));
        sent_on(&answer.text, "Cookie").map(str::to_owned)
    };
    for (cookie, left) in COOKIES {
        for path in ["/api/whoami", "/api/notes/1/shares"] {
            assert_eq!(cookie_sent(path, cookie).await.as_deref(), left, "{cookie}");
        }
        assert_eq!(cookie_sent("/auth/me", cookie).await.as_deref(), Some(cookie));
    }
    // More of one name than any browser has from us.
    let left = cookie_sent("/api/whoami", "lk_sid=secret; lk_sid=secret; lk_sid=secret; theme=dark").await;
    assert!(left.is_none_or(|left| left == "theme=dark"));
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

#[rstest]
#[tokio::test]
async fn a_trace_that_is_well_formed_is_passed_on_and_any_other_is_begun_anew(
    #[values(Nginx, Envoy)] program: Program,
) {
    let upstream = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream_address = upstream.local_addr().unwrap();
    let gateway = program.before(&upstream_address.to_string()).await;
    let send = async |traceparent: &str| {
        let request = gateway.request(Method::GET, "/auth/me").header("Tracestate", "vendor=opaque");
        let (answer, ()) = tokio::join!(Answer::of(request.header("Traceparent", traceparent)), mirror(&upstream));
        let traceparent = sent_on(&answer.text, "Traceparent").map(str::to_owned);
        (traceparent.unwrap(), sent_on(&answer.text, "Tracestate").map(str::to_owned))
    };
    let right = [
        format!("00-{TRACE}-{SPAN}-01"),
        format!("00-{TRACE}-{SPAN}-00"),
        format!("cc-{TRACE}-{SPAN}-01"),
        format!("01-{TRACE}-{SPAN}-01-what-comes-then"),
    ];
    for traceparent in right {
        assert_eq!(send(&traceparent).await, (traceparent, Some("vendor=opaque".to_owned())));
    }
    let wrong = [
        String::new(),
        "nonsense".to_owned(),
        format!("00-{TRACE}-{SPAN}-01-"),
        format!("00-{TRACE}-{SPAN}-1"),
        format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
        format!("00-{}-{SPAN}-01", "0".repeat(32)),
        format!("00-{TRACE}-{}-01", "0".repeat(16)),
        format!("ff-{TRACE}-{SPAN}-01"),
        format!("01-{TRACE}-{SPAN}-01what"),
        format!("00-{TRACE}-{SPAN}-01, 00-{TRACE}-{SPAN}-01"),
    ];
    for traceparent in wrong {
        let (made, state) = send(&traceparent).await;
        assert_eq!(state, None, "{traceparent}");
        let parts: Vec<_> = made.split('-').collect();
        let [version, trace, span, flags] = parts[..] else { panic!("{made}") };
        assert_eq!((version, trace.len(), span, flags), ("00", 32, &trace[..16], "01"), "{made}");
        assert_ne!(trace, TRACE);
    }
}

#[rstest]
#[tokio::test]
async fn one_trace_goes_from_the_log_of_the_gateway_to_that_of_the_service(#[values(Nginx, Envoy)] program: Program) {
    let database = TestDatabase::empty(Kind::Sqlite);
    let mut served = Served::start(&[], &database.address());
    let gateway = program.before(served.public.strip_prefix("http://").unwrap()).await;
    let ask = |name: &str| gateway.request(Method::GET, "/auth/me").header("X-Request-Id", name);
    let traced = ask("traced").header("Traceparent", format!("00-{TRACE}-{SPAN}-01"));
    assert_eq!(Answer::of(traced).await.status, 401);
    assert_eq!(Answer::of(ask("untraced")).await.status, 401);

    let in_gateway = async |request_id: &str| gateway.logged(request_id).await["trace_id"].as_str().unwrap().to_owned();
    let (traced, untraced) = (in_gateway("traced").await, in_gateway("untraced").await);
    assert_eq!(traced, TRACE);
    served.signal(Signal::TERM);
    let log = served.ended();
    let in_service = |request_id: &str| {
        let mut spans = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["span"].take());
        let span = spans.find(|span| span["request_id"] == request_id).unwrap();
        ["trace_id", "parent_span_id"].map(|name| span[name].as_str().unwrap().to_owned())
    };
    assert_eq!(in_service("traced"), [TRACE, SPAN]);
    assert_eq!(in_service("untraced"), [&untraced, &untraced[..16]]);
}

fn public_address(service: &TestService) -> String {
    service.public().strip_prefix("http://").unwrap().to_owned()
}

async fn start(program: Program) -> (TestService, Gateway) {
    start_trusting(program, "127.0.0.1/32").await
}

async fn start_trusting(program: Program, proxies: &str) -> (TestService, Gateway) {
    let service = TestService::start_with(Backend::Sqlite, &[("AUTH_TRUSTED_PROXIES", proxies)]).await;
    let gateway = program.before(&public_address(&service)).await;
    (service, gateway)
}

#[rstest]
#[tokio::test]
async fn a_login_goes_through_with_one_request_id_and_leaves_no_token_in_the_log(
    #[values(Nginx, Envoy)] program: Program,
) {
    let (service, gateway) = start(program).await;
    let ada = service.registered("ada").await;
    let body = json!({"username": ada.username, "password": ada.password});
    let login = gateway.request(Method::POST, "/auth/login").header("X-Request-Id", "from-afar").json(&body);
    let answer = Answer::of(login).await;
    assert_eq!((answer.status, answer.header("x-request-id")), (200, Some("from-afar")), "{answer}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let tokens = answer.tokens();
    let me = gateway.request(Method::GET, "/auth/me?token=in-the-query").bearer_auth(&tokens.access);
    assert_eq!(Answer::of(me).await.status, 200);
    gateway.logged("from-afar").await;
    let me = Answer::of(gateway.request(Method::GET, "/auth/me").header("X-Request-Id", "the-last")).await;
    assert_eq!(me.status, 401);
    gateway.logged("the-last").await;
    let log = gateway.log();
    for secret in [&tokens.access, &tokens.refresh, &ada.password, "in-the-query"] {
        assert!(!log.contains(secret), "{log}");
    }
    for line in log.lines() {
        serde_json::from_str::<Value>(line).unwrap();
    }
}

#[rstest]
#[tokio::test]
async fn internal_and_unknown_addresses_do_not_exist_outside(#[values(Nginx, Envoy)] program: Program) {
    let (_service, gateway) = start(program).await;
    for path in [
        "/internal/revocations",
        "/auth/verify",
        "/auth/verify/",
        "/auth/verify/x",
        "/auth/verify?scope=",
        "/auth//verify",
        "/auth/%76erify",
        "/auth/%2Fverify",
        "/auth/Verify",
        "/AUTH/verify",
        "/_verify",
        "/_session/api",
        "/_login",
        "/metrics",
        "/livez",
        "/readyz",
        "/nowhere",
        "/auth/../metrics",
    ] {
        let answer = Answer::of(gateway.request(Method::GET, path)).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{path}");
    }
}

#[rstest]
#[tokio::test]
async fn a_service_that_is_away_is_a_problem_and_not_a_page_of_the_gateway(#[values(Nginx, Envoy)] program: Program) {
    let (_service, gateway) = start(program).await;
    assert_snapshot!(Answer::of(gateway.request(Method::GET, "/api/whoami")).await, @r#"
    502
    cache-control: no-store
    content-type: application/problem+json
    {
      "code": "bad_gateway",
      "detail": "The service cannot be reached",
      "request_id": "[request_id]",
      "status": 502,
      "title": "Bad Gateway",
      "type": "about:blank"
    }
    "#);
}

#[rstest]
#[tokio::test]
async fn a_large_body_is_refused_in_the_same_form(#[values(Nginx, Envoy)] program: Program) {
    let (_service, gateway) = start(program).await;
    let request = gateway.request(Method::POST, "/auth/login").body("x".repeat(64 * 1024));
    assert_snapshot!(Answer::of(request).await, @r#"
    413
    cache-control: no-store
    content-type: application/problem+json
    {
      "code": "payload_too_large",
      "detail": "The request's body is too large",
      "request_id": "[request_id]",
      "status": 413,
      "title": "Content Too Large",
      "type": "about:blank"
    }
    "#);
}

#[rstest]
#[tokio::test]
async fn too_many_registrations_at_once_are_told_to_wait(#[values(Nginx, Envoy)] program: Program) {
    let (_service, gateway) = start(program).await;
    let register = || Answer::of(gateway.request(Method::POST, "/auth/register").json(&json!({})));
    let mut refused = None;
    for _ in 0..40 {
        let answer = register().await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
        assert_eq!(answer.status, 400, "{answer}");
    }
    assert_snapshot!(refused.unwrap(), @r#"
    429
    cache-control: no-store
    content-type: application/problem+json
    retry-after: 1
    {
      "code": "rate_limited",
      "detail": "Too many requests from this address",
      "request_id": "[request_id]",
      "status": 429,
      "title": "Too Many Requests",
      "type": "about:blank"
    }
    "#);
}

/// What clients send to be somebody else.
const SPOOFS: [(&str, &str); 8] = [
    ("X-Forwarded-For", "198.51.100.1"),
    ("X-Forwarded-For", "198.51.100.1, 127.0.0.1"),
    ("X-Forwarded-For", "unknown"),
    ("X-Forwarded-For", ","),
    ("X_Forwarded_For", "198.51.100.1"),
    ("Forwarded", "for=198.51.100.1"),
    ("X-Real-IP", "198.51.100.1"),
    ("X-Original-Forwarded-For", "198.51.100.1"),
];

/// A client at another address of this machine.
fn at(address: [u8; 4]) -> Client {
    Client::builder().no_proxy().local_address(IpAddr::from(address)).build().unwrap()
}

async fn log_in(gateway: &Gateway, client: &Client, person: &Person, header: (&str, &str)) -> Answer {
    let body = json!({"username": person.username, "password": person.password});
    Answer::of(client.post(format!("{}/auth/login", gateway.address)).header(header.0, header.1).json(&body)).await
}

#[rstest]
#[tokio::test]
async fn a_session_shows_the_address_that_the_gateway_saw_whatever_the_client_claims(
    #[values(Nginx, Envoy)] program: Program,
) {
    // A client that is in a trusted network itself is no exception.
    let (service, gateway) = start_trusting(program, "127.0.0.0/8").await;
    let ada = service.registered("ada").await;
    let client = at([127, 0, 0, 9]);
    for spoof in SPOOFS {
        let tokens = log_in(&gateway, &client, &ada, spoof).await.tokens();
        let sessions = service.get_as(&tokens.access, "/auth/sessions").await.json();
        assert_eq!(sessions["items"][0]["address"], json!("127.0.0.9"), "{spoof:?}: {sessions}");
        service.clock.advance(Duration::from_secs(1));
    }
}

#[rstest]
#[tokio::test]
async fn a_spoofed_header_gets_around_no_limit_and_puts_none_on_others(#[values(Nginx, Envoy)] program: Program) {
    let (service, gateway) = start(program).await;
    let ada = service.registered("ada").await;
    let wrong = Person { password: "a-wrong-one".to_owned(), ..ada.clone() };
    let (thief, owner) = (at([127, 0, 0, 9]), at([127, 0, 0, 10]));
    let mut statuses = Vec::new();
    for spoof in SPOOFS {
        statuses.push(log_in(&gateway, &thief, &wrong, spoof).await.status);
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429, 429]);
    let claimed = ("X-Forwarded-For", "127.0.0.9");
    assert_eq!(log_in(&gateway, &owner, &ada, claimed).await.status, 200);
    assert_eq!(log_in(&gateway, &thief, &ada, ("X-Forwarded-For", "127.0.0.10")).await.code(), "too_many_attempts");
}

#[rstest]
#[tokio::test]
async fn an_administrator_reads_the_trail_through_the_gateway(#[values(Nginx, Envoy)] program: Program) {
    let (service, gateway) = start(program).await;
    let root = service.registered("root").await;
    service.operator().set_roles(&Identifier::parse("root").unwrap(), vec!["admin".to_owned()]).await.unwrap();
    let tokens = service.log_in(&root).await;
    service.audit_written().await;
    let trail = Answer::of(gateway.request(Method::GET, "/admin/audit?kind=login").bearer_auth(&tokens.access)).await;
    assert_eq!((trail.status, trail.json()["items"].as_array().unwrap().len()), (200, 1), "{trail}");
}

fn front_end_script() -> String {
    "// long enough to be worth compressing\n".repeat(100)
}

/// A front end with one file of each kind, and some that are nobody's business.
fn front_end() -> TempDir {
    let web = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("index.html", "<title>Front end</title>"),
        ("app.js", &*front_end_script()),
        ("demo/theme.css", "p {}"),
        ("demo/icons/key.svg", "<svg/>"),
        ("protected/index.html", "private"),
        ("tests/client.js", "private"),
        (".git/hooks.js", "private"),
        (".hidden.js", "private"),
        ("demo/.hidden.js", "private"),
        ("notes.txt", "private"),
        ("Upper.js", "private"),
    ] {
        let path = web.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    web
}

#[rstest]
#[tokio::test]
async fn the_front_ends_files_are_served_and_nothing_beside_them(#[values(Nginx, Envoy)] program: Program) {
    let web = front_end();
    let gateway = program.start(&Behind { web: web.path().to_owned(), ..Behind::default() }, None).await;
    let get = async |path: &str| Answer::of(gateway.request(Method::GET, path)).await;
    for (path, kind) in [
        ("/", "text/html"),
        ("/index.html", "text/html"),
        ("/app.js", "text/javascript"),
        ("/demo/theme.css", "text/css"),
        ("/demo/icons/key.svg", "image/svg+xml"),
    ] {
        let answer = get(path).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(&*format!("{kind}; charset=utf-8"))));
        assert_eq!(answer.header("cache-control"), Some("no-cache"), "{path}");
        assert_eq!(answer.header("content-security-policy"), Some(POLICY), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
    }
    for path in [
        "/demo/",
        "/demo",
        "/tests/client.js",
        "/Tests/client.js",
        "/demo/../tests/client.js",
        "/Protected/index.html",
        "/.git/hooks.js",
        "/.hidden.js",
        "/demo/.hidden.js",
        "/notes.txt",
        "/Upper.js",
        "/missing.js",
    ] {
        let answer = get(path).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{path}");
        assert_ne!(answer.header("content-security-policy"), Some(POLICY), "{path}");
    }
}

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; manifest-src 'self'";

#[rstest]
#[tokio::test]
async fn a_file_is_read_only_and_compressed(#[values(Nginx, Envoy)] program: Program) {
    let web = front_end();
    let gateway = program.start(&Behind { web: web.path().to_owned(), ..Behind::default() }, None).await;
    let packed = Answer::of(gateway.request(Method::GET, "/app.js").header("Accept-Encoding", "gzip")).await;
    let said = (packed.status, packed.header("content-encoding"), packed.header("vary"));
    assert_eq!(said, (200, Some("gzip"), Some("Accept-Encoding")));
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let answer =
            Answer::of(gateway.request(method.clone(), "/app.js").header("X-Request-Id", method.as_str())).await;
        assert_eq!((answer.status, answer.code().as_str()), (405, "method_not_allowed"), "{answer}");
        assert_eq!((answer.header("allow"), answer.header("cache-control")), (Some("GET, HEAD"), Some("no-store")));
        assert_eq!(gateway.logged(method.as_str()).await["method"], method.as_str());
    }
}

#[tokio::test]
async fn a_file_is_sent_whole_and_once() {
    let web = front_end();
    let gateway = Nginx.start(&Behind { web: web.path().to_owned(), ..Behind::default() }, None).await;
    let get =
        async |name: &str, value: &str| Answer::of(gateway.request(Method::GET, "/app.js").header(name, value)).await;
    for range in ["bytes=0-1", "bytes=999999-"] {
        let whole = get("Range", range).await;
        assert_eq!((whole.status, whole.text.len()), (200, front_end_script().len()), "{whole}");
        assert_eq!(whole.headers.get_all("x-frame-options").iter().count(), 1);
    }
    let etag = get("Range", "").await.header("etag").unwrap().to_owned();
    let again = get("If-None-Match", &etag).await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    assert_snapshot!(get("If-Match", "\"another\"").await, @r#"
    412
    cache-control: no-store
    content-type: application/problem+json
    {
      "code": "precondition_failed",
      "detail": "The file is not the one that was asked about",
      "request_id": "[request_id]",
      "status": 412,
      "title": "Precondition Failed",
      "type": "about:blank"
    }
    "#);
}
