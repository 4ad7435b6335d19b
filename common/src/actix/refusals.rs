//! What [`input_rules`](super::answers::input_rules) has for a body that is not read, as an `OpenAPI` document says it.

use utoipa::IntoResponses;

use crate::problem::Problem;

/// `payload_too_large`
#[derive(IntoResponses)]
#[response(status = 413, description = "`payload_too_large`", content_type = "application/problem+json")]
pub struct PayloadTooLarge(pub Problem);

/// `unsupported_media_type`
#[derive(IntoResponses)]
#[response(status = 415, description = "`unsupported_media_type`", content_type = "application/problem+json")]
pub struct UnsupportedMediaType(pub Problem);
