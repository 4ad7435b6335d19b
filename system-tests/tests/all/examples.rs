//! The examples for other languages do what `docs/integrating.md` says of them.

use std::time::{Duration, Instant};

use auth_service::{crypto::master_key::MasterKey, domain::signing_key::KeyId, ports::SystemRng};
use common::{
    claims::UserClaims,
    clock::Clock,
    testing::{TestToken, header, sign},
};
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    keys::keeper,
    missed::execute,
    support::{
        auth::{
            answer::Answer,
            client::TestClient,
            service::{Backend::Sqlite, ISSUER, JWT_SECRET, shared_secret},
            token,
        },
        example::{
            Example,
            Language::{self, Node, Python},
            Protected, Settings,
        },
        system::{System, add_client, database},
    },
};

const AUDIENCE: &str = "resource-service";

/// Users' tokens are for the example too, so that it may exchange them.
const FOR_TWO: [(&str, &str); 1] = [("AUTH_FIRST_PARTY_AUDIENCES", "resource-service,example")];

/// A client that may act for users at resource-service.
async fn acting_client(system: &System) -> TestClient {
    let client = system.home.client("example", |rights| {
        rights.scope = "notes:read".parse().unwrap();
        rights.audiences = vec![AUDIENCE.parse().unwrap()];
    });
    client.await
}

/// What an example needs to know of auth-service.
async fn settings(system: &System) -> Settings {
    let secret = add_client(&system.home, "follower", "revocations:read", &[]).await;
    let mut settings = system.place_to_follow("follower", &secret);
    settings.extend(
        [("JWT_SECRET", JWT_SECRET), ("JWT_ISSUER", ISSUER), ("JWT_AUDIENCE", AUDIENCE)]
            .map(|(name, value)| (name, value.to_owned())),
    );
    settings
}

async fn protected(system: &System, language: Language) -> Protected {
    let protected = Example::of(language).serve(&settings(system).await).await;
    let (_, first) = system.logged_in("first").await;
    protected.answers(&first.access, 200).await;
    protected
}

/// Claims that a good token has.
fn good(system: &System) -> UserClaims {
    let mut token = TestToken::new(&shared_secret(), ISSUER, AUDIENCE, Uuid::from_u128(7), system.clock().now());
    token.claims.scope = "notes:read".parse().unwrap();
    token.claims
}

fn signed(claims: &Value) -> String {
    sign(&header(&shared_secret()), claims, &shared_secret())
}

fn claims_with(system: &System, name: &str, value: Value) -> Value {
    let mut claims = serde_json::to_value(good(system)).unwrap();
    claims[name] = value;
    claims
}

#[rstest]
#[tokio::test]
async fn an_example_believes_access_tokens_and_nothing_else(#[values(Python, Node)] language: Language) {
    let system = System::start(Sqlite).await;
    let protected = protected(&system, language).await;
    let now = system.clock().now().seconds();
    assert_eq!(protected.status_without_a_token().await, 401);
    assert_eq!(protected.status(&signed(&serde_json::to_value(good(&system)).unwrap())).await, 200);

    for (name, value) in [
        ("aud", json!([ISSUER, "another-service"])),
        ("aud", json!("another-service")),
        ("iss", json!("http://localhost:8081")),
        ("iss", json!("http://localhost")),
        ("exp", json!(now - 60)),
        ("nbf", json!(now + 60)),
        ("sub", json!("first-party")),
    ] {
        let token = signed(&claims_with(&system, name, value.clone()));
        assert_eq!(protected.status(&token).await, 401, "{name}: {value}");
    }
    for name in ["iss", "aud", "exp", "iat", "sub", "client_id", "jti", "sid", "scope", "roles", "auth_time"] {
        let mut claims = serde_json::to_value(good(&system)).unwrap();
        claims.as_object_mut().unwrap().remove(name);
        assert_eq!(protected.status(&signed(&claims)).await, 401, "without {name}");
    }
    let no_scope = claims_with(&system, "scope", json!("notes:write"));
    assert_eq!(protected.status(&signed(&no_scope)).await, 403);
    let service = TestToken::service(&shared_secret(), ISSUER, AUDIENCE, "reports", system.clock().now());
    assert_eq!(protected.status(&service.sign()).await, 403);
}

