//! Who a request says to be from, in the three ways in which it may: HTTP Basic, the form (RFC 6749, section 2.3.1), or a
//! signed assertion in the form (RFC 7523, section 2.2).

use std::{
    borrow::Cow,
    future::{Ready, ready},
    net::IpAddr,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::AUTHORIZATION};
use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use secrecy::SecretString;

use super::{errors::OAuthError, form::Form};
use crate::{
    crypto::client_assertions::claimed_client,
    domain::{
        client::{Client, ClientId},
        client_secret::ClientSecret,
    },
    service::{
        Deps,
        authenticate_client::{PresentedClient, Proof, authenticate_client},
    },
};

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Who asks.
pub enum Caller {
    /// A client that has shown what only it has.
    Confidential(Box<Client>),
    /// The built-in client, which has nothing to show. `named` says whether the request names it.
    Public {
        /// Whether there is a `client_id`.
        named: bool,
    },
}

impl Caller {
    /// Finds out who asks. Several ways at once are refused (RFC 6749, section 2.3).
    pub async fn of(
        deps: &Deps,
        basic: BasicCredentials,
        form: &Form,
        address: Option<IpAddr>,
    ) -> Result<Self, OAuthError> {
        let basic = basic.0?;
        let id = form.get("client_id").map(|id| id.parse::<ClientId>().map_err(|_| OAuthError::invalid_client()));
        let id = id.transpose()?;
        let presented = match (basic, form.get("client_secret"), assertion(form)?) {
            (None, None, None) => {
                return match id {
                    None => Ok(Self::Public { named: false }),
                    Some(id) if id.is_first_party() => Ok(Self::Public { named: true }),
                    Some(_) => Err(OAuthError::invalid_client()),
                };
            }
            (Some((basic_id, secret)), None, None) if id.as_ref().is_none_or(|id| *id == basic_id) => {
                PresentedClient { id: basic_id, proof: Proof::Secret(secret), address }
            }
            (None, Some(secret), None) => {
                let secret = ClientSecret::presented(SecretString::from(secret.to_owned()));
                let id = id.ok_or_else(OAuthError::invalid_client)?;
                PresentedClient { id, proof: Proof::Secret(secret), address }
            }
            (None, None, Some((claimed, assertion))) if id.as_ref().is_none_or(|id| *id == claimed) => {
                PresentedClient { id: claimed, proof: Proof::Assertion(assertion), address }
            }
            _ => {
                return Err(OAuthError::invalid_request("The client must say who it is once, and prove it in one way"));
            }
        };
        Ok(Self::Confidential(Box::new(authenticate_client(deps, &presented).await?)))
    }

    /// The client, where one has to be known.
    pub fn confidential(self) -> Result<Client, OAuthError> {
        match self {
            Self::Confidential(client) => Ok(*client),
            Self::Public { .. } => Err(OAuthError::invalid_client()),
        }
    }
}

fn assertion(form: &Form) -> Result<Option<(ClientId, SecretString)>, OAuthError> {
    match (form.get("client_assertion_type"), form.get("client_assertion")) {
        (None, None) => Ok(None),
        (Some(JWT_BEARER), Some(assertion)) => {
            let id = claimed_client(assertion).ok_or_else(OAuthError::invalid_client)?;
            Ok(Some((id, SecretString::from(assertion.to_owned()))))
        }
        _ => Err(OAuthError::invalid_request(
            "client_assertion goes with client_assertion_type urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        )),
    }
}

/// What the header says, if there is one.
pub struct BasicCredentials(Result<Option<(ClientId, ClientSecret)>, OAuthError>);

impl FromRequest for BasicCredentials {
    type Error = OAuthError;
    type Future = Ready<Result<Self, OAuthError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut values = request.headers().get_all(AUTHORIZATION);
        let read = match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => {
                let credentials = value.to_str().ok().and_then(credentials);
                credentials.map(Some).ok_or_else(OAuthError::invalid_client)
            }
            (Some(_), Some(_)) => Err(OAuthError::invalid_client()),
        };
        ready(Ok(Self(read)))
    }
}

fn credentials(header: &str) -> Option<(ClientId, ClientSecret)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((form_decoded(id)?.parse().ok()?, ClientSecret::presented(form_decoded(secret)?.into())))
}

/// Both halves are form-encoded before they become Basic (RFC 6749, section 2.3.1).
fn form_decoded(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8().ok().map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use actix_web::{http::header::HeaderValue, test::TestRequest};
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::*;

    fn read(values: &[&[u8]]) -> Option<(String, String)> {
        let values = values.iter().filter_map(|value| HeaderValue::from_bytes(value).ok());
        let request =
            values.fold(TestRequest::default(), |request, value| request.append_header((AUTHORIZATION, value)));
        let read = BasicCredentials::from_request(&request.to_http_request(), &mut Payload::None).into_inner();
        let (id, secret) = read.ok()?.0.ok()??;
        Some((id.to_string(), secret.expose().to_owned()))
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn credentials_come_once() {
        let good = basic("reports:lkc_x:y");
        assert_eq!(read(&[good.as_bytes()]), Some(("reports".to_owned(), "lkc_x:y".to_owned())));
        assert_eq!(read(&[good.as_bytes(), good.as_bytes()]), None);
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn both_halves_are_form_encoded() {
        let secret = |text: &str| read(&[basic(&format!("re%70orts:{text}")).as_bytes()]).map(|(_, secret)| secret);
        assert_eq!(secret("a%2Bb+c%25%3A%C3%A4"), Some("a+b c%:ä".to_owned()));
        assert_eq!(secret("a%zz"), Some("a%zz".to_owned()));
        assert_eq!(secret("%FF"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn what_is_read_is_what_was_written(
            scheme in select(vec!["Basic ", "Basic  ", "bAsIc ", "Bearer ", "Basic", ""]),
            decoded in prop_oneof![
                "[a-z]{0,4}[-0-9]{0,3}:?[!-$&-*,-~]{0,20}".prop_map(Into::into),
                vec(any::<u8>().prop_filter("kept as they are", |byte| !b"%+".contains(byte)), 0..40),
            ],
            spoiled in prop::option::weighted(0.2, vec(any::<u8>(), 1..4)),
        ) {
            let spoiled = spoiled.unwrap_or_default();
            let value = [scheme.as_bytes(), STANDARD.encode(&decoded).as_bytes(), &spoiled].concat();
            if let Some((id, secret)) = read(&[&value]) {
                prop_assert!(scheme.trim_end().eq_ignore_ascii_case("basic"));
                prop_assert_eq!(format!("{id}:{secret}").into_bytes(), decoded);
                prop_assert!(spoiled.trim_ascii().is_empty());
            }
        }
    }
}
