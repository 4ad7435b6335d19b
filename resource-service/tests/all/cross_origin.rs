//! Pages of other origins.

use reqwest::Method;

use crate::support::{
    answer::Answer,
    database::Kind::Sqlite,
    service::{ADA, TestService},
};

const APP: &str = "https://app.example.org";

#[tokio::test]
async fn a_listed_origin_may_ask_and_reads_answers_and_errors_alike() {
    let service = TestService::start_with(Sqlite, vec![("CORS_ORIGINS", APP.to_owned())]).await;
    let preflight = service.request(Method::OPTIONS, "/api/notes").header("Origin", APP);
    let answer = Answer::of(preflight.header("Access-Control-Request-Method", "PUT")).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some(APP)), "{answer}");
    let token = service.token_for(ADA, "notes:read");
    for (path, token, status) in
        [("/api/notes", token.as_str(), 200), ("/api/notes", "no token", 401), ("/api/nothing", &token, 404)]
    {
        let answer = Answer::of(service.request(Method::GET, path).header("Origin", APP).bearer_auth(token)).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (status, Some(APP)), "{answer}");
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
}

#[tokio::test]
async fn another_origin_is_served_and_no_page_of_it_reads_the_answer() {
    let service = TestService::start_with(Sqlite, vec![("CORS_ORIGINS", APP.to_owned())]).await;
    let token = service.token_for(ADA, "notes:read");
    let request = service.request(Method::GET, "/api/notes").header("Origin", "https://evil.example");
    let answer = Answer::of(request.bearer_auth(token)).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, None), "{answer}");
    assert!(answer.header("vary").unwrap().contains("Origin"));
}