#[rstest]
#[tokio::test]
async fn an_example_takes_no_token_of_another_kind_or_with_another_signature(
    #[values(Python, Node)] language: Language,
) {
    let system = System::start(Sqlite).await;
    let protected = protected(&system, language).await;
    let (_, ada) = system.logged_in("ada").await;
    let claims = good(&system);
    for kind in [Some("JWT"), Some("rt+jwt"), None] {
        let mut header = header(&shared_secret());
        header.typ = kind.map(str::to_owned);
        assert_eq!(protected.status(&sign(&header, &claims, &shared_secret())).await, 401, "{kind:?}");
    }
    let ([head, body, signature], another) = (parts(&ada.access), claims_of_another(&system));
    for forged in [
        format!("{head}.{another}.{signature}"),
        format!("{head}.{body}."),
        format!("{head}.{body}"),
        format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{body}."),
        "no token".to_owned(),
        "x".repeat(9_000),
        ada.refresh.clone(),
    ] {
        assert_eq!(protected.status(&forged).await, 401, "{forged}");
    }
    assert_eq!(protected.status(&ada.access).await, 200);
}

fn claims_of_another(system: &System) -> String {
    let token = signed(&serde_json::to_value(good(system)).unwrap());
    let [_, claims, _] = parts(&token);
    claims.to_owned()
}

fn parts(token: &str) -> [&str; 3] {
    token.split('.').collect::<Vec<_>>().try_into().unwrap()
}

#[rstest]
#[tokio::test]
async fn an_example_refuses_an_ended_session_within_a_second(#[values(Python, Node)] language: Language) {
    let system = System::start(Sqlite).await;
    let protected = protected(&system, language).await;
    let ((_, ada), (_, eve)) = (system.logged_in("ada").await, system.logged_in("eve").await);
    assert_eq!(protected.status(&ada.access).await, 200);
    system.log_out(&ada.access).await;
    let ended = Instant::now();
    protected.answers(&ada.access, 401).await;
    assert!(ended.elapsed() < Duration::from_secs(1), "after {:?}", ended.elapsed());
    assert_eq!(protected.status(&eve.access).await, 200);
}

#[rstest]
#[tokio::test]
async fn an_example_refuses_a_disabled_client_and_not_an_enabled_one(#[values(Python, Node)] language: Language) {
    let system = System::start(Sqlite).await;
    let protected = protected(&system, language).await;
    let secret = add_client(&system.home, "reports", "notes:read", &[AUDIENCE]).await;
    let token = async || {
        let request = system.home.request(Method::POST, "/oauth/token").basic_auth("reports", Some(secret.as_str()));
        Answer::of(request.form(&[("grant_type", "client_credentials")])).await.member("access_token")
    };
    let (first, operator, id) = (token().await, system.home.client_operator(), "reports".parse().unwrap());
    assert_eq!(protected.status(&first).await, 403, "it is good, and no user's");
    operator.set_disabled(&id, true).await.unwrap();
    protected.answers(&first, 401).await;
    operator.set_disabled(&id, false).await.unwrap();
    system.clock().advance(Duration::from_secs(1));
    assert_eq!(protected.status(&token().await).await, 403);
    assert_eq!(protected.status(&first).await, 401);
}

#[rstest]
#[tokio::test]
async fn an_example_refuses_one_token_that_was_revoked_and_not_another_of_its_session(
    #[values(Python, Node)] language: Language,
) {
    let system = System::start(Sqlite).await;
    let protected = protected(&system, language).await;
    let (_, ada) = system.logged_in("ada").await;
    let another = system.home.refresh(&ada.refresh).await.tokens();
    for token in [&ada.access, &another.access] {
        assert_eq!(protected.status(token).await, 200);
    }
    let answer = system.home.form("/oauth/revoke", &[("token", &ada.access), ("client_id", "first-party")]).await;
    assert_eq!(answer.status, 200, "{answer}");
    protected.answers(&ada.access, 401).await;
    assert_eq!(protected.status(&another.access).await, 200);
}

#[rstest]
#[tokio::test]
async fn an_example_refuses_what_a_disabled_client_exchanged_and_not_the_users_own_token(
    #[values(Python, Node)] language: Language,
) {
    let system = System::start_with(Sqlite, &FOR_TWO, &[]).await;
    let client = acting_client(&system).await;
    let protected = protected(&system, language).await;
    let (_, ada) = system.logged_in("ada").await;
    let exchanged = system.home.exchange(&client, &ada.access, &[]).await.member("access_token");
    assert_eq!(protected.status(&exchanged).await, 200);
    system.home.client_operator().set_disabled(&"example".parse().unwrap(), true).await.unwrap();
    protected.answers(&exchanged, 401).await;
    assert_eq!(protected.status(&ada.access).await, 200);
}

