//! One request for a token (RFC 6749, section 4.4; RFC 8693, section 2), bounded in time and size.

use std::{fmt, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use form_urlencoded::{Serializer, byte_serialize};
use reqwest::{
    Client, Method, Request, Response, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::time::timeout;

use super::{
    error::{NoAnswer, TokenError},
    measures::{self, Measures},
    peers::{Peer, Surroundings},
    retry::is_away,
    settings::{ClientProof, ServiceClientSettings},
};
use crate::{clock::Timestamp, context, outbound, verifier::MAX_TOKEN_BYTES};

const MAX_BODY_BYTES: usize = 64 * 1024;

/// However long a token is said to be good.
const LONGEST_LIFETIME: Duration = Duration::from_hours(24);

/// Everything waits for tokens, so it is not left alone for longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a token is asked for.
#[derive(Clone)]
pub(super) enum Grant {
    /// The service itself.
    Own,
    /// A user, whose token the service was given.
    Exchange(Exchange),
}

/// A user's token, and what is wanted for it.
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    pub subject: SecretString,
    pub audiences: Vec<String>,
    pub scope: Option<String>,
}

/// A token that was issued.
#[derive(Clone)]
pub(super) struct Issued {
    pub token: SecretString,
    pub lifetime: Duration,
}

/// auth-service's `/oauth/token`.
pub(super) struct TokenEndpoint {
    http: Client,
    settings: ServiceClientSettings,
    peer: Peer,
    patience: Duration,
    surroundings: Surroundings,
    measures: Measures,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: SecretString,
    token_type: String,
    issued_token_type: Option<String>,
    /// Seconds.
    expires_in: u64,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

impl TokenEndpoint {
    pub fn new(
        http: Client,
        settings: ServiceClientSettings,
        patience: Duration,
        surroundings: Surroundings,
        measures: Measures,
    ) -> Self {
        let url = &settings.token_url;
        // Not the name of who else may listen there: a circuit of its own.
        let name = format!("{}{}", url.origin().ascii_serialization(), url.path());
        let peer = Peer::new(name, LONGEST_PAUSE, surroundings.clone(), &measures);
        Self { http, settings, peer, patience, surroundings, measures }
    }

    pub fn now(&self) -> Timestamp {
        self.surroundings.clock.now()
    }

    pub fn chance(&self) -> u8 {
        self.surroundings.chance()
    }

    /// Asks once.
    pub async fn ask(self: Arc<Self>, grant: Grant) -> Result<Issued, TokenError> {
        let outcome = self.asked(&grant).await;
        let label = match &outcome {
            Ok(_) => measures::token::ISSUED,
            Err(TokenError::Refused(_)) => measures::token::REFUSED,
            Err(TokenError::LeftAlone(_)) => measures::token::LEFT_ALONE,
            Err(_) => measures::token::FAILED,
        };
        self.measures.token(grant.label(), label);
        outcome
    }

    async fn asked(&self, grant: &Grant) -> Result<Issued, TokenError> {
        let request = self.request(grant)?;
        let attempt = self.peer.ask().map_err(TokenError::LeftAlone)?;
        let exchange = async {
            let response = self.http.execute(request).await.map_err(|error| NoAnswer::of(&error))?;
            let status = response.status();
            Ok((status, body(response).await?))
        };
        let answer = timeout(self.patience, exchange).await.unwrap_or(Err(NoAnswer::NotInTime));
        match &answer {
            Ok((status, _)) if !is_away(*status) => attempt.succeeded(),
            Ok(_) | Err(_) => attempt.failed(),
        }
        let (status, body) = answer.map_err(TokenError::NoAnswer)?;
        let body = body.ok_or(TokenError::NotUnderstood)?;
        if status == StatusCode::OK { issued(&body, grant) } else { Err(refused(status, &body)) }
    }

    fn request(&self, grant: &Grant) -> Result<Request, TokenError> {
        let mut form = Serializer::new(String::new());
        grant.write(&mut form);
        let mut headers = HeaderMap::new();
        let ServiceClientSettings { token_url, client_id, proof } = &self.settings;
        match proof {
            ClientProof::Secret(secret) => drop(headers.insert(AUTHORIZATION, basic(client_id, secret)?)),
            ClientProof::Key(key) => {
                let Surroundings { clock, rng } = &self.surroundings;
                let assertion = key.assertion(client_id, token_url.as_str(), clock.now(), &**rng);
                let assertion = assertion.map_err(|_| TokenError::KeyUnusable)?;
                form.append_pair("client_id", client_id);
                form.append_pair("client_assertion_type", JWT_BEARER);
                form.append_pair("client_assertion", assertion.expose_secret());
            }
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        add_context(&mut headers);
        let mut request = Request::new(Method::POST, token_url.clone());
        *request.headers_mut() = headers;
        *request.body_mut() = Some(form.finish().into());
        Ok(request)
    }
}

impl Grant {
    fn label(&self) -> &'static str {
        match self {
            Self::Own => "client_credentials",
            Self::Exchange(_) => "token_exchange",
        }
    }

    fn write(&self, form: &mut Serializer<'_, String>) {
        let Self::Exchange(Exchange { subject, audiences, scope }) = self else {
            form.append_pair("grant_type", "client_credentials");
            return;
        };
        form.append_pair("grant_type", TOKEN_EXCHANGE);
        form.append_pair("subject_token", subject.expose_secret());
        form.append_pair("subject_token_type", ACCESS_TOKEN);
        form.extend_pairs(audiences.iter().map(|audience| ("audience", audience)));
        form.extend_pairs(scope.iter().map(|scope| ("scope", scope)));
    }
}

/// What the request at hand gives to every call on its account.
pub(super) fn add_context(headers: &mut HeaderMap) {
    for (name, value) in context::current().iter().flat_map(context::RequestContext::headers) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// `Authorization: Basic`, each part written as in a form before (RFC 6749, section 2.3.1).
fn basic(client_id: &str, secret: &SecretString) -> Result<HeaderValue, TokenError> {
    let written = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let credentials = format!("{}:{}", written(client_id), written(secret.expose_secret()));
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(credentials)))
        .map_err(|_| TokenError::KeyUnusable)?;
    value.set_sensitive(true);
    Ok(value)
}

/// `Authorization: Bearer`; `None` when the token has something in it that no token has.
pub(super) fn bearer(token: &SecretString) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The body; `None` when it is too long.
async fn body(response: Response) -> Result<Option<Vec<u8>>, NoAnswer> {
    match outbound::body(response, MAX_BODY_BYTES).await {
        Ok(body) => Ok(Some(body)),
        Err(outbound::OutboundError::TooLong(_)) => Ok(None),
        Err(_) => Err(NoAnswer::BrokenOff),
    }
}

fn issued(body: &[u8], grant: &Grant) -> Result<Issued, TokenError> {
    let answer: TokenAnswer = serde_json::from_slice(body).map_err(|_| TokenError::NotUnderstood)?;
    let TokenAnswer { access_token, token_type, issued_token_type, expires_in } = answer;
    let is_expected = match grant {
        Grant::Own => true,
        Grant::Exchange(_) => issued_token_type.is_some_and(|kind| kind == ACCESS_TOKEN || kind == JWT),
    };
    let token = access_token.expose_secret();
    let is_token = (1..=MAX_TOKEN_BYTES).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic());
    if !(is_expected && is_token && token_type.eq_ignore_ascii_case("bearer")) {
        return Err(TokenError::NotUnderstood);
    }
    Ok(Issued { token: access_token, lifetime: Duration::from_secs(expires_in).min(LONGEST_LIFETIME) })
}

