//! Which ports an instance takes, and whether they are free.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

use crate::Failure;
use crate::port_owner;

/// The gateway's port when none is asked for.
pub const DEFAULT: u16 = 8080;

/// Above it the internal ports would not fit any more.
pub const HIGHEST_GATEWAY_PORT: u16 = u16::MAX - 1002;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ports {
    pub gateway: u16,
    pub auth: u16,
    pub resource: u16,
    pub legacy_app: u16,
    pub auth_internal: u16,
    pub resource_internal: u16,
}

impl Ports {
    /// The one place that knows how the others follow from the gateway's.
    pub fn plan(gateway: u16) -> Option<Self> {
        (1..=HIGHEST_GATEWAY_PORT).contains(&gateway).then(|| Self {
            gateway,
            auth: gateway + 1,
            resource: gateway + 2,
            legacy_app: gateway + 3,
            auth_internal: gateway + 1001,
            resource_internal: gateway + 1002,
        })
    }

    fn with_purpose(self) -> [(u16, &'static str); 6] {
        [
            (self.gateway, "the gateway"),
            (self.auth, "auth-service"),
            (self.resource, "resource-service"),
            (self.legacy_app, "the guestbook behind the gateway"),
            (self.auth_internal, "auth-service's health and metrics"),
            (self.resource_internal, "resource-service's health and metrics"),
        ]
    }

    /// Looks at all of them before anything is started, so that nothing has to be taken back.
    pub fn check_free(self) -> Result<(), Failure> {
        self.with_purpose().into_iter().try_for_each(|(port, purpose)| check_free(port, purpose))
    }
}

fn check_free(port: u16, purpose: &str) -> Result<(), Failure> {
    // The address of all interfaces: taken as soon as the port is taken on any of them.
    let Err(error) = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)) else { return Ok(()) };
    let remedy = "Choose another one with `cargo xtask up --port PORT`";
    Err(match error.kind() {
        io::ErrorKind::AddrInUse => {
            let owner = port_owner::of(port).map_or_else(String::new, |owner| format!(" by {owner}"));
            Failure::new(format!("Port {port} (for {purpose}) is taken{owner}."))
                .remedy(format!("{remedy}, or stop the program; `cargo xtask down` stops an instance of Latchkey."))
        }
        io::ErrorKind::PermissionDenied => {
            Failure::new(format!("Port {port} (for {purpose}) may not be opened by this user."))
                .remedy(format!("{remedy}."))
        }
        _ => {
            Failure::new(format!("Port {port} (for {purpose}) cannot be opened: {error}.")).remedy(format!("{remedy}."))
        }
    })
}

/// A port that was free a moment ago.
pub fn free() -> Result<u16, Failure> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| Failure::new(format!("No free port is to be had on 127.0.0.1: {error}.")))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::{HIGHEST_GATEWAY_PORT, Ports, check_free, free};

    #[test]
    fn the_other_ports_follow_the_gateways() {
        let ports = Ports {
            gateway: 8080,
            auth: 8081,
            resource: 8082,
            legacy_app: 8083,
            auth_internal: 9081,
            resource_internal: 9082,
        };
        assert_eq!(Ports::plan(8080), Some(ports));
    }

    #[test]
    fn a_plan_that_leaves_the_range_of_ports_is_none() {
        assert_eq!(Ports::plan(HIGHEST_GATEWAY_PORT).map(|ports| ports.resource_internal), Some(u16::MAX));
        assert_eq!(Ports::plan(HIGHEST_GATEWAY_PORT + 1), None);
        assert_eq!(Ports::plan(0), None);
    }

    #[test]
    fn a_taken_port_is_named_with_its_purpose_and_its_owner() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let failure = check_free(port, "the gateway").unwrap_err().to_string();
        assert!(failure.starts_with(&format!("Port {port} (for the gateway) is taken")), "{failure}");
        if cfg!(target_os = "linux") {
            assert!(failure.contains(&format!("process {}", std::process::id())), "{failure}");
        }
    }

    #[test]
    fn a_free_port_is_free() {
        assert!(check_free(free().unwrap(), "the gateway").is_ok());
    }
}
