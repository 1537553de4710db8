//! What an event has: texts that can stand in one line of JSON, without secrets.

use serde_json::Value;

/// Characters of one text.
const LONGEST: usize = 1024;
/// Of one header or claim.
const MOST_VALUES: usize = 8;
pub const REDACTED: &str = "[redacted]";

/// One line of JSON with the members in this order. None is left out.
pub fn line(members: Vec<(&str, Option<Value>)>) -> String {
    let members: Vec<String> = members
        .into_iter()
        .filter_map(|(name, value)| Some(format!("\"{name}\":{}", value?)))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// Visible ASCII and blanks as they are, every other byte percent-encoded, up to a limit.
pub fn printable(bytes: &[u8]) -> String {
    let mut text = String::new();
    for &byte in bytes.iter().take(LONGEST) {
        match byte {
            b' '..=b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text.truncate(LONGEST); // it is ASCII
    text
}

pub fn texts<'a>(values: impl Iterator<Item = &'a [u8]>) -> Value {
    values.take(MOST_VALUES).map(printable).collect()
}

/// The path, and the query if there is one.
pub fn split_target(target: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut parts = target.splitn(2, |byte| *byte == b'?');
    (parts.next().unwrap_or_default(), parts.next())
}

/// A query without values, except those that are kept. What has no value may be one itself, as in
/// `?token`: it is hidden as well.
pub fn redact_query(query: &[u8], kept: &[String]) -> Vec<u8> {
    let mut result = Vec::new();
    for piece in query.split_inclusive(is_separator) {
        let (part, separator) = match piece.split_last() {
            Some((last, part)) if is_separator(last) => (part, Some(*last)),
            _ => (piece, None),
        };
        let name = part.split(|byte| *byte == b'=').next().unwrap_or_default();
        let value = part.get(name.len()..).unwrap_or_default();
        if part.is_empty() || kept.iter().any(|kept| kept.as_bytes() == name) {
            result.extend(part);
        } else if value.iter().all(|byte| *byte == b'=') {
            result.extend(REDACTED.bytes());
        } else {
            result.extend(name);
            result.push(b'=');
            result.extend(REDACTED.bytes());
        }
        result.extend(separator);
    }
    result
}

fn is_separator(byte: &u8) -> bool {
    matches!(byte, b'&' | b';')
}

/// Whether a value belongs to so many of ten thousand. The same value has the same fate everywhere:
/// the sum is made so that every language of these extensions comes to the same. Three rounds more
/// spread short values.
pub fn in_sample(value: &[u8], per_ten_thousand: u64) -> bool {
    let sum = value.iter().chain(&[0; 3]).fold(0, |sum, &byte| {
        (sum * 65_599 + u64::from(byte)) % 2_147_483_647
    });
    sum % 10_000 < per_ten_thousand
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn queries_lose_their_values() {
        let kept = ["page".to_owned(), "a%5B%5D".to_owned()];
        for (query, expected) in [
            ("", ""),
            ("a=1", "a=[redacted]"),
            ("page=2&token=x&page=3", "page=2&token=[redacted]&page=3"),
            ("PAGE=2", "PAGE=[redacted]"),
            ("p%61ge=2", "p%61ge=[redacted]"),
            ("page=2;token=x", "page=2;token=[redacted]"),
            ("a%5B%5D=1", "a%5B%5D=1"),
            ("t0ken", "[redacted]"),
            ("dG9rZW4=&dG9rZW4==", "[redacted]&[redacted]"),
            ("page&page=", "page&page="),
            ("=x", "=[redacted]"),
            ("a=b=c", "a=[redacted]"),
            ("&&a=1&;", "&&a=[redacted]&;"),
        ] {
            let redacted = redact_query(query.as_bytes(), &kept);
            assert_eq!(String::from_utf8(redacted).unwrap(), expected, "{query}");
        }
    }

    #[test]
    fn texts_are_visible_ascii() {
        assert_eq!(printable("a \"b\" ü\n~".as_bytes()), "a \"b\" %C3%BC%0A~");
        assert_eq!(printable(&[b'x'; 5000]).len(), 1024);
        assert_eq!(printable(&[0xff; 5000]), "%FF".repeat(341) + "%");
    }

    /// The numbers that the same sum gives in Python.
    #[test]
    fn samples_are_those_of_the_other_languages() {
        for (value, number) in [
            ("", 0),
            ("a", 1308),
            ("b", 9957),
            ("caller-0", 3375),
            ("ü", 9959),
            ("0b8f2f44-5b0b-4b1e-9d0a-6f7c5a1d2e3f", 4825),
        ] {
            assert!(!in_sample(value.as_bytes(), number), "{value}");
            assert!(in_sample(value.as_bytes(), number + 1), "{value}");
        }
        let users = (0..10_000).map(|i| format!("user-{i}"));
        let kept = users
            .filter(|user| in_sample(user.as_bytes(), 1000))
            .count();
        assert_eq!(kept, 966);
    }

    proptest! {
        #[test]
        fn a_query_has_no_value_that_is_not_kept(
            before in "[a=&;%?]{0,8}", after in "[a=&;%?]{0,8}", name in "[a-z]{1,4}",
        ) {
            let query = format!("{before}&{name}=S3CRET&{after};S3CRET");
            let redacted = redact_query(query.as_bytes(), &["kept".to_owned()]);
            let redacted = String::from_utf8(redacted).unwrap();
            let known = name == "kept";
            prop_assert_eq!(redacted.matches("S3CRET").count(), usize::from(known));
        }

        #[test]
        fn any_bytes_are_a_short_text(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
            let text = printable(&bytes);
            prop_assert!(text.len() <= 1024);
            prop_assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            let quoted = line(vec![("a", Some(text.clone().into())), ("b", None)]);
            let read: Value = serde_json::from_str(&quoted).unwrap();
            prop_assert_eq!(read, serde_json::json!({"a": text}));
        }
    }
}
