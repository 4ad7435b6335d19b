//! Where an answer of Redis ends, in the second version of its protocol.

use std::io::{self, ErrorKind};

const LINE_END: &[u8] = b"\r\n";

/// Where the answer that begins at `begin` ends, once it is complete.
pub fn end(bytes: &[u8], begin: usize) -> io::Result<Option<usize>> {
    let (mut at, mut missing) = (begin, 1_usize);
    while missing > 0 {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(length) = rest.windows(LINE_END.len()).position(|two| two == LINE_END) else { return Ok(None) };
        at += length + LINE_END.len();
        missing -= 1;
        match rest[..length].split_first() {
            Some((b'+' | b'-' | b':', _)) => {}
            Some((b'$', length)) => {
                at = at.saturating_add(number(length)?.map_or(0, |length| length.saturating_add(LINE_END.len())));
            }
            Some((b'*', elements)) => missing = missing.saturating_add(number(elements)?.unwrap_or(0)),
            _ => return Err(odd()),
        }
    }
    Ok((at <= bytes.len()).then_some(at))
}

/// How many; `None` for the text or list that is none.
fn number(digits: &[u8]) -> io::Result<Option<usize>> {
    let number: Option<i64> = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
    Ok(usize::try_from(number.ok_or_else(odd)?).ok())
}

fn odd() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "an answer is not in the protocol of Redis")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_ends_with_the_last_of_what_is_in_it() {
        let answer = b"*4\r\n$7\r\ngranted\r\n$-1\r\n:1\r\n*2\r\n+OK\r\n$2\r\n\r\n\r\n";
        assert_eq!(end(answer, 0).unwrap(), Some(answer.len()));
        for part in 0..answer.len() {
            assert_eq!(end(&answer[..part], 0).unwrap(), None, "{part}");
        }
        let two = [&b"+OK\r\n"[..], answer].concat();
        assert_eq!((end(&two, 0).unwrap(), end(&two, 5).unwrap()), (Some(5), Some(two.len())));
    }

    #[test]
    fn what_is_not_of_this_protocol_is_an_error() {
        for odd in [&b"HTTP/1.1 200 OK\r\n"[..], b"$x\r\n", b"\r\n"] {
            assert!(end(odd, 0).is_err());
        }
    }
}
