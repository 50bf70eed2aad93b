//! Whether a write comes from a page or a name that has no business here: the guard against a browser on this very
//! machine being talked into it (cross-site requests, DNS rebinding).

use std::net::IpAddr;

use axum::http::HeaderMap;
use axum::http::Uri;
use axum::http::header::{HOST, ORIGIN};

/// The names under which this service is known.
pub struct Hosts {
    /// Lower-case, without port.
    names: Vec<String>,
    /// Lower-case `scheme://host[:port]` of the external URL.
    origin: Option<String>,
}

impl Hosts {
    /// From the configured names and the external URL. `localhost` and IP addresses are always known: a name that an
    /// attacker rebinds to us is never an address.
    pub fn new(allowed: &[String], external_url: Option<&str>) -> Hosts {
        let mut names: Vec<String> = allowed.iter().map(|name| without_port(name).to_ascii_lowercase()).collect();
        names.push("localhost".to_owned());
        let external: Option<Uri> = external_url.and_then(|url| url.parse().ok());
        if let Some(host) = external.as_ref().and_then(Uri::host) {
            names.push(host.to_ascii_lowercase());
        }
        let origin = external.as_ref().and_then(|uri| {
            Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?.as_str()).to_ascii_lowercase())
        });
        Hosts { names, origin }
    }

    /// Why a write with these headers is refused, if it is.
    pub fn refuse(&self, headers: &HeaderMap, uri: &Uri) -> Option<String> {
        let Some(host) = host_of(headers, uri) else {
            return Some("the request names no Host".to_owned());
        };
        if !self.knows(host) {
            return Some(format!("Host {host:?} is not known here; use the address, or set external_url to this name"));
        }
        headers.get_all(ORIGIN).iter().find_map(|origin| {
            let text = origin.to_str().unwrap_or_default().to_ascii_lowercase();
            let own = text.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host));
            if own || self.origin.as_deref() == Some(text.as_str()) {
                return None;
            }
            let shown: String = text.chars().take(128).collect();
            Some(format!("Origin {shown:?} may not write here; only pages of this service may"))
        })
    }

    fn knows(&self, host: &str) -> bool {
        let name = without_port(host);
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        bare.parse::<IpAddr>().is_ok() || self.names.iter().any(|known| known.eq_ignore_ascii_case(name))
    }
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

    #[test]
    fn only_known_hosts_and_own_pages_may_write() {
        let hosts = Hosts::new(&["noc-1:7247".to_owned()], Some("https://watch.example.org/wf"));
        let check = |host: &str, origin: Option<&str>, passes: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host.parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(ORIGIN, origin.parse().unwrap());
            }
            let refused = hosts.refuse(&headers, &Uri::from_static("/api/v1/events"));
            assert_eq!(refused.is_none(), passes, "{host} {origin:?}: {refused:?}");
        };
        check("127.0.0.1:7247", None, true);
        check("[::1]:7247", None, true);
        check("[::1]", None, true);
        check("::1", None, true);
        check("localhost:7247", None, true);
        check("NOC-1", None, true);
        check("noc-1:80", None, true);
        check("watch.example.org", None, true);
        check("evil.example", None, false);
        check("localhost.evil.example:7247", None, false);
        check("127.0.0.1.evil.example", None, false);
        check("", None, false);
        check("127.0.0.1:7247", Some("http://127.0.0.1:7247"), true);
        check("127.0.0.1:7247", Some("https://watch.example.org"), true);
        check("127.0.0.1:7247", Some("http://127.0.0.1:3000"), false);
        check("127.0.0.1:7247", Some("http://evil.example"), false);
        check("127.0.0.1:7247", Some("null"), false);
        check("evil.example", Some("http://evil.example"), false);
    }

    #[test]
    fn no_host_or_two_hosts_are_refused_but_the_target_may_name_it() {
        let hosts = Hosts::new(&[], None);
        let mut headers = HeaderMap::new();
        assert!(hosts.refuse(&headers, &Uri::from_static("/x")).is_some());
        assert!(hosts.refuse(&headers, &Uri::from_static("http://localhost:1/x")).is_none());
        headers.append(HOST, "localhost".parse().unwrap());
        headers.append(HOST, "localhost".parse().unwrap());
        assert!(hosts.refuse(&headers, &Uri::from_static("/x")).is_some());
    }
}
