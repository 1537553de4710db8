//! Whose bucket it is.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};

use crate::filter::claims::Claims;
use crate::filter::config::{ConfigError, Field};
use crate::filter::headers::Headers;
use crate::filter::services::{self, Services};

/// What clients send is hashed, so that a key is short whatever they send, and nobody can choose
/// one that is another's.
pub type Key = [u8; 16];

/// One thing that tells clients apart.
#[derive(Debug)]
pub enum Part {
    ClientAddress,
    ForwardedFor { trusted_hops: usize },
    Header { name: String },
    Claim { provider: String, path: Vec<String> },
    Path { segments: usize },
}

impl Part {
    pub fn from_config(field: &Field, provider: &str) -> Result<Part, ConfigError> {
        let from = field.member("from")?;
        match from.text()? {
            "client-address" => {
                field.only_keys(&["from"])?;
                Ok(Part::ClientAddress)
            }
            "forwarded-for" => {
                field.only_keys(&["from", "trustedHops"])?;
                let trusted_hops = up_to_ten(&field.member("trustedHops")?)?;
                Ok(Part::ForwardedFor { trusted_hops })
            }
            "header" => {
                field.only_keys(&["from", "header"])?;
                let name = field.member("header")?.header_name()?;
                Ok(Part::Header { name })
            }
            "claim" => {
                field.only_keys(&["from", "claim"])?;
                let claim = field.member("claim")?;
                let path = claim
                    .items()?
                    .map(|name| name.text().map(str::to_owned))
                    .collect::<Result<Vec<String>, ConfigError>>()?;
                if path.is_empty() {
                    return Err(claim.error("name the claim, such as [\"sub\"]"));
                }
                if provider.is_empty() {
                    return Err(claim.error("name the provider of the claims in config.provider"));
                }
                let provider = provider.to_owned();
                Ok(Part::Claim { provider, path })
            }
            "path" => {
                field.only_keys(&["from", "segments"])?;
                let segments = up_to_ten(&field.member("segments")?)?;
                Ok(Part::Path { segments })
            }
            _ => Err(from.error("use client-address, forwarded-for, header, claim or path")),
        }
    }

    /// Its value; None or empty if the request has it not.
    fn value(&self, envoy: &dyn Services, headers: &Headers) -> Option<Vec<u8>> {
        let text = match self {
            Part::ClientAddress => client_address(&services::text(envoy, &["source", "address"])?)?,
            Part::ForwardedFor { trusted_hops } => {
                let lines: Vec<&[u8]> = headers.values("x-forwarded-for").collect();
                forwarded_for(&lines, *trusted_hops)?
            }
            Part::Header { name } => {
                let lines: Vec<&[u8]> = headers.values(name).collect();
                return Some(lines.join(&b","[..]));
            }
            Part::Claim { provider, path } => {
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                Claims::verified(envoy, Some(provider))?.text(&path)?
            }
            Part::Path { segments } => return Some(path_prefix(headers.text(":path")?, *segments)),
        };
        Some(text.into_bytes())
    }
}

fn up_to_ten(field: &Field) -> Result<usize, ConfigError> {
    match field.count()? {
        count @ 1..=10 => Ok(count),
        _ => Err(field.error("use a whole number from 1 to 10")),
    }
}

/// The key of a bucket; None if a part is absent and such requests are to be left out.
pub fn key(
    limit: &str,
    parts: &[Part],
    skip_absent: bool,
    envoy: &dyn Services,
    headers: &Headers,
) -> Option<Key> {
    let mut hash = Sha256::new();
    let mut add = |value: &[u8]| {
        // With its length, so that ("a", "bc") and ("ab", "c") differ.
        hash.update((value.len() as u64).to_be_bytes());
        hash.update(value);
    };
    add(limit.as_bytes());
    for part in parts {
        let value = part.value(envoy, headers).unwrap_or_default();
        if value.is_empty() && skip_absent {
            return None;
        }
        add(&value);
    }
    hash.finalize().first_chunk().copied()
}

/// Takes the port off an address as Envoy writes it.
fn client_address(address: &str) -> Option<String> {
    Some(client(address.parse::<SocketAddr>().ok()?.ip()))
}

/// The address that the last trusted proxy saw. The last entry is the peer of Envoy, which Envoy
/// itself appended.
fn forwarded_for(lines: &[&[u8]], trusted_hops: usize) -> Option<String> {
    let all = lines.join(&b","[..]);
    let entry = all.rsplit(|&c| c == b',').nth(trusted_hops)?;
    let text = std::str::from_utf8(entry.trim_ascii()).ok()?;
    Some(client(text.parse().ok()?))
}

/// What stands for one client: an IPv4 address, or the 64 bits of an IPv6 address that a network is
/// given, since a client can choose the rest.
fn client(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let network = Ipv6Addr::from_bits(address.to_bits() >> 64 << 64);
            format!("{network}/64")
        }
    }
}

