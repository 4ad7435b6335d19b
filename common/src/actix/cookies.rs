//! The cookies of a request (RFC 6265, section 5.4).

use actix_web::http::header::{COOKIE, HeaderMap};

use crate::problem::{Problem, Status};

/// The value of the cookie `name`. Two of one name are refused: one of them was set by somebody else.
pub fn cookie<'headers>(headers: &'headers HeaderMap, name: &str) -> Result<Option<&'headers str>, Problem> {
    // By bytes: other applications of the site may keep in theirs what is no text.
    let pairs = headers.get_all(COOKIE).flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
    let mut values = pairs.filter_map(|pair| {
        let (own, value) = pair.split_at(pair.iter().position(|byte| *byte == b'=')?);
        (own.trim_ascii() == name.as_bytes()).then(|| value[1..].trim_ascii())
    });
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        let detail = format!("There is more than one cookie {name}");
        return Err(Problem::new(Status::BadRequest, "bad_request", detail));
    }
    Ok(Some(str::from_utf8(value).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn read(values: &[&str]) -> Result<Option<String>, ()> {
        read_bytes(&values.iter().map(|value| value.as_bytes()).collect::<Vec<_>>())
    }

    fn read_bytes(values: &[&[u8]]) -> Result<Option<String>, ()> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(COOKIE, HeaderValue::from_bytes(value).unwrap());
        }
        cookie(&headers, "lk_at").map(|value| value.map(str::to_owned)).map_err(drop)
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["xlk_at=1; lk_atx=2; lk_at"]), Ok(None));
        assert_eq!(read(&["theme=dark; lk_at=a.b-c=; other"]), Ok(Some("a.b-c=".to_owned())));
        assert_eq!(read(&["theme=dark", "lk_at=x"]), Ok(Some("x".to_owned())));
    }

    #[test]
    fn what_others_keep_does_not_hide_it() {
        assert_eq!(read_bytes(&[b"theme=d\xfcster; lk_at=x; \xff"]), Ok(Some("x".to_owned())));
        assert_eq!(read(&["=; ==; ;lk_at=x"]), Ok(Some("x".to_owned())));
        assert_eq!(read_bytes(&[b"lk_at=\xff"]), Ok(Some(String::new())), "no token is like that");
    }

    #[test]
    fn two_of_one_name_are_refused() {
        assert_eq!(read(&["lk_at=1; lk_at=1"]), Err(()));
        assert_eq!(read(&["lk_at=1", "lk_at=2"]), Err(()));
    }
}
