//! A connection on which requests and answers of HTTP/1.1 (RFC 9112) take turns.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::SocketAddr,
    time::Instant,
};

use mio::net::TcpStream;

use super::Asker;

const READ_AT_ONCE: usize = 16 * 1024;
const MOST_HEADERS: usize = 64;

/// Where an exchange stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The other side has its turn.
    Waits,
    /// An answer is complete.
    Answered {
        /// When its request was made.
        since: Instant,
    },
    /// It is not the one that it ought to be, but this.
    Odd(String),
    /// The other side takes no more requests on this connection.
    Closed,
}

/// A connection, and what of a request or an answer is under way.
#[derive(Debug)]
pub struct Exchange {
    stream: TcpStream,
    request: Vec<u8>,
    sent: usize,
    answer: Vec<u8>,
    since: Instant,
    closes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    status: u16,
    length: usize,
    body: usize,
    closes: bool,
}

impl Exchange {
    /// A connection that is being made.
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        let (request, answer) = (Vec::with_capacity(READ_AT_ONCE), Vec::with_capacity(READ_AT_ONCE));
        Ok(Self { stream, request, sent: 0, answer, since: Instant::now(), closes: false })
    }

    /// For whoever waits for it.
    pub fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// The next request.
    pub fn begin(&mut self, asker: &mut impl Asker) {
        self.request.clear();
        self.answer.clear();
        self.sent = 0;
        asker.ask(&mut self.request);
        self.since = Instant::now();
    }

    /// Sends and receives as much as can be now.
    pub fn go_on(&mut self, asker: &mut impl Asker) -> io::Result<Progress> {
        if self.closes {
            return Ok(Progress::Closed);
        }
        while self.sent < self.request.len() {
            match self.stream.write(&self.request[self.sent..]) {
                Ok(written) => self.sent += written,
                Err(error) if is_later(&error) => return Ok(Progress::Waits),
                Err(error) if is_gone(&error) => return Ok(Progress::Closed),
                Err(error) => return Err(error),
            }
        }
        loop {
            let before = self.answer.len();
            self.answer.resize(before + READ_AT_ONCE, 0);
            let read = self.stream.read(&mut self.answer[before..]);
            self.answer.truncate(before + read.as_ref().map_or(0, |read| *read));
            match read {
                Ok(0) => return Ok(Progress::Closed),
                Ok(_) => {
                    let Some(head) = head(&self.answer)? else { continue };
                    if let Some(body) = self.answer.get(head.body..head.body + head.length) {
                        self.closes = head.closes;
                        return Ok(if asker.take(head.status, body) {
                            Progress::Answered { since: self.since }
                        } else {
                            Progress::Odd(format!("{}: {}", head.status, String::from_utf8_lossy(body)))
                        });
                    }
                }
                Err(error) if is_later(&error) => return Ok(Progress::Waits),
                Err(error) if is_gone(&error) => return Ok(Progress::Closed),
                Err(error) => return Err(error),
            }
        }
    }
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected | ErrorKind::Interrupted)
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}

/// The head of an answer, once it is complete. Those measured here all say how long their bodies are.
fn head(bytes: &[u8]) -> io::Result<Option<Head>> {
    let odd = |what: &str| io::Error::new(ErrorKind::InvalidData, what.to_owned());
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(body) = response.parse(bytes).map_err(|error| odd(&error.to_string()))? else {
        return Ok(None);
    };
    let named = |name: &str| {
        let mut headers = response.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
        headers.next().and_then(|header| std::str::from_utf8(header.value).ok())
    };
    let length = named("content-length").and_then(|length| length.parse().ok());
    Ok(Some(Head {
        status: response.code.unwrap_or(0),
        length: length.ok_or_else(|| odd("an answer does not say how long it is"))?,
        body,
        closes: named("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_where_the_body_is_and_whether_the_connection_ends() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
        let expected = Head { status: 200, length: 2, body: answer.len() - 2, closes: true };
        assert_eq!(head(answer).unwrap(), Some(expected));
        assert_eq!(head(&answer[..20]).unwrap(), None);
        assert!(head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(head(b"SSH-2.0\r\n\r\n").is_err());
    }
}
