//! The form that names a token.

use utoipa::ToSchema;

/// A token to be looked at or revoked.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form is read parameter by parameter; this says which there are")]
pub struct TokenToLookAt {
    /// The token.
    token: String,
    /// `access_token` or `refresh_token`; a token says itself what it is, so this is ignored.
    token_type_hint: Option<String>,
    /// The client, where it does not say so by HTTP Basic.
    client_id: Option<String>,
    /// Its secret, with `client_id`.
    client_secret: Option<String>,
    /// `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`, with `client_assertion`.
    client_assertion_type: Option<String>,
    /// A JWT that the client has signed (RFC 7523, section 2.2).
    client_assertion: Option<String>,
}
