//! JSON as text, so that what no operation names stays as it was: the order of keys, the digits of
//! numbers, keys that occur twice. A tree of values (`serde_json::Value`) would lose them, takes
//! far more memory than its text, and refuses what nests deeper than 128 levels.

use std::borrow::Cow;

use serde::de::IgnoredAny;

/// As many as the other implementation of this behaviour, Go's encoding/json, reads.
const MAX_DEPTH: usize = 10_000;

/// The text of exactly one JSON value; None if `bytes` are anything else. A byte order mark before
/// it is ignored (RFC 8259, section 8.1).
pub fn document(bytes: &[u8]) -> Option<&str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).ok()?;
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    (depth(text) <= MAX_DEPTH).then_some(text)
}

fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut quoted, mut escaped) = (false, false);
    for c in text.bytes() {
        match c {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => {
                depth = depth.saturating_add(1);
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// `text` as JSON string, with no more escapes than JSON needs.
pub fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A string with no more escapes than JSON needs, so that equal strings are written alike. Half a
/// surrogate pair is valid JSON but no text: such a string stays as it is.
pub fn canonical(quoted: &str) -> Cow<'_, str> {
    if !quoted.contains('\\') {
        return Cow::Borrowed(quoted);
    }
    match serde_json::from_str::<String>(quoted) {
        Ok(text) => Cow::Owned(string(&text)),
        Err(_) => Cow::Borrowed(quoted),
    }
}

/// Valid JSON without white space and with canonical strings.
pub fn compact(json: &str) -> String {
    let mut result = String::with_capacity(json.len());
    Scanner::new(json).copy_to(&mut result);
    result
}

/// A string or number of which all but the last `keep` characters are replaced with `*`, and
/// `"***"` for every other value.
pub fn masked(value: &str, keep: usize) -> String {
    let text = match value.bytes().next() {
        Some(b'"') => serde_json::from_str::<String>(value).ok(),
        Some(b'-' | b'0'..=b'9') => Some(value.to_owned()),
        _ => None,
    };
    // Also for a string that is not Unicode (half a surrogate pair).
    let Some(text) = text else {
        return string("***");
    };
    let length = text.chars().count();
    let hidden = if length > keep { length - keep } else { length };
    let stars = std::iter::repeat_n('*', hidden);
    string(&stars.chain(text.chars().skip(hidden)).collect::<String>())
}

/// Reads valid JSON from its beginning to its end.
#[derive(Clone)]
pub struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str) -> Self {
        Scanner { text, at: 0 }
    }

    /// How many bytes have been read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Skips white space and separators, and returns the byte that follows.
    pub fn peek(&mut self) -> Option<u8> {
        loop {
            match self.byte() {
                Some(b' ' | b'\t' | b'\r' | b'\n' | b',' | b':') => self.advance(),
                next => return next,
            }
        }
    }

    /// Takes a bracket, for example.
    pub fn advance(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    /// The string that begins here, with its quotes.
    pub fn quoted(&mut self) -> &'a str {
        let start = self.at;
        let mut escaped = false;
        loop {
            self.advance();
            match self.byte() {
                None => break,
                _ if escaped => escaped = false,
                Some(b'\\') => escaped = true,
                Some(b'"') => {
                    self.advance();
                    break;
                }
                _ => {}
            }
        }
        self.from(start)
    }

    /// The value that comes next.
    pub fn value(&mut self) -> &'a str {
        self.peek();
        let start = self.at;
        self.walk(|_| {});
        self.from(start)
    }

    /// Appends the value that comes next, without white space and with canonical strings.
    pub fn copy_to(&mut self, result: &mut String) {
        self.peek();
        self.walk(|piece| {
            if piece.starts_with('"') {
                result.push_str(&canonical(piece));
            } else {
                result.push_str(piece);
            }
        });
    }

    /// Reads the value that begins here and hands it out in pieces, without white space: each
    /// string is one. Nothing here recurses, so depth costs nothing.
    fn walk(&mut self, mut piece: impl FnMut(&'a str)) {
        let mut depth = 0_usize;
        let begin = self.at;
        let mut start = begin;
        while let Some(c) = self.byte() {
            match c {
                b'"' => {
                    piece(self.from(start));
                    piece(self.quoted());
                    start = self.at;
                    if depth == 0 {
                        return;
                    }
                    continue;
                }
                b' ' | b'\t' | b'\r' | b'\n' => {
                    piece(self.from(start));
                    if depth == 0 {
                        return;
                    }
                    self.advance();
                    start = self.at;
                    continue;
                }
                // Behind a number or a word.
                b',' | b']' | b'}' if depth == 0 && self.at > begin => break,
                b'{' | b'[' => depth = depth.saturating_add(1),
                b'}' | b']' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        self.advance();
                        break;
                    }
                }
                _ => {}
            }
            self.advance();
        }
        piece(self.from(start));
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn from(&self, start: usize) -> &'a str {
        // Always there: pieces begin and end beside ASCII.
        self.text.get(start..self.at).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_one_value_in_utf8() {
        for text in ["{}", " [1.0] \n", "\"\\ud800\"", "1e999999", "\u{feff}{}"] {
            assert!(document(text.as_bytes()).is_some(), "{text}");
        }
        for text in [
            "",
            " ",
            "{",
            "{} x",
            "{}{}",
            "{'a': 1}",
            "[01]",
            "[NaN]",
            "[1,]",
            "[1]/**/",
            "{}\0",
            "\u{feff}\u{feff}{}",
            "\"\t\"",
            ")]}',\n{}",
        ] {
            assert_eq!(document(text.as_bytes()), None, "{text}");
        }
        // One byte that is not UTF-8, a surrogate, an overlong letter, and UTF-16.
        for bytes in [
            &b"\"\xff\""[..],
            b"\"\xed\xa0\x80\"",
            b"\"\xc1\xa1\"",
            b"{\0}\0",
        ] {
            assert_eq!(document(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn depth_has_a_limit() {
        let deep = |depth| "[".repeat(depth) + "\"[\\\"[\"" + &"]".repeat(depth);
        assert!(document(deep(MAX_DEPTH).as_bytes()).is_some());
        assert_eq!(document(deep(MAX_DEPTH + 1).as_bytes()), None);
    }

    #[test]
    fn compact_text_has_one_form() {
        let text = " {\"z\" : [1.0 ,\n-0.10E+05],\t\"\\u00e9\":\" \\/ \\n\" , \"t\":true } ";
        let expected = "{\"z\":[1.0,-0.10E+05],\"é\":\" / \\n\",\"t\":true}";
        assert_eq!(compact(text), expected);
        for value in ["1", " 1 ", "\"a\"", " null"] {
            assert_eq!(compact(value), value.trim());
        }
    }
}
