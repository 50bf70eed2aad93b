//! The ways in which tools spell one host: with or without its domain, in capitals, with a port, inside a URL.

use core::net::IpAddr;
use std::collections::BTreeMap;

use super::item_index::ItemIndex;

/// Names of items by their plain spelling.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Spellings {
    /// Names as they are, in small letters.
    whole: BTreeMap<String, ItemIndex>,
    /// The first parts of names with a domain; `None` where several items share one.
    short: BTreeMap<String, Option<ItemIndex>>,
}

impl Spellings {
    /// Of names that mean the same the first counts.
    pub fn add(&mut self, name: &str, item: ItemIndex) {
        let Some(plain) = plain(name) else { return };
        if let Some(short) = short(&plain) {
            let known = self.short.entry(short.to_owned()).or_insert(Some(item));
            if known.is_some_and(|other| other != item) {
                *known = None;
            }
        }
        self.whole.entry(plain).or_insert(item);
    }

    /// The item that is spelled so. A name with a domain is never one with another domain.
    pub fn find(&self, spelled: &str) -> Option<ItemIndex> {
        let plain = plain(spelled)?;
        let whole = self.whole.get(&plain).copied();
        whole.or_else(|| match short(&plain) {
            Some(short) => self.whole.get(short).copied(),
            None => self.short.get(&plain).copied().flatten(),
        })
    }
}

/// The host in small letters, without scheme, path, port and the dot at its end.
fn plain(spelled: &str) -> Option<String> {
    let after_scheme = spelled.split_once("://").map_or(spelled, |(_, after)| after);
    let is_url = after_scheme.len() < spelled.len();
    let host = if is_url { after_scheme.split(['/', '?', '#']).next().unwrap_or_default() } else { after_scheme };
    let host = if is_url { host.rsplit_once('@').map_or(host, |(_, host)| host) } else { host };
    let host = without_port(host.trim()).trim_end_matches('.');
    (!host.is_empty()).then(|| host.to_lowercase())
}

fn without_port(host: &str) -> &str {
    if let Some((inside, _)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return inside;
    }
    let is_port = |port: &str| (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
    match host.rsplit_once(':') {
        // More than one colon: an address of IPv6.
        Some((before, port)) if is_port(port) && !before.contains(':') => before,
        _ => host,
    }
}

/// The part before the domain; `None` where there is no domain.
fn short(plain: &str) -> Option<&str> {
    let (short, domain) = plain.split_once('.')?;
    let is_name = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace) && !text.contains('/');
    (is_name(short) && is_name(domain) && plain.parse::<IpAddr>().is_err()).then_some(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_host_is_found_in_all_its_spellings_and_no_other_is() {
        let mut spellings = Spellings::default();
        let names = [
            "db1",
            "GZ01-SW-3",
            "web.noc.example",
            "mail.a.example",
            "mail.b.example",
            "10.0.0.7",
            "fe80::7",
            "核心-1",
        ];
        for (name, index) in names.into_iter().zip(0..) {
            spellings.add(name, ItemIndex(index));
        }
        let check = |name: Option<&str>, spelled: &[&str]| {
            let expected = name.map(|name| names.iter().position(|one| *one == name).unwrap() as u32);
            for one in spelled {
                assert_eq!(spellings.find(one).map(|index| index.0), expected, "{one}");
            }
        };
        check(
            Some("db1"),
            &[
                "db1",
                "DB1",
                "db1.noc.example",
                "db1.noc.example.:9100",
                "https://u:p@DB1.noc.example:8443/x?y",
                "db1:9100",
            ],
        );
        check(Some("GZ01-SW-3"), &["gz01-sw-3", "gz01-sw-3.noc.example"]);
        check(Some("web.noc.example"), &["web", "WEB:443", "http://web/", "web.noc.example"]);
        check(None, &["web.other.example", "mail", "mail.c.example", "", "db2", "https://", "db1/eth0", "db1 eth0.1"]);
        check(Some("mail.a.example"), &["mail.a.example:25"]);
        check(Some("10.0.0.7"), &["10.0.0.7:9100", "http://10.0.0.7/"]);
        check(None, &["10", "10.0.0.8"]);
        check(Some("fe80::7"), &["[fe80::7]:9100", "FE80::7"]);
        check(Some("核心-1"), &["核心-1:161"]);
    }
}
