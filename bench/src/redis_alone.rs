//! Rotations without a service: each client has Redis run the script on a connection of its own. Nothing is signed, verified or
//! logged. The processor time is Redis' own, of a command at a time on each of 32 connections: it reads and answers each of them by
//! itself. A service that sends several at once on one connection spares it some of that.

use std::net::SocketAddr;

use bench::rotation::{self, Arguments, Held, SESSIONS};
use common::clock::{Clock, SystemClock};
use redis::{Client, Connection, ConnectionAddr, Script, cmd};

use crate::{
    failure::Failure,
    load::{Answer, Asker, resp},
};

/// Whose sessions they are.
const OWNER: &str = "alone";

/// A Redis that knows the script and the sessions, and those who use them.
pub struct RedisAlone {
    /// Where it answers.
    pub address: SocketAddr,
    /// Its process.
    pub process: u32,
    /// Each with its own share of the sessions.
    pub clients: Vec<Rotating>,
}

/// A connection that has its sessions rotated one after the other.
pub struct Rotating {
    script: String,
    password: String,
    /// The next request is the first on its connection.
    opened: bool,
    held: Vec<Held>,
    next: usize,
}

impl RedisAlone {
    /// Puts sessions and script into the Redis at `url`.
    pub fn prepare(url: &str, clients: usize) -> Result<Self, Failure> {
        let client = Client::open(url)?;
        let server = client.get_connection_info();
        let ConnectionAddr::Tcp(host, port) = server.addr() else {
            return Err(Failure::Other("Redis is not at an address of TCP.".to_owned()));
        };
        let ip = host.parse().map_err(|_| Failure::Other(format!("{host} is not an address.")))?;
        let password = server.redis_settings().password().unwrap_or_default();
        let mut connection = client.get_connection()?;
        for some in rotation::seeds(OWNER, SystemClock.now()) {
            some.exec(&mut connection)?;
        }
        let script = Script::new(&rotation::script()).load(&mut connection)?;
        let own = |client| (client..SESSIONS).step_by(clients).map(Held::first).collect();
        let rotating = |client| Rotating {
            script: script.clone(),
            password: password.to_owned(),
            opened: true,
            held: own(client),
            next: 0,
        };
        Ok(Self {
            address: SocketAddr::new(ip, *port),
            process: process(&mut connection)?,
            clients: (0..).take(clients).map(rotating).collect(),
        })
    }
}

impl Asker for Rotating {
    fn opened(&mut self) {
        self.opened = true;
    }

    fn ask(&mut self, request: &mut Vec<u8>) {
        if self.opened {
            cmd("AUTH").arg(&self.password).write_packed_command(request);
        }
        let held = &self.held[self.next];
        let mut call = cmd("EVALSHA");
        call.arg(&self.script).arg(1).arg(rotation::key(OWNER, held.session));
        call.arg(Arguments { held, now: SystemClock.now() }).write_packed_command(request);
    }

    /// Whether the password was right, the answer after it says.
    fn find(&self, bytes: &[u8]) -> std::io::Result<Option<Answer>> {
        let begin = if self.opened { resp::end(bytes, 0)? } else { Some(0) };
        let Some(begin) = begin else { return Ok(None) };
        let end = resp::end(bytes, begin)?;
        Ok(end.map(|end| Answer { status: 0, body: begin..end, closes: false }))
    }

    fn take(&mut self, _: u16, body: &[u8]) -> bool {
        let place = self.next;
        self.opened = false;
        self.next = (place + 1) % self.held.len();
        let held = &mut self.held[place];
        redis::parse_redis_value(body).is_ok_and(|answer| held.follow(answer, SystemClock.now()).is_ok())
    }
}

fn process(connection: &mut Connection) -> Result<u32, Failure> {
    let info: String = cmd("INFO").arg("server").query(connection)?;
    process_of(&info).ok_or_else(|| Failure::Other("Redis does not say which process it is.".to_owned()))
}

fn process_of(info: &str) -> Option<u32> {
    info.lines().find_map(|line| line.strip_prefix("process_id:"))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rotating() -> Rotating {
        let held = [3, 4].map(Held::first).to_vec();
        Rotating { script: "abc".to_owned(), password: "p".to_owned(), opened: true, held, next: 0 }
    }

    fn asked(client: &mut Rotating) -> String {
        let mut request = Vec::new();
        client.ask(&mut request);
        String::from_utf8(request).unwrap()
    }

    #[test]
    fn a_connection_begins_with_the_password_whose_answer_is_passed_over() {
        let mut client = rotating();
        assert!(asked(&mut client).starts_with("*2\r\n$4\r\nAUTH\r\n$1\r\np\r\n*14\r\n$7\r\nEVALSHA\r\n"));
        let answer = b"+OK\r\n*2\r\n$7\r\ngranted\r\n$5\r\nchild\r\n";
        assert_eq!(client.find(&answer[..9]).unwrap(), None);
        let found = client.find(answer).unwrap().unwrap();
        assert_eq!(found.body, 5..answer.len());
        assert!(client.take(found.status, &answer[found.body]));
        assert!(asked(&mut client).contains("alone:{4}"));
        let granted = &answer[5..];
        assert_eq!(client.find(granted).unwrap().unwrap().body, 0..granted.len());
        client.opened();
        assert!(asked(&mut client).contains("AUTH"));
    }

    #[test]
    fn an_error_is_not_what_it_ought_to_be() {
        let mut client = rotating();
        assert!(!client.take(0, b"-NOSCRIPT No matching script.\r\n"));
    }

    #[test]
    fn redis_says_which_process_it_is() {
        assert_eq!(process_of("# Server\r\nprocess_id:42\r\ntcp_port:1\r\n"), Some(42));
        assert_eq!(process_of(""), None);
    }
}
