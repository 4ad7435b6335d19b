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
    // A listener on `[::]` sees IPv4 as a part of IPv6, where all of it would be one neighbourhood.
    let peer = peer.to_canonical();
    if !headers.contains_key(FORWARDED_FOR) {
        return Some(peer);
    }
    if !is_trusted(&peer) {
        // A proxy that nobody has vouched for: its own address is not the client's, and its word is nothing.
        return None;
    }
    let claimed: Vec<&[u8]> =
        headers.get_all(FORWARDED_FOR).flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).collect();
    let mut address = None;
    for claim in claimed.into_iter().rev() {
        address = Some(read(claim)?);
        if !address.as_ref().is_some_and(is_trusted) {
            break;
        }
    }
    address
}

fn read(claim: &[u8]) -> Option<IpAddr> {
    let address: IpAddr = std::str::from_utf8(claim.trim_ascii()).ok()?.parse().ok()?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use std::{iter::once, net::Ipv4Addr};

    use actix_web::http::header::{HeaderName, HeaderValue};
    use proptest::{collection::vec, prelude::*};

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
        assert_eq!(address("10.0.0.1", &["198.51.100.1, unknown"]), None);
        assert_eq!(address("10.0.0.1", &[""]), None);
    }

    #[test]
    fn an_address_is_one_address_in_each_of_its_forms() {
        assert_eq!(address("::ffff:203.0.113.9", &[]).as_deref(), Some("203.0.113.9"));
        assert_eq!(address("::ffff:10.0.0.1", &["::ffff:198.51.100.1"]).as_deref(), Some("198.51.100.1"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn whatever_a_client_claims_the_address_is_what_the_first_proxy_saw(
            claimed in vec(prop_oneof![vec(any::<u8>(), 0..40), "[0-9a-f.:, ]{0,40}".prop_map(Into::into)], 0..4),
            seen in any::<u32>().prop_map(|bits| Ipv4Addr::from(bits | 0x8000_0000)),
            proxies in vec(any::<u8>(), 0..3),
        ) {
            let mut headers = HeaderMap::new();
            for value in claimed.iter().filter_map(|bytes| HeaderValue::from_bytes(bytes).ok()) {
                headers.append(HeaderName::from_static(FORWARDED_FOR), value);
            }
            let trusted = TrustedProxies(vec!["10.0.0.0/8".parse().unwrap()]);
            let peer = IpAddr::from([10, 0, 0, 1]);
            for hop in once(seen.to_string()).chain(proxies.iter().map(|last| format!("10.0.0.{last}"))) {
                headers.append(HeaderName::from_static(FORWARDED_FOR), HeaderValue::try_from(hop).unwrap());
            }
            prop_assert_eq!(client_address(peer, &headers, &trusted), Some(IpAddr::from(seen)));
        }
    }
}
