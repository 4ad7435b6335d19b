//! Where a request comes from. `X-Forwarded-For` is believed from trusted proxies only, and read from the right: what
//! stands further left is what the client claims.

use std::{
    future::{Ready, ready},
    net::IpAddr,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::HeaderMap, web};
use common::problem::Problem;
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The networks whose `X-Forwarded-For` is believed.
#[derive(Debug, Clone)]
pub struct TrustedProxies(pub Vec<IpNet>);

/// The client's address, where it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub Option<IpAddr>);

impl FromRequest for ClientAddress {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let address = request
            .peer_addr()
            .zip(request.app_data::<web::Data<TrustedProxies>>())
            .and_then(|(peer, trusted)| client_address(peer.ip(), request.headers(), trusted));
        ready(Ok(Self(address)))
    }
}

fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &TrustedProxies) -> Option<IpAddr> {
    let is_trusted = |address: &IpAddr| trusted.0.iter().any(|net| net.contains(address));
    if !headers.contains_key(FORWARDED_FOR) {
        return Some(peer);
    }
    if !is_trusted(&peer) {
        // A proxy that nobody has vouched for: its own address is not the client's, and its word is nothing.
        return None;
    }
    let claimed: Option<Vec<IpAddr>> = headers
        .get_all(FORWARDED_FOR)
        .map(|value| value.to_str().ok())
        .collect::<Option<Vec<_>>>()?
        .iter()
        .flat_map(|value| value.split(','))
        .map(|address| address.trim().parse().ok())
        .collect();
    let claimed = claimed?;
    claimed.iter().rev().find(|address| !is_trusted(address)).or(claimed.first()).copied()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn address(peer: &str, forwarded: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(HeaderName::from_static(FORWARDED_FOR), HeaderValue::from_static(value));
        }
        let trusted = TrustedProxies(vec!["10.0.0.0/8".parse().unwrap()]);
        client_address(peer.parse().unwrap(), &headers, &trusted).map(|address| address.to_string())
    }

    #[test]
    fn without_the_header_it_is_the_peer() {
        assert_eq!(address("203.0.113.9", &[]).as_deref(), Some("203.0.113.9"));
    }

    #[test]
    fn an_untrusted_peer_is_not_believed() {
        assert_eq!(address("203.0.113.9", &["198.51.100.1"]), None);
    }

    #[test]
    fn what_the_client_claims_further_left_is_ignored() {
        assert_eq!(address("10.0.0.1", &["1.2.3.4, 198.51.100.1, 10.0.0.7"]).as_deref(), Some("198.51.100.1"));
        assert_eq!(address("10.0.0.1", &["1.2.3.4", "198.51.100.1"]).as_deref(), Some("198.51.100.1"));
    }

    #[test]
    fn garbage_is_nobodys_address() {
        assert_eq!(address("10.0.0.1", &["unknown, 198.51.100.1"]), None);
    }
}
