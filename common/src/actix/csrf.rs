//! Whether the site itself makes a request, where a browser would send the credential along for anybody.

use actix_web::http::{
    Method,
    header::{HeaderMap, HeaderName, ORIGIN},
};

use crate::{
    browser::{CSRF_HEADER, Site},
    problem::{Problem, Status},
};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// 403 `csrf_failed`
#[must_use]
pub fn csrf_failed(detail: &'static str) -> Problem {
    Problem::new(Status::Forbidden, "csrf_failed", detail)
}

/// Whether requests with `method` change nothing (RFC 9110, section 9.2.1).
#[must_use]
pub fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// What a request says of where it was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// By a page of the site.
    Here,
    /// By a page of another site, or by the browser's address bar.
    Elsewhere,
    /// It does not say: no browser of today.
    Unsaid,
}

/// By `Sec-Fetch-Site` (W3C Fetch Metadata), or by `Origin` where that is missing: browsers leave it out towards plain http.
#[must_use]
pub fn begun(headers: &HeaderMap, site: &Site) -> Begun {
    let here = |name: HeaderName, expected: &str| {
        let mut values = headers.get_all(name);
        let first = values.next()?;
        Some(values.next().is_none() && first.as_bytes() == expected.as_bytes())
    };
    match here(SEC_FETCH_SITE, "same-origin").or_else(|| here(ORIGIN, site.origin())) {
        Some(true) => Begun::Here,
        Some(false) => Begun::Elsewhere,
        None => Begun::Unsaid,
    }
}

/// The value of [`CSRF_HEADER`] of a request that the site itself has begun; 403 for others.
pub fn presented<'headers>(headers: &'headers HeaderMap, site: &Site) -> Result<&'headers str, Problem> {
    if begun(headers, site) != Begun::Here {
        return Err(csrf_failed("The request does not come from a page of this site"));
    }
    let mut values = headers.get_all(CSRF_HEADER);
    let value = values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok());
    value.ok_or_else(|| csrf_failed("The header X-CSRF-Token is missing"))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn headers(of: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in of {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    fn site() -> Site {
        Site::at("https://shop.example").unwrap()
    }

    #[test]
    fn fetch_metadata_come_before_the_origin() {
        for (of, expected) in [
            (&[][..], Begun::Unsaid),
            (&[("sec-fetch-site", "same-origin")], Begun::Here),
            (&[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")], Begun::Here),
            (&[("sec-fetch-site", "same-site")], Begun::Elsewhere),
            (&[("sec-fetch-site", "cross-site"), ("origin", "https://shop.example")], Begun::Elsewhere),
            (&[("sec-fetch-site", "none")], Begun::Elsewhere),
            (&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-origin")], Begun::Elsewhere),
            (&[("origin", "https://shop.example")], Begun::Here),
            (&[("origin", "https://shop.example:8443")], Begun::Elsewhere),
            (&[("origin", "http://shop.example")], Begun::Elsewhere),
            (&[("origin", "null")], Begun::Elsewhere),
        ] {
            assert_eq!(begun(&headers(of), &site()), expected, "{of:?}");
        }
    }

    #[test]
    fn the_value_comes_once_and_from_here() {
        let read = |of: &[(&'static str, &'static str)]| presented(&headers(of), &site()).map(str::to_owned).ok();
        assert_eq!(read(&[("sec-fetch-site", "same-origin"), ("x-csrf-token", "v")]), Some("v".to_owned()));
        assert_eq!(read(&[("sec-fetch-site", "same-origin")]), None);
        assert_eq!(read(&[("x-csrf-token", "v")]), None);
        assert_eq!(read(&[("sec-fetch-site", "cross-site"), ("x-csrf-token", "v")]), None);
        assert_eq!(read(&[("origin", "https://shop.example"), ("x-csrf-token", "v"), ("x-csrf-token", "v")]), None);
    }
}
