//! Browsers in front of nginx: sessions that services see as tokens, a folder for those who are logged in, an app that knows
//! nothing of tokens.

use std::{
    fs,
    net::TcpListener,
    time::{Duration, Instant},
};

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    auth::{
        answer::Answer,
        gateway::{Behind, Gateway, Program::Nginx, mirror, sent_on},
        service::{Backend::Sqlite, Person},
        wait::until,
    },
    counted::Counted,
    system::{System, add_client},
};

struct Scene {
    system: System,
    /// In front of auth-service's internal port, where nginx asks.
    verify: Counted,
    gateway: Gateway,
    web: TempDir,
}

/// Both services and the guestbook behind nginx, with a front end of two pages.
async fn start() -> Scene {
    let system = System::in_touch(Sqlite).await;
    let web = tempfile::tempdir().unwrap();
    fs::create_dir(web.path().join("protected")).unwrap();
    fs::write(web.path().join("index.html"), "for everybody").unwrap();
    fs::write(web.path().join("protected/index.html"), "for those who are logged in").unwrap();
    fs::write(web.path().join("protected/.hidden.html"), "for nobody").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let legacy_app = listener.local_addr().unwrap().to_string();
    tokio::spawn(legacy_app::serve(listener).unwrap());
    let verify = Counted::before(system.home.internal());
    let gateway = in_front(&system, &web, &verify.address, &legacy_app).await;
    Scene { system, verify, gateway, web }
}

async fn in_front(system: &System, web: &TempDir, auth_internal: &str, legacy_app: &str) -> Gateway {
    let behind = Behind {
        auth: system.home.public().to_owned(),
        auth_internal: auth_internal.to_owned(),
        resource: system.resource.url(""),
        legacy: legacy_app.to_owned(),
        web: web.path().to_owned(),
        ..Behind::default()
    };
    Nginx.start(&behind, None).await
}

/// What a browser holds of a login.
#[derive(Clone)]
struct Browser {
    cookie: String,
    csrf_token: String,
}

impl Browser {
    async fn logged_in(gateway: &Gateway, person: &Person, mode: &str) -> Self {
        let body = json!({"username": person.username, "password": person.password, "mode": mode});
        let answer = Answer::of(gateway.request(Method::POST, "/auth/login").json(&body)).await;
        assert_eq!(answer.status, 200, "{answer}");
        let set = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
        let pairs = set.filter_map(|cookie| cookie.split(';').next()).filter(|pair| !pair.ends_with('='));
        Self { cookie: pairs.collect::<Vec<_>>().join("; "), csrf_token: answer.member("csrf_token") }
    }

    async fn get(&self, gateway: &Gateway, path: &str) -> Answer {
        Answer::of(gateway.request(Method::GET, path).header("Cookie", &self.cookie)).await
    }

    /// As a script of the front end does it.
    fn asks(&self, gateway: &Gateway, method: Method, path: &str) -> RequestBuilder {
        let request = gateway.request(method, path).header("Cookie", &self.cookie);
        request.header("X-CSRF-Token", &self.csrf_token).header("Sec-Fetch-Site", "same-origin")
    }
}

fn note() -> Value {
    json!({"title": "Sums", "body": "1 + 1"})
}

#[tokio::test]
async fn a_session_is_a_token_on_the_way_to_a_service() {
    let scene = start().await;
    let (ada, bob) = (scene.system.home.registered("ada").await, scene.system.logged_in("bob").await.1);
    let browser = Browser::logged_in(&scene.gateway, &ada, "session").await;
    let whoami = browser.get(&scene.gateway, "/api/whoami").await;
    assert_eq!(whoami.status, 200, "{whoami}");

    let without = scene.gateway.request(Method::POST, "/api/notes").header("Cookie", &browser.cookie).json(&note());
    let refused = Answer::of(without).await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "csrf_failed"), "{refused}");
    let made = Answer::of(browser.asks(&scene.gateway, Method::POST, "/api/notes").json(&note())).await;
    assert_eq!(made.status, 201, "{made}");
    // Six bytes a letter: the largest body that there is.
    let large = format!(r#"{{"title":"t","body":"{}"}}"#, "\\u0061".repeat(64 * 1024));
    let request = browser.asks(&scene.gateway, Method::POST, "/api/notes").header("Content-Type", "application/json");
    let made = Answer::of(request.body(large)).await;
    assert_eq!(made.status, 201, "{}", made.code());
    let shares = browser.asks(&scene.gateway, Method::POST, &format!("{}/shares", made.header("location").unwrap()));
    let answer = Answer::of(shares.json(&json!({"username": "bob"}))).await;
    assert_eq!(answer.status, 201, "{answer}");

    let before = scene.verify.passed_on();
    let both = scene.gateway.request(Method::GET, "/api/whoami").header("Cookie", &browser.cookie);
    let other = Answer::of(both.bearer_auth(&bob.access)).await;
    assert_eq!(other.status, 200, "{other}");
    assert_ne!(other.text, whoami.text);
    assert_eq!(scene.verify.passed_on(), before);
}

