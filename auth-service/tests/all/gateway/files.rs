//! The demo's files, and those that only users see.

use std::{fs, path::Path, process::Command};

use reqwest::Method;
use rstest::rstest;
use tokio::task::spawn_blocking;

use super::stand_in::{StandIn, answer};
use crate::support::{
    answer::Answer,
    gateway::{
        Behind, Gateway,
        Program::{self, Envoy, Nginx},
    },
};

async fn before(program: Program, web: &Path, verify: &StandIn) -> Gateway {
    let places = [
        ("index.html", "the demo"),
        ("app.js", "let demo"),
        (".env", "hidden"),
        ("protected/index.html", "members"),
        ("protected/.hidden", "hidden"),
    ];
    for (name, text) in places {
        fs::create_dir_all(web.join(name).parent().unwrap()).unwrap();
        fs::write(web.join(name), text).unwrap();
    }
    let behind = Behind { auth_internal: verify.address.clone(), web: web.to_owned(), ..Behind::default() };
    program.start(&behind, None).await
}

#[rstest]
#[tokio::test]
async fn the_demo_is_served_with_a_policy_that_forbids_what_it_does_not_need(#[values(Nginx, Envoy)] program: Program) {
    let web = tempfile::tempdir().unwrap();
    let verify = StandIn::mirror().await;
    let gateway = before(program, web.path(), &verify).await;
    for (path, kind, text) in
        [("/", "text/html; charset=utf-8", "the demo"), ("/app.js", "text/javascript; charset=utf-8", "let demo")]
    {
        let answer = Answer::of(gateway.request(Method::GET, path)).await;
        assert_eq!((answer.status, answer.text.as_str(), answer.header("content-type")), (200, text, Some(kind)));
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("require-trusted-types-for 'script'") && !policy.contains("unsafe"), "{policy}");
    }
    let post = Answer::of(gateway.request(Method::POST, "/")).await;
    assert_eq!((post.status, post.code().as_str()), (405, "method_not_allowed"));
    for path in ["/.env", "/nowhere.html", "/protected.html"] {
        assert_eq!(Answer::of(gateway.request(Method::GET, path)).await.status, 404, "{path}");
    }
}

/// The path as it is: clients tidy up what they are given.
async fn answer_to(gateway: &Gateway, path: &'static str) -> String {
    let script = "exec 3<>/dev/tcp/127.0.0.1/$1 && printf 'GET %s HTTP/1.1\\r\\nHost: h\\r\\nConnection: close\\r\\n\\r\\n' \"$2\" >&3 && cat <&3";
    let port = gateway.address.rsplit(':').next().unwrap().to_owned();
    let ask = move || Command::new("bash").args(["-c", script, "bash", &port, path]).output().unwrap();
    String::from_utf8(spawn_blocking(ask).await.unwrap().stdout).unwrap()
}

#[rstest]
#[tokio::test]
async fn no_spelling_of_a_protected_path_gets_around_verify(#[values(Nginx, Envoy)] program: Program) {
    let web = tempfile::tempdir().unwrap();
    let verify = StandIn::answering(|head| {
        let knows = head.to_lowercase().contains("lk_sid=lks_a");
        if knows { answer("200 OK", "", "") } else { answer("401 Unauthorized", "", "{}") }
    });
    let verify = verify.await;
    let gateway = before(program, web.path(), &verify).await;
    let spellings = [
        "/protected/",
        "/protected/index.html",
        "//protected//index.html",
        "/./protected/index.html",
        "/%70rotected/index.html",
        "/protected%2findex.html",
        "/%2fprotected/index.html",
        "/x/../protected/index.html",
        "/x%2f..%2fprotected%2findex.html",
        "/x/%2e%2e/protected/index.html",
        "/%2570rotected/index.html",
        "/protected%5cindex.html",
        "/protected\\index.html",
        "/protected/./index.html",
        "/protected%00/index.html",
        "/protected;/index.html",
        "/PROTECTED/index.html",
        "http://h/protected/index.html",
    ];
    for path in spellings {
        let answer = answer_to(&gateway, path).await;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        // Some are not even answered.
        assert!(["400", "401", "404", ""].contains(&status) && !answer.contains("members"), "{path}: {answer}");
    }
    let hidden = gateway.request(Method::GET, "/protected/.hidden").header("Cookie", "lk_sid=lks_a");
    assert_eq!(Answer::of(hidden).await.status, 404);
    let request = gateway.request(Method::GET, "/protected/").header("Cookie", "lk_sid=lks_a");
    assert_eq!(Answer::of(request).await.text, "members");
    for path in ["/protected", "/legacy"] {
        let redirect = Answer::of(gateway.request(Method::GET, path)).await;
        let location = redirect.header("location").unwrap_or_default();
        assert!(redirect.status == 301 && location.ends_with(&format!("{path}/")), "{redirect}: {location}");
    }
}
