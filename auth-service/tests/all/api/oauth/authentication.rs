//! How a client shows who it is, and the errors of `/oauth/…` (RFC 6749, section 5.2).

use std::time::Duration;

use auth_service::{
    crypto::{client_assertions::read_keys, jws::JwsSigner, signing_pair::SigningPair},
    domain::signing_key::KeyAlgorithm,
    service::manage_clients::NewCredential,
};
use common::clock::Clock;
use reqwest::Method;
use rstest::rstest;
use secrecy::ExposeSecret;
use serde_json::json;

use crate::support::{
    answer::Answer,
    client::{ACCESS_TOKEN, FORM, TOKEN_EXCHANGE, TestClient, rights},
    service::{Backend, ISSUER, TestService},
};

const OWN: (&str, &str) = ("grant_type", "client_credentials");
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

async fn with_client() -> (TestService, TestClient) {
    let service = TestService::start(Backend::Sqlite).await;
    let client = service.client("reports", |rights| rights.scope = "notes:read".parse().unwrap()).await;
    (service, client)
}

#[tokio::test]
async fn a_secret_comes_in_the_header_or_in_the_form() {
    let (service, client) = with_client().await;
    assert_eq!(service.form_as(&client, "/oauth/token", &[OWN]).await.status, 200);
    let in_form = [OWN, ("client_id", "reports"), ("client_secret", &client.secret)];
    assert_eq!(service.form("/oauth/token", &in_form).await.status, 200);
    // Named once more, it is the same client.
    assert_eq!(service.form_as(&client, "/oauth/token", &[OWN, ("client_id", "reports")]).await.status, 200);
}