#[tokio::test]
async fn auth_service_is_asked_about_sessions_alone_and_missed_with_503() {
    let scene = start().await;
    let away = Behind::default();
    let gateway = in_front(&scene.system, &scene.web, &away.auth_internal, &away.legacy).await;
    let (ada, tokens) = scene.system.logged_in("ada").await;
    let bearer = Answer::of(gateway.request(Method::GET, "/api/whoami").bearer_auth(&tokens.access)).await;
    assert_eq!(bearer.status, 200, "{bearer}");
    let browser = Browser::logged_in(&gateway, &ada, "cookie").await;
    assert_eq!(browser.get(&gateway, "/api/whoami").await.status, 200);
    let made = Answer::of(browser.asks(&gateway, Method::POST, "/api/notes").json(&note())).await;
    assert_eq!(made.status, 201, "{made}");

    let browser = Browser::logged_in(&gateway, &ada, "session").await;
    for path in ["/api/whoami", "/protected/", "/legacy/"] {
        let answer = browser.get(&gateway, path).await;
        assert_eq!((answer.status, answer.code().as_str()), (503, "unavailable"), "{answer}");
        assert_eq!((answer.header("retry-after"), answer.header("cache-control")), (Some("1"), Some("no-store")));
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    }
}

#[tokio::test]
async fn a_refusal_is_in_auth_services_own_words() {
    let scene = start().await;
    let ada = scene.system.home.registered("ada").await;
    let session = Browser::logged_in(&scene.gateway, &ada, "session").await.cookie;
    for (cookie, authorization) in [
        ("lk_sid=lks_nonsense", ""),
        (&*format!("{session}; lk_at=token"), ""),
        (&*format!("{session}; {session}"), ""),
        ("", ""),
        ("", "Basic YTpi"),
        ("", "Bearer nonsense"),
    ] {
        let shown = |request: RequestBuilder| {
            let request = if cookie.is_empty() { request } else { request.header("Cookie", cookie) };
            if authorization.is_empty() { request } else { request.header("Authorization", authorization) }
        };
        let direct = shown(scene.system.home.internal_request("/auth/verify"));
        let direct = direct.header("X-Original-Method", "GET").header("X-Original-URI", "/protected/");
        let (direct, outside) =
            (Answer::of(direct).await, Answer::of(shown(scene.gateway.request(Method::GET, "/protected/"))).await);
        let said = |answer: &Answer| {
            let challenge = answer.header("www-authenticate").map(str::to_owned);
            (answer.status, answer.code(), answer.member("detail"), answer.member("title"), challenge)
        };
        assert_eq!(said(&outside), said(&direct), "{cookie}{authorization}");
        assert!(matches!(outside.status, 400 | 401), "{outside}");
        assert_eq!(outside.header("content-type"), Some("application/problem+json"));
        assert_eq!(outside.json()["status"], outside.status);
        assert_eq!(outside.member("request_id"), outside.header("x-request-id").unwrap());
    }
}

#[tokio::test]
async fn one_answer_serves_the_reads_of_a_second_and_no_writes() {
    let scene = start().await;
    let ada = scene.system.home.registered("ada").await;
    let browser = Browser::logged_in(&scene.gateway, &ada, "session").await;
    for _ in 0..40 {
        assert_eq!(browser.get(&scene.gateway, "/api/whoami").await.status, 200);
    }
    let reads = scene.verify.passed_on();
    assert!((1..40).contains(&reads), "{reads}");
    for _ in 0..5 {
        let made = Answer::of(browser.asks(&scene.gateway, Method::POST, "/api/notes").json(&note())).await;
        assert_eq!(made.status, 201, "{made}");
    }
    assert_eq!(scene.verify.passed_on(), reads + 5);
}

/// Reads of one second, one after the other.
const ROUNDS: usize = 8;

