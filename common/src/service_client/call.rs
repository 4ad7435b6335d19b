//! One call: its token, its tries, and what came of them.

use std::{sync::Arc, time::Duration};

use reqwest::{
    IntoUrl, Method, Request, Response, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
};
use secrecy::SecretString;
use serde::Serialize;
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    Shared,
    answer::Answer,
    error::{CallError, NoAnswer, TokenError},
    limits::Limits,
    measures::call,
    peers::{Attempt, Peer},
    retry::{self, Allowed, Failed},
    token_endpoint::{Exchange, add_context, bearer},
};
use crate::clock::Timestamp;

/// What an answer may take beyond a long poll's wait.
#[cfg(feature = "revocation")]
const BEYOND_THE_WAIT: Duration = Duration::from_secs(5);

/// Whose token a call carries.
#[derive(Debug, Clone)]
pub(super) enum Bearer {
    /// The service's own.
    Own,
    /// One on behalf of a user.
    User(Exchange),
}

/// A call that has not been made yet.
#[must_use = "nothing is sent before `send`"]
pub struct Call {
    shared: Arc<Shared>,
    bearer: Bearer,
    request: Result<Request, CallError>,
    limits: Limits,
    /// Whether the peer's circuit is asked, and told how it went.
    is_guarded: bool,
}

/// How a try went wrong.
enum Trouble {
    /// The peer says that it cannot.
    Away(Response),
    NoAnswer(NoAnswer),
}

impl Call {
    pub(super) fn new(shared: Arc<Shared>, bearer: Bearer, method: Method, url: impl IntoUrl) -> Self {
        let limits = shared.limits;
        let url = url.into_url().map_err(|_| CallError::Request("the address is not one of http or https"));
        let request = url.and_then(checked).map(|url| Request::new(method, url));
        Self { shared, bearer, request, limits, is_guarded: true }
    }

    /// Adds a parameter to the query.
    pub fn query(self, name: &str, value: &str) -> Self {
        self.with(|request| {
            request.url_mut().query_pairs_mut().append_pair(name, value);
            Ok(())
        })
    }

    /// Adds a header. `Authorization`, and those that the request at hand gives to its calls, are set when it is sent.
    pub fn header(self, name: &str, value: &str) -> Self {
        self.with(|request| {
            let name = name.parse::<HeaderName>().map_err(|_| CallError::Request("a header has no such name"))?;
            let value = HeaderValue::from_str(value).map_err(|_| CallError::Request("a header has no such value"))?;
            request.headers_mut().append(name, value);
            Ok(())
        })
    }

    /// Sends `body` as JSON.
    pub fn json(self, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => self.body("application/json", body),
            Err(_) => self.with(|_| Err(CallError::Request("the body cannot be written as JSON"))),
        }
    }

    /// Sends `body` as it is.
    pub fn body(self, content_type: &'static str, body: Vec<u8>) -> Self {
        self.with(|request| {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            *request.body_mut() = Some(body.into());
            Ok(())
        })
    }

    /// Reads an answer of up to so many bytes as JSON.
    pub fn longest_answer(mut self, bytes: usize) -> Self {
        self.limits.body = bytes;
        self
    }

    /// Other limits for this call than the client's.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits.bounded();
        self
    }

    /// For a peer that may wait so long with its answer. Whoever asks in this way comes again by itself.
    #[cfg(feature = "revocation")]
    pub(crate) fn long_poll(mut self, wait: Duration) -> Self {
        let whole_call = wait + BEYOND_THE_WAIT;
        self.limits = Limits { per_try: whole_call, whole_call, tries: 1, ..self.limits };
        self.is_guarded = false;
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Request) -> Result<(), CallError>) -> Self {
        self.request = self.request.and_then(|mut request| change(&mut request).map(|()| request));
        self
    }

    /// Makes the call. An answer of whatever status is an [`Answer`].
    pub async fn send(self) -> Result<Answer, CallError> {
        let Self { shared, bearer, request, limits, is_guarded } = self;
        let mut request = request?;
        add_context(request.headers_mut());
        let deadline = Instant::now() + limits.whole_call;
        let peer = shared.peers.named(&request.url().origin().ascii_serialization());
        let sending = Sending { shared: &shared, bearer: &bearer, request: &request, peer: &peer, limits, deadline };
        let outcome = sending.tries(is_guarded).await;
        shared.measures.call(&peer.name, label(&outcome));
        outcome.map(|response| Answer::new(response, peer.name.clone(), limits.body, deadline))
    }
}

/// The address has a host, and nothing that would become a header.
fn checked(url: Url) -> Result<Url, CallError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(CallError::Request("the address is not one of http or https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(CallError::Request("the address has a user name in it"));
    }
    Ok(url)
}

fn label(outcome: &Result<Response, CallError>) -> &'static str {
    match outcome {
        Ok(response) if response.status().is_server_error() => call::PEER_FAILED,
        Ok(response) if response.status().is_client_error() => call::REFUSED,
        Ok(_) => call::ANSWERED,
        Err(CallError::LeftAlone { .. }) => call::LEFT_ALONE,
        Err(CallError::OwnToken(_) | CallError::Exchange(_)) => call::NO_TOKEN,
        Err(_) => call::NO_ANSWER,
    }
}

