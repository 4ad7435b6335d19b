//! What stands behind `/auth/verify`: what the gateway asks, what it lets through, and what it makes of a refusal.

use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use super::{
    sent_on,
    stand_in::{StandIn, answer},
};
use crate::support::{
    answer::Answer,
    browser::Browser,
    gateway::{
        Behind, Gateway,
        Program::{self, Envoy, Nginx},
    },
    service::{Backend, TestService},
};

const PHANTOM: &str = "authorization: Bearer phantom\r\nx-auth-subject: ada\r\nx-auth-session: s1\r\nx-auth-client: first-party\r\nx-auth-scope: notes:read\r\nx-auth-roles: \r\n";

const PROTECTED: [&str; 4] = ["/legacy/", "/legacy/page", "/protected/", "/api/whoami"];

async fn passing() -> StandIn {
    StandIn::answering(|_| answer("200 OK", PHANTOM, "")).await
}

async fn before(program: Program, verify: &str, behind: &StandIn) -> Gateway {
    let behind = Behind {
        auth_internal: verify.to_owned(),
        resource: behind.address.clone(),
        legacy: behind.address.clone(),
        ..Behind::default()
    };
    program.start(&behind, None).await
}

#[rstest]
#[tokio::test]
async fn a_request_that_may_pass_carries_what_verify_says_and_no_credential(#[values(Nginx, Envoy)] program: Program) {
    let (mut verify, behind) = (passing().await, StandIn::mirror().await);
    let gateway = before(program, &verify.address, &behind).await;
    let request = gateway.request(Method::POST, "/legacy/form?step=2").body("a=b");
    let request = request
        .header("Cookie", "app=1; lk_sid=lks_a; __Host-lk_csrf=c; __Secure-lk_rt=r")
        .header("X-CSRF-Token", "c")
        .header("Sec-Fetch-Site", "same-origin")
        .header("Origin", "http://localhost:8080")
        .header("X-Auth-Subject", "spoofed")
        .header("X-Required-Scope", "spoofed")
        .header("X-Secret", "of the application");
    let passed = Answer::of(request).await;
    let asked = verify.asked().pop().unwrap();

    let (line, secret) = match program {
        Nginx => ("GET /auth/verify HTTP/1.1\r\n", Some("of the application")),
        Envoy => ("POST /auth/verify/legacy/form?step=2 HTTP/1.1\r\n", None),
    };
    assert!(asked.starts_with(line), "{asked}");
    let wanted = ["X-CSRF-Token", "Sec-Fetch-Site", "Origin"].map(|name| sent_on(&asked, name));
    assert_eq!(wanted, [Some("c"), Some("same-origin"), Some("http://localhost:8080")]);
    assert!(sent_on(&asked, "Cookie").unwrap().contains("lk_sid=lks_a"), "{asked}");
    // By the configuration, whatever the client says.
    let required = [sent_on(&asked, "X-Secret"), sent_on(&asked, "X-Required-Scope")];
    assert_eq!(required, [secret, Some("notes:write")], "{asked}");

    assert_eq!(passed.status, 200, "{passed}");
    let said = ["X-Auth-Subject", "X-Auth-Session", "X-Auth-Client", "X-Auth-Scope", "X-Auth-Roles"];
    let said = said.map(|name| sent_on(&passed.text, name).unwrap_or_default().trim());
    assert_eq!(said, ["ada", "s1", "first-party", "notes:read", ""], "{passed}");
    let credentials = [sent_on(&passed.text, "Authorization"), sent_on(&passed.text, "Cookie")];
    assert_eq!(credentials, [None, Some("app=1")], "{passed}");
    assert!(!passed.text.contains("spoofed"), "{passed}");
}

#[rstest]
#[tokio::test]
async fn a_refusal_of_verify_is_answered_in_its_words(
    #[values(Nginx, Envoy)] program: Program,
    #[values((401, "missing_token"), (403, "csrf_failed"), (400, "bad_request"))] refusal: (u16, &'static str),
) {
    let (status, code) = refusal;
    let challenge = (status != 400).then_some("Bearer realm=\"latchkey\"");
    let verify = StandIn::answering(move |_| {
        let mut headers = format!("content-type: application/problem+json\r\nx-auth-error: {code}\r\n");
        headers.extend(challenge.map(|challenge| format!("www-authenticate: {challenge}\r\n")));
        answer(&format!("{status} Refused"), &headers, &json!({ "status": status, "code": code }).to_string())
    });
    let (verify, mut behind) = (verify.await, StandIn::mirror().await);
    let gateway = before(program, &verify.address, &behind).await;
    for path in PROTECTED {
        let answer = Answer::of(gateway.request(Method::GET, path).header("Cookie", "lk_sid=lks_a")).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{path}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(answer.header("www-authenticate"), challenge, "{path}");
        assert_eq!(answer.header("x-auth-error"), None, "{path}");
    }
    assert_eq!(behind.asked(), [""; 0]);
}

