//! Where an answer of HTTP/1.1 is (RFC 9112).

use std::io::{self, ErrorKind};

use super::Answer;

const MOST_HEADERS: usize = 64;

/// The answer at the beginning of `bytes`, once it is complete. Those measured here all say how long their bodies are.
pub fn answer(bytes: &[u8]) -> io::Result<Option<Answer>> {
    let odd = |what: &str| io::Error::new(ErrorKind::InvalidData, what.to_owned());
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(begin) = response.parse(bytes).map_err(|error| odd(&error.to_string()))? else {
        return Ok(None);
    };
    let named = |name: &str| {
        let mut headers = response.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
        headers.next().and_then(|header| std::str::from_utf8(header.value).ok())
    };
    let length: Option<usize> = named("content-length").and_then(|length| length.parse().ok());
    let body = begin..begin.saturating_add(length.ok_or_else(|| odd("an answer does not say how long it is"))?);
    let answer = Answer {
        status: response.code.unwrap_or(0),
        closes: named("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")),
        body,
    };
    Ok((answer.body.end <= bytes.len()).then_some(answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_where_its_body_is_and_whether_the_connection_ends() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
        let expected = Answer { status: 200, body: bytes.len() - 2..bytes.len(), closes: true };
        assert_eq!(answer(bytes).unwrap(), Some(expected));
        for part in [20, bytes.len() - 1] {
            assert_eq!(answer(&bytes[..part]).unwrap(), None);
        }
        assert!(answer(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(answer(b"SSH-2.0\r\n\r\n").is_err());
    }
}
