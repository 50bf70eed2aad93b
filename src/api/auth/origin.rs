//! Whether a request comes from a page or a name that has no business here: the guard against a browser on this very
//! machine being talked into it (cross-site requests, DNS rebinding).

use std::net::IpAddr;

use axum::http::HeaderMap;
use axum::http::Uri;
use axum::http::header::{HOST, ORIGIN};

/// The names under which this service is known, and the pages that may use it.
pub struct Hosts {
    /// Lower-case, without port.
    names: Vec<String>,
    /// Where it listens; `None`, or every address of the machine: any address is its own.
    listen: Option<IpAddr>,
    /// Lower-case `scheme://host[:port]` of the external URL and of the allowed pages.
    origins: Vec<String>,
}

impl Hosts {
    /// From the configured names and pages, the external URL and the address of the listener. Loopback names are always
    /// known.
    pub fn new(allowed: &[String], origins: &[String], external_url: Option<&str>, listen: Option<IpAddr>) -> Hosts {
        let mut names: Vec<String> = allowed.iter().map(|name| bare(name).to_ascii_lowercase()).collect();
        names.push("localhost".to_owned());
        let external: Option<Uri> = external_url.and_then(|url| url.parse().ok());
        if let Some(host) = external.as_ref().and_then(Uri::host) {
            names.push(bare(host).to_ascii_lowercase());
        }
        let own = external.as_ref().and_then(|uri| Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?)));
        let origins =
            own.into_iter().chain(origins.iter().cloned()).map(|origin| origin.to_ascii_lowercase()).collect();
        Hosts { names, listen: listen.filter(|listen| !listen.is_unspecified()), origins }
    }

    /// Why a request for this Host is refused, if it is.
    pub fn refuse_host(&self, headers: &HeaderMap, uri: &Uri) -> Option<String> {
        let Some(host) = host_of(headers, uri) else {
            return Some("the request names no Host, or several".to_owned());
        };
        (!self.knows(host)).then(|| {
            format!(
                "Host {host:?} is not known here: set external_url or allowed_hosts in watchfire.yaml to the name by which it is reached; a reverse proxy in front must pass Host on"
            )
        })
    }

    /// Why a write of the page that these headers name is refused, if it is.
    pub fn refuse_origin(&self, headers: &HeaderMap, uri: &Uri) -> Option<String> {
        let host = host_of(headers, uri).unwrap_or_default();
        headers.get_all(ORIGIN).iter().find_map(|origin| {
            let text = origin.to_str().unwrap_or_default().to_ascii_lowercase();
            let own = text.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host));
            if own || self.origins.contains(&text) {
                return None;
            }
            let shown: String = text.chars().take(128).collect();
            Some(format!("Origin {shown:?} may not write here; only pages of this service and allowed_origins may"))
        })
    }

    fn knows(&self, host: &str) -> bool {
        let name = bare(host);
        match name.parse::<IpAddr>().map(|address| address.to_canonical()) {
            Ok(address) if address.is_loopback() || self.listen.is_none_or(|listen| listen == address) => true,
            Ok(_) | Err(_) => self.names.iter().any(|known| known.eq_ignore_ascii_case(name)),
        }
    }
}

/// Without port and brackets.
fn bare(host: &str) -> &str {
    without_port(host).trim_start_matches('[').trim_end_matches(']')
}

/// The one Host of the request; two are as bad as none.
fn host_of<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok().map(|host| host.get(..256).unwrap_or(host)),
        (Some(_), Some(_)) => None,
        (None, _) => uri.authority().map(axum::http::uri::Authority::as_str),
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            if name.contains(':') && !name.starts_with('[') { host } else { name }
        }
        Some(_) | None => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(host: &str, origin: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        origin.into_iter().for_each(|origin| drop(headers.insert(ORIGIN, origin.parse().unwrap())));
        headers
    }

    #[test]
    fn only_known_hosts_are_answered() {
        let names = ["noc-1:7247".to_owned()];
        let hosts =
            |listen: &str| Hosts::new(&names, &[], Some("https://watch.example.org/wf"), Some(listen.parse().unwrap()));
        let check = |listen: &str, host: &str, passes: bool| {
            let refused = hosts(listen).refuse_host(&headers(host, None), &Uri::from_static("/api/v1/events"));
            assert_eq!(refused.is_none(), passes, "{listen} {host}: {refused:?}");
        };
        for host in ["127.0.0.1:7247", "[::1]:7247", "[::1]", "::1", "localhost:7247", "LOCALHOST", "127.9.9.9"] {
            check("127.0.0.1", host, true);
            check("10.0.0.7", host, true);
        }
        for host in ["NOC-1", "noc-1:80", "watch.example.org"] {
            check("127.0.0.1", host, true);
        }
        for host in ["evil.example", "localhost.evil.example:7247", "127.0.0.1.evil.example", "", "10.0.0.8"] {
            check("127.0.0.1", host, false);
            check("10.0.0.7", host, false);
        }
        check("10.0.0.7", "10.0.0.7:7247", true);
        check("0.0.0.0", "10.0.0.8", true);
        check("::", "[2001:db8::1]:7247", true);
        check("0.0.0.0", "evil.example", false);
    }

    #[test]
    fn only_own_and_allowed_pages_may_write() {
        let allowed = ["https://portal.example.org".to_owned()];
        let hosts = Hosts::new(&[], &allowed, Some("https://watch.example.org/wf"), None);
        let check = |host: &str, origin: &str, passes: bool| {
            let refused = hosts.refuse_origin(&headers(host, Some(origin)), &Uri::from_static("/api/v1/events"));
            assert_eq!(refused.is_none(), passes, "{host} {origin}: {refused:?}");
        };
        check("127.0.0.1:7247", "http://127.0.0.1:7247", true);
        check("127.0.0.1:7247", "https://watch.example.org", true);
        check("127.0.0.1:7247", "https://portal.example.org", true);
        check("127.0.0.1:7247", "http://portal.example.org", false);
        check("127.0.0.1:7247", "http://127.0.0.1:3000", false);
        check("127.0.0.1:7247", "http://evil.example", false);
        check("127.0.0.1:7247", "null", false);
    }

    #[test]
    fn no_host_or_two_hosts_are_refused_but_the_target_may_name_it() {
        let hosts = Hosts::new(&[], &[], None, None);
        let mut headers = HeaderMap::new();
        assert!(hosts.refuse_host(&headers, &Uri::from_static("/x")).is_some());
        assert!(hosts.refuse_host(&headers, &Uri::from_static("http://localhost:1/x")).is_none());
        headers.append(HOST, "localhost".parse().unwrap());
        headers.append(HOST, "localhost".parse().unwrap());
        assert!(hosts.refuse_host(&headers, &Uri::from_static("/x")).is_some());
    }
}
