//! Where a request comes from. `X-Forwarded-For` is believed from trusted proxies only, and read from the right: what
//! stands further left is what the client claims.

use std::{
    future::{Ready, ready},
    net::{IpAddr, SocketAddr},
    str,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::HeaderMap, web};
use common::{problem::Problem, telemetry::metrics::Metrics};
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The networks whose `X-Forwarded-For` is believed.
#[derive(Debug)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    distrusts: Arc<AtomicBool>,
}

impl TrustedProxies {
    /// Believes these and nobody else. `metrics` tell whether somebody who looks like a proxy was not believed.
    #[must_use]
    pub fn new(networks: Vec<IpNet>, metrics: &Metrics) -> Self {
        let distrusts = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&distrusts);
        let read = move || Some(i64::from(told.load(Ordering::Relaxed)));
        metrics.gauge("proxy_distrusted", "1 after a private address that is not trusted sent X-Forwarded-For", read);
        Self { networks, distrusts }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// The client of a request that `peer` has sent.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        // A listener on `[::]` sees IPv4 as a part of IPv6, where all of it would be one neighbourhood.
        let peer = peer.to_canonical();
        if !headers.contains_key(FORWARDED_FOR) {
            return Some(peer);
        }
        if self.trusts(peer) {
            return self.forwarded(headers);
        }
        if !is_private(peer) {
            // A client that makes something up.
            return Some(peer);
        }
        // A proxy that nobody has vouched for: its word is nothing, and behind its own address are all of its clients.
        if !self.distrusts.swap(true, Ordering::Relaxed) {
            tracing::warn!(%peer, "a proxy sends X-Forwarded-For and is not in AUTH_TRUSTED_PROXIES: \
                no limit counts per address behind it");
        }
        None
    }

    /// The nearest address that is not a proxy's own; the farthest, where all are. `None` where one of ours says what is
    /// no address.
    fn forwarded(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let hops: Vec<_> =
            headers.get_all(FORWARDED_FOR).flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).collect();
        let mut client = None;
        for hop in hops.into_iter().rev() {
            let address = address(hop)?;
            client = Some(address);
            if !self.trusts(address) {
                break;
            }
        }
        client
    }
}

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
            .and_then(|(peer, trusted)| trusted.client(peer.ip(), request.headers()));
        ready(Ok(Self(address)))
    }
}

/// Some proxies add the port.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(hop).ok()?.trim();
    let address: IpAddr = text.parse().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip())).ok()?;
    Some(address.to_canonical())
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            // 100.64.0.0/10 (RFC 6598) is between a provider's machines.
            v4.is_loopback() || v4.is_private() || v4.is_link_local() || (first == 100 && second & 0xc0 == 64)
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
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
            headers.append(HeaderName::from_static(FORWARDED_FOR), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let trusted = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()], &Metrics::new("test"));
        trusted.client(peer.parse().unwrap(), &headers).map(|address| address.to_string())
    }

    #[test]
    fn without_the_header_it_is_the_peer() {
        assert_eq!(address("203.0.113.9", &[]).as_deref(), Some("203.0.113.9"));
        assert_eq!(address("172.18.0.3", &[]).as_deref(), Some("172.18.0.3"));
    }

    #[test]
    fn a_client_that_makes_an_address_up_keeps_its_own() {
        assert_eq!(address("203.0.113.9", &["198.51.100.1"]).as_deref(), Some("203.0.113.9"));
        assert_eq!(address("203.0.113.9", &["10.0.0.1"]).as_deref(), Some("203.0.113.9"));
    }

    #[test]
    fn behind_a_proxy_that_nobody_vouches_for_no_address_is_known() {
        for peer in ["172.18.0.3", "127.0.0.1", "100.64.1.1", "169.254.0.1", "fd00::1", "fe80::1", "::ffff:192.168.1.1"]
        {
            assert_eq!(address(peer, &["198.51.100.1"]), None, "{peer}");
        }
    }

    #[test]
    fn what_the_client_claims_further_left_is_ignored() {
        let read = Some("198.51.100.1");
        assert_eq!(address("10.0.0.1", &["1.2.3.4, 198.51.100.1, 10.0.0.7"]).as_deref(), read);
        assert_eq!(address("10.0.0.1", &["1.2.3.4", "198.51.100.1"]).as_deref(), read);
        assert_eq!(address("::ffff:10.0.0.1", &["198.51.100.1,::ffff:10.0.0.7"]).as_deref(), read);
        for garbage in ["unknown", "10.0.0.9", "", ",,,", "\u{fc}", "198.51.100.2, \"", "[::1", "1.2.3.4:99999"] {
            let both: &'static str = format!("{garbage}, 198.51.100.1").leak();
            assert_eq!(address("10.0.0.1", &[both]).as_deref(), read, "{both}");
            assert_eq!(address("10.0.0.1", &[garbage.to_owned().leak(), "198.51.100.1"]).as_deref(), read, "{garbage}");
        }
    }

    #[test]
    fn a_port_is_no_part_of_it() {
        assert_eq!(address("10.0.0.1", &["198.51.100.1:4711"]).as_deref(), Some("198.51.100.1"));
        assert_eq!(address("10.0.0.1", &["[2001:db8::7]:4711"]).as_deref(), Some("2001:db8::7"));
    }

    #[test]
    fn of_proxies_alone_it_is_the_farthest() {
        assert_eq!(address("10.0.0.1", &["10.0.0.3, 10.0.0.2"]).as_deref(), Some("10.0.0.3"));
    }

    #[test]
    fn what_a_trusted_proxy_says_that_is_no_address_is_nobodys() {
        assert_eq!(address("10.0.0.1", &["198.51.100.1, unknown"]), None);
        assert_eq!(address("10.0.0.1", &["unknown, 10.0.0.7"]), None);
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
            let trusted = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()], &Metrics::new("test"));
            let peer = IpAddr::from([10, 0, 0, 1]);
            for hop in once(seen.to_string()).chain(proxies.iter().map(|last| format!("10.0.0.{last}"))) {
                headers.append(HeaderName::from_static(FORWARDED_FOR), HeaderValue::try_from(hop).unwrap());
            }
            prop_assert_eq!(trusted.client(peer, &headers), Some(IpAddr::from(seen)));
        }
    }
}
