//! Sessions of real logins, and clients that refresh them.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    accounts::{self, Login},
    connection::{Connection, PATIENCE, expect_ok},
    failure::Failure,
    load::Asker,
    stop_request::StopRequest,
};

/// Logins under way at once.
const LOGINS_AT_ONCE: u32 = 8;

/// What the holder of a session holds.
#[derive(Debug, Clone, Deserialize)]
pub struct Tokens {
    /// For services.
    pub access_token: String,
    /// For the next refresh.
    pub refresh_token: String,
}

/// A connection that refreshes its sessions one after the other.
#[derive(Debug)]
pub struct Refreshing {
    held: Vec<String>,
    next: usize,
}

impl Refreshing {
    /// So many clients, each with its own share of the sessions.
    pub fn share(sessions: &[Tokens], clients: usize) -> Vec<Self> {
        let own = |client| sessions.iter().skip(client).step_by(clients).map(|tokens| tokens.refresh_token.clone());
        (0..clients).map(|client| Self { held: own(client).collect(), next: 0 }).collect()
    }
}

impl Asker for Refreshing {
    fn ask(&mut self, request: &mut Vec<u8>) {
        ask_for_refresh(&json!({ "refresh_token": self.held[self.next] }), request);
    }

    fn take(&mut self, status: u16, body: &[u8]) -> bool {
        let place = self.next;
        self.next = (place + 1) % self.held.len();
        match serde_json::from_slice::<Tokens>(body) {
            Ok(tokens) if status == 200 => {
                self.held[place] = tokens.refresh_token;
                true
            }
            _ => false,
        }
    }
}

/// Adds a refresh with this body to `request`.
pub fn ask_for_refresh(body: &Value, request: &mut Vec<u8>) {
    let body = body.to_string();
    let head = format!(
        "POST /auth/refresh HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    request.extend_from_slice(head.as_bytes());
    request.extend_from_slice(body.as_bytes());
}

/// A client that asks for one address again and again.
#[derive(Debug)]
pub struct Getting {
    request: Vec<u8>,
}

impl Getting {
    /// With an access token. `path` begins with a slash.
    pub fn new(path: &str, access_token: &str) -> Self {
        Self::showing(path, &format!("authorization: Bearer {access_token}"))
    }

    /// With a line of the head that says who asks: a token or a cookie.
    pub fn showing(path: &str, line: &str) -> Self {
        Self { request: format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{line}\r\n\r\n").into_bytes() }
    }
}

impl Asker for Getting {
    fn ask(&mut self, request: &mut Vec<u8>) {
        request.extend_from_slice(&self.request);
    }

    fn take(&mut self, status: u16, _: &[u8]) -> bool {
        status == 200
    }
}

/// One session. `number` tells where the login comes from.
pub fn log_in(connection: &Connection, auth: &str, login: &Login, number: u32) -> Result<Tokens, Failure> {
    let url = format!("{auth}/auth/login");
    let answer = connection.post(&url, login, Some(accounts::address(number)), PATIENCE);
    serde_json::from_str(&expect_ok("A login", answer)?)
        .map_err(|error| Failure::Other(format!("A login was answered without tokens: {error}.")))
}

/// So many sessions, several at once; `login` names the user of each.
pub fn log_in_many(
    auth: &str,
    number: u32,
    login: impl Fn(u32) -> Login + Sync,
    stop: &StopRequest,
) -> Result<Vec<Tokens>, Failure> {
    let next = AtomicU32::new(0);
    let some_of_them = || -> Result<Vec<Tokens>, Failure> {
        let (mut sessions, connection) = (Vec::new(), Connection::new());
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            if place >= number {
                return Ok(sessions);
            }
            if stop.came() {
                return Err(Failure::Interrupted);
            }
            sessions.push(log_in(&connection, auth, &login(place), place)?);
        }
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..LOGINS_AT_ONCE).map(|_| scope.spawn(some_of_them)).collect();
        let mut all = Vec::new();
        for thread in threads {
            all.extend(thread.join().map_err(|_| Failure::Other("A client panicked.".to_owned()))??);
        }
        Ok(all)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(refresh_token: &str) -> Tokens {
        Tokens { access_token: "a".to_owned(), refresh_token: refresh_token.to_owned() }
    }

    #[test]
    fn each_client_refreshes_its_own_sessions_with_the_token_of_the_answer_before() {
        let mut clients = Refreshing::share(&["1", "2", "3"].map(tokens), 2);
        assert_eq!(clients.iter().map(|client| client.held.len()).collect::<Vec<_>>(), [2, 1]);
        let sent = |client: &mut Refreshing| {
            let mut request = Vec::new();
            client.ask(&mut request);
            String::from_utf8(request).unwrap()
        };
        let client = &mut clients[0];
        assert!(sent(client).ends_with("{\"refresh_token\":\"1\"}"));
        assert!(client.take(200, br#"{"access_token":"b","refresh_token":"4"}"#));
        assert!(sent(client).ends_with("{\"refresh_token\":\"3\"}"));
        assert!(!client.take(503, b"{}"));
        assert!(sent(client).ends_with("{\"refresh_token\":\"4\"}"));
    }
}
