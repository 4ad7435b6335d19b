//! How long the access token's cookie can become: known from the settings alone, so that nobody's login fails by it.

use common::{
    browser::{Cookie, Site},
    scope::Scope,
};

use super::user::MOST_ROLE_BYTES;

/// What browsers keep of a cookie, name and value together (RFC 6265bis, section 5.7).
pub const MOST_COOKIE_BYTES: usize = 4096;

/// Names and values of the claims that are alike for everybody, and the header, in JSON. Measured: 560 bytes with all of them.
const FIXED_JSON: usize = 640;

/// The longest signature, that of RS256 with 2048 bits; ten times what the others take.
const SIGNATURE: usize = 256;

/// Header, initialization vector and tag of JWE, in bytes.
const ENCRYPTION: usize = 128;

/// The longest that the cookie of the access token may become, name and value together, in bytes.
#[must_use]
pub fn longest_cookie(site: &Site, issuer: &str, scope: &Scope, audiences: &[String], encrypted: bool) -> usize {
    let quoted = |text: &str| text.len() + 3;
    // The issuer is also an audience.
    let named = 2 * quoted(issuer) + audiences.iter().map(|audience| quoted(audience)).sum::<usize>();
    let signed = base64url(FIXED_JSON + named + scope.to_string().len() + MOST_ROLE_BYTES) + base64url(SIGNATURE) + 2;
    let token = if encrypted { base64url(signed) + base64url(ENCRYPTION) + 4 } else { signed };
    site.cookie(Cookie::AccessToken).len() + token
}

fn base64url(bytes: usize) -> usize {
    (bytes * 4).div_ceil(3) + 2
}
