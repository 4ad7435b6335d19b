//! `/admin/clients`

use std::time::Duration;

use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    answer::Answer,
    client::TestClient,
    service::{Backend, TestService},
};

const OWN: [(&str, &str); 1] = [("grant_type", "client_credentials")];

async fn start(backend: Backend) -> (TestService, String) {
    let service = TestService::start(backend).await;
    let (_, root) = service.administrator().await;
    (service, root.access)
}

fn client_of(answer: &Answer) -> TestClient {
    TestClient { id: answer.member("client_id"), secret: answer.member("client_secret") }
}

#[rstest]
#[tokio::test]
async fn an_administrator_adds_a_client_and_sees_its_secret_once(
    #[values(Backend::Sqlite, Backend::PostgresAndRedis)] backend: Backend,
) {
    let (service, root) = start(backend).await;
    let body = json!({
        "client_id": "reports", "grants": ["client_credentials", "token_exchange"], "scopes": ["notes:read"],
        "audiences": ["resource-service"], "roles": ["editor"], "token_ttl": 120,
    });
    let added = service.post_as(&root, "/admin/clients", body.clone()).await;
    assert_snapshot!(added, @r#"
    201
    cache-control: no-store
    content-type: application/json
    location: /admin/clients/reports
    {
      "audiences": [
        "resource-service"
      ],
      "authentication": "client_secret",
      "client_id": "reports",
      "client_secret": "[client_secret]",
      "created_at": "[created_at]",
      "disabled": false,
      "grants": [
        "client_credentials",
        "token_exchange"
      ],
      "roles": [
        "editor"
      ],
      "scopes": [
        "notes:read"
      ],
      "service": "reports",
      "token_ttl": 120
    }
    "#);
    let client = client_of(&added);
    let token = service.form_as(&client, "/oauth/token", &OWN).await;
    assert_eq!((token.status, token.json()["expires_in"].as_u64()), (200, Some(120)), "{token}");
    assert_snapshot!(service.get_as(&root, "/admin/clients/reports").await, @r#"
    200
    cache-control: no-store
    content-type: application/json
    {
      "audiences": [
        "resource-service"
      ],
      "authentication": "client_secret",
      "client_id": "reports",
      "created_at": "[created_at]",
      "disabled": false,
      "grants": [
        "client_credentials",
        "token_exchange"
      ],
      "roles": [
        "editor"
      ],
      "scopes": [
        "notes:read"
      ],
      "service": "reports",
      "token_ttl": 120
    }
    "#);
    let taken = service.post_as(&root, "/admin/clients", body).await;
    assert_eq!((taken.status, taken.code().as_str()), (409, "client_id_taken"));
    let built_in = service.post_as(&root, "/admin/clients", json!({"client_id": "first-party"})).await;
    assert_eq!(built_in.status, 409);
    service.audit_written().await;
    let [event] = &service.audit_events("client_added").await[..] else { panic!("one event") };
    assert!(event.actor.to_string().starts_with("user:"), "{event:?}");
}

#[tokio::test]
async fn what_is_named_changes_and_the_rest_stays() {
    let (service, root) = start(Backend::Sqlite).await;
    let body = json!({"client_id": "reports", "scopes": ["a", "b"], "audiences": ["x"]});
    let client = client_of(&service.post_as(&root, "/admin/clients", body).await);
    let changed =
        service.patch_as(&root, "/admin/clients/reports", json!({"scopes": ["a"], "roles": ["editor"]})).await;
    assert_eq!(changed.status, 200, "{changed}");
    let changed = changed.json();
    assert_eq!(
        (&changed["scopes"], &changed["roles"], &changed["audiences"], &changed["grants"]),
        (&json!(["a"]), &json!(["editor"]), &json!(["x"]), &json!(["client_credentials"]))
    );
    assert_eq!(service.form_as(&client, "/oauth/token", &OWN).await.member("scope"), "a");
    let nothing = service.patch_as(&root, "/admin/clients/reports", json!({})).await;
    assert_eq!((nothing.status, nothing.json()), (200, changed));

    let disabled = service.patch_as(&root, "/admin/clients/reports", json!({"disabled": true})).await;
    assert_eq!(disabled.json()["disabled"], json!(true));
    assert_eq!(service.form_as(&client, "/oauth/token", &OWN).await.status, 401);
    service.patch_as(&root, "/admin/clients/reports", json!({"disabled": false})).await;
    assert_eq!(service.form_as(&client, "/oauth/token", &OWN).await.status, 200);
    let keys =
        json!({"public_keys": {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}});
    assert_eq!(service.patch_as(&root, "/admin/clients/reports", keys).await.code(), "other_credential");
}

#[tokio::test]
async fn both_secrets_are_good_while_their_holders_change_over() {
    let (service, root) = start(Backend::Sqlite).await;
    let old = client_of(&service.post_as(&root, "/admin/clients", json!({"client_id": "reports"})).await);
    let rotate = Answer::of(service.request(Method::POST, "/admin/clients/reports/secret").bearer_auth(&root)).await;
    assert_eq!(rotate.status, 200, "{rotate}");
    let new = client_of(&rotate);
    for client in [&old, &new] {
        assert_eq!(service.form_as(client, "/oauth/token", &OWN).await.status, 200);
    }
    let newest = client_of(&service.post_as(&root, "/admin/clients/reports/secret", json!({"overlap": 60})).await);
    assert_eq!(service.form_as(&old, "/oauth/token", &OWN).await.status, 401);
    service.clock.advance(Duration::from_secs(60));
    assert_eq!(service.form_as(&new, "/oauth/token", &OWN).await.status, 401);
    assert_eq!(service.form_as(&newest, "/oauth/token", &OWN).await.status, 200);
}

#[tokio::test]
async fn a_client_with_keys_has_no_secret() {
    let (service, root) = start(Backend::Sqlite).await;
    let key = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let body = json!({"client_id": "reports", "public_keys": key});
    let added = service.post_as(&root, "/admin/clients", body).await;
    assert_eq!((added.status, added.json()["authentication"].as_str()), (201, Some("private_key_jwt")), "{added}");
    assert!(added.json().get("client_secret").is_none());
    let secret = service.post_as(&root, "/admin/clients/reports/secret", json!({})).await;
    assert_eq!((secret.status, secret.code().as_str()), (409, "other_credential"));
    let other = json!({"public_keys": {"keys": [key]}});
    assert_eq!(service.patch_as(&root, "/admin/clients/reports", other).await.status, 200);
}

#[rstest]
#[tokio::test]
async fn a_removed_client_and_its_tokens_are_gone(
    #[values(Backend::Sqlite, Backend::PostgresAndRedis)] backend: Backend,
) {
    let (service, root) = start(backend).await;
    let client = client_of(&service.post_as(&root, "/admin/clients", json!({"client_id": "reports"})).await);
    let token = service.own_token(&client).await;
    let other = service.client("other", |rights| rights.service = "reports".parse().unwrap()).await;
    assert_eq!(service.delete_as(&root, "/admin/clients/reports").await.status, 204);
    assert_eq!(service.delete_as(&root, "/admin/clients/reports").await.status, 404);
    assert_eq!(service.form_as(&client, "/oauth/token", &OWN).await.status, 401);
    assert_eq!(service.introspect(&other, &token).await, json!({"active": false}));
    for (method, path) in [(Method::GET, "/admin/clients/reports"), (Method::GET, "/admin/clients/NOBODY%20")] {
        assert_eq!(Answer::of(service.request(method, path).bearer_auth(&root)).await.code(), "not_found", "{path}");
    }
}

#[tokio::test]
async fn the_list_comes_in_pages() {
    let (service, root) = start(Backend::Sqlite).await;
    for id in ["ccc", "aaa", "bbb"] {
        service.client(id, |_| ()).await;
    }
    let names = |answer: &Answer| -> Vec<Value> {
        answer.json()["items"].as_array().unwrap().iter().map(|client| client["client_id"].clone()).collect()
    };
    let first = service.get_as(&root, "/admin/clients?limit=2").await;
    assert_eq!((names(&first), first.json()["next"].clone()), (vec![json!("aaa"), json!("bbb")], json!("bbb")));
    let second = service.get_as(&root, "/admin/clients?limit=2&after=bbb").await;
    assert_eq!((names(&second), second.json()["next"].clone()), (vec![json!("ccc")], Value::Null));
    for query in ["?limit=0", "?limit=201", "?limit=x", "?after=", "?other=1"] {
        let answer = service.get_as(&root, &format!("/admin/clients{query}")).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "bad_request"), "{query}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let (service, root) = start(Backend::Sqlite).await;
    for (member, value) in [
        ("client_id", json!("No Such Name")),
        ("grants", json!(["password"])),
        ("scopes", json!(["a b"])),
        ("scopes", json!([""])),
        ("service", json!("a b")),
        ("audiences", json!(["ä"])),
        ("roles", json!([""])),
        ("token_ttl", json!(59)),
        ("token_ttl", json!(3601)),
        ("public_keys", json!({"kty": "oct", "k": "AQAB"})),
        ("public_keys", json!({"keys": []})),
        ("unknown", json!(1)),
    ] {
        let mut body = json!({"client_id": "reports"});
        body[member] = value.clone();
        let answer = service.post_as(&root, "/admin/clients", body).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "bad_request"), "{member} {value}");
        assert_eq!(answer.json()["errors"][0]["field"], member, "{answer}");
    }
    service.client("reports", |_| ()).await;
    let answer = service.post_as(&root, "/admin/clients/reports/secret", json!({"overlap": 2_592_001})).await;
    assert_eq!(answer.json()["errors"][0]["field"], "overlap");
}

