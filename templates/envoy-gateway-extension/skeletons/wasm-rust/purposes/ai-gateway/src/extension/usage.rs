//! Finds the tokens in a JSON answer that goes by in pieces, and keeps no more than that member.

use serde_json::Value;

const MAX_USAGE_BYTES: usize = 4096;
/// More than any answer has.
const MAX_TOKENS: u64 = 1_000_000_000;
const NAME: &[u8] = b"\"usage\"";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    pub total: u64,
}

impl Usage {
    /// None if it says no tokens.
    pub fn parse(value: &Value) -> Option<Usage> {
        let said = |names: &[&str]| {
            names
                .iter()
                .filter_map(|name| value.get(name))
                .find(|value| !value.is_null())
        };
        let given = [
            said(&["prompt_tokens", "input_tokens"]),
            said(&["completion_tokens", "output_tokens"]),
            said(&["total_tokens"]),
        ];
        let mut tokens = [None; 3];
        for (to, from) in tokens.iter_mut().zip(given) {
            if let Some(value) = from {
                *to = Some(value.as_u64().filter(|&count| count <= MAX_TOKENS)?);
            }
        }
        match tokens {
            [None, None, None] => None,
            [prompt, completion, total] => Some(Usage {
                total: total
                    .unwrap_or_else(|| prompt.unwrap_or_default() + completion.unwrap_or_default()),
            }),
        }
    }
}

/// Reads the member `usage` of the outermost object.
#[derive(Default)]
pub struct UsageReader {
    depth: usize,
    in_text: bool,
    escaped: bool,
    /// Behind a colon of the outermost object.
    is_value: bool,
    /// Of the member, as far as it matters.
    name: Vec<u8>,
    keep: bool,
    value: Vec<u8>,
    found: Vec<u8>,
    ended: bool,
    malformed: bool,
}

impl UsageReader {
    pub fn write(&mut self, piece: &[u8]) {
        for &c in piece {
            self.next(c);
        }
    }

    /// What was found in a complete object.
    pub fn usage(&self) -> Option<Usage> {
        if !self.ended || self.malformed {
            return None;
        }
        Usage::parse(&serde_json::from_slice(&self.found).ok()?)
    }

    fn next(&mut self, c: u8) {
        if self.in_text {
            self.add(c);
            match c {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_text = false,
                _ => {}
            }
            return;
        }
        match c {
            b' ' | b'\t' | b'\r' | b'\n' => return,
            b'"' => {
                self.in_text = true;
                if self.depth == 1 && !self.is_value {
                    self.name.clear();
                }
            }
            b'{' | b'[' => {
                if self.depth == 0 && (c != b'{' || self.ended) {
                    self.malformed = true;
                }
                self.add(c);
                self.depth += 1;
                return;
            }
            b'}' | b']' => {
                if self.depth == 0 {
                    self.malformed = true;
                }
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    self.end_member();
                    self.ended = true;
                    return;
                }
            }
            b':' if self.depth == 1 => {
                self.is_value = true;
                self.keep = self.name == NAME;
                self.value.clear();
                return;
            }
            b',' if self.depth == 1 => {
                self.end_member();
                return;
            }
            _ => {}
        }
        self.add(c);
    }

    /// Keeps a byte of the name or of the value.
    fn add(&mut self, c: u8) {
        if self.is_value {
            if self.keep && self.value.len() <= MAX_USAGE_BYTES {
                self.value.push(c);
            }
        } else if self.depth == 1 && self.in_text && self.name.len() <= NAME.len() {
            self.name.push(c);
        }
    }

    fn end_member(&mut self) {
        if self.keep && self.value.len() <= MAX_USAGE_BYTES {
            self.found.clone_from(&self.value);
        }
        self.is_value = false;
        self.keep = false;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn total(pieces: &[&str]) -> Option<u64> {
        let mut reader = UsageReader::default();
        for piece in pieces {
            reader.write(piece.as_bytes());
        }
        reader.usage().map(|usage| usage.total)
    }

    #[test]
    fn the_last_usage_of_the_outermost_object_counts() {
        for (pieces, expected) in [
            (
                &[r#"{"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":4}}"#][..],
                Some(4),
            ),
            (
                &[
                    r#"{"us"#,
                    r#"age" : {"input_tokens":1,"output"#,
                    r#"_tokens":2}} "#,
                ],
                Some(3),
            ),
            (
                &[r#"{"usage":{"prompt_tokens":1,"total_tokens":null}}"#],
                Some(1),
            ),
            (
                &[r#"{"usage":{"total_tokens":1},"usage":{"total_tokens":2}}"#],
                Some(2),
            ),
            (&[r#"{"a":{"usage":{"total_tokens":1}}}"#], None),
            (&[r#"{"a":"\"usage\":{\"total_tokens\":1}"}"#], None),
            (
                &[r#"{"usages":{"total_tokens":1},"usag":{"total_tokens":2}}"#],
                None,
            ),
            (&[r#"{"usage":{"total_tokens":1}"#], None),
            (&[r#"[{"usage":{"total_tokens":1}}]"#], None),
            (
                &[r#"{"usage":{"prompt_tokens":1,"total_tokens":-1}}"#],
                None,
            ),
            (&[r#"{"usage":{"total_tokens":1000000001}}"#], None),
            (&[r#"{"usage":null}"#], None),
            (&[""], None),
            (&["}}"], None),
        ] {
            assert_eq!(total(pieces), expected, "{pieces:?}");
        }
    }

    #[test]
    fn a_long_usage_is_not_kept() {
        let long = "x".repeat(MAX_USAGE_BYTES);
        let body = format!("{{\"usage\":{{\"total_tokens\":1,\"x\":\"{long}\"}}}}");
        assert_eq!(total(&[&body]), None);
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_parser(
            members in prop::collection::vec(("usage|usag|a\"|é", "[\\[\\]{}\",:\\\\a]{0,6}", 0..9_u64), 0..4),
            size in 1..9_usize,
        ) {
            let text: Vec<String> = members
                .iter()
                .map(|(name, text, n)| {
                    let (name, text) = (Value::from(name.as_str()), Value::from(text.as_str()));
                    format!("{name} : {{\"x\":[{text}], \"total_tokens\":{n}}}")
                })
                .collect();
            let text = format!("{{{}}}", text.join(","));
            let mut reader = UsageReader::default();
            for piece in text.as_bytes().chunks(size) {
                reader.write(piece);
            }
            let value: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(reader.usage(), value.get("usage").and_then(Usage::parse));
        }
    }
}