#[tokio::test]
async fn whoever_is_not_the_client_is_told_so_in_the_words_of_the_standard() {
    let (service, client) = with_client().await;
    let wrong = TestClient { secret: "lkc_wrong".to_owned(), ..client.clone() };
    assert_snapshot!(service.form_as(&wrong, "/oauth/token", &[OWN]).await, @r#"
    401
    cache-control: no-store
    content-type: application/json
    www-authenticate: Basic realm="latchkey"
    {
      "error": "invalid_client",
      "error_description": "The client is not known or its secret is wrong"
    }
    "#);
    let refused = |answer: Answer| (answer.status, answer.member("error"));
    let invalid_client = (401, "invalid_client".to_owned());
    for form in [
        vec![OWN],
        vec![OWN, ("client_id", "reports")],
        vec![OWN, ("client_id", "first-party")],
        vec![OWN, ("client_id", "first-party"), ("client_secret", "x")],
        vec![OWN, ("client_id", "nobody"), ("client_secret", &client.secret)],
        vec![OWN, ("client_id", "re ports"), ("client_secret", &client.secret)],
        vec![OWN, ("client_secret", &client.secret)],
        vec![OWN, ("client_assertion_type", JWT_BEARER), ("client_assertion", "a.b.c")],
    ] {
        assert_eq!(refused(service.form("/oauth/token", &form).await), invalid_client, "{form:?}");
    }
    for header in ["", "Basic", "Basic !!!", "Basic cmVwb3J0cw==", "Bearer cmVwb3J0czp4", "Basic /////w=="] {
        let request = service.request(Method::POST, "/oauth/token").header("authorization", header);
        assert_eq!(refused(Answer::of(request.form(&[OWN])).await), invalid_client, "{header}");
    }
}

#[tokio::test]
async fn a_client_shows_who_it_is_in_one_way() {
    let (service, client) = with_client().await;
    for further in [
        vec![("client_id", "reports"), ("client_secret", client.secret.as_str())],
        vec![("client_id", "others")],
        vec![("client_secret", client.secret.as_str())],
        vec![("client_assertion_type", JWT_BEARER)],
        vec![("client_assertion", "e30.eyJzdWIiOiJyZXBvcnRzIn0.e30")],
        vec![("client_assertion_type", JWT_BEARER), ("client_assertion", "e30.eyJzdWIiOiJyZXBvcnRzIn0.e30")],
    ] {
        let answer = service.form_as(&client, "/oauth/token", &[&[OWN], &further[..]].concat()).await;
        assert_eq!((answer.status, answer.member("error").as_str()), (400, "invalid_request"), "{further:?}");
    }
}

/// A client that signs, and what it signs with.
struct Signing {
    signer: JwsSigner,
    service: TestService,
}

impl Signing {
    async fn start(backend: Backend) -> Self {
        let service = TestService::start(backend).await;
        let (pair, _) = SigningPair::generate(KeyAlgorithm::Es256).unwrap();
        let keys = read_keys(&serde_json::to_string(&pair.public().unwrap()).unwrap()).unwrap();
        let id = "signing-reports".parse().unwrap();
        service.client_operator().add(id, NewCredential::Keys(keys), rights("signing-reports")).await.unwrap();
        Self { signer: JwsSigner::with_pair("JWT", "only".to_owned(), pair).unwrap(), service }
    }

    fn assertion(&self, jti: &str) -> String {
        let now = self.service.clock.now().seconds();
        let claims = json!({
            "iss": "signing-reports", "sub": "signing-reports", "aud": ISSUER, "jti": jti, "iat": now, "exp": now + 60,
        });
        self.signer.sign(&claims).unwrap().expose_secret().to_owned()
    }

    async fn ask(&self, assertion: &str) -> Answer {
        ask(&self.service, assertion).await
    }
}

async fn ask(service: &TestService, assertion: &str) -> Answer {
    let form = [OWN, ("client_assertion_type", JWT_BEARER), ("client_assertion", assertion)];
    service.form("/oauth/token", &form).await
}

#[rstest]
#[tokio::test]
async fn what_a_client_has_signed_is_taken_once(
    #[values(Backend::Sqlite, Backend::PostgresAndRedis)] backend: Backend,
) {
    let signing = Signing::start(backend).await;
    let assertion = signing.assertion("one");
    assert_eq!(signing.ask(&assertion).await.status, 200);
    let other_replica = signing.service.replica().await;
    for service in [&signing.service, &other_replica] {
        let again = ask(service, &assertion).await;
        assert_eq!((again.status, again.member("error").as_str()), (401, "invalid_client"));
    }
    // Another token, but the same name.
    signing.service.clock.advance(Duration::from_secs(1));
    assert_eq!(signing.ask(&signing.assertion("one")).await.status, 401);
    assert_eq!(signing.ask(&signing.assertion("two")).await.status, 200);
    other_replica.stop().await;
}

#[tokio::test]
async fn of_many_who_show_the_same_assertion_at_once_one_is_let_in() {
    let signing = Signing::start(Backend::Sqlite).await;
    let assertion = signing.assertion("one");
    let ask = || signing.ask(&assertion);
    let (first, second, third, fourth) = tokio::join!(ask(), ask(), ask(), ask());
    let mut statuses = [first, second, third, fourth].map(|answer| answer.status);
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401, 401, 401]);
}

#[tokio::test]
async fn a_client_with_keys_has_no_secret_and_the_other_way_round() {
    let signing = Signing::start(Backend::Sqlite).await;
    let service = &signing.service;
    let guess = TestClient { id: "signing-reports".to_owned(), secret: String::new() };
    assert_eq!(service.form_as(&guess, "/oauth/token", &[OWN]).await.status, 401);
    let id = "signing-reports".parse().unwrap();
    assert!(service.client_operator().rotate(&id, Duration::ZERO).await.is_err());
    service.client("plain", |_| ()).await;
    let now = service.clock.now().seconds();
    let claims = json!({"iss": "plain", "sub": "plain", "aud": ISSUER, "jti": "x", "exp": now + 60});
    let assertion = signing.signer.sign(&claims).unwrap();
    assert_eq!(signing.ask(assertion.expose_secret()).await.status, 401);
}

#[rstest]
#[case("", "invalid_request")]
#[case("scope=a", "invalid_request")]
#[case("grant_type=client_credentials&grant_type=client_credentials", "invalid_request")]
#[case("grant_type=client_credentials&scope=a&scope=b", "invalid_request")]
#[case("grant_type=client_credentials&other=a&other=b", "invalid_request")]
#[case("grant_type=password&username=ada&password=x", "unsupported_grant_type")]
#[case("grant_type=authorization_code&code=x", "unsupported_grant_type")]
#[case("grant_type=", "invalid_request")]
#[case("grant_type=client_credentials&scope=admin", "invalid_scope")]
#[tokio::test]
async fn a_bad_form_is_answered_as_the_standard_says(#[case] form: &str, #[case] error: &str) {
    let (service, client) = with_client().await;
    let request = service.request(Method::POST, "/oauth/token").basic_auth(&client.id, Some(&client.secret));
    let answer = Answer::of(request.header("content-type", FORM).body(form.to_owned())).await;
    assert_eq!((answer.status, answer.member("error").as_str()), (400, error), "{answer}");
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), (Some("no-store"), Some("no-cache")));
}

