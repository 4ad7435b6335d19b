//! The answers that are alike everywhere: problems as responses, and bad input in the contract's form.
//!
//! actix's own texts quote what was sent, and a password may be in it. None of them reaches a client.

use std::{future::Future, pin::Pin};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError,
    dev::Payload,
    error::{JsonPayloadError, PayloadError},
    http::{StatusCode, header::CONTENT_TYPE},
    web,
};

use serde::de::DeserializeOwned;

use crate::problem::{Problem, Status};

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponseBuilder::new(self.status_code());
        response.insert_header((CONTENT_TYPE, "application/problem+json"));
        for (name, value) in self.headers() {
            response.insert_header((*name, value.as_str()));
        }
        response.body(serde_json::to_string(self).unwrap_or_default())
    }
}

/// The answer to an address that no route has.
pub async fn not_found() -> Result<HttpResponse, Problem> {
    Err(Problem::not_found())
}

/// Registers how bad bodies, paths and queries are answered. `body_limit` is in bytes.
pub fn input_rules(body_limit: usize) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        config
            .app_data(web::PayloadConfig::new(body_limit))
            .app_data(web::JsonConfig::default().limit(body_limit).error_handler(|error, _| bad_json(&error).into()))
            .app_data(web::PathConfig::default().error_handler(|_, _| Problem::not_found().into()))
            .app_data(web::QueryConfig::default().error_handler(|_, _| Problem::bad_request().into()));
    }
}

fn too_large() -> Problem {
    Problem::new(Status::PayloadTooLarge, "payload_too_large", "The body is too large")
}

fn bad_json(error: &JsonPayloadError) -> Problem {
    match error {
        JsonPayloadError::ContentType => Problem::new(
            Status::UnsupportedMediaType,
            "unsupported_media_type",
            "The body must be JSON with Content-Type: application/json",
        ),
        JsonPayloadError::Overflow { .. }
        | JsonPayloadError::OverflowKnownLength { .. }
        | JsonPayloadError::Payload(PayloadError::Overflow) => too_large(),
        JsonPayloadError::Deserialize(error) => match field_of(&error.to_string()) {
            Some((field, detail)) => Problem::bad_field(field, detail),
            None => Problem::bad_request(),
        },
        _ => Problem::bad_request(),
    }
}

/// The member that serde names in its text. The rest of that text quotes the input and is dropped.
fn field_of(text: &str) -> Option<(String, &'static str)> {
    let known = [
        ("missing field `", "is missing"),
        ("unknown field `", "is not known here"),
        ("duplicate field `", "is there more than once"),
    ];
    known.into_iter().find_map(|(start, detail)| {
        let (field, _) = text.strip_prefix(start)?.split_once('`')?;
        let plain = field.len() <= 32 && field.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        plain.then(|| (field.to_owned(), detail))
    })
}

/// A JSON body that may be left out altogether; `None` when nothing was sent.
#[derive(Debug)]
pub struct OptionalJson<T>(pub Option<T>);

impl<T: DeserializeOwned + 'static> FromRequest for OptionalJson<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = web::Bytes::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let body = body.await.map_err(|error| match error.as_error::<PayloadError>() {
                Some(PayloadError::Overflow) => too_large(),
                _ => Problem::bad_request(),
            })?;
            if body.is_empty() {
                return Ok(Self(None));
            }
            let json = web::Json::<T>::from_request(&request, &mut Payload::from(body)).await;
            json.map(|body| Self(Some(body.into_inner())))
                .map_err(|error| error.as_error::<Problem>().cloned().unwrap_or_else(Problem::bad_request))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_member_names_are_repeated_to_the_client() {
        assert_eq!(field_of("missing field `password` at line 1").unwrap().0, "password");
        assert!(field_of("unknown field `hunter2 <script>`, expected …").is_none());
        assert!(field_of("invalid type: string \"hunter2\", expected u8").is_none());
    }
}
