//! Lets requests pass whose client has shown who it is, and tells the upstream. See docs/purpose.md.
//!
//! Here is what both methods have in common. The methods are `api_key.rs` and `signature.rs` with
//! `replay.rs`; `problem.rs` is how requests are refused, `secrets.rs` how secrets are read.

mod api_key;
mod problem;
mod replay;
mod secrets;
mod signature;

use crate::filter::config::{self, ConfigError, Field};
use crate::filter::headers::Headers;
use crate::filter::{AfterBody, AfterHeaders, Cx, Direction, HttpExtension};
use api_key::ApiKeys;
use problem::Refusal;
use signature::Signatures;

pub struct Extension {
    method: Method,
    identity_header: String,
    removes_credential: bool,
    passes_preflights: bool,
    realm: String,
}

/// How a client shows who it is.
enum Method {
    ApiKey(ApiKeys),
    Signature(Signatures),
}

/// SHA-256 of something.
type Hash = [u8; 32];

/// Who sent a request, and what its body has to be.
struct Accepted {
    identity: String,
    digest: Option<Hash>,
}

impl HttpExtension for Extension {
    /// The digest that the body must have, once its signature is right.
    type State = Option<Hash>;

    fn from_config(text: &[u8]) -> Result<Self, ConfigError> {
        Extension::new(text, |name| std::env::var(name).ok())
    }

    fn on_headers(
        &self,
        cx: &mut Cx<Option<Hash>>,
        direction: Direction,
        headers: &mut Headers,
    ) -> AfterHeaders {
        if direction == Direction::Response {
            return AfterHeaders::Continue;
        }
        // Whatever goes wrong, no identity that the client made up goes on.
        headers.remove(&self.identity_header);
        if self.passes_preflights && is_preflight(headers) {
            if self.removes_credential {
                headers.remove(self.method.header());
            }
            return AfterHeaders::Continue;
        }
        let result = match &self.method {
            Method::ApiKey(keys) => keys.authenticate(headers),
            Method::Signature(signatures) => signatures.authenticate(cx, headers),
        };
        let accepted = match result {
            Ok(accepted) => accepted,
            Err(refusal) => return AfterHeaders::Reply(self.reply(&refusal)),
        };
        if self.removes_credential {
            headers.remove(self.method.header());
        }
        headers.set(&self.identity_header, accepted.identity);
        *cx.state = accepted.digest;
        match accepted.digest {
            Some(_) => AfterHeaders::BufferBody,
            None => AfterHeaders::Continue,
        }
    }

    fn on_body(
        &self,
        cx: &mut Cx<Option<Hash>>,
        _direction: Direction,
        _headers: &Headers,
        body: &[u8],
    ) -> AfterBody {
        match *cx.state {
            Some(digest) if !signature::matches(&digest, body) => {
                AfterBody::Reply(self.reply(&signature::DIGEST))
            }
            _ => AfterBody::Unchanged,
        }
    }
}

impl Extension {
    /// `variable` reads Envoy's environment.
    fn new(text: &[u8], variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let value = config::parse(text)?;
        let config = Field::root(&value);
        config.only_keys(&[
            "method",
            "identityHeader",
            "credential",
            "preflight",
            "realm",
        ])?;
        let method = config.member("method")?;
        let kind = method.member("kind")?;
        let method = match kind.text()? {
            "api-key" => Method::ApiKey(ApiKeys::new(&method, variable)?),
            "hmac" => Method::Signature(Signatures::new(&method, variable)?),
            _ => return Err(kind.error("use api-key or hmac")),
        };
        let identity_header = config.member("identityHeader")?;
        if identity_header.header_name()? == method.header() {
            let remedy = "choose another header than the one that carries the credential";
            return Err(identity_header.error(remedy));
        }
        let credential = config.member("credential")?;
        let preflight = config.member("preflight")?;
        let realm = config.member("realm")?;
        Ok(Extension {
            method,
            identity_header: identity_header.header_name()?,
            removes_credential: match credential.text()? {
                "remove" => true,
                "forward" => false,
                _ => return Err(credential.error("use remove or forward")),
            },
            passes_preflights: match preflight.text()? {
                "refuse" => false,
                "pass" => true,
                _ => return Err(preflight.error("use refuse or pass")),
            },
            realm: match realm.text()? {
                text if is_made_of(text, b"._/:-") && !text.is_empty() => text.to_owned(),
                _ => return Err(realm.error("use letters, digits and . _ / : -")),
            },
        })
    }

