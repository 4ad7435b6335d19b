//! `Authorization: Bearer …` (RFC 6750, section 2.1), and the challenges that answer its absence (section 3).

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use crate::{
    problem::{Problem, Status},
    verifier::TokenError,
};

const REALM: &str = r#"Bearer realm="latchkey""#;

const CANNOT_VERIFY: &str = "Tokens cannot be verified right now; try again in a moment";

/// Seconds: whatever is missing is asked for all the time.
const RETRY_AFTER: u32 = 1;

/// The token of a request, as the header gives it.
pub fn token(headers: &HeaderMap) -> Result<&str, Problem> {
    optional_token(headers)?.ok_or_else(missing_token)
}

/// 401 for a request without a token.
#[must_use]
pub fn missing_token() -> Problem {
    unauthenticated("missing_token", "Missing Authorization Header")
}

/// The same where a request may come without.
pub fn optional_token(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(AUTHORIZATION);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::new(Status::BadRequest, "bad_request", "There is more than one Authorization header"));
    }
    let (scheme, token) = ascii(value).and_then(|text| text.split_once(' ')).ok_or_else(wrong_scheme)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(wrong_scheme());
    }
    Ok(Some(token.trim_start_matches(' ')))
}

/// As [`HeaderValue::to_str`], many bytes at a time: a value has no control characters but tabs as it is.
fn ascii(value: &HeaderValue) -> Option<&str> {
    str::from_utf8(value.as_bytes()).ok().filter(|text| text.is_ascii())
}

fn wrong_scheme() -> Problem {
    unauthenticated("wrong_scheme", "The Authorization header must be of the form \"Bearer <token>\"")
}

/// 401 for a request that does not show who is asking.
#[must_use]
pub fn unauthenticated(code: &'static str, detail: &'static str) -> Problem {
    Problem::new(Status::Unauthorized, code, detail).with_header("WWW-Authenticate", REALM)
}

/// 401 for a token that is not believed.
#[must_use]
pub fn invalid_token(code: &'static str, detail: String) -> Problem {
    let challenge = format!(r#"{REALM}, error="invalid_token", error_description="{detail}""#);
    Problem::new(Status::Unauthorized, code, detail).with_header("WWW-Authenticate", challenge)
}

/// 403 for a token that does not allow what is asked.
#[must_use]
pub fn insufficient_scope(scope: &str) -> Problem {
    Problem::new(Status::Forbidden, "insufficient_scope", format!("The token lacks the scope {scope}"))
        .with_header("WWW-Authenticate", format!(r#"{REALM}, error="insufficient_scope", scope="{scope}""#))
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Expired => invalid_token("token_expired", error.to_string()),
            TokenError::NotAUser => Problem::new(Status::Forbidden, "users_only", error.to_string()),
            TokenError::NotAService => Problem::new(Status::Forbidden, "services_only", error.to_string()),
            TokenError::KeysUnavailable | TokenError::StandingUnknown => {
                Problem::unavailable("unavailable", CANNOT_VERIFY, RETRY_AFTER)
            }
            _ => invalid_token("invalid_token", error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn read(values: &[&[u8]]) -> Result<Option<String>, ()> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        optional_token(&headers).map(|token| token.map(str::to_owned)).map_err(drop)
    }

    #[test]
    fn a_token_comes_once_or_not_at_all() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[b"bearer   a.b"]), Ok(Some("a.b".to_owned())));
        assert_eq!(read(&[b"Bearer a", b"Bearer a"]), Err(()));
        assert_eq!(read(&[b"Bearer"]), Err(()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn a_token_is_all_that_follows_the_scheme(
            scheme in prop_oneof!["Bearer |bEaReR  |Bearer\t|Basic ".prop_map(Into::into), vec(any::<u8>(), 0..10)],
            rest in prop_oneof!["[!-~]{0,40}".prop_map(Into::into), vec(any::<u8>(), 0..40)],
        ) {
            let value = [scheme, rest].concat();
            if HeaderValue::from_bytes(&value).is_err() {
                return Ok(());
            }
            let is_bearer = value.len() >= 7 && value[..7].eq_ignore_ascii_case(b"bearer ");
            let is_text = value.iter().all(|byte| *byte == b'\t' || (b' '..=b'~').contains(byte));
            let expected = (is_bearer && is_text).then(|| {
                let blanks = value[7..].iter().take_while(|byte| **byte == b' ').count();
                String::from_utf8(value[7 + blanks..].to_vec()).unwrap()
            });
            prop_assert_eq!(read(&[&value]), expected.map(Some).ok_or(()));
        }
    }
}