fn refused(status: StatusCode, body: &[u8]) -> TokenError {
    if !matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return TokenError::Status(status.as_u16());
    }
    match serde_json::from_slice(body) {
        Ok(Refusal { error }) if is_word(&error) => TokenError::Refused(error),
        _ => TokenError::Status(status.as_u16()),
    }
}

/// Whether a code that came from outside is fit for a log line.
pub(super) fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_and_secret_are_written_as_in_a_form_before_they_are_encoded() {
        let value = basic("a b:c", &"ü+/%".to_owned().into()).unwrap();
        let encoded = value.to_str().unwrap().strip_prefix("Basic ").unwrap();
        assert_eq!(STANDARD.decode(encoded).unwrap(), b"a+b%3Ac:%C3%BC%2B%2F%25");
        assert!(value.is_sensitive());
    }

    #[test]
    fn an_answer_is_a_bearer_token_of_the_kind_that_was_asked_for() {
        let read = |grant: &Grant, body: &str| issued(body.as_bytes(), grant).map(|issued| issued.lifetime.as_secs());
        let own = r#"{"access_token":"t","token_type":"bearer","expires_in":300}"#;
        assert_eq!(read(&Grant::Own, own), Ok(300));
        let subject = "s".to_owned().into();
        let exchange = Grant::Exchange(Exchange { subject, audiences: Vec::new(), scope: None });
        assert_eq!(read(&exchange, own), Err(TokenError::NotUnderstood));
        let exchanged = format!(r#"{{"issued_token_type":"{ACCESS_TOKEN}",{}"#, &own[1..]);
        assert_eq!(read(&exchange, &exchanged), Ok(300));
        for other in [own.replace("bearer", "DPoP"), own.replace("300", "-1"), own.replace(r#":"t""#, r#":"t t""#)] {
            assert_eq!(read(&Grant::Own, &other), Err(TokenError::NotUnderstood), "{other}");
        }
        let for_ever = own.replace("300", "18446744073709551615");
        assert_eq!(read(&Grant::Own, &for_ever), Ok(LONGEST_LIFETIME.as_secs()));
    }

    #[test]
    fn only_words_of_the_standard_form_are_repeated() {
        let bad_request = StatusCode::BAD_REQUEST;
        assert_eq!(
            refused(bad_request, br#"{"error":"invalid_grant"}"#),
            TokenError::Refused("invalid_grant".to_owned())
        );
        assert_eq!(refused(bad_request, br#"{"error":"<b>\n"}"#), TokenError::Status(400));
        assert_eq!(refused(StatusCode::NOT_FOUND, br#"{"error":"x"}"#), TokenError::Status(404));
    }
}
