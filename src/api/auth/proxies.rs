//! Where a request comes from: the peer, or behind a trusted proxy whoever it names.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap};
use ipnet::IpNet;

/// Reverse proxies whose `X-Forwarded-For` is believed; bounds of one address do not hold for them.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Vec<IpNet>);

impl Proxies {
    /// `10.0.0.5`, `10.1.0.0/16`, `fd00::/8`; the error is the first that is neither.
    pub fn parse(texts: &[String]) -> Result<Proxies, String> {
        let one = |text: &String| {
            let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            net.map_err(|_| text.clone())
        };
        texts.iter().map(one).collect::<Result<Vec<_>, _>>().map(Proxies)
    }

    /// Of IPv6 the /64: one customer holds all of it.
    pub fn customer_of(address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V6(address) => IpAddr::from((address.to_bits() & (u128::MAX << 64)).to_be_bytes()),
            address @ IpAddr::V4(_) => address,
        }
    }

    pub fn holds(&self, address: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&address))
    }

    /// The address that bounds are kept by; one shared for a server that does not say.
    pub(super) fn client_of(&self, extensions: &Extensions, headers: &HeaderMap) -> IpAddr {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
        let Some(peer) = peer else { return IpAddr::V4(Ipv4Addr::UNSPECIFIED) };
        Proxies::customer_of(self.named_by(peer, headers))
    }

    /// The last address of the chain that is no trusted proxy: everything before it anybody may have written.
    fn named_by(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let values: Vec<&str> =
            headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
        let mut client = peer;
        for hop in values.iter().rev().flat_map(|value| value.rsplit(',')) {
            if !self.holds(client) {
                break;
            }
            let Some(address) = address_of(hop.trim()) else { break };
            client = address.to_canonical();
        }
        client
    }
}

/// With or without a port.
fn address_of(text: &str) -> Option<IpAddr> {
    text.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_for_the_last_stranger() {
        let texts = ["10.0.0.5", "10.1.0.0/16", "fd00::/8"].map(str::to_owned);
        let proxies = Proxies::parse(&texts).unwrap();
        let check = |peer: &str, forwarded: &[&str], expected: &str| {
            let mut extensions = Extensions::new();
            extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 40_000)));
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append("x-forwarded-for", value.parse().unwrap());
            }
            let found = proxies.client_of(&extensions, &headers);
            assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{peer} {forwarded:?}");
        };
        check("192.0.2.7", &[], "192.0.2.7");
        check("192.0.2.7", &["198.51.100.1"], "192.0.2.7");
        check("10.0.0.5", &["198.51.100.1"], "198.51.100.1");
        check("10.0.0.5", &["127.0.0.1, 198.51.100.1"], "198.51.100.1");
        check("10.0.0.5", &["127.0.0.1", "198.51.100.1, 10.1.2.3"], "198.51.100.1");
        check("10.0.0.5", &["198.51.100.1:5123"], "198.51.100.1");
        check("10.0.0.5", &["unknown"], "10.0.0.5");
        check("10.0.0.5", &["198.51.100.9, unknown"], "10.0.0.5");
        check("10.0.0.5", &[], "10.0.0.5");
        check("::ffff:10.0.0.5", &["198.51.100.1"], "198.51.100.1");
        check("fd00::1", &["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::");
        check("2001:db8:1:2:3:4:5:6", &["198.51.100.1"], "2001:db8:1:2::");
    }

    #[test]
    fn what_is_no_address_is_named() {
        assert_eq!(Proxies::parse(&["10.0.0.5".to_owned(), "nginx".to_owned()]).err(), Some("nginx".to_owned()));
    }
}