#[rstest]
#[tokio::test]
async fn an_example_with_public_keys_refuses_the_tokens_of_a_key_that_was_taken_away(
    #[values(Python, Node)] language: Language,
) {
    let master = MasterKey::new_text(&SystemRng);
    let auth = [("AUTH_SIGNING_ALGORITHM", "EdDSA"), ("JWT_ALGORITHMS", "EdDSA"), ("AUTH_MASTER_KEY", &master)];
    let system = System::start_with(Sqlite, &auth, &[("JWT_ALGORITHMS", "EdDSA")]).await;
    let mut settings = settings(&system).await;
    settings.retain(|(name, _)| *name != "JWT_SECRET");
    settings.push(("JWT_JWKS_URL", format!("{}/.well-known/jwks.json", system.home.public())));
    let protected = Example::of(language).serve(&settings).await;
    let (_, ada) = system.logged_in("ada").await;
    protected.answers(&ada.access, 200).await;
    let forged = signed(&serde_json::to_value(good(&system)).unwrap());
    assert_eq!(protected.status(&forged).await, 401);
    let kid = token::header(&ada.access)["kid"].as_str().unwrap().to_owned();
    keeper(&system, &master).retire_at_once(&KeyId(kid)).await.unwrap();
    protected.answers(&ada.access, 401).await;
}

#[rstest]
#[tokio::test]
async fn an_example_refuses_everybody_until_it_has_heard_and_misses_nothing(
    #[values(Python, Node)] language: Language,
) {
    let mut system = System::start(Sqlite).await;
    let ((_, ada), (_, eve)) = (system.logged_in("ada").await, system.logged_in("eve").await);
    let settings = settings(&system).await;
    system.auth_goes_away().await;
    let protected = Example::of(language).serve(&settings).await;
    assert_eq!(protected.status(&ada.access).await, 503);
    assert_eq!(protected.status("no token").await, 401, "what is wrong in itself is refused as ever");
    system.auth_comes_back().await;
    protected.answers(&ada.access, 200).await;

    system.auth_goes_away().await;
    system.log_out(&ada.access).await;
    assert_eq!(protected.status(&ada.access).await, 200, "nobody could have told it");
    system.auth_comes_back().await;
    protected.answers(&ada.access, 401).await;
    assert_eq!(protected.status(&eve.access).await, 200);
}

#[rstest]
#[tokio::test]
async fn an_example_keeps_what_it_knows_when_the_log_was_put_back(#[values(Python, Node)] language: Language) {
    let system = System::start(Sqlite).await;
    let protected = protected(&system, language).await;
    let [ada, bob, eve] = [system.logged_in("ada").await, system.logged_in("bob").await, system.logged_in("eve").await]
        .map(|(_, tokens)| tokens.access);
    for token in [&ada, &bob] {
        system.log_out(token).await;
        protected.answers(token, 401).await;
    }
    // Bob's logout never happened; the next entry gets its number.
    let undo = "DELETE FROM revocations WHERE id > 1; UPDATE revocation_log SET last_id = 1";
    execute(&database(&system.home), undo).await;
    system.log_out(&eve).await;
    protected.answers(&eve, 401).await;
    assert_eq!(protected.status(&bob).await, 401, "what was heard stays heard");
    assert_eq!(protected.status(&ada).await, 401);
}

#[rstest]
#[tokio::test]
async fn an_example_calls_another_service_for_itself(#[values(Python, Node)] language: Language) {
    let system = System::start(Sqlite).await;
    let feed = format!("{}/internal/revocations", system.home.internal());
    let told = Example::of(language).call(&settings(&system).await, &[&feed, "revocations:read"], "").await;
    let (status, body) = told.split_once(' ').unwrap();
    assert_eq!(status, "200", "{told}");
    assert!(serde_json::from_str::<Value>(body).unwrap()["cursor"].is_string(), "{told}");
}

#[rstest]
#[tokio::test]
async fn an_example_calls_another_service_on_behalf_of_a_user(#[values(Python, Node)] language: Language) {
    let system = System::start_with(Sqlite, &FOR_TWO, &[]).await;
    system.resource.heard().await;
    let client = acting_client(&system).await;
    let settings = system.place_to_follow("example", &client.secret);
    let (_, ada) = system.logged_in("ada").await;
    let whoami = system.resource.url("/api/whoami");
    let told = Example::of(language).call(&settings, &[&whoami, "notes:read", AUDIENCE], &ada.access).await;
    let (status, body) = told.split_once(' ').unwrap();
    assert_eq!(status, "200", "{told}");
    let who: Value = serde_json::from_str(body).unwrap();
    assert_eq!(who["sub"], token::claims(&ada.access)["sub"], "{told}");
    assert_eq!(who["scope"], "notes:read", "{told}");
}
