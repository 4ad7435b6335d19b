//! Headers that nobody would send: each is answered, by a refusal of the request and never by a failure of the service.

use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use reqwest::{
    Method, RequestBuilder,
    header::{HeaderName, HeaderValue},
};

use crate::support::{
    answer::Answer,
    service::{Backend, TestService},
};

const REQUESTS: usize = 600;

const HEADERS: [&str; 18] = [
    "authorization",
    "x-forwarded-for",
    "forwarded",
    "x-request-id",
    "traceparent",
    "tracestate",
    "cookie",
    "user-agent",
    "content-type",
    "accept",
    "origin",
    "sec-fetch-site",
    "x-csrf-token",
    "if-none-match",
    "x-original-method",
    "x-original-uri",
    "x-required-scope",
    "x-required-role",
];

const ROUTES: [(&str, &str); 9] = [
    ("GET", "/auth/me"),
    ("GET", "/auth/sessions"),
    ("POST", "/auth/refresh"),
    ("POST", "/auth/logout"),
    ("POST", "/oauth/token"),
    ("GET", "/auth/csrf"),
    ("GET", "/internal/revocations"),
    ("GET", "/auth/verify"),
    ("GET", "/auth/verify/x"),
];

/// Beginnings that lead past the first check of a parser.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let beginning = select(vec![
        "",
        "Bearer ",
        "Basic ",
        "Basic eDp5",
        "Bearer eyJhbGciOiJub25lIn0.",
        "00-",
        "127.0.0.1, ",
        "lk_sid=lks_",
        "lk_at=eyJ",
        "lk_rt=eyJ",
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=",
    ]);
    (beginning, prop_oneof![vec(any::<u8>(), 0..40), "[ -~]{0,400}".prop_map(Into::into)])
        .prop_map(|(beginning, rest): (&str, Vec<u8>)| [beginning.as_bytes(), &rest].concat())
}

fn request(service: &TestService, (method, path): (&str, &str), query: &str) -> RequestBuilder {
    if path.starts_with("/internal") || path.starts_with("/auth/verify") {
        return service.internal_request(&format!("{path}?{query}"));
    }
    service.request(Method::from_bytes(method.as_bytes()).unwrap(), path)
}

#[tokio::test]
async fn any_header_is_answered_by_a_refusal() {
    let service = TestService::start_with(Backend::Sqlite, &[("AUTH_TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    let headers = vec((select(HEADERS.to_vec()), value()), 1..5);
    let strategy = (select(ROUTES.to_vec()), headers, "(after|wait|=|&|[.]|[0-9]|%[0-9A-F]{2}){0,8}");
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    for _ in 0..REQUESTS {
        let (route, headers, query) = strategy.new_tree(&mut runner).unwrap().current();
        let sendable = headers
            .iter()
            .filter_map(|(name, value)| Some((HeaderName::from_static(name), HeaderValue::from_bytes(value).ok()?)));
        let request =
            sendable.fold(request(&service, route, &query), |request, (name, value)| request.header(name, value));
        let answer = Answer::of(request).await;
        assert!((400..500).contains(&answer.status), "{route:?} {query:?} {headers:?}: {answer}");
    }
}
