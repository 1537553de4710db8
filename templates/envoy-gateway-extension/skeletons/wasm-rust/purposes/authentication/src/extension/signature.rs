//! Requests that are signed with a shared secret.

use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::filter::config::{ConfigError, Field};
use crate::filter::headers::Headers;
use crate::filter::Cx;

use super::problem::{unauthorized, Refusal, UNAVAILABLE};
use super::replay::Replays;
use super::secrets::entries;
use super::{hex, is_identity, is_made_of, only_value, parse_hash, Accepted, Hash};

pub const SCHEME: &str = "HMAC-SHA256";
pub const DIGEST: Refusal = unauthorized("The body does not match its digest.");

const MISSING: Refusal = unauthorized("The signature is missing.");
const WRONG: Refusal = unauthorized("The signature is not valid.");
const TIMESTAMP: Refusal = unauthorized("The timestamp is too far from the time of the gateway.");

const MIN_SECRET_LENGTH: usize = 32;
const MAX_HEADER_LENGTH: usize = 1024;

pub struct Signatures {
    pub header: String,
    window: u64,
    /// By key id.
    secrets: BTreeMap<String, String>,
    replays: Replays,
}

/// What the header says.
#[derive(Debug, PartialEq, Eq)]
struct Signed<'a> {
    key: &'a str,
    timestamp: &'a str,
    nonce: &'a str,
    digest: Hash,
    signature: Hash,
}

impl Signatures {
    pub fn new(
        method: &Field,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        method.only_keys(&["kind", "header", "windowSeconds", "remember"])?;
        let header = method.member("header")?.header_name()?;
        let window = between(&method.member("windowSeconds")?, 1, 3600)?;
        let remember = between(&method.member("remember")?, 1000, 1_000_000)?;
        let form = "key-id:secret with secrets of 32 characters or more, each key once";
        let mut secrets = BTreeMap::new();
        entries("HMAC_KEYS", variable("HMAC_KEYS"), form, |id, secret| {
            let fits = secret.len() >= MIN_SECRET_LENGTH && !secrets.contains_key(id);
            fits.then(|| secrets.insert(id.to_owned(), secret.to_owned()))
        })?;
        Ok(Signatures {
            header,
            window: window as u64,
            secrets,
            replays: Replays::new(remember),
        })
    }

    pub fn authenticate<S>(&self, cx: &Cx<S>, headers: &Headers) -> Result<Accepted, Refusal> {
        let value = only_value(headers, &self.header)
            .map_err(|()| WRONG)?
            .ok_or(MISSING)?;
        let signed = std::str::from_utf8(value)
            .ok()
            .and_then(parse)
            .ok_or(WRONG)?;
        // An unknown key costs the same time as a known one.
        let secret = self.secrets.get(signed.key);
        let key = secret.map(String::as_bytes).unwrap_or_default();
        let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| UNAVAILABLE)?;
        mac.update(&canonical(headers, &signed));
        if mac.verify_slice(&signed.signature).is_err() || secret.is_none() {
            return Err(WRONG);
        }
        let sent: u64 = signed.timestamp.parse().map_err(|_| WRONG)?;
        let now = cx.envoy.now().duration_since(UNIX_EPOCH);
        let now = now.map_err(|_| UNAVAILABLE)?.as_secs();
        if now.abs_diff(sent) > self.window {
            return Err(TIMESTAMP);
        }
        // Only who has a key gets here, so nobody else can fill the memory.
        let id = format!("{} {}", signed.key, signed.nonce);
        self.replays.add(cx.envoy, &id, now, sent + self.window)?;
        if !cx.has_body && !matches(&signed.digest, b"") {
            return Err(DIGEST);
        }
        Ok(Accepted {
            identity: signed.key.to_owned(),
            digest: cx.has_body.then_some(signed.digest),
        })
    }
}

/// Whether this is the body that the digest was made of.
pub fn matches(digest: &Hash, body: &[u8]) -> bool {
    let actual: Hash = Sha256::digest(body).into();
    actual.ct_eq(digest).into()
}

fn between(field: &Field, least: usize, most: usize) -> Result<usize, ConfigError> {
    match field.count()? {
        number if (least..=most).contains(&number) => Ok(number),
        _ => Err(field.error(format!("use a whole number from {least} to {most}"))),
    }
}

