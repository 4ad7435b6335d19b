//! Asks a service on this machine how it is: for images that have no shell and no curl.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(3);

const LONGEST_ANSWER: u64 = 4 * 1024 * 1024;

/// Whether `/readyz` of the internal listener bound to `bind` answers 200.
pub fn is_ready(bind: SocketAddr) -> io::Result<bool> {
    let mut status = [0; 12];
    ask(bind, "/readyz")?.read_exact(&mut status)?;
    Ok(status.ends_with(b" 200"))
}

/// What the internal listener bound to `bind` answers at `path`, head and all.
pub fn get(bind: SocketAddr, path: &str) -> io::Result<String> {
    let mut answer = String::new();
    ask(bind, path)?.take(LONGEST_ANSWER).read_to_string(&mut answer)?;
    Ok(answer)
}

fn ask(bind: SocketAddr, path: &str) -> io::Result<TcpStream> {
    let address = SocketAddr::new(reachable(bind.ip()), bind.port());
    let mut connection = TcpStream::connect_timeout(&address, PATIENCE)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    write!(connection, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    Ok(connection)
}

/// "Every address of this machine" is no address to connect to.
fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}
