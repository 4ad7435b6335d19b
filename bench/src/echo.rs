//! The floor of what can be measured: a byte there and back, through no service at all. What a flood does to this, it does
//! to the machine's scheduler and not to Latchkey.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    thread,
};

use crate::failure::Failure;

/// Starts the other side, on a thread a connection. It ends with this process.
pub fn start() -> Result<SocketAddr, Failure> {
    let failed = || Failure::during("The echo cannot listen");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed())?;
    let address = listener.local_addr().map_err(failed())?;
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            thread::spawn(move || answer(connection));
        }
    });
    Ok(address)
}

fn answer(mut connection: TcpStream) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut byte = [0];
    loop {
        connection.read_exact(&mut byte)?;
        connection.write_all(&byte)?;
    }
}

/// Our side.
#[derive(Debug)]
pub struct Echo(TcpStream);

impl Echo {
    /// Connects.
    pub fn connect(address: SocketAddr) -> Result<Self, Failure> {
        let connect = || {
            let connection = TcpStream::connect(address)?;
            connection.set_nodelay(true)?;
            Ok(connection)
        };
        connect().map(Self).map_err(Failure::during("The echo cannot be reached"))
    }

    /// A byte there and back.
    pub fn call(&mut self) -> io::Result<()> {
        self.0.write_all(b"x")?;
        self.0.read_exact(&mut [0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_comes_back() {
        let mut echo = Echo::connect(start().unwrap()).unwrap();
        echo.call().unwrap();
        echo.call().unwrap();
    }
}