#[tokio::test]
async fn nobody_gets_the_answer_that_was_kept_for_another() {
    let scene = start().await;
    let mut people = Vec::new();
    for name in ["ada", "bob"] {
        let person = scene.system.home.registered(name).await;
        let browser = Browser::logged_in(&scene.gateway, &person, "session").await;
        let subject = browser.get(&scene.gateway, "/auth/me").await.member("id");
        people.push((browser, subject));
    }
    let before = scene.verify.passed_on();
    // Often enough that some of it is within one second, whenever that begins.
    for _ in 0..ROUNDS {
        for (browser, subject) in &people {
            let page = browser.get(&scene.gateway, "/legacy/").await;
            assert!(page.text.contains(&format!("Hello {subject}, ")), "{page}");
            let whoami = browser.get(&scene.gateway, "/api/whoami").await;
            assert_eq!((whoami.status, whoami.member("sub")), (200, subject.clone()), "{whoami}");
        }
        for (path, cookie) in
            [("/legacy/", ""), ("/legacy/", "lk_sid=lks_nonsense"), ("/api/whoami", "lk_sid=lks_nonsense")]
        {
            let nobody = scene.gateway.request(Method::GET, path).header("Cookie", cookie);
            assert_eq!(Answer::of(nobody).await.status, 401, "{path}");
        }
    }
    let asked_about_nobody = 3 * ROUNDS;
    let asked = scene.verify.passed_on() - before - asked_about_nobody;
    assert!((1..4 * ROUNDS).contains(&asked), "no answer was kept: {asked}");
}

#[tokio::test]
async fn an_ended_session_is_refused_within_a_second() {
    let scene = start().await;
    let ada = scene.system.home.registered("ada").await;
    let browser = Browser::logged_in(&scene.gateway, &ada, "session").await;
    assert_eq!(browser.get(&scene.gateway, "/protected/").await.status, 200);
    let logout = Answer::of(browser.asks(&scene.gateway, Method::POST, "/auth/logout")).await;
    assert_eq!(logout.status, 204, "{logout}");
    let ended = Instant::now();
    let refused = Answer::of(browser.asks(&scene.gateway, Method::POST, "/api/notes").json(&note())).await;
    assert_eq!(refused.status, 401, "{refused}");
    until("reads are refused", async || browser.get(&scene.gateway, "/protected/").await.status == 401).await;
    assert!(ended.elapsed() < Duration::from_secs(2), "after {:?}", ended.elapsed());
}

#[tokio::test]
async fn a_folder_is_for_those_who_are_logged_in() {
    let scene = start().await;
    let (ada, tokens) = scene.system.logged_in("ada").await;
    let get = |path: &str| scene.gateway.request(Method::GET, path);
    assert_eq!(Answer::of(get("/protected/")).await.code(), "missing_token");
    let bearer = Answer::of(get("/protected/").bearer_auth(&tokens.access)).await;
    assert_eq!((bearer.status, bearer.text.as_str()), (200, "for those who are logged in"));
    for mode in ["session", "cookie"] {
        let browser = Browser::logged_in(&scene.gateway, &ada, mode).await;
        let answer = browser.get(&scene.gateway, "/protected/").await;
        assert_eq!((answer.status, answer.text.as_str()), (200, "for those who are logged in"));
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
        for path in ["/protected/.hidden.html", "/protected/missing", "/protected"] {
            assert_ne!(browser.get(&scene.gateway, path).await.status, 200, "{path}");
        }
        let written = Answer::of(browser.asks(&scene.gateway, Method::POST, "/protected/")).await;
        assert_eq!(written.status, 405, "{written}");
    }
}

