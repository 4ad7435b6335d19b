//! `/openapi.json` and `/docs`

use crate::support::service::{Backend, TestService};

#[tokio::test]
async fn the_document_names_every_address() {
    let service = TestService::start(Backend::Sqlite).await;
    let document = service.get("/openapi.json").await.json();
    let mut paths: Vec<_> = document["paths"].as_object().unwrap().keys().cloned().collect();
    paths.sort();
    let expected = [
        "/.well-known/jwks.json",
        "/.well-known/oauth-authorization-server",
        "/admin/audit",
        "/admin/clients",
        "/admin/clients/{id}",
        "/admin/clients/{id}/secret",
        "/admin/keys",
        "/admin/metrics",
        "/admin/users",
        "/admin/users/{id}",
        "/admin/users/{id}/password",
        "/admin/users/{id}/sessions",
        "/auth/csrf",
        "/auth/login",
        "/auth/logout",
        "/auth/logout-all",
        "/auth/me",
        "/auth/password",
        "/auth/reauth",
        "/auth/refresh",
        "/auth/register",
        "/auth/sessions",
        "/auth/sessions/{sid}",
        "/oauth/introspect",
        "/oauth/revoke",
        "/oauth/token",
    ];
    assert_eq!(paths, expected);
    insta::assert_json_snapshot!("openapi", document);
}

#[tokio::test]
async fn the_pages_come_from_the_binary_under_a_strict_policy() {
    let service = TestService::start(Backend::Sqlite).await;
    assert_eq!(service.get("/docs").await.header("location"), Some("/docs/"));
    let page = service.get("/docs/").await;
    assert_eq!(page.status, 200);
    assert!(!page.text.contains("//cdn") && !page.text.contains("https://"), "{}", page.text);
    assert!(page.header("content-security-policy").unwrap().contains("script-src 'self'"));
    let script = service.get("/docs/swagger-initializer.js").await.text;
    assert!(script.contains("/openapi.json") && script.contains("/api/openapi.json"), "{script}");
    assert_eq!(service.get("/docs/swagger-ui-bundle.js").await.status, 200);
    assert_eq!(service.get("/docs/no-such-file").await.code(), "not_found");
}
