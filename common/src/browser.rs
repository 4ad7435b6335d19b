//! Front ends in browsers: under which names a browser keeps what it was given, and how a request shows that the site itself
//! makes it.
//!
//! A browser sends cookies along whoever makes it ask. So a request that changes something, and whose credential is a
//! cookie, also has to bring a value that only a script of the site can read ([`CSRF_HEADER`]), and must not say that it
//! was begun elsewhere.

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// The header that repeats the value of [`Cookie::Csrf`].
pub const CSRF_HEADER: &str = "x-csrf-token";

/// What a browser may hold of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    /// The access token of mode `cookie`; goes to every service.
    AccessToken,
    /// The refresh token of mode `cookie`; goes to auth-service only.
    RefreshToken,
    /// The one opaque value of mode `session`.
    Session,
    /// The value that requests repeat in [`CSRF_HEADER`]; scripts can read it.
    Csrf,
}

impl Cookie {
    /// Where the browser sends it.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::RefreshToken => "/auth",
            Self::AccessToken | Self::Session | Self::Csrf => "/",
        }
    }

    /// Whether scripts cannot read it.
    #[must_use]
    pub const fn is_http_only(self) -> bool {
        !matches!(self, Self::Csrf)
    }
}

/// The site that browsers know Latchkey as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    origin: String,
    secure: bool,
}

/// Cookies would travel in the clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is plain http and not localhost, so that cookies would travel in the clear")]
pub struct PlainHttp;

impl Site {
    /// The site at an http or https address. Plain http is for `localhost` alone, where nothing leaves the machine.
    pub fn at(public_url: &str) -> Result<Self, PlainHttp> {
        let address = public_url.to_ascii_lowercase();
        let (scheme, rest) = address.split_once("://").ok_or(PlainHttp)?;
        let authority = rest.split('/').next().unwrap_or_default();
        let (secure, default_port) = match scheme {
            "https" => (true, ":443"),
            "http" if is_loopback(authority) => (false, ":80"),
            _ => return Err(PlainHttp),
        };
        let host = authority.strip_suffix(default_port).unwrap_or(authority);
        Ok(Self { origin: format!("{scheme}://{host}"), secure })
    }

    /// Whether its cookies travel encrypted only.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// What a browser sends as `Origin` (RFC 6454, section 6.2).
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The name of a cookie. The prefixes make browsers refuse a cookie of that name from a neighbouring host or from plain
    /// http (RFC 6265bis, section 4.1.3).
    #[must_use]
    pub const fn cookie(&self, cookie: Cookie) -> &'static str {
        match (self.secure, cookie) {
            (true, Cookie::AccessToken) => "__Host-lk_at",
            (true, Cookie::RefreshToken) => "__Secure-lk_rt",
            (true, Cookie::Session) => "__Host-lk_sid",
            (true, Cookie::Csrf) => "__Host-lk_csrf",
            (false, Cookie::AccessToken) => "lk_at",
            (false, Cookie::RefreshToken) => "lk_rt",
            (false, Cookie::Session) => "lk_sid",
            (false, Cookie::Csrf) => "lk_csrf",
        }
    }
}

fn is_loopback(authority: &str) -> bool {
    let host = if authority.starts_with('[') {
        authority.split_inclusive(']').next().unwrap_or_default()
    } else {
        authority.split(':').next().unwrap_or_default()
    };
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

/// The claim `csrf` of a token whose holder has to show `value`: base64url(SHA-256(value)). So every service can check it,
/// whatever the token is signed with, and none can make the value from the token.
#[must_use]
pub fn csrf_claim(value: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, value.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_is_what_browsers_say() {
        for (url, origin) in [
            ("https://Shop.Example", "https://shop.example"),
            ("https://shop.example:443/login", "https://shop.example"),
            ("https://shop.example:8443", "https://shop.example:8443"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://127.0.0.1:80/x", "http://127.0.0.1"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            assert_eq!(Site::at(url).unwrap().origin(), origin);
        }
    }

    #[test]
    fn plain_http_stays_on_the_machine() {
        for url in [
            "http://shop.example",
            "http://localhost.example",
            "http://10.0.0.1:8080",
            "http://[::2]",
            "ftp://localhost",
        ] {
            assert_eq!(Site::at(url), Err(PlainHttp), "{url}");
        }
    }

    #[test]
    fn names_have_their_prefix_where_there_is_tls() {
        let (secure, plain) = (Site::at("https://a.example").unwrap(), Site::at("http://localhost").unwrap());
        let names = |site: &Site| {
            [Cookie::AccessToken, Cookie::RefreshToken, Cookie::Session, Cookie::Csrf].map(|cookie| site.cookie(cookie))
        };
        assert_eq!(names(&secure), ["__Host-lk_at", "__Secure-lk_rt", "__Host-lk_sid", "__Host-lk_csrf"]);
        assert_eq!(names(&plain), ["lk_at", "lk_rt", "lk_sid", "lk_csrf"]);
    }

    #[test]
    fn the_claim_is_the_hash_of_the_value() {
        assert_eq!(csrf_claim("abc"), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
    }
}