    fn reply(&self, refusal: &Refusal) -> crate::filter::LocalReply {
        refusal.reply(self.method.scheme(), &self.realm)
    }
}

impl Method {
    /// Carries the credential.
    fn header(&self) -> &str {
        match self {
            Method::ApiKey(keys) => &keys.header,
            Method::Signature(signatures) => &signatures.header,
        }
    }

    /// What WWW-Authenticate names.
    fn scheme(&self) -> &'static str {
        match self {
            Method::ApiKey(_) => "ApiKey",
            Method::Signature(_) => signature::SCHEME,
        }
    }
}

/// Whether a browser asks what it may send: without a credential, and without anything to do for the
/// upstream but to answer (WHATWG Fetch, CORS-preflight request).
fn is_preflight(headers: &Headers) -> bool {
    headers.text(":method") == Some("OPTIONS")
        && headers.values("origin").next().is_some()
        && headers
            .values("access-control-request-method")
            .next()
            .is_some()
}

/// Whether a text has only ASCII letters, digits and these.
fn is_made_of(text: &str, others: &[u8]) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte))
}

fn is_identity(text: &str) -> bool {
    (1..=128).contains(&text.len()) && is_made_of(text, b"._@-")
}

/// Reads 64 hexadecimal digits.
fn parse_hash(text: &str) -> Option<Hash> {
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| {
            digit
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect::<Option<_>>()?;
    if digits.len() != 64 {
        return None;
    }
    let bytes: Vec<u8> = digits
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect();
    bytes.try_into().ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The value of a header that must have one line.
fn only_value<'a>(headers: &'a Headers, name: &'a str) -> Result<Option<&'a [u8]>, ()> {
    let mut values = headers.values(name);
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        _ => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{json, Value};

    use super::*;
    use crate::filter::testing::{headers, TestStream};

    /// `printf %s example-key-alpha-7f3c9d2e5b8a41c6d0 | sha256sum`
    const KEY: &str = "example-key-alpha-7f3c9d2e5b8a41c6d0";
    const HASH: &str = "db0d5713160379e9f51fda91a44e3e68ecf39c2859ce0bf145a534786374b136";

    fn config(method: Value) -> Value {
        json!({"method": method, "identityHeader": "x-who", "credential": "remove", "preflight": "refuse", "realm": "shop"})
    }

    fn load(config: &Value, variable: Option<&str>) -> Result<Extension, ConfigError> {
        Extension::new(config.to_string().as_bytes(), |_| {
            variable.map(str::to_owned)
        })
    }

    fn listed() -> Value {
        json!({"kind": "api-key", "header": "x-api-key", "keys": [
            {"identity": "alpha", "sha256": HASH},
            {"identity": "beta", "sha256": "0".repeat(64)},
        ]})
    }

    fn message(config: &Value, variable: Option<&str>) -> String {
        match load(config, variable) {
            Ok(_) => panic!("accepted {config}"),
            Err(error) => error.to_string(),
        }
    }

    fn texts(headers: &Headers, name: &str) -> Vec<String> {
        headers
            .values(name)
            .map(|value| String::from_utf8_lossy(value).into_owned())
            .collect()
    }

    #[test]
    fn a_key_becomes_an_identity() {
        let secret = format!("# comment\r\nbeta:{}\r\n\n  alpha:{HASH}\n", "0".repeat(64));
        let none = json!({"kind": "api-key", "header": "x-api-key", "keys": []});
        for extension in [
            load(&config(listed()), None),
            load(&config(none), Some(&secret)),
        ] {
            let extension = extension.unwrap_or_else(|error| panic!("{error}"));
            let mut headers = headers(&[("x-who", "admin"), ("x-api-key", KEY), ("x-who", "root")]);
            let next = extension.on_headers(
                &mut TestStream::default().cx(),
                Direction::Request,
                &mut headers,
            );
            assert_eq!(next, AfterHeaders::Continue);
            assert_eq!(texts(&headers, "x-who"), ["alpha"]);
            assert_eq!(texts(&headers, "x-api-key"), [""; 0]);
        }
    }

    #[test]
    fn preflights_pass_where_that_is_wanted() {
        let asked = [
            (":method", "OPTIONS"),
            ("origin", "https://app.example.com"),
            ("access-control-request-method", "GET"),
            ("x-who", "admin"),
        ];
        for (setting, lines, passes) in [
            ("pass", &asked[..], true),
            ("refuse", &asked[..], false),
            ("pass", &asked[1..], false),
            ("pass", &asked[..2], false),
        ] {
            let mut config = config(listed());
            config["preflight"] = json!(setting);
            let extension = load(&config, None).unwrap_or_else(|error| panic!("{error}"));
            let mut headers = headers(lines);
            let next = extension.on_headers(
                &mut TestStream::default().cx(),
                Direction::Request,
                &mut headers,
            );
            assert_eq!(
                next == AfterHeaders::Continue,
                passes,
                "{setting} {lines:?}"
            );
            assert_eq!(texts(&headers, "x-who"), [""; 0]);
        }
    }

    #[test]
    fn the_credential_can_go_on() {
        let mut config = config(listed());
        config["credential"] = json!("forward");
        let extension = load(&config, None).unwrap_or_else(|error| panic!("{error}"));
        let mut headers = headers(&[("x-api-key", KEY)]);
        extension.on_headers(
            &mut TestStream::default().cx(),
            Direction::Request,
            &mut headers,
        );
        assert_eq!(texts(&headers, "x-api-key"), [KEY]);
    }

    #[test]
    fn anything_else_is_refused() {
        let extension = load(&config(listed()), None).unwrap_or_else(|error| panic!("{error}"));
        let wrong = "The API key is not valid.";
        for (lines, detail) in [
            (vec![], "The API key is missing."),
            (vec![("x-api-key", "")], wrong),
            (vec![("x-api-key", "no")], wrong),
            (vec![("x-api-key", HASH)], wrong),
            (vec![("x-api-key", KEY), ("x-api-key", KEY)], wrong),
        ] {
            let mut headers = headers(&lines);
            headers.append("x-who", "admin");
            let next = extension.on_headers(
                &mut TestStream::default().cx(),
                Direction::Request,
                &mut headers,
            );
            let AfterHeaders::Reply(reply) = next else {
                panic!("{lines:?}: {next:?}");
            };
            assert_eq!(reply.status, 401);
            assert_eq!(
                reply.headers,
                [
                    ("content-type", "application/problem+json"),
                    ("www-authenticate", "ApiKey realm=\"shop\""),
                ]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
            );
            assert_eq!(
                serde_json::from_str::<Value>(&reply.body).unwrap(),
                json!({"type": "about:blank", "title": "Unauthorized", "status": 401, "detail": detail})
            );
            assert_eq!(texts(&headers, "x-who"), [""; 0]);
        }
    }

    #[test]
    fn responses_pass() {
        let extension = load(&config(listed()), None).unwrap_or_else(|error| panic!("{error}"));
        let mut headers = headers(&[("x-who", "upstream")]);
        let next = extension.on_headers(
            &mut TestStream::default().cx(),
            Direction::Response,
            &mut headers,
        );
        assert_eq!(next, AfterHeaders::Continue);
        assert_eq!(headers.changes(), []);
    }

    #[test]
    fn wrong_configurations_are_refused_with_the_remedy() {
        let hmac = |window: Value| json!({"kind": "hmac", "header": "x-a", "windowSeconds": window, "remember": 1000});
        let keys = |keys: Value| json!({"kind": "api-key", "header": "x-a", "keys": keys});
        for (method, expected) in [
            (
                json!({"kind": "introspection"}),
                "config.method.kind is \"introspection\": use api-key or hmac",
            ),
            (
                json!({"kind": "api-key", "header": "x-a"}),
                "config.method.keys is missing",
            ),
            (
                json!({"kind": "api-key", "header": "host", "keys": []}),
                "config.method.header is \"host\"",
            ),
            (
                keys(json!([{"identity": "a\n", "sha256": HASH}])),
                "config.method.keys[0].identity",
            ),
            (
                keys(json!([{"identity": "a", "sha256": "abc"}])),
                "config.method.keys[0].sha256 is \"abc\"",
            ),
            (
                keys(json!([{"identity": "a", "sha256": HASH, "key": KEY}])),
                "config.method.keys[0].key",
            ),
            (hmac(json!(0)), "config.method.windowSeconds is 0"),
            (hmac(json!(3601)), "config.method.windowSeconds is 3601"),
            (hmac(json!("1")), "config.method.windowSeconds is \"1\""),
        ] {
            let error = message(&config(method), None);
            assert!(error.contains(expected), "{error}");
        }
        for (key, value, expected) in [
            (
                "identityHeader",
                json!("x-api-key"),
                "choose another header",
            ),
            ("preflight", json!(true), "config.preflight is true"),
            ("credential", json!(true), "config.credential is true"),
            ("realm", json!("a\"b"), "use letters, digits"),
            ("realm", json!(""), "use letters, digits"),
            ("more", json!(1), "config.more is 1: unknown key"),
        ] {
            let mut config = config(listed());
            config[key] = value;
            let error = message(&config, None);
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn wrong_secrets_are_refused_and_not_shown() {
        let keys = json!({"kind": "api-key", "header": "x-a", "keys": []});
        let hmac = json!({"kind": "hmac", "header": "x-a", "windowSeconds": 1, "remember": 1000});
        let long = "secret".repeat(6);
        for (method, secret, expected) in [
            (&keys, None, "API_KEYS is missing"),
            (
                &keys,
                Some("# none\n".to_owned()),
                "API_KEYS is without a key",
            ),
            (
                &keys,
                Some(format!("ok:{HASH}\nalpha:{KEY}")),
                "wrong in line 2",
            ),
            (&keys, Some(HASH.to_owned()), "wrong in line 1"),
            (
                &keys,
                Some(format!("a:{HASH}\n").repeat(1001)),
                "longer than 1000",
            ),
            (&hmac, None, "HMAC_KEYS is missing"),
            (&hmac, Some("a:short-secret".to_owned()), "wrong in line 1"),
            (
                &hmac,
                Some(format!("a:{long}\na:{long}")),
                "wrong in line 2",
            ),
        ] {
            let error = message(&config(method.clone()), secret.as_deref());
            assert!(error.contains(expected), "{error}");
            for secret in [KEY, HASH, "short-secret", long.as_str()] {
                assert!(!error.contains(secret), "{error}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_hash_is_what_it_was_written_from(bytes: [u8; 32]) {
            prop_assert_eq!(parse_hash(&hex(&bytes)), Some(bytes));
            prop_assert_eq!(parse_hash(&hex(&bytes).to_uppercase()), Some(bytes));
        }

        #[test]
        fn nothing_else_is_a_hash(text in "[0-9a-fé]{0,63}|[0-9a-f]{65,70}|[0-9a-f]{20}.[0-9a-f]{43}") {
            let digits = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            prop_assert_eq!(parse_hash(&text).is_some(), digits);
        }
    }
}
