//! How the driver learns where a floor listens, and a floor when it is over.

use std::{
    collections::BTreeMap,
    error::Error,
    io::{self, Read, Write},
    net::SocketAddr,
    process::ExitCode,
};

use actix_web::dev::Server;

use super::Broken;

/// Servers by name, each with the address it listens at.
pub type Servers = Vec<(String, SocketAddr, Server)>;

/// Prints the addresses, and serves until standard input ends.
pub async fn until_told(servers: Servers) -> Result<(), Broken> {
    let addresses: BTreeMap<_, _> = servers.iter().map(|(name, address, _)| (name, address)).collect();
    let line = serde_json::to_string(&addresses)?;
    let running: Vec<_> =
        servers.into_iter().map(|(_, _, server)| (server.handle(), actix_web::rt::spawn(server))).collect();
    writeln!(io::stdout(), "{line}")?;
    actix_web::rt::task::spawn_blocking(|| io::stdin().read_to_end(&mut Vec::new())).await??;
    for (handle, task) in running {
        handle.stop(false).await;
        task.await??;
    }
    Ok(())
}

/// Says what went wrong.
pub fn complain(error: &dyn Error) -> ExitCode {
    _ = writeln!(io::stderr(), "{error}");
    ExitCode::FAILURE
}
