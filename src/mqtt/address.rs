//! A broker's address as people write it: `mqtts://user:password@host:8883?version=5&client_id=noc`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

const PLAIN_PORT: u16 = 1883;
const TLS_PORT: u16 = 8883;
const DEFAULT_CLIENT_ID: &str = "watchfire";

/// The protocol to speak with the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    V311,
    V5,
}

/// A broker and how to log in there. Neither `Debug` nor `Display` shows the password.
#[derive(Clone, PartialEq, Eq)]
pub struct BrokerAddress {
    /// A name or an IP address; an IPv6 address in its brackets.
    pub host: String,
    pub port: u16,
    pub tls: bool,
    pub user: String,
    pub(super) password: String,
    pub version: Version,
    /// The broker keeps a session by this name: it must stay the same over restarts and differ between services.
    pub client_id: String,
    /// PEM file of the authorities to trust instead of the system's.
    pub ca: Option<PathBuf>,
    /// PEM files of our own certificate chain and its key.
    pub certificate: Option<(PathBuf, PathBuf)>,
}

/// Reason why a text is no broker address. Never repeats the text, because it may contain a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the broker address has {problem}; expected mqtt://host:1883 or mqtts://user:password@host:8883?version=5")]
pub struct ParseAddressError {
    pub problem: String,
}

impl BrokerAddress {
    /// `host:port`, the name of this broker in metrics and logs.
    pub fn name(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

impl fmt::Display for BrokerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "mqtts" } else { "mqtt" };
        let at = if self.user.is_empty() { "" } else { "@" };
        write!(f, "{scheme}://{}{at}{}:{}", self.user, self.host, self.port)
    }
}

impl fmt::Debug for BrokerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BrokerAddress({self}, {:?}, client_id {:?})", self.version, self.client_id)
    }
}

impl FromStr for BrokerAddress {
    type Err = ParseAddressError;
    fn from_str(text: &str) -> Result<BrokerAddress, ParseAddressError> {
        let (scheme, rest) = text.split_once("://").ok_or_else(|| bad("no scheme"))?;
        let tls = match scheme {
            "mqtt" | "tcp" => false,
            "mqtts" | "ssl" => true,
            _ => return Err(bad("a scheme other than mqtt and mqtts")),
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (login, place) = rest.rsplit_once('@').unwrap_or(("", rest));
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let (host, port) = host_and_port(place.strip_suffix('/').unwrap_or(place), tls)?;
        let mut address = BrokerAddress {
            host,
            port,
            tls,
            user: decode(user)?,
            password: decode(password)?,
            version: Version::V311,
            client_id: DEFAULT_CLIENT_ID.to_owned(),
            ca: None,
            certificate: None,
        };
        address.read_query(query)?;
        Ok(address)
    }
}

impl BrokerAddress {
    fn read_query(&mut self, query: &str) -> Result<(), ParseAddressError> {
        let (mut certificate, mut key) = (None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decode(value)?;
            match name {
                "version" => self.version = version(&value)?,
                "client_id" if value.is_empty() => return Err(bad("an empty client_id")),
                "client_id" => self.client_id = value,
                "ca" => self.ca = Some(value.into()),
                "certificate" => certificate = Some(value.into()),
                "key" => key = Some(value.into()),
                _ => return Err(bad("an option other than version, client_id, ca, certificate and key")),
            }
        }
        self.certificate = match (certificate, key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (Some(_), None) | (None, Some(_)) => return Err(bad("only one of certificate and key")),
        };
        if !self.tls && (self.ca.is_some() || self.certificate.is_some()) {
            return Err(bad("certificates, but not the scheme mqtts"));
        }
        Ok(())
    }
}

fn version(text: &str) -> Result<Version, ParseAddressError> {
    match text {
        "3.1.1" | "4" => Ok(Version::V311),
        "5" => Ok(Version::V5),
        _ => Err(bad("a version other than 3.1.1 and 5")),
    }
}

fn host_and_port(place: &str, tls: bool) -> Result<(String, u16), ParseAddressError> {
    let default = if tls { TLS_PORT } else { PLAIN_PORT };
    let after_brackets = place.rfind(']').map_or(0, |end| end + 1);
    let (host, port) = match place[after_brackets..].rfind(':') {
        Some(colon) => {
            let (host, port) = place.split_at(after_brackets + colon);
            (host, port[1..].parse().map_err(|_| bad("a port that is no number up to 65535"))?)
        }
        None => (place, default),
    };
    if host.is_empty() || host.contains(['/', ' ']) || port == 0 {
        return Err(bad("no host, or a path behind it"));
    }
    Ok((host.to_owned(), port))
}

/// Undoes `%XX`, so that a password may contain any character.
fn decode(text: &str) -> Result<String, ParseAddressError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let decoded = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(decoded.ok_or_else(|| bad("a % that is not followed by two hex digits"))?);
        rest = &after[2..];
    }
    String::from_utf8(bytes).map_err(|_| bad("a text that is not UTF-8"))
}

