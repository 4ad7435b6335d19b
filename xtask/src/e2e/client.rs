//! HTTP as a client of the gateway speaks it, and what its answers must look like.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::Agent;
use ureq::http::{HeaderMap, Request};

use super::ensure;
use crate::Failure;

pub struct Client {
    agent: Agent,
    base: String,
    secrets: Mutex<Vec<String>>,
}

pub struct Answer {
    /// Method and path, for messages.
    asked: String,
    pub status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
    pub took: Duration,
}

impl Client {
    pub fn new(base: String) -> Self {
        let agent = Agent::config_builder()
            // The gateway answers within ten seconds, whatever happens behind it.
            .timeout_global(Some(Duration::from_secs(12)))
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            // The gateway is taken down in between.
            .max_idle_connections(0)
            .build()
            .into();
        Self { agent, base, secrets: Mutex::default() }
    }

    pub fn get(&self, path: &str, token: Option<&str>) -> Result<Answer, Failure> {
        self.send("GET", path, &authorization(token), None)
    }

    pub fn post(&self, path: &str, token: Option<&str>, body: &Value) -> Result<Answer, Failure> {
        self.send_json("POST", path, token, body)
    }

    pub fn send_json(&self, method: &str, path: &str, token: Option<&str>, body: &Value) -> Result<Answer, Failure> {
        let mut headers = authorization(token);
        headers.push(("Content-Type", "application/json".to_owned()));
        self.send(method, path, &headers, Some(body.to_string().into_bytes()))
    }

    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: Option<Vec<u8>>,
    ) -> Result<Answer, Failure> {
        let asked = format!("{method} {path}");
        let failed = |error: &dyn std::fmt::Display| Failure::new(format!("{asked} got no answer: {error}"));
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let begun = Instant::now();
        let answer = match body {
            Some(body) => self.agent.run(request.body(body).map_err(|error| failed(&error))?),
            None => self.agent.run(request.body(()).map_err(|error| failed(&error))?),
        };
        let mut answer = answer.map_err(|error| failed(&error))?;
        let body = answer.body_mut().read_to_vec().map_err(|error| failed(&error))?;
        Ok(Answer {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body,
            took: begun.elapsed(),
            asked,
        })
    }

    /// Notes a token or password, so that it can be looked for where it must not be.
    pub fn remember(&self, secret: &str) {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).push(secret.to_owned());
    }

    pub fn remembered(&self) -> Vec<String> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn authorization(token: Option<&str>) -> Vec<(&'static str, String)> {
    token.map(|token| ("Authorization", format!("Bearer {token}"))).into_iter().collect()
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// What a browser sends along from now on.
    pub fn cookies(&self) -> String {
        let set = self.headers.get_all("Set-Cookie").iter().filter_map(|cookie| cookie.to_str().ok());
        let pairs = set.filter_map(|cookie| cookie.split(';').next()).filter(|pair| !pair.ends_with('='));
        pairs.collect::<Vec<_>>().join("; ")
    }

    /// The body, if the status is the one that should come.
    pub fn expect(&self, status: u16) -> Result<Value, Failure> {
        ensure(self.status == status, || format!("{self} instead of {status}"))?;
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.body).map_err(|_| Failure::new(format!("{self} with a body that is no JSON")))
    }

    /// The body, if it is this problem in the form that all problems have.
    pub fn expect_problem(&self, status: u16, code: &str) -> Result<Value, Failure> {
        let body = self.expect(status)?;
        let content_type = self.header("Content-Type").unwrap_or_default();
        ensure(content_type.starts_with("application/problem+json"), || format!("{self} as {content_type:?}"))?;
        ensure(body["code"] == code, || format!("{self} instead of `{code}`"))?;
        ensure(body["status"] == status, || format!("{self}, but the body says {}", body["status"]))?;
        ensure(body["request_id"].as_str() == self.header("X-Request-Id"), || {
            format!(
                "{self} with the request id {} in the body and {:?} in the header",
                body["request_id"],
                self.header("X-Request-Id")
            )
        })?;
        if matches!(status, 429 | 503) {
            let seconds = self.header("Retry-After").and_then(|seconds| seconds.parse::<u32>().ok());
            ensure(seconds.is_some(), || format!("{self} without Retry-After"))?;
        }
        Ok(body)
    }
}

/// Without the body, which may hold tokens; of a problem its code.
impl std::fmt::Display for Answer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} answered {}", self.asked, self.status)?;
        let body = serde_json::from_slice::<Value>(&self.body).unwrap_or_default();
        match body["code"].as_str() {
            Some(code) => write!(out, " `{code}`"),
            None => Ok(()),
        }
    }
}

/// The text of a member that has to be there.
pub fn text(body: &Value, member: &str) -> Result<String, Failure> {
    body[member].as_str().map(str::to_owned).ok_or_else(|| Failure::new(format!("an answer has no text `{member}`")))
}