#[tokio::test]
async fn a_person_is_sent_to_the_login_and_back_to_this_site_alone() {
    let scene = start().await;
    let open = |method: Method, path: &str, accept: &str| {
        Answer::of(scene.gateway.request(method, path).header("Accept", accept))
    };
    for (path, location) in [
        ("/protected/", "/?next=/protected/"),
        ("/legacy/", "/?next=/legacy/"),
        ("/legacy/page?line=1", "/?next=/legacy/page?line=1"),
        ("/legacy/page?line=1&next=https://evil.example", "/?next=/legacy/"),
        ("/legacy//evil.example", "/?next=/legacy/"),
        ("/protected/x%0d%0aSet-Cookie:a=b", "/?next=/protected/"),
        ("/protected/x%26next=%2F%2Fevil.example", "/?next=/protected/"),
    ] {
        let answer = open(Method::GET, path, "text/html,application/xhtml+xml,*/*;q=0.8").await;
        assert_eq!((answer.status, answer.header("location")), (302, Some(location)), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(open(Method::GET, path, "application/json").await.status, 401, "{path}");
        assert_eq!(open(Method::POST, path, "text/html").await.status, 401, "{path}");
    }
    let api = scene.gateway.request(Method::GET, "/api/whoami").header("Cookie", "lk_sid=lks_nonsense");
    assert_eq!(Answer::of(api.header("Accept", "text/html")).await.status, 401);
}

#[tokio::test]
async fn an_app_without_a_login_knows_who_is_asking() {
    let scene = start().await;
    let ada = scene.system.home.registered("ada").await;
    let browser = Browser::logged_in(&scene.gateway, &ada, "session").await;
    let subject = browser.get(&scene.gateway, "/auth/me").await.member("id");
    let page = browser.get(&scene.gateway, "/legacy/").await;
    assert!(page.status == 200 && page.text.contains(&format!("Hello {subject}, roles: ")), "{page}");
    assert!(page.header("content-security-policy").unwrap().contains("form-action 'none'"), "{page}");

    let form = [("line", "<script>alert(1)</script>")];
    let plain = scene.gateway.request(Method::POST, "/legacy/").header("Cookie", &browser.cookie).form(&form);
    let refused = Answer::of(plain).await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "csrf_failed"), "{refused}");
    let added = Answer::of(browser.asks(&scene.gateway, Method::POST, "/legacy/").form(&form)).await;
    assert_eq!(added.status, 204, "{added}");
    let page = browser.get(&scene.gateway, "/legacy/").await;
    assert!(page.text.contains(&format!("&lt;script&gt;alert(1)&lt;/script&gt; — {subject}")), "{page}");
    assert!(browser.get(&scene.gateway, "/legacy/guestbook.js").await.text.contains("X-CSRF-Token"));
}

#[tokio::test]
async fn what_an_app_demands_depends_on_the_method() {
    let scene = start().await;
    let secret = add_client(&scene.system.home, "reports", "notes:read", &["resource-service"]).await;
    let request = scene.system.home.request(Method::POST, "/oauth/token").basic_auth("reports", Some(secret.as_str()));
    let token = Answer::of(request.form(&[("grant_type", "client_credentials")])).await.member("access_token");
    let ask = |method: Method| scene.gateway.request(method, "/legacy/").bearer_auth(&token);
    let page = Answer::of(ask(Method::GET)).await;
    assert!(page.status == 200 && page.text.contains("Hello reports, roles: none"), "{page}");
    let refused = Answer::of(ask(Method::POST).form(&[("line", "a")])).await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "insufficient_scope"), "{refused}");
    assert!(refused.header("www-authenticate").unwrap().contains(r#"scope="notes:write""#), "{refused}");
}

#[tokio::test]
async fn an_app_is_told_by_the_gateway_alone_and_sees_no_credential() {
    let scene = start().await;
    let upstream = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let app = upstream.local_addr().unwrap().to_string();
    let gateway = in_front(&scene.system, &scene.web, scene.system.home.internal(), &app).await;
    let (ada, tokens) = scene.system.logged_in("ada").await;
    let browser = Browser::logged_in(&gateway, &ada, "session").await;
    let subject = browser.get(&gateway, "/auth/me").await.member("id");
    for token in [None, Some(&tokens.access)] {
        let mut request = gateway.request(Method::GET, "/legacy/");
        for name in ["X-Auth-Subject", "x-auth-roles", "X-AUTH-SCOPE", "X-Auth-Session", "X-Auth-Client"] {
            let twice = request.header(name, "spoofed").header(name, "spoofed again");
            request = twice.header(name.replace('-', "_"), "spoofed").header(name.replace('-', "."), "spoofed");
        }
        let session = format!("{}; theme=dark", browser.cookie);
        request = match token {
            // With the header, cookies of two logins do not matter.
            Some(token) => request.bearer_auth(token).header("Cookie", format!("{session}; lk_at=token; lk_rt=token")),
            None => request.header("Cookie", session),
        };
        let (head, ()) = tokio::join!(Answer::of(request), mirror(&upstream));
        assert!(head.status == 200 && !head.text.contains("spoofed"), "{head}");
        assert_eq!(sent_on(&head.text, "X-Auth-Subject"), Some(&*subject));
        assert_eq!(sent_on(&head.text, "X-Auth-Client"), Some("first-party"));
        assert!(sent_on(&head.text, "X-Auth-Session").is_some() && sent_on(&head.text, "X-Auth-Scope").is_some());
        assert_eq!((sent_on(&head.text, "Authorization"), sent_on(&head.text, "Cookie")), (None, Some("theme=dark")));
    }
}
