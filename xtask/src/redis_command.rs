//! A command for a Redis on this machine, in as much of its protocol as starting servers takes.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(1);

/// What is answered to one line of words, on a connection of its own. An error of Redis is one here.
pub fn run(port: u16, password: &str, command: &str) -> io::Result<String> {
    let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.write_all(format!("AUTH {password}\r\n{command}\r\n").as_bytes())?;
    let mut answers = BufReader::new(connection);
    answer(&mut answers)?;
    answer(&mut answers)
}

/// A status, a number or a text; whatever else there is is not asked for.
fn answer(answers: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    answers.read_line(&mut line)?;
    let line = line.trim_end();
    match line.split_at_checked(1) {
        Some(("+" | ":", text)) => Ok(text.to_owned()),
        Some(("$", length)) => {
            let length = length.parse().map_err(io::Error::other)?;
            let mut text = String::new();
            answers.take(length).read_to_string(&mut text)?;
            Ok(text)
        }
        _ => Err(io::Error::other(format!("Redis has answered with {line:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::answer;

    #[test]
    fn an_answer_is_read_to_its_end_and_no_further() {
        let mut answers = &b"+OK\r\n$10\r\none\r\ntwo\r\n\r\n-ERR no\r\n"[..];
        assert_eq!(answer(&mut answers).unwrap(), "OK");
        assert_eq!(answer(&mut answers).unwrap(), "one\r\ntwo\r\n");
        let mut error = &b"-ERR no\r\n"[..];
        assert!(answer(&mut error).unwrap_err().to_string().contains("ERR no"));
        assert!(answer(&mut &b""[..]).is_err());
    }
}
