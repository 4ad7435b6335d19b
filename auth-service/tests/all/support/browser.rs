//! A browser as the service sees it: it keeps cookies as it is told, sends them where they belong, and says where a request was begun.

use std::collections::BTreeMap;

use reqwest::{Method, RequestBuilder, header::SET_COOKIE};
use serde_json::{Value, json};

use super::{
    answer::Answer,
    service::{Person, TestService},
};

/// A cookie jar for one host.
#[derive(Debug, Clone, Default)]
pub struct Browser {
    cookies: BTreeMap<String, Kept>,
}

#[derive(Debug, Clone)]
struct Kept {
    value: String,
    path: String,
    /// What stood behind the value.
    attributes: String,
}

impl Browser {
    /// One that is logged in.
    pub async fn logged_in(service: &TestService, person: &Person, mode: &str) -> Self {
        let mut browser = Self::default();
        let answer = browser.log_in(service, person, mode).await;
        assert_eq!(answer.status, 200, "{answer}");
        browser
    }

    pub async fn log_in(&mut self, service: &TestService, person: &Person, mode: &str) -> Answer {
        let body = json!({"username": person.username, "password": person.password, "mode": mode});
        self.post(service, "/auth/login", body).await
    }

    /// What the page of the site sends: its cookies and, for what changes something, the CSRF value.
    pub async fn send(&mut self, service: &TestService, method: Method, path: &str) -> Answer {
        let request = self.request(service, method, path);
        self.answered(request).await
    }

    pub async fn post(&mut self, service: &TestService, path: &str, body: Value) -> Answer {
        let request = self.request(service, Method::POST, path).json(&body);
        self.answered(request).await
    }

    pub fn request(&self, service: &TestService, method: Method, path: &str) -> RequestBuilder {
        self.on_page(self.bare(service, method, path))
    }

    /// The same without what only a page of the site adds.
    pub fn bare(&self, service: &TestService, method: Method, path: &str) -> RequestBuilder {
        self.cookies_to(path)
            .into_iter()
            .fold(service.request(method, path), |request, cookies| request.header("Cookie", cookies))
    }

    /// What pages of other sites can have it send, and what a page of this one sends that does not know the CSRF value.
    pub fn forged(&self, service: &TestService, method: &Method, path: &str) -> [RequestBuilder; 5] {
        let begun = |at| self.bare(service, method.clone(), path).header("Sec-Fetch-Site", at);
        let with = |request: RequestBuilder, value| request.header("X-CSRF-Token", value);
        let value = self.cookie("lk_csrf").unwrap();
        [
            self.bare(service, method.clone(), path),
            with(self.bare(service, method.clone(), path), value),
            with(begun("cross-site"), value),
            begun("same-origin"),
            with(begun("same-origin"), "another"),
        ]
    }

    /// `request` as the page of the site sends it.
    pub fn on_page(&self, request: RequestBuilder) -> RequestBuilder {
        let request = request.header("Sec-Fetch-Site", "same-origin");
        match self.cookie("lk_csrf") {
            Some(value) => request.header("X-CSRF-Token", value),
            None => request,
        }
    }

    /// The header `Cookie` of a request.
    pub fn cookies_to(&self, path: &str) -> Option<String> {
        let fitting = self.cookies.iter().filter(|(_, kept)| path.starts_with(&kept.path));
        let pairs: Vec<_> = fitting.map(|(name, kept)| format!("{name}={}", kept.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Sends `request` and keeps what the answer sets.
    pub async fn answered(&mut self, request: RequestBuilder) -> Answer {
        let answer = Answer::of(request).await;
        self.keep(&answer);
        answer
    }

    pub fn keep(&mut self, answer: &Answer) {
        for line in set_cookies(answer) {
            let (pair, attributes) = line.split_once("; ").unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
                continue;
            }
            let path = attributes.split("; ").find_map(|attribute| attribute.strip_prefix("Path=")).unwrap();
            let kept = Kept { value: value.to_owned(), path: path.to_owned(), attributes: attributes.to_owned() };
            self.cookies.insert(name.to_owned(), kept);
        }
    }

    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(|kept| kept.value.as_str())
    }

    pub fn set_cookie(&mut self, name: &str, value: &str) {
        let kept = Kept { value: value.to_owned(), path: "/".to_owned(), attributes: String::new() };
        self.cookies.insert(name.to_owned(), kept);
    }

    pub fn names(&self) -> Vec<&str> {
        self.cookies.keys().map(String::as_str).collect()
    }

    /// Each cookie with its attributes.
    pub fn held(&self) -> String {
        let lines = self.cookies.iter().map(|(name, kept)| format!("{name}: {}", kept.attributes));
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// What an answer sets and clears.
pub fn set_cookies(answer: &Answer) -> Vec<String> {
    answer.headers.get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
}
