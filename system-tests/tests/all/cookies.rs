//! A browser that holds its access token in a cookie, at resource-service: it checks token and CSRF value by itself.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{Method, RequestBuilder};
use rstest::rstest;
use serde_json::json;

use crate::support::{
    auth::{answer::Answer, browser::Browser, service::Backend::Sqlite, wait::until},
    system::System,
};

#[derive(Debug, Clone, Copy)]
enum Signature {
    HS256,
    EdDSA,
    Encrypted,
}

async fn system(signature: Signature) -> System {
    let key = URL_SAFE_NO_PAD.encode([7; 32]);
    match signature {
        Signature::HS256 => System::start(Sqlite).await,
        Signature::EdDSA => {
            let auth = [("AUTH_SIGNING_ALGORITHM", "EdDSA"), ("JWT_ALGORITHMS", "EdDSA"), ("AUTH_MASTER_KEY", &*key)];
            System::start_with(Sqlite, &auth, &[("JWT_ALGORITHMS", "EdDSA")]).await
        }
        Signature::Encrypted => {
            let encrypted = [("JWE", "require"), ("JWE_KEY", &*key)];
            System::start_with(Sqlite, &encrypted, &encrypted).await
        }
    }
}

/// A request with the browser's cookies and nothing else.
fn bare(system: &System, browser: &Browser, method: Method, path: &str) -> RequestBuilder {
    system.resource.request(method, path).header("Cookie", browser.cookies_to(path).unwrap())
}

#[rstest]
#[tokio::test]
async fn it_is_let_in_and_has_to_show_that_the_site_asks(
    #[values(Signature::HS256, Signature::EdDSA, Signature::Encrypted)] signature: Signature,
) {
    let system = system(signature).await;
    system.resource.heard().await;
    let (ada, eve) = (system.home.registered("ada").await, system.home.registered("eve").await);
    let mut browser = Browser::logged_in(&system.home, &ada, "cookie").await;
    let eves = Browser::logged_in(&system.home, &eve, "cookie").await;
    let whoami = async |browser: &Browser| Answer::of(bare(&system, browser, Method::GET, "/api/whoami")).await;
    until("the keys are known", async || whoami(&browser).await.status == 200).await;

    let body = json!({"title": "Sums", "body": "1 + 1"});
    let add = || bare(&system, &browser, Method::POST, "/api/notes").json(&body);
    let foreign = add().header("Sec-Fetch-Site", "same-origin").header("X-CSRF-Token", eves.cookie("lk_csrf").unwrap());
    let elsewhere =
        add().header("Sec-Fetch-Site", "cross-site").header("X-CSRF-Token", browser.cookie("lk_csrf").unwrap());
    for request in [add(), add().header("Sec-Fetch-Site", "same-origin"), foreign, elsewhere] {
        let refused = Answer::of(request).await;
        assert_eq!((refused.status, refused.code().as_str()), (403, "csrf_failed"));
    }
    let note = Answer::of(browser.on_page(add())).await;
    assert_eq!(note.status, 201, "{note}");

    // On behalf of the user, by the token of the cookie.
    let shares = format!("{}/shares", note.header("location").unwrap());
    let share = bare(&system, &browser, Method::POST, &shares).json(&json!({"username": "eve"}));
    assert_eq!(Answer::of(browser.on_page(share)).await.status, 201);

    let before = browser.clone();
    assert_eq!(browser.send(&system.home, Method::POST, "/auth/logout").await.status, 204);
    until("it is refused", async || whoami(&before).await.status == 401).await;
    assert_eq!(whoami(&before).await.code(), "invalid_token");
}

#[tokio::test]
async fn the_cookie_of_a_session_means_nothing_to_it() {
    let system = System::start(Sqlite).await;
    system.resource.heard().await;
    let ada = system.home.registered("ada").await;
    let browser = Browser::logged_in(&system.home, &ada, "session").await;
    let refused = Answer::of(bare(&system, &browser, Method::GET, "/api/whoami")).await;
    assert_eq!((refused.status, refused.code().as_str()), (401, "missing_token"));
}