/// The first segments of a path in one spelling, so that /a//b, /%61/b and /a;x/b are no buckets of
/// their own.
fn path_prefix(path: &str, segments: usize) -> Vec<u8> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut prefix = b"/".to_vec();
    for segment in path
        .split('/')
        .map(|segment| segment.split(';').next().unwrap_or_default())
        .filter(|segment| !segment.is_empty())
        .take(segments)
    {
        prefix.extend(percent_decode_str(segment));
        prefix.push(b'/');
    }
    prefix
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::filter::testing::{headers, FakeServices};

    fn part(config: serde_json::Value) -> Part {
        Part::from_config(&Field::root(&config), "issuer").unwrap()
    }

    fn value(part: &Part, envoy: &FakeServices, lines: &[(&str, &str)]) -> String {
        let value = part.value(envoy, &headers(lines)).unwrap_or_default();
        String::from_utf8(value).unwrap()
    }

    #[test]
    fn addresses_are_those_that_envoy_took_for_the_clients() {
        let part = part(json!({"from": "client-address"}));
        for (address, expected) in [
            ("192.0.2.7:4711", "192.0.2.7"),
            ("[::ffff:192.0.2.7]:1", "192.0.2.7"),
            ("[2001:db8:1:2:3:4:5:6]:1", "2001:db8:1:2::/64"),
            ("/run/socket", ""),
        ] {
            let envoy = FakeServices::default();
            envoy.set_property(&["source", "address"], address);
            assert_eq!(value(&part, &envoy, &[]), expected, "{address}");
        }
        assert_eq!(value(&part, &FakeServices::default(), &[]), "");
    }

    #[test]
    fn forwarded_addresses_are_counted_from_the_right() {
        let envoy = FakeServices::default();
        for (hops, lines, expected) in [
            (1, vec!["6.6.6.6, 192.0.2.1,127.0.0.1"], "192.0.2.1"),
            (
                2,
                vec!["6.6.6.6,192.0.2.1", "10.0.0.1, 127.0.0.1"],
                "192.0.2.1",
            ),
            (2, vec!["192.0.2.1,127.0.0.1"], ""),
            (1, vec!["unknown, 127.0.0.1"], ""),
            (1, vec!["2001:db8::1, 127.0.0.1"], "2001:db8::/64"),
            (1, vec![], ""),
        ] {
            let part = part(json!({"from": "forwarded-for", "trustedHops": hops}));
            let lines: Vec<(&str, &str)> = lines
                .into_iter()
                .map(|line| ("x-forwarded-for", line))
                .collect();
            assert_eq!(value(&part, &envoy, &lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn claims_are_texts_numbers_or_booleans() {
        let envoy = FakeServices::default();
        envoy.set_claims(
            "issuer",
            &json!({"sub": "me", "a": {"n": 7}, "list": ["x"]}),
        );
        for (path, expected) in [
            (json!(["sub"]), "me"),
            (json!(["a", "n"]), "7"),
            (json!(["list"]), ""),
            (json!(["none"]), ""),
        ] {
            let part = part(json!({"from": "claim", "claim": path}));
            assert_eq!(value(&part, &envoy, &[]), expected, "{path}");
        }
    }

    #[test]
    fn paths_have_one_spelling() {
        let envoy = FakeServices::default();
        for (segments, path, expected) in [
            (2, "/api/orders/7?q=/x", "/api/orders/"),
            (2, "/api", "/api/"),
            (1, "/", "/"),
            (2, "//%61pi;v=1/%6frders#x", "/api/orders/"),
            (1, "/%zz/b", "/%zz/"),
        ] {
            let part = part(json!({"from": "path", "segments": segments}));
            assert_eq!(value(&part, &envoy, &[(":path", path)]), expected, "{path}");
        }
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let parts = [
            part(json!({"from": "header", "header": "x-a"})),
            part(json!({"from": "header", "header": "x-b"})),
        ];
        let envoy = FakeServices::default();
        let mut keys: Vec<Key> = [
            &[("x-a", "a"), ("x-b", "bc")][..],
            &[("x-a", "ab"), ("x-b", "c")],
            &[("x-a", "abc")],
            &[("x-b", "abc")],
            &[],
        ]
        .into_iter()
        .map(|lines| key("l", &parts, false, &envoy, &headers(lines)).unwrap())
        .collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 5);
        let absent = headers(&[("x-a", "a")]);
        assert_eq!(key("l", &parts, true, &envoy, &absent), None);
    }

    proptest! {
        /// Whatever clients send: no panic, and the same request has the same key.
        #[test]
        fn any_request_has_a_key(
            lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..3),
            path in ".{0,40}",
            address in ".{0,20}",
        ) {
            let parts = [
                part(json!({"from": "client-address"})),
                part(json!({"from": "forwarded-for", "trustedHops": 1})),
                part(json!({"from": "path", "segments": 2})),
            ];
            let envoy = FakeServices::default();
            envoy.set_property(&["source", "address"], address);
            let request = || {
                let mut all = vec![(":path".to_owned(), path.clone().into_bytes())];
                all.extend(lines.iter().map(|line| ("x-forwarded-for".to_owned(), line.clone())));
                Headers::new(all)
            };
            let first = key("l", &parts, false, &envoy, &request());
            prop_assert!(first.is_some());
            prop_assert_eq!(first, key("l", &parts, false, &envoy, &request()));
        }

        #[test]
        fn entries_before_the_trusted_ones_do_not_matter(forged in "[ -+--~]{0,40}") {
            let honest = forwarded_for(&[b"192.0.2.1, 127.0.0.1"], 1);
            let line = format!("{forged}, 192.0.2.1, 127.0.0.1");
            prop_assert_eq!(forwarded_for(&[line.as_bytes()], 1), honest);
        }
    }
}