/// A call under way.
struct Sending<'a> {
    shared: &'a Shared,
    bearer: &'a Bearer,
    request: &'a Request,
    peer: &'a Peer,
    limits: Limits,
    deadline: Instant,
}

impl Sending<'_> {
    async fn tries(&self, is_guarded: bool) -> Result<Response, CallError> {
        let (mut tries, mut refused, mut trouble) = (0, None, None);
        loop {
            let attempt = match is_guarded.then(|| self.peer.ask()).transpose() {
                Ok(attempt) => attempt,
                Err(retry_after) => return self.outcome_of(trouble.unwrap_or_else(|| self.left_alone(retry_after))),
            };
            let token = self.token(refused).await?;
            let failed = match self.once(&token).await {
                Ok(response) if !retry::is_away(response.status()) => {
                    attempt.into_iter().for_each(Attempt::succeeded);
                    if refused.is_none() {
                        refused = self.refusal(&response, &token);
                        if refused.is_some() {
                            continue;
                        }
                    }
                    return Ok(response);
                }
                Ok(response) => Trouble::Away(response),
                Err(why) => Trouble::NoAnswer(why),
            };
            attempt.into_iter().for_each(Attempt::failed);
            tries += 1;
            match self.pause(tries, &failed) {
                Some(pause) => sleep(pause).await,
                None => return self.outcome_of(Ok(failed)),
            }
            trouble = Some(Ok(failed));
        }
    }

    async fn token(&self, refused: Option<Timestamp>) -> Result<SecretString, CallError> {
        let (wrap, token): (fn(TokenError) -> CallError, _) = match self.bearer {
            Bearer::Own => (CallError::OwnToken, timeout_at(self.deadline, self.shared.own.get()).await),
            Bearer::User(exchange) => {
                (CallError::Exchange, timeout_at(self.deadline, self.shared.exchanged.get(exchange, refused)).await)
            }
        };
        token.unwrap_or(Err(TokenError::NoAnswer(NoAnswer::NotInTime))).map_err(wrap)
    }

    async fn once(&self, token: &SecretString) -> Result<Response, NoAnswer> {
        // A body of bytes can always be sent again, and a token was checked when it came.
        let mut request = self.request.try_clone().ok_or(NoAnswer::BrokenOff)?;
        let authorization = bearer(token).ok_or(NoAnswer::BrokenOff)?;
        request.headers_mut().insert(AUTHORIZATION, authorization);
        let end = (Instant::now() + self.limits.per_try).min(self.deadline);
        match timeout_at(end, self.shared.http.execute(request)).await {
            Ok(sent) => sent.map_err(|error| NoAnswer::of(&error)),
            Err(_) => Err(NoAnswer::NotInTime),
        }
    }

    /// Gives up a token that the peer did not accept. `Some`: another one may do better.
    fn refusal(&self, response: &Response, token: &SecretString) -> Option<Timestamp> {
        match (response.status(), self.bearer) {
            (StatusCode::UNAUTHORIZED, Bearer::Own) => {
                self.shared.own.refused(token).then(|| self.shared.surroundings.clock.now())
            }
            (StatusCode::UNAUTHORIZED, Bearer::User(exchange)) => self.shared.exchanged.refused(exchange, token),
            (StatusCode::FORBIDDEN, Bearer::Own) if is_about_scope(response.headers()) => {
                self.shared.own.outdated(token);
                None
            }
            _ => None,
        }
    }

    fn pause(&self, tries: u32, failed: &Trouble) -> Option<Duration> {
        let failed = match failed {
            Trouble::Away(response) => {
                let retry_after = retry::retry_after(response.headers().get(RETRY_AFTER));
                Failed { tries, may_have_been_sent: true, retry_after }
            }
            Trouble::NoAnswer(why) => {
                Failed { tries, may_have_been_sent: *why != NoAnswer::NoConnection, retry_after: None }
            }
        };
        let allowed = Allowed {
            tries: self.limits.tries,
            is_idempotent: retry::is_idempotent(self.request.method()),
            left: self.deadline.saturating_duration_since(Instant::now()),
        };
        retry::pause(failed, allowed, self.shared.surroundings.chance())
    }

    fn left_alone(&self, retry_after: Duration) -> Result<Trouble, CallError> {
        Err(CallError::LeftAlone { peer: self.peer.name.clone(), retry_after })
    }

    /// What the caller is told in the end: an answer is one, whatever it says.
    fn outcome_of(&self, last: Result<Trouble, CallError>) -> Result<Response, CallError> {
        match last? {
            Trouble::Away(response) => Ok(response),
            Trouble::NoAnswer(why) => Err(CallError::NoAnswer { peer: self.peer.name.clone(), why }),
        }
    }
}

/// RFC 6750, section 3.1.
fn is_about_scope(headers: &HeaderMap) -> bool {
    let challenges = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    challenges.into_iter().any(|challenge| challenge.contains(r#"error="insufficient_scope""#))
}
