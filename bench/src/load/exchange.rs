//! A connection on which requests and answers take turns.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::SocketAddr,
    time::Instant,
};

use mio::net::TcpStream;

use super::{Answer, Asker};

const READ_AT_ONCE: usize = 16 * 1024;

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

impl Exchange {
    /// A connection that is being made, with its first request.
    pub fn connect(address: SocketAddr, asker: &mut impl Asker) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        asker.opened();
        let (request, answer) = (Vec::with_capacity(READ_AT_ONCE), Vec::with_capacity(READ_AT_ONCE));
        let mut exchange = Self { stream, request, sent: 0, answer, since: Instant::now(), closes: false };
        exchange.begin(asker);
        Ok(exchange)
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
                    let Some(Answer { status, body, closes }) = asker.find(&self.answer)? else { continue };
                    let body = &self.answer[body];
                    self.closes = closes;
                    return Ok(if asker.take(status, body) {
                        Progress::Answered { since: self.since }
                    } else {
                        Progress::Odd(format!("{status}: {}", String::from_utf8_lossy(body)))
                    });
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