fn bad(problem: &str) -> ParseAddressError {
    ParseAddressError { problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_as_people_write_them() {
        let check = |text: &str, name: &str, tls: bool, user: &str, password: &str, version, client_id: &str| {
            let address: BrokerAddress = text.parse().unwrap();
            assert_eq!((address.name().as_str(), address.tls), (name, tls), "{text}");
            assert_eq!((address.user.as_str(), address.password.as_str()), (user, password), "{text}");
            assert_eq!((address.version, address.client_id.as_str()), (version, client_id), "{text}");
        };
        check("mqtt://broker", "broker:1883", false, "", "", Version::V311, "watchfire");
        check("mqtts://broker/", "broker:8883", true, "", "", Version::V311, "watchfire");
        check("mqtt://noc:p%40ss%3A@b:1?version=5&client_id=a%2Fb", "b:1", false, "noc", "p@ss:", Version::V5, "a/b");
        check(
            "mqtt://用户:密码@广州.example:1884",
            "广州.example:1884",
            false,
            "用户",
            "密码",
            Version::V311,
            "watchfire",
        );
        check("mqtt://[::1]", "[::1]:1883", false, "", "", Version::V311, "watchfire");
        check("mqtt://[::1]:1885?version=3.1.1", "[::1]:1885", false, "", "", Version::V311, "watchfire");
    }

    #[test]
    fn certificates_are_named_by_the_query_of_a_tls_address() {
        let address: BrokerAddress = "mqtts://b?ca=/etc/ca.pem&certificate=/c.pem&key=/k.pem".parse().unwrap();
        assert_eq!(address.ca, Some("/etc/ca.pem".into()));
        assert_eq!(address.certificate, Some(("/c.pem".into(), "/k.pem".into())));
    }

    #[test]
    fn mistakes_are_named_without_the_password() {
        for (text, problem) in [
            ("broker:1883", "no scheme"),
            ("http://x:hunter2@b", "scheme"),
            ("mqtt://", "no host"),
            ("mqtt://x:hunter2@b:99999", "port"),
            ("mqtt://x:hunter2@b/path", "path"),
            ("mqtt://x:hunter2@b?version=4.2", "version"),
            ("mqtt://x:hunter2@b?clean=1", "option"),
            ("mqtt://x:hunter2%zz@b", "hex"),
            ("mqtt://x:hunter2@b?ca=/ca", "mqtts"),
            ("mqtts://x:hunter2@b?key=/k", "only one"),
            ("mqtt://b?client_id=", "client_id"),
        ] {
            let mistake = text.parse::<BrokerAddress>().unwrap_err().to_string();
            assert!(mistake.contains(problem), "{text}: {mistake}");
            assert!(!mistake.contains("hunter2"), "{mistake}");
        }
    }

    #[test]
    fn nothing_that_prints_an_address_shows_the_password() {
        let address: BrokerAddress = "mqtts://noc:hunter2@broker".parse().unwrap();
        assert_eq!(address.to_string(), "mqtts://noc@broker:8883");
        assert!(!format!("{address:?}").contains("hunter2"));
    }
}