#[rstest]
#[tokio::test]
async fn nobody_passes_while_verify_is_away(#[values(Nginx, Envoy)] program: Program) {
    let mut behind = StandIn::mirror().await;
    let broken = StandIn::answering(|_| answer("500 Internal Server Error", "", "")).await;
    let away = Behind::default();
    for verify in [&away.auth_internal, &broken.address] {
        let gateway = before(program, verify, &behind).await;
        for path in PROTECTED {
            let answer = Answer::of(gateway.request(Method::GET, path).header("Cookie", "lk_sid=lks_a")).await;
            assert_eq!((answer.status, answer.code().as_str()), (503, "unavailable"), "{path}");
            assert_eq!(answer.header("retry-after"), Some("1"), "{path}");
        }
    }
    assert_eq!(behind.asked(), [""; 0]);
}

#[rstest]
#[tokio::test]
async fn a_session_is_swapped_for_a_token_where_no_token_came(#[values(Nginx, Envoy)] program: Program) {
    let (mut verify, behind) = (passing().await, StandIn::mirror().await);
    let gateway = before(program, &verify.address, &behind).await;
    let ask = async |headers: &[(&str, &str)]| {
        let request = gateway.request(Method::GET, "/api/notes");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let head = Answer::of(request).await.text;
        assert!(!head.contains("lk_sid=lks_a;"), "{head}");
        sent_on(&head, "Authorization").map(str::to_owned)
    };
    for cookie in ["lk_sid=lks_a;", "__Host-lk_sid=lks_a;", "theme=dark; lk_sid=lks_a; x=y", "lk_sid =lks_a"] {
        assert_eq!(ask(&[("Cookie", cookie)]).await.as_deref(), Some("Bearer phantom"), "{cookie}");
    }
    assert_eq!(verify.asked().len(), 4);
    for cookie in ["lk_at=token", "xlk_sid=lks_a", "lk_sidx=lks_a", "a=lk_sid"] {
        assert_eq!(ask(&[("Cookie", cookie)]).await, None, "{cookie}");
    }
    let own = ask(&[("Cookie", "lk_sid=lks_a"), ("Authorization", "Bearer own")]).await;
    assert_eq!(own.as_deref(), Some("Bearer own"));
    assert_eq!(verify.asked(), [""; 0]);
}

#[rstest]
#[tokio::test]
async fn a_logout_is_seen_by_what_knows_nothing_of_sessions(#[values(Envoy)] program: Program) {
    let service = TestService::start_with(Backend::Sqlite, &[("JWT_ISSUER", "http://localhost:8080")]).await;
    let behind = StandIn::mirror().await;
    let address = |url: &str| url.strip_prefix("http://").unwrap().to_owned();
    let places = Behind {
        auth: address(service.public()),
        auth_internal: address(service.internal()),
        legacy: behind.address.clone(),
        ..Behind::default()
    };
    let gateway = program.start(&places, None).await;
    let ada = service.registered("ada").await;
    let login = json!({ "username": ada.username, "password": ada.password, "mode": "session" });
    let login = Answer::of(gateway.request(Method::POST, "/auth/login").json(&login)).await;
    let csrf = login.member("csrf_token");
    let mut browser = Browser::default();
    browser.keep(&login);
    let cookies = browser.cookies_to("/legacy/").unwrap();

    let page = || gateway.request(Method::GET, "/legacy/?scope=nothing").header("Cookie", &cookies);
    let passed = Answer::of(page()).await;
    assert_eq!((passed.status, sent_on(&passed.text, "X-Auth-Client")), (200, Some("first-party")), "{passed}");
    let form = |csrf: &str| {
        let form = gateway.request(Method::POST, "/legacy/form").header("Cookie", &cookies).body("a=b");
        form.header("X-CSRF-Token", csrf).header("Sec-Fetch-Site", "same-origin")
    };
    assert_eq!(Answer::of(form("another")).await.code(), "csrf_failed");
    assert_eq!(Answer::of(form(&csrf)).await.status, 200);

    let logout = gateway.request(Method::POST, "/auth/logout").header("Cookie", &cookies);
    let logout = logout.header("X-CSRF-Token", &csrf).header("Sec-Fetch-Site", "same-origin");
    assert_eq!(Answer::of(logout).await.status, 204);
    let refused = Answer::of(page()).await;
    assert_eq!((refused.status, &refused.json()["status"]), (401, &Value::from(401)), "{refused}");
}
