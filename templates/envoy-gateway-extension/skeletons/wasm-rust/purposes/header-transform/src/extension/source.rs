//! Where the values of headers come from.

use super::derive::trimmed;
use crate::filter::config::{ConfigError, Field};
use crate::filter::headers::Headers;

/// What it reads of the path and the query stays percent-encoded: decoded it could hold line breaks.
#[derive(Debug)]
pub enum Source {
    /// Of the message that is changed.
    Header(String),
    RequestHeader(String),
    Cookie(String),
    Path,
    /// 1 is the first.
    PathSegment(usize),
    Query(String),
}

impl Source {
    pub fn from_config(field: &Field) -> Result<Self, ConfigError> {
        let kind = field.member("kind")?;
        let header_name = || {
            field.only_keys(&["kind", "name"])?;
            field.member("name")?.header_name()
        };
        match kind.text()? {
            "header" => Ok(Source::Header(header_name()?)),
            "request-header" => Ok(Source::RequestHeader(header_name()?)),
            "cookie" => {
                field.only_keys(&["kind", "name"])?;
                let name = field.member("name")?;
                let text = name.text()?;
                if text.is_empty() || text.contains(['=', ';', ' ', '\t']) {
                    return Err(name.error("write the name of a cookie, for example token"));
                }
                Ok(Source::Cookie(text.to_owned()))
            }
            "path" => {
                field.only_keys(&["kind"])?;
                Ok(Source::Path)
            }
            "path-segment" => {
                field.only_keys(&["kind", "segment"])?;
                let segment = field.member("segment")?;
                match segment.count()? {
                    0 => Err(segment.error("write 1 or more; 1 is the first segment")),
                    number => Ok(Source::PathSegment(number)),
                }
            }
            "query" => {
                field.only_keys(&["kind", "name"])?;
                let name = field.member("name")?;
                let text = name.text()?;
                let is_plain = |c: u8| c.is_ascii_alphanumeric() || b"._~-".contains(&c);
                if text.is_empty() || !text.bytes().all(is_plain) {
                    let remedy = "write the name of a query parameter: letters, digits and . _ ~ -";
                    return Err(name.error(remedy));
                }
                Ok(Source::Query(text.to_owned()))
            }
            _ => Err(kind
                .error("use header, request-header, cookie, path, path-segment, query or joined")),
        }
    }

    /// Whether a response has to be told what it is.
    pub fn is_of_request(&self) -> bool {
        !matches!(self, Source::Header(_))
    }

    /// The value in these headers; empty if there is none.
    pub fn read(&self, headers: &Headers) -> Vec<u8> {
        let target = headers.values(":path").next().unwrap_or_default();
        let mut parts = target.splitn(2, |c| *c == b'?');
        let path = parts.next().unwrap_or_default();
        let query = parts.next().unwrap_or_default();
        match self {
            Source::Header(name) | Source::RequestHeader(name) => {
                let values: Vec<&[u8]> = headers.values(name).collect();
                values.join(b", ".as_slice())
            }
            Source::Cookie(name) => headers
                .values("cookie")
                .find_map(|line| cookie_value(line, name))
                .unwrap_or_default()
                .to_vec(),
            Source::Path => path.to_vec(),
            Source::PathSegment(number) => segment(path, *number).to_vec(),
            Source::Query(parameter) => query_value(query, parameter).to_vec(),
        }
    }
}

/// The first cookie of that name (RFC 6265, section 5.4).
fn cookie_value<'a>(line: &'a [u8], cookie: &str) -> Option<&'a [u8]> {
    line.split(|c| *c == b';').find_map(|pair| {
        let mut parts = trimmed(pair).splitn(2, |c| *c == b'=');
        let is_wanted = parts.next() == Some(cookie.as_bytes());
        parts.next().filter(|_| is_wanted)
    })
}

/// The nth part of a path: `/a/b` has a and b.
fn segment(path: &[u8], number: usize) -> &[u8] {
    path.split(|c| *c == b'/').nth(number).unwrap_or_default()
}

