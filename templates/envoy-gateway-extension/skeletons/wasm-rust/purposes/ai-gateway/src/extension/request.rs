//! Reads and changes the body of a request as text, so that what is not meant stays byte for byte:
//! the order of members, the digits of numbers. Nothing here recurses, so depth costs nothing.

use std::fmt;
use std::ops::Range;

use regex::bytes::Regex;
use serde::de::{Deserialize, Deserializer, IgnoredAny, Visitor};
use serde_json::Value;

use super::refusal::Refusal;

#[derive(Debug)]
pub struct Request<'a> {
    text: &'a str,
    /// As bytes, since JSON can have half a surrogate pair.
    pub model: Vec<u8>,
    pub streams: bool,
    model_at: Range<usize>,
    options_at: Option<Range<usize>>,
    /// What replaces which part.
    edits: Vec<(Range<usize>, String)>,
}

/// A member of an object: its name, and the place of its value.
#[derive(Debug, PartialEq, Eq)]
struct Member {
    name: Vec<u8>,
    value: Range<usize>,
}

impl<'a> Request<'a> {
    /// Refuses what a provider could read in another way.
    pub fn read(body: &'a [u8]) -> Result<Request<'a>, Refusal> {
        let text = std::str::from_utf8(body).map_err(|_| Refusal::InvalidJson)?;
        serde_json::from_str::<IgnoredAny>(text).map_err(|_| Refusal::InvalidJson)?;
        let members = members(text, skip_space(text, 0)).ok_or(Refusal::InvalidJson)?;
        let find = |name: &str| {
            let mut alike = members
                .iter()
                .filter(|member| member.name.eq_ignore_ascii_case(name.as_bytes()));
            match (alike.next(), alike.next()) {
                (None, _) => Ok(None),
                (Some(one), None) if one.name == name.as_bytes() => Ok(Some(one.value.clone())),
                // Parsers disagree on which of two counts, and some ignore the case.
                _ => Err(Refusal::AmbiguousMember),
            }
        };
        let (model, stream, options_at) =
            (find("model")?, find("stream")?, find("stream_options")?);
        let value = |range: &Range<usize>| text.get(range.clone()).unwrap_or_default();
        let model_at = model
            .filter(|range| value(range).starts_with('"'))
            .ok_or(Refusal::MissingModel)?;
        Ok(Request {
            text,
            model: decoded(value(&model_at)),
            streams: stream.is_some_and(|range| value(&range) == "true"),
            model_at,
            options_at,
            edits: Vec::new(),
        })
    }

    pub fn set_model(&mut self, name: &str) {
        self.edits
            .push((self.model_at.clone(), Value::from(name).to_string()));
    }

    /// Sets `stream_options.include_usage`. False if the client has asked already, or has options
    /// that only the provider can judge.
    pub fn ask_for_usage(&mut self) -> bool {
        const ASKED: &str = "{\"include_usage\":true}";
        let Some(at) = self.options_at.clone() else {
            let open = skip_space(self.text, 0) + 1;
            self.edits
                .push((open..open, format!("\"stream_options\":{ASKED},")));
            return true;
        };
        if self.text.get(at.clone()) == Some("null") {
            self.edits.push((at, ASKED.to_owned()));
            return true;
        }
        let Some(members) = members(self.text, at.start) else {
            return false;
        };
        let asks: Vec<Range<usize>> = members
            .iter()
            .filter(|member| member.name == b"include_usage")
            .map(|member| member.value.clone())
            .collect();
        if asks.is_empty() {
            let inside = at.start + 1;
            let comma = if members.is_empty() { "" } else { "," };
            self.edits
                .push((inside..inside, format!("\"include_usage\":true{comma}")));
            return true;
        }
        let says_no =
            |range: &Range<usize>| matches!(self.text.get(range.clone()), Some("false" | "null"));
        if !asks.iter().all(says_no) {
            return false;
        }
        self.edits
            .extend(asks.into_iter().map(|range| (range, "true".to_owned())));
        true
    }

    /// Whether any text or name matches: where a prompt can stand differs between providers.
    pub fn has_match(&self, guard: &[Regex]) -> bool {
        let mut at = 0;
        while !guard.is_empty() {
            let Some(start) = self.text.get(at..).and_then(|rest| rest.find('"')) else {
                break;
            };
            let start = at + start;
            at = string_end(self.text, start);
            let text = decoded(self.text.get(start..at).unwrap_or_default());
            if guard.iter().any(|pattern| pattern.is_match(&text)) {
                return true;
            }
        }
        false
    }

    /// The body with all edits; None if there are none.
    pub fn into_changed(mut self) -> Option<Vec<u8>> {
        if self.edits.is_empty() {
            return None;
        }
        self.edits.sort_by_key(|(range, _)| range.start);
        let (mut result, mut at) = (String::new(), 0);
        for (range, text) in self.edits {
            result.push_str(self.text.get(at..range.start)?);
            result.push_str(&text);
            at = range.end;
        }
        result.push_str(self.text.get(at..)?);
        Some(result.into_bytes())
    }
}

/// The members of the object that starts there, in valid JSON; None if it is no object.
fn members(json: &str, start: usize) -> Option<Vec<Member>> {
    if byte(json, start) != Some(b'{') {
        return None;
    }
    let mut members = Vec::new();
    let mut at = skip_space(json, start + 1);
    while byte(json, at) == Some(b'"') {
        let name_end = string_end(json, at);
        let name = decoded(json.get(at..name_end)?);
        let value = skip_space(json, skip_space(json, name_end) + 1); // behind the colon
        let end = value_end(json, value);
        members.push(Member {
            name,
            value: value..end,
        });
        at = skip_space(json, skip_space(json, end) + 1); // behind the comma, or the end
    }
    Some(members)
}

fn byte(json: &str, at: usize) -> Option<u8> {
    json.as_bytes().get(at).copied()
}

fn skip_space(json: &str, mut at: usize) -> usize {
    while matches!(byte(json, at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        at += 1;
    }
    at
}

/// The end of the string that starts there, behind its last quote.
fn string_end(json: &str, start: usize) -> usize {
    let mut at = start + 1;
    while let Some(c) = byte(json, at) {
        at += match c {
            b'"' => return at + 1,
            b'\\' => 2,
            _ => 1,
        };
    }
    json.len()
}

fn value_end(json: &str, start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(c) = byte(json, at) {
        match c {
            b'"' => {
                at = string_end(json, at);
                if depth == 0 {
                    return at;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth > 1 => depth -= 1,
            b'}' | b']' if depth == 1 => return at + 1,
            b'}' | b']' | b',' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    at
}

/// What a JSON string says.
fn decoded(quoted: &str) -> Vec<u8> {
    let inside = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or_default();
    if !inside.contains('\\') {
        return inside.as_bytes().to_vec();
    }
    serde_json::from_str::<Text>(quoted).map_or_else(|_| inside.as_bytes().to_vec(), |text| text.0)
}

/// A JSON string as bytes, in which half a surrogate pair has a place.
struct Text(Vec<u8>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Text, E> {
                Ok(Text(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn members_have_their_place() {
        let text = " { \"a\" : 1.0 ,\n\"b\\u0063\":[{\"x\":\"}\"}] , \"d\":\"\\\"\" , \"e\":true}";
        let found = members(text, 1).unwrap();
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|member| {
                (
                    std::str::from_utf8(&member.name).unwrap(),
                    text.get(member.value.clone()).unwrap(),
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                ("a", "1.0"),
                ("bc", "[{\"x\":\"}\"}]"),
                ("d", "\"\\\"\""),
                ("e", "true")
            ]
        );
    }

    #[test]
    fn half_a_surrogate_pair_hides_nothing() {
        let guard = [Regex::new("(?i-u)evil").unwrap()];
        let read = |body: &'static str| Request::read(body.as_bytes()).unwrap();
        assert!(read(r#"{"model":"m","a":"\ud800 e\u0076il"}"#).has_match(&guard));
        assert!(!read(r#"{"model":"m","a":"\ud800 \\u0065vil"}"#).has_match(&guard));
        assert_ne!(read(r#"{"model":"m\ud800"}"#).model, b"m");
    }

    #[test]
    fn depth_is_no_limit() {
        let deep = "[".repeat(20_000) + &"]".repeat(20_000);
        let body = format!("{{\"deep\":{deep},\"model\":\"m\"}}");
        let mut request = Request::read(body.as_bytes()).unwrap();
        request.set_model("n");
        let expected = format!("{{\"deep\":{deep},\"model\":\"n\"}}");
        assert_eq!(request.into_changed(), Some(expected.into_bytes()));
    }

    proptest! {
        /// Whatever else a request says stays, and what was set is there.
        #[test]
        fn only_what_is_meant_changes(
            others in prop::collection::btree_map("[a-c\"\\\\é]{1,3}", "[a\"\\\\,:{}é \\[\\]]{0,6}", 0..4),
            options in prop::option::of(prop::sample::select(vec![
                json!(null), json!({}), json!({"a": [1]}), json!({"include_usage": false, "z": 1}),
            ])),
            pretty in any::<bool>(),
        ) {
            let mut body = json!({"model": "m", "stream": true});
            for (name, value) in &others {
                body[name] = json!({"x": [value, 1.5]});
            }
            if let Some(options) = options {
                body["stream_options"] = options;
            }
            let text = if pretty { format!("{body:#}") } else { body.to_string() };
            let mut request = Request::read(text.as_bytes()).unwrap();
            request.set_model("other");
            prop_assert!(request.ask_for_usage());
            let after: Value = serde_json::from_slice(&request.into_changed().unwrap()).unwrap();
            body["model"] = json!("other");
            if !body["stream_options"].is_object() {
                body["stream_options"] = json!({});
            }
            body["stream_options"]["include_usage"] = json!(true);
            prop_assert_eq!(after, body);
        }

        #[test]
        fn no_input_panics(bytes in prop::collection::vec(any::<u8>(), 0..40), text in "\\{\"model\":\"m\",\"[\\[\\]{}\",:0a\\\\ ]{0,20}") {
            let guard = [Regex::new("(?-u)a").unwrap()];
            for input in [bytes.as_slice(), text.as_bytes()] {
                if let Ok(mut request) = Request::read(input) {
                    request.has_match(&guard);
                    request.ask_for_usage();
                    request.set_model("x");
                    let changed = request.into_changed().unwrap();
                    prop_assert!(serde_json::from_slice::<IgnoredAny>(&changed).is_ok());
                }
            }
        }
    }
}
