//! An answer as a test sees it: status, the headers that matter, the body. Displays as a snapshot in which everything
//! that differs from run to run is replaced by its name.

use std::fmt::{self, Write};

use reqwest::{RequestBuilder, header::HeaderMap};
use serde_json::Value;

use super::service::Tokens;

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

const SHOWN_HEADERS: [&str; 6] =
    ["allow", "cache-control", "content-type", "location", "retry-after", "www-authenticate"];

const REDACTED_MEMBERS: [&str; 11] = [
    "access_token",
    "client_secret",
    "created_at",
    "csrf_token",
    "expires_at",
    "id",
    "last_seen_at",
    "refresh_token",
    "request_id",
    "sid",
    "updated_at",
];

impl Answer {
    pub async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self}"))
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_else(|| panic!("no problem: {self}")).to_owned()
    }

    pub fn member(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_else(|| panic!("no {name}: {self}")).to_owned()
    }

    pub fn tokens(&self) -> Tokens {
        Tokens { access: self.member("access_token"), refresh: self.member("refresh_token") }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.status)?;
        for name in SHOWN_HEADERS {
            if let Some(value) = self.header(name) {
                writeln!(f, "{name}: {value}")?;
            }
        }
        match serde_json::from_str::<Value>(&self.text) {
            Ok(mut body) => {
                redact(&mut body);
                write!(f, "{body:#}")
            }
            Err(_) => f.write_str(&self.text),
        }
    }
}

fn redact(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                if REDACTED_MEMBERS.contains(&name.as_str()) && value.is_string() {
                    let mut placeholder = String::new();
                    write!(placeholder, "[{name}]").unwrap();
                    *value = Value::String(placeholder);
                } else {
                    redact(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        _ => {}
    }
}
