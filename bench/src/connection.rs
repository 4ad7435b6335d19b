//! A client's one connection, kept open.

use std::{net::Ipv4Addr, time::Duration};

use serde::Serialize;
use ureq::{Agent, Body, Error, http::Response};

use crate::failure::Failure;

/// An answer takes longer only where something is broken.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    /// The status' number.
    pub status: u16,
    /// The body, as text.
    pub body: String,
    /// Each `Set-Cookie`.
    pub cookies: Vec<String>,
}

/// A client's one connection, kept open.
#[derive(Debug)]
pub struct Connection(Agent);

impl Connection {
    /// One that is opened with the first request. No proxy, no redirects.
    pub fn new() -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_age(Duration::from_mins(1))
            .proxy(None);
        Self(config.build().into())
    }

    /// With an access token, where there is one.
    pub fn get(&self, url: &str, access_token: Option<&str>) -> Result<Answer, Error> {
        let mut request = self.0.get(url);
        if let Some(token) = access_token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        read(request.call()?)
    }

    /// `client` is whom a proxy would say that it is from. When `patience` is over, the connection is closed.
    pub fn post(
        &self,
        url: &str,
        body: &impl Serialize,
        client: Option<Ipv4Addr>,
        patience: Duration,
    ) -> Result<Answer, Error> {
        let mut request = self.0.post(url);
        if let Some(client) = client {
            request = request.header("x-forwarded-for", client.to_string());
        }
        read(request.config().timeout_global(Some(patience)).build().send_json(body)?)
    }
}

fn read(mut response: Response<Body>) -> Result<Answer, Error> {
    // To its end: otherwise the connection is not used again.
    let body = response.body_mut().read_to_string()?;
    let cookies = response.headers().get_all("set-cookie").iter();
    let cookies = cookies.filter_map(|value| value.to_str().ok()).map(str::to_owned).collect();
    Ok(Answer { status: response.status().as_u16(), body, cookies })
}

/// What a request that must be answered with 200 has come to.
pub fn expect_ok(what: &str, answer: Result<Answer, Error>) -> Result<String, Failure> {
    match answer {
        Ok(Answer { status: 200, body, .. }) => Ok(body),
        Ok(Answer { status, body, .. }) => Err(Failure::Other(format!("{what} was answered with {status}: {body}"))),
        Err(error) => Err(Failure::Other(format!("{what} was not answered: {error}."))),
    }
}