/// Reads
///
/// ```text
/// HMAC-SHA256 key=ID, timestamp=SECONDS, nonce=TEXT, digest=HEX, signature=HEX
/// ```
///
/// in any order, each parameter once, no others.
fn parse(value: &str) -> Option<Signed<'_>> {
    let (scheme, rest) = value.split_once(' ')?;
    if value.len() > MAX_HEADER_LENGTH || !scheme.eq_ignore_ascii_case(SCHEME) {
        return None;
    }
    let mut parameters = BTreeMap::new();
    for part in rest.split(',') {
        let (name, text) = part.trim_matches([' ', '\t']).split_once('=')?;
        if parameters.insert(name, text).is_some() {
            return None;
        }
    }
    let signed = Signed {
        key: parameters.get("key")?,
        timestamp: parameters.get("timestamp")?,
        nonce: parameters.get("nonce")?,
        digest: parse_hash(parameters.get("digest")?)?,
        signature: parse_hash(parameters.get("signature")?)?,
    };
    let is_right = parameters.len() == 5
        && is_identity(signed.key)
        && is_timestamp(signed.timestamp)
        && is_nonce(signed.nonce);
    is_right.then_some(signed)
}

/// There is one way to write a number, since the text is signed.
fn is_timestamp(text: &str) -> bool {
    (1..=12).contains(&text.len())
        && !text.starts_with('0')
        && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_nonce(text: &str) -> bool {
    (16..=64).contains(&text.len()) && is_made_of(text, b"_-")
}

/// The text that is signed. No part can hold a line break.
fn canonical(headers: &Headers, signed: &Signed) -> Vec<u8> {
    let of = |name| headers.values(name).next().unwrap_or_default();
    let digest = hex(&signed.digest);
    [
        SCHEME.as_bytes(),
        of(":method"),
        of(":path"),
        signed.timestamp.as_bytes(),
        signed.nonce.as_bytes(),
        digest.as_bytes(),
    ]
    .join(&b'\n')
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use serde_json::json;

    use super::super::replay::REPLAYED;
    use super::*;
    use crate::filter::testing::{headers, TestStream};

    /// OpenSSL made these with the commands of docs/purpose.md: POST /orders?limit=5 {"item":1}
    const DIGEST_OF_BODY: &str = "8a90f2b609081eaf2e6fd34f85016f6a865cb41be9c56e2883c3c3e70385cebd";
    const SIGNATURE: &str = "273592b9da7c8da62bf4cf4d3e4dd3e9986a938a04ab54fc8fc1bb7c6e545adc";
    const SECRET: &str = "test-secret-of-alpha-0123456789abcdef";
    const SENT: u64 = 1_700_000_000;
    /// sha256sum </dev/null
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn good() -> String {
        format!(
            "HMAC-SHA256 key=alpha, timestamp={SENT}, nonce=0123456789abcdef, \
             digest={DIGEST_OF_BODY}, signature={SIGNATURE}"
        )
    }

    fn signatures() -> Signatures {
        let method =
            json!({"kind": "hmac", "header": "x-sig", "windowSeconds": 300, "remember": 1000});
        let keys = format!("alpha:{SECRET}\nbeta:another-secret:with-a-colon-0123456789\n");
        Signatures::new(&Field::root(&method), |_| Some(keys.clone()))
            .unwrap_or_else(|e| panic!("{e}"))
    }

    fn at(now: u64, has_body: bool) -> TestStream<()> {
        let stream = TestStream {
            has_body,
            ..TestStream::default()
        };
        stream.envoy.time.set(Duration::from_secs(now));
        stream
    }

    fn try_with(
        stream: &mut TestStream<()>,
        method: &str,
        path: &str,
        values: &[&str],
    ) -> Result<Accepted, Refusal> {
        let mut lines = vec![(":method", method), (":path", path)];
        lines.extend(values.iter().map(|value| ("x-sig", *value)));
        signatures().authenticate(&stream.cx(), &headers(&lines))
    }

    fn refusal(result: Result<Accepted, Refusal>) -> Refusal {
        result.err().expect("refused")
    }

    #[test]
    fn what_openssl_signed_is_accepted() {
        let mut stream = at(SENT, true);
        let accepted = try_with(&mut stream, "POST", "/orders?limit=5", &[&good()]);
        let Accepted { identity, digest } = accepted.unwrap_or_else(|e| panic!("{e:?}"));
        assert_eq!(identity, "alpha");
        assert!(matches(&digest.unwrap(), br#"{"item":1}"#));
        assert!(!matches(&digest.unwrap(), br#"{"item":2}"#));
    }

    #[test]
    fn what_is_not_signed_is_refused() {
        let good = good();
        let changed = |from: &str, to: &str| good.replacen(from, to, 1);
        for (method, path, value) in [
            ("PUT", "/orders?limit=5", good.clone()),
            ("POST", "/orders?limit=50", good.clone()),
            ("POST", "/orders?limit=5", changed("alpha", "beta")),
            ("POST", "/orders?limit=5", changed("alpha", "gamma")),
            (
                "POST",
                "/orders?limit=5",
                changed("=1700000000", "=1700000001"),
            ),
            ("POST", "/orders?limit=5", changed("abcdef,", "abcdeg,")),
            ("POST", "/orders?limit=5", changed(DIGEST_OF_BODY, EMPTY)),
        ] {
            let result = try_with(&mut at(SENT, true), method, path, &[&value]);
            assert_eq!(refusal(result), WRONG, "{method} {path} {value}");
        }
        let twice = try_with(
            &mut at(SENT, true),
            "POST",
            "/orders?limit=5",
            &[&good, &good],
        );
        assert_eq!(refusal(twice), WRONG);
        let none = try_with(&mut at(SENT, true), "POST", "/orders?limit=5", &[]);
        assert_eq!(refusal(none), MISSING);
        // The body has been taken away.
        let bare = try_with(&mut at(SENT, false), "POST", "/orders?limit=5", &[&good]);
        assert_eq!(refusal(bare), DIGEST);
    }

    #[test]
    fn the_window_is_closed_at_both_ends() {
        for (now, expected) in [
            (SENT - 301, Some(TIMESTAMP)),
            (SENT - 300, None),
            (SENT + 300, None),
            (SENT + 301, Some(TIMESTAMP)),
        ] {
            let result = try_with(&mut at(now, true), "POST", "/orders?limit=5", &[&good()]);
            assert_eq!(result.err(), expected, "{now}");
        }
    }

    #[test]
    fn a_request_is_accepted_once() {
        let mut stream = at(SENT, true);
        assert!(try_with(&mut stream, "POST", "/orders?limit=5", &[&good()]).is_ok());
        let again = try_with(&mut stream, "POST", "/orders?limit=5", &[&good()]);
        assert_eq!(refusal(again), REPLAYED);
    }

    #[test]
    fn headers_that_are_none_are_refused() {
        let good = good();
        let changed = |from: &str, to: &str| good.replacen(from, to, 1);
        assert!(parse(&good).is_some());
        for text in [
            String::new(),
            "HMAC-SHA256".to_owned(),
            "Bearer abc".to_owned(),
            good.strip_suffix('c').unwrap().to_owned(),
            format!("{good}, nonce=0123456789abcdef"),
            format!("{good},"),
            format!("{good}, more=1"),
            changed("timestamp=", "timestamp=0"),
            changed("timestamp=", "timestamp=-"),
            changed("0123456789abcdef,", "short,"),
            changed("0123456789abcdef,", &format!("{},", "n".repeat(65))),
            changed("0123456789abcdef,", "0123456789abcde\n,"),
            changed("key=alpha", "key="),
            format!("{good}{}", " ".repeat(1024)),
        ] {
            assert_eq!(parse(&text), None, "{text}");
        }
    }

    proptest! {
        /// Nothing that is accepted can move a border in the text that is signed.
        #[test]
        fn the_signed_text_has_six_lines(
            key in "[a-z@\\n]{1,3}", timestamp in "[0-9\\n]{1,13}", nonce in "[a-z\\n_-]{14,20}",
        ) {
            let value = format!(
                "HMAC-SHA256 nonce={nonce},key={key},timestamp={timestamp},digest={EMPTY},signature={EMPTY}"
            );
            if let Some(signed) = parse(&value) {
                let text = canonical(&headers(&[(":method", "GET"), (":path", "/")]), &signed);
                let text = String::from_utf8(text).unwrap();
                prop_assert_eq!(
                    text.split('\n').collect::<Vec<_>>(),
                    ["HMAC-SHA256", "GET", "/", timestamp.as_str(), nonce.as_str(), EMPTY]
                );
            }
        }

        #[test]
        fn any_text_can_be_parsed(value in "(HMAC-SHA256 )?([a-z]{0,9}=?[0-9a-zé]{0,64}[, ]*){0,8}") {
            if let Some(signed) = parse(&value) {
                prop_assert!(is_identity(signed.key) && is_nonce(signed.nonce));
            }
        }
    }
}