#[tokio::test]
async fn only_an_administrator_with_a_recent_password_changes_anything() {
    let service = TestService::start(Backend::Sqlite).await;
    let (root, _) = service.administrator().await;
    let user = service.registered("ada").await;
    service.client("reports", |_| ()).await;
    let (root, user) = (service.log_in(&root).await, service.log_in(&user).await);
    let ask = async |method: &Method, path: &str, token: Option<&str>| {
        let body = if path == "/admin/clients" { json!({"client_id": "more"}) } else { json!({}) };
        let request = service.request(method.clone(), path).json(&body);
        Answer::of(if let Some(token) = token { request.bearer_auth(token) } else { request }).await
    };
    let reads = [(Method::GET, "/admin/clients"), (Method::GET, "/admin/clients/reports")];
    let writes = [
        (Method::POST, "/admin/clients"),
        (Method::PATCH, "/admin/clients/reports"),
        (Method::POST, "/admin/clients/reports/secret"),
        (Method::DELETE, "/admin/clients/reports"),
    ];
    for (method, path) in reads.iter().chain(&writes) {
        assert_eq!(ask(method, path, None).await.code(), "missing_token", "{method} {path}");
        assert_eq!(ask(method, path, Some(&user.access)).await.code(), "insufficient_role", "{method} {path}");
    }
    service.clock.advance(Duration::from_secs(870));
    let refreshed = service.refresh(&root.refresh).await.tokens();
    service.clock.advance(Duration::from_secs(31));
    for (method, path) in &writes {
        let answer = ask(method, path, Some(&refreshed.access)).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "reauthentication_required"), "{method} {path}");
    }
    for (method, path) in &reads {
        assert_eq!(ask(method, path, Some(&refreshed.access)).await.status, 200, "{method} {path}");
    }
}