/// The first value of a parameter.
fn query_value<'a>(query: &'a [u8], parameter: &str) -> &'a [u8] {
    query
        .split(|c| *c == b'&')
        .find_map(|pair| {
            let mut parts = pair.splitn(2, |c| *c == b'=');
            let is_wanted = parts.next() == Some(parameter.as_bytes());
            is_wanted.then(|| parts.next().unwrap_or_default())
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{json, Value};

    use super::*;
    use crate::filter::testing::headers;

    fn read(source: &Value, lines: &[(&str, &str)]) -> String {
        let source = Source::from_config(&Field::root(source)).unwrap();
        String::from_utf8(source.read(&headers(lines))).unwrap()
    }

    #[test]
    fn each_kind_reads_its_part() {
        let path = "/orders/4711%2F/?tenant=a%20b&empty=&flag&tenant=second&eq=x=y";
        let lines = [
            (":path", path),
            ("cookie", "flag; Token=x; token=a=\"b\" c ;token=z; empty="),
            ("cookie", "id=7"),
            ("x-one", "1"),
            ("x-two", "1"),
            ("x-empty", ""),
            ("x-two", "2"),
        ];
        for (source, expected) in [
            (json!({"kind": "header", "name": "x-one"}), "1"),
            (json!({"kind": "header", "name": "x-two"}), "1, 2"),
            (json!({"kind": "header", "name": "x-empty"}), ""),
            (json!({"kind": "request-header", "name": "x-one"}), "1"),
            (json!({"kind": "request-header", "name": "x-none"}), ""),
            (json!({"kind": "cookie", "name": "token"}), "a=\"b\" c"),
            (json!({"kind": "cookie", "name": "id"}), "7"),
            (json!({"kind": "cookie", "name": "empty"}), ""),
            (json!({"kind": "cookie", "name": "flag"}), ""),
            (json!({"kind": "cookie", "name": "toke"}), ""),
            (json!({"kind": "path"}), "/orders/4711%2F/"),
            (json!({"kind": "path-segment", "segment": 1}), "orders"),
            (json!({"kind": "path-segment", "segment": 2}), "4711%2F"),
            (json!({"kind": "path-segment", "segment": 3}), ""),
            (json!({"kind": "path-segment", "segment": 4}), ""),
            (json!({"kind": "query", "name": "tenant"}), "a%20b"),
            (json!({"kind": "query", "name": "eq"}), "x=y"),
            (json!({"kind": "query", "name": "empty"}), ""),
            (json!({"kind": "query", "name": "flag"}), ""),
            (json!({"kind": "query", "name": "ten"}), ""),
        ] {
            assert_eq!(read(&source, &lines), expected, "{source}");
            assert_eq!(read(&source, &[]), "", "{source}");
        }
    }

    #[test]
    fn wrong_sources_are_refused_with_the_remedy() {
        for (source, expected) in [
            (json!("path"), "config.kind is missing: add it"),
            (
                json!({"kind": "body", "name": "a"}),
                "config.kind is \"body\": use header, request-header, cookie",
            ),
            (
                json!({"kind": "cookie", "name": "a=b"}),
                "config.name is \"a=b\": write the name of a cookie",
            ),
            (
                json!({"kind": "path", "name": "a"}),
                "config.name is \"a\": unknown key",
            ),
            (
                json!({"kind": "path-segment", "segment": 0}),
                "config.segment is 0: write 1 or more",
            ),
            (
                json!({"kind": "query", "name": "a b"}),
                "config.name is \"a b\": write the name of a query",
            ),
            (
                json!({"kind": "header", "name": "host"}),
                "config.name is \"host\": Envoy owns",
            ),
        ] {
            let error = Source::from_config(&Field::root(&source)).unwrap_err();
            assert!(error.to_string().contains(expected), "{source}: {error}");
        }
    }

    proptest! {
        /// A target that is put together is taken apart again.
        #[test]
        fn what_is_put_in_is_read(
            segments in prop::collection::vec("[a-z%0-9.=&]{1,5}", 1..6),
            pairs in prop::collection::vec(("[a-c]", "[a-z%0-9=?/]{0,5}"), 0..6),
            number in 1_usize..8,
        ) {
            let query: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let target = format!("/{}?{}", segments.join("/"), query.join("&"));
            let lines = [(":path", target.as_str())];
            let expected = segments.get(number - 1).map_or("", String::as_str);
            prop_assert_eq!(read(&json!({"kind": "path-segment", "segment": number}), &lines), expected);
            let expected = pairs.iter().find(|(name, _)| name == "a").map_or("", |(_, value)| value.as_str());
            prop_assert_eq!(read(&json!({"kind": "query", "name": "a"}), &lines), expected);
        }

        /// No target is too odd.
        #[test]
        fn any_target_can_be_read(target in "[/?&=a%]{0,20}", number in 1_usize..40) {
            let lines = [(":path", target.as_str())];
            let path = read(&json!({"kind": "path"}), &lines);
            prop_assert!(!path.contains('?'));
            prop_assert!(target.starts_with(&path));
            let segment = read(&json!({"kind": "path-segment", "segment": number}), &lines);
            prop_assert!(path.contains(&segment) && !segment.contains('/'));
        }
    }
}