#[tokio::test]
async fn only_a_form_of_reasonable_size_is_read() {
    let (service, client) = with_client().await;
    let request = || service.request(Method::POST, "/oauth/token").basic_auth(&client.id, Some(&client.secret));
    let json = Answer::of(request().json(&json!({"grant_type": "client_credentials"}))).await;
    assert_eq!((json.status, json.member("error").as_str()), (400, "invalid_request"));
    let large = "x".repeat(33 * 1024);
    assert_snapshot!(Answer::of(request().form(&[OWN, ("scope", &large)])).await, @r#"
    413
    cache-control: no-store
    content-type: application/json
    {
      "error": "invalid_request",
      "error_description": "The form is too large"
    }
    "#);
    let get = Answer::of(service.request(Method::GET, "/oauth/token")).await;
    assert_eq!((get.status, get.header("allow")), (405, Some("POST")));
}

#[tokio::test]
async fn every_error_of_the_token_endpoint_looks_like_this() {
    let (service, client) = with_client().await;
    let person = service.registered("ada").await;
    let tokens = service.log_in(&person).await;
    let mut answers = Vec::new();
    for form in [
        vec![],
        vec![("grant_type", "password")],
        vec![OWN, ("scope", "notes:write")],
        vec![("grant_type", "refresh_token"), ("refresh_token", &tokens.refresh)],
        vec![
            ("grant_type", TOKEN_EXCHANGE),
            ("subject_token", &tokens.access),
            ("subject_token_type", ACCESS_TOKEN),
            ("resource", "https://archive.example.org"),
        ],
    ] {
        answers.push(service.form_as(&client, "/oauth/token", &form).await.to_string());
    }
    let poor = service.client("poor", |rights| rights.grants.clear()).await;
    answers.push(service.form_as(&poor, "/oauth/token", &[OWN]).await.to_string());
    assert_snapshot!(answers.join("\n\n"), @r#"
    400
    cache-control: no-store
    content-type: application/json
    {
      "error": "invalid_request",
      "error_description": "grant_type is missing"
    }

    400
    cache-control: no-store
    content-type: application/json
    {
      "error": "unsupported_grant_type",
      "error_description": "grant_type must be client_credentials, refresh_token or urn:ietf:params:oauth:grant-type:token-exchange"
    }

    400
    cache-control: no-store
    content-type: application/json
    {
      "error": "invalid_scope",
      "error_description": "The scope cannot be understood, or is more than there is to give"
    }

    400
    cache-control: no-store
    content-type: application/json
    {
      "error": "invalid_grant",
      "error_description": "The refresh token was issued to another client"
    }

    400
    cache-control: no-store
    content-type: application/json
    {
      "error": "invalid_target",
      "error_description": "The client's tokens are not for this audience or resource"
    }

    400
    cache-control: no-store
    content-type: application/json
    {
      "error": "unauthorized_client",
      "error_description": "The client may not use this grant"
    }
    "#);
}

#[tokio::test]
async fn guesses_at_a_secret_are_slowed_down() {
    let (service, client) = with_client().await;
    let wrong = TestClient { secret: "lkc_wrong".to_owned(), ..client.clone() };
    let mut last = service.form_as(&wrong, "/oauth/token", &[OWN]).await;
    for _ in 0..10 {
        last = service.form_as(&wrong, "/oauth/token", &[OWN]).await;
    }
    assert_snapshot!(last, @r#"
    429
    cache-control: no-store
    content-type: application/json
    retry-after: 1
    {
      "error": "temporarily_unavailable",
      "error_description": "Too many attempts have failed; wait and try again"
    }
    "#);
    assert_eq!(service.form_as(&wrong, "/oauth/introspect", &[("token", "x")]).await.status, 429);
    assert_eq!(service.form_as(&wrong, "/oauth/revoke", &[("token", "x")]).await.status, 429);
}
