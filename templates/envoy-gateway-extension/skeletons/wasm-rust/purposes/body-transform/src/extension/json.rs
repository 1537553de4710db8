//! Edits JSON as text, so that what no operation names stays as it was: the order of keys, the
//! digits of numbers, keys that occur twice.
//!
//! `serde_json::Value` is no way to do that. It refuses documents that nest deeper than 128 levels,
//! which would then pass unedited; without that limit it could exhaust the stack, which ends the
//! VM. It also drops keys that occur twice. Nothing here recurses, so depth costs nothing.

use std::ops::Range;

use serde::de::IgnoredAny;

/// A location in a document (RFC 6901).
#[derive(Debug)]
pub struct Pointer {
    parents: Vec<Token>,
    last: Token,
}

#[derive(Debug)]
struct Token {
    /// The member's name as a document has it: a JSON string, quoted and escaped.
    key: String,
    /// The array element's number.
    index: Option<usize>,
}

impl Pointer {
    /// None if `text` is not a pointer, or names the whole document.
    pub fn parse(text: &str) -> Option<Pointer> {
        let mut parents = text
            .strip_prefix('/')?
            .split('/')
            .map(Token::parse)
            .collect::<Option<Vec<Token>>>()?;
        let last = parents.pop()?;
        Some(Pointer { parents, last })
    }
}

/// The name of a member.
#[derive(Debug)]
pub struct Name(Token);

impl Name {
    pub fn new(text: &str) -> Name {
        Name(Token {
            key: string(text),
            index: None,
        })
    }
}

impl Token {
    fn parse(text: &str) -> Option<Token> {
        // `~` stands only in `~0` and `~1`.
        if text
            .split('~')
            .skip(1)
            .any(|rest| !rest.starts_with(['0', '1']))
        {
            return None;
        }
        let name = text.replace("~1", "/").replace("~0", "~");
        let is_index =
            name == "0" || (!name.starts_with('0') && name.bytes().all(|c| c.is_ascii_digit()));
        Some(Token {
            key: string(&name),
            index: is_index.then(|| name.parse().ok()).flatten(),
        })
    }
}

/// A valid JSON document as compact text, in which equal strings are written alike.
pub struct Document {
    text: String,
}

impl Document {
    /// None if `bytes` are not JSON.
    pub fn parse(bytes: &[u8]) -> Option<Document> {
        let text = std::str::from_utf8(bytes).ok()?;
        serde_json::from_str::<IgnoredAny>(text).ok()?;
        Some(Document {
            text: compact(text),
        })
    }

    pub fn into_text(self) -> String {
        self.text
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.text.into_bytes()
    }

    /// Replaces a value, or adds a member to an object that is there. `value` is compact JSON.
    /// Like the other edits it says whether it found its place.
    pub fn set(&mut self, pointer: &Pointer, value: &str) -> bool {
        let mut found = false;
        for parent in self.find(&pointer.parents).into_iter().rev() {
            let children = self.children_named(&parent, &pointer.last);
            let is_object = self.byte(parent.start) == Some(b'{');
            found |= is_object || !children.is_empty();
            if is_object && children.is_empty() {
                let end = parent.end.saturating_sub(1);
                let comma = if parent.len() > "{}".len() { "," } else { "" };
                let member = format!("{comma}{}:{value}", pointer.last.key);
                self.splice(end..end, &member);
            }
            for child in children.into_iter().rev() {
                self.splice(child.value, value);
            }
        }
        found
    }

    pub fn remove(&mut self, pointer: &Pointer) -> bool {
        let mut found = false;
        for parent in self.find(&pointer.parents).into_iter().rev() {
            found |= self.remove_children(&parent, &pointer.last);
        }
        found
    }

    fn remove_children(&mut self, parent: &Range<usize>, token: &Token) -> bool {
        let children = self.children_named(parent, token);
        let found = !children.is_empty();
        for child in children.into_iter().rev() {
            let mut range = child.start..child.value.end;
            // One comma goes as well: the one behind, or for the last child the one before.
            let before = range.start.saturating_sub(1);
            if self.byte(range.end) == Some(b',') {
                range.end = range.end.saturating_add(1);
            } else if self.byte(before) == Some(b',') {
                range.start = before;
            }
            self.splice(range, "");
        }
        found
    }

    /// Gives a member another name, in place of a member that has it already. The elements of an
    /// array have none.
    pub fn rename(&mut self, pointer: &Pointer, to: &Name) -> bool {
        let Name(to) = to;
        let mut found = false;
        for parent in self.find(&pointer.parents).into_iter().rev() {
            let is_object = self.byte(parent.start) == Some(b'{');
            if !is_object || self.children_named(&parent, &pointer.last).is_empty() {
                continue;
            }
            found = true;
            if to.key != pointer.last.key {
                self.remove_children(&parent, to);
            }
            let parent = parent.start..value_end(&self.text, parent.start);
            let children = self.children_named(&parent, &pointer.last);
            for child in children.into_iter().rev() {
                let key = child.start..child.value.start.saturating_sub(1); // the colon
                self.splice(key, &to.key);
            }
        }
        found
    }

    /// Replaces all but the last `keep` characters of a string or number with `*`.
    pub fn mask(&mut self, pointer: &Pointer, keep: usize) -> bool {
        let mut found = false;
        for parent in self.find(&pointer.parents).into_iter().rev() {
            for child in self
                .children_named(&parent, &pointer.last)
                .into_iter()
                .rev()
            {
                found = true;
                let value = self.text.get(child.value.clone()).unwrap_or_default();
                let masked = masked(value, keep);
                self.splice(child.value, &masked);
            }
        }
        found
    }

    /// The values at `path`, in the order of the text. There is more than one only where a key
    /// occurs twice in an object: parsers disagree on which counts, so all are edited.
    fn find(&self, path: &[Token]) -> Vec<Range<usize>> {
        let document = 0..self.text.len();
        let mut found = vec![document];
        for token in path {
            found = found
                .iter()
                .flat_map(|parent| self.children_named(parent, token))
                .map(|child| child.value)
                .collect();
        }
        found
    }

    /// The members of that name in the object at `parent`, or the element of that index.
    fn children_named(&self, parent: &Range<usize>, token: &Token) -> Vec<Child> {
        let is_object = self.byte(parent.start) == Some(b'{');
        let is_array = self.byte(parent.start) == Some(b'[');
        if !is_object && !is_array {
            return Vec::new();
        }
        let mut found = Vec::new();
        let mut at = parent.start.saturating_add(1);
        let mut index = 0_usize;
        while at < parent.end.saturating_sub(1) {
            let start = at;
            if is_object {
                at = string_end(&self.text, at).saturating_add(1); // the colon
            }
            let value = at..value_end(&self.text, at);
            let is_named = if is_object {
                let key = start..value.start.saturating_sub(1);
                self.text.get(key) == Some(&token.key)
            } else {
                token.index == Some(index)
            };
            at = value.end.saturating_add(1); // the comma, or the end
            index = index.saturating_add(1);
            if is_named {
                found.push(Child { start, value });
            }
        }
        found
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn splice(&mut self, range: Range<usize>, text: &str) {
        // Always true: ranges begin and end beside ASCII. But `replace_range` could panic.
        if self.text.get(range.clone()).is_some() {
            self.text.replace_range(range, text);
        }
    }
}

/// A member, from the start of its key, or an array element.
struct Child {
    start: usize,
    value: Range<usize>,
}

/// `text` as JSON string, with no more escapes than JSON needs.
pub fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn masked(value: &str, keep: usize) -> String {
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

/// Valid JSON without white space, in which each string has only the escapes that it needs.
fn compact(json: &str) -> String {
    let mut result = String::with_capacity(json.len());
    let mut at = 0;
    while let Some(c) = json.as_bytes().get(at) {
        let end = match c {
            b'"' => string_end(json, at),
            _ => at.saturating_add(1),
        };
        let token = json.get(at..end).unwrap_or_default();
        at = end;
        if token.contains('\\') {
            // Half a surrogate pair is valid JSON but no text: it stays as it is.
            match serde_json::from_str::<String>(token) {
                Ok(text) => result.push_str(&string(&text)),
                Err(_) => result.push_str(token),
            }
        } else if !matches!(token, " " | "\t" | "\n" | "\r") {
            result.push_str(token);
        }
    }
    result
}

/// The end of the string that starts at `start`, behind its last quote.
fn string_end(json: &str, start: usize) -> usize {
    let mut escaped = false;
    let bytes = json.bytes().enumerate().skip(start.saturating_add(1));
    for (at, c) in bytes {
        match c {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at.saturating_add(1),
            _ => {}
        }
    }
    json.len()
}

/// The end of the value that starts at `start`, in compact JSON.
fn value_end(json: &str, start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while let Some(c) = json.as_bytes().get(at) {
        match c {
            b'"' => {
                at = string_end(json, at);
                continue;
            }
            b'{' | b'[' => depth = depth.saturating_add(1),
            b'}' | b']' if depth > 0 => depth = depth.saturating_sub(1),
            b'}' | b']' | b',' if depth == 0 => return at,
            _ => {}
        }
        at = at.saturating_add(1);
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{json, Value};

    use super::*;

    fn pointer(text: &str) -> Pointer {
        Pointer::parse(text).unwrap()
    }

    fn edit(body: &str, edit: impl Fn(&mut Document) -> bool) -> Option<String> {
        let mut document = Document::parse(body.as_bytes()).unwrap();
        edit(&mut document).then(|| document.into_text())
    }

    fn set(body: &str, at: &str, value: &str) -> Option<String> {
        edit(body, |document| document.set(&pointer(at), value))
    }

    fn remove(body: &str, at: &str) -> Option<String> {
        edit(body, |document| document.remove(&pointer(at)))
    }

    fn mask(body: &str, keep: usize) -> String {
        edit(&format!("[{body}]"), |document| {
            document.mask(&pointer("/0"), keep)
        })
        .unwrap()
        .trim_matches(['[', ']'])
        .to_owned()
    }

    #[test]
    fn set_replaces_or_adds_at_the_end() {
        assert_eq!(
            set(r#"{"a":1,"b":2}"#, "/a", "9").unwrap(),
            r#"{"a":9,"b":2}"#
        );
        assert_eq!(set(r#"{"a":1}"#, "/b", "9").unwrap(), r#"{"a":1,"b":9}"#);
        assert_eq!(set("{}", "/b", "9").unwrap(), r#"{"b":9}"#);
        assert_eq!(
            set(r#"{"a":[1,[2]]}"#, "/a/1/0", "9").unwrap(),
            r#"{"a":[1,[9]]}"#
        );
        assert_eq!(
            set(r#"{"":{"/~":1}}"#, "//~1~0", "9").unwrap(),
            r#"{"":{"/~":9}}"#
        );
    }

    #[test]
    fn set_needs_a_parent_and_an_existing_element() {
        for at in [
            "/x/y", "/a/b", "/list/2", "/list/-", "/list/01", "/list/x", "/list/",
        ] {
            assert_eq!(set(r#"{"a":1,"list":[1,2]}"#, at, "9"), None, "{at}");
        }
        assert_eq!(set("7", "/a", "9"), None);
        assert_eq!(set("\"{\"", "/a", "9"), None);
        assert_eq!(set("[]", "/0", "9"), None);
    }

    #[test]
    fn remove_takes_the_right_comma() {
        let body = r#"{"a":1,"b":[1,2,3],"c":3}"#;
        for (at, expected) in [
            ("/a", r#"{"b":[1,2,3],"c":3}"#),
            ("/c", r#"{"a":1,"b":[1,2,3]}"#),
            ("/b", r#"{"a":1,"c":3}"#),
            ("/b/0", r#"{"a":1,"b":[2,3],"c":3}"#),
            ("/b/2", r#"{"a":1,"b":[1,2],"c":3}"#),
        ] {
            assert_eq!(remove(body, at).as_deref(), Some(expected), "{at}");
        }
        assert_eq!(remove(r#"{"a":{"b":1}}"#, "/a/b").unwrap(), r#"{"a":{}}"#);
        assert_eq!(remove(body, "/b/3"), None);
    }

    #[test]
    fn rename_keeps_the_place_and_takes_that_of_another() {
        let rename = |body: &str, at: &str, to: &str| {
            edit(body, |document| {
                document.rename(&pointer(at), &Name::new(to))
            })
        };
        for (body, at, to, expected) in [
            (
                r#"{"a":1,"b":[2.0],"c":3}"#,
                "/b",
                "x",
                r#"{"a":1,"x":[2.0],"c":3}"#,
            ),
            (
                r#"{"x":0,"a":{"x":1,"b":2,"x":3}}"#,
                "/a/b",
                "x",
                r#"{"x":0,"a":{"x":2}}"#,
            ),
            (r#"{"\u00e9\u0022":1,"a":2}"#, "/a", "é\"", r#"{"é\"":2}"#),
            (r#"{"a":1}"#, "/a", "a", r#"{"a":1}"#),
            (r#"{"a":1,"a":2}"#, "/a", "xyz", r#"{"xyz":1,"xyz":2}"#),
            (r#"{"a":{}}"#, "/a", "", r#"{"":{}}"#),
            (
                r#"{"a":{"x":1},"a":{"b":2}}"#,
                "/a/b",
                "x",
                r#"{"a":{"x":1},"a":{"x":2}}"#,
            ),
        ] {
            assert_eq!(rename(body, at, to).as_deref(), Some(expected), "{body}");
        }
        for (body, at) in [
            (r#"{"x":1}"#, "/a"),
            ("[1]", "/0"),
            ("7", "/a"),
            (r#"{"a":[1]}"#, "/a/0"),
        ] {
            assert_eq!(rename(body, at, "x"), None, "{body}");
        }
    }

    #[test]
    fn mask_keeps_the_last_characters() {
        assert_eq!(mask("\"12345678\"", 4), "\"****5678\"");
        assert_eq!(mask("\"1234\"", 4), "\"****\"");
        assert_eq!(mask("\"12\"", 4), "\"**\"");
        assert_eq!(mask("\"\"", 4), "\"\"");
        assert_eq!(mask("\"secret\"", 0), "\"******\"");
        assert_eq!(mask("\"\\u00e4öü€\"", 2), "\"**ü€\"");
        assert_eq!(mask("\"a\\\"b\"", 2), "\"*\\\"b\"");
        assert_eq!(mask("-12.50e3", 4), "\"****50e3\"");
        for value in ["true", "false", "null", "{}", "{\"a\":1}", "\"\\ud800\""] {
            assert_eq!(mask(value, 4), "\"***\"", "{value}");
        }
    }

    #[test]
    fn what_is_not_edited_keeps_its_text() {
        assert_eq!(
            set(
                " {\"z\" : 1.0 ,\n\"b\":12345678901234567890,\"a\":-0.10E+05,\t\"é\":\"\\u00e9 \\/ \\n\" } ",
                "/n",
                "9",
            )
            .unwrap(),
            r#"{"z":1.0,"b":12345678901234567890,"a":-0.10E+05,"é":"é / \n","n":9}"#
        );
    }

    #[test]
    fn escapes_in_keys_are_no_hiding_place() {
        assert_eq!(set(r#"{"\u0061":1}"#, "/a", "9").unwrap(), r#"{"a":9}"#);
        assert_eq!(
            set(r#"{"\ud800":1}"#, "/a", "9").unwrap(),
            r#"{"\ud800":1,"a":9}"#
        );
    }

    #[test]
    fn every_member_of_a_name_is_edited() {
        let body = r#"{"a":{"b":1,"b":2},"a":{"b":3}}"#;
        assert_eq!(
            set(body, "/a/b", "9").unwrap(),
            r#"{"a":{"b":9,"b":9},"a":{"b":9}}"#
        );
        assert_eq!(remove(body, "/a/b").unwrap(), r#"{"a":{},"a":{}}"#);
        assert_eq!(remove(body, "/a").unwrap(), "{}");
    }

    #[test]
    fn depth_is_no_limit() {
        let deep = "[".repeat(20_000) + &"]".repeat(20_000);
        let body = format!("{{\"a\":1,\"deep\":{deep}}}");
        assert_eq!(
            set(&body, "/a", "9").unwrap(),
            format!("{{\"a\":9,\"deep\":{deep}}}")
        );
    }

    /// Documents with few names, so that pointers hit.
    fn document() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!(null)),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a\"\\\\,:{}é ]{0,4}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[01a/~\"]{1,2}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    fn path() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec("[01a/~\"]{1,2}", 1..4)
    }

    fn pointer_text(path: &[String]) -> String {
        path.iter()
            .map(|name| format!("/{}", name.replace('~', "~0").replace('/', "~1")))
            .collect()
    }

    /// What `set` and `remove` (no value) do, on a tree.
    fn oracle(document: &Value, path: &[String], value: Option<&Value>) -> Option<Value> {
        let mut result = document.clone();
        let (last, parents) = path.split_last().unwrap();
        match (result.pointer_mut(&pointer_text(parents))?, value) {
            (Value::Object(object), Some(value)) => {
                object.insert(last.clone(), value.clone());
            }
            (Value::Object(object), None) => {
                object.remove(last)?;
            }
            (Value::Array(array), value) => {
                let index: usize = last
                    .parse()
                    .ok()
                    .filter(|n: &usize| n.to_string() == *last)?;
                let element = array.get_mut(index)?;
                match value {
                    Some(value) => *element = value.clone(),
                    None => drop(array.remove(index)),
                }
            }
            _ => return None,
        }
        Some(result)
    }

    fn tree(text: Option<String>) -> Option<Value> {
        text.map(|text| serde_json::from_str(&text).unwrap())
    }

    proptest! {
        #[test]
        fn edits_agree_with_edits_of_a_tree(document in document(), path in path(), value in document()) {
            for body in [document.to_string(), format!("{document:#}")] {
                let at = pointer_text(&path);
                prop_assert_eq!(
                    tree(set(&body, &at, &value.to_string())),
                    oracle(&document, &path, Some(&value))
                );
                prop_assert_eq!(tree(remove(&body, &at)), oracle(&document, &path, None));
            }
        }

        #[test]
        fn renames_agree_with_renames_in_a_tree(document in document(), path in path(), to in "[01a/~\"]{1,2}") {
            let (last, parents) = path.split_last().unwrap();
            let mut expected = document.clone();
            let found = expected
                .pointer_mut(&pointer_text(parents))
                .and_then(Value::as_object_mut)
                .and_then(|object| {
                    let value = object.remove(last)?;
                    object.insert(to.clone(), value);
                    Some(())
                });
            let at = pointer_text(&path);
            let result = edit(&document.to_string(), |document| document.rename(&pointer(&at), &Name::new(&to)));
            prop_assert_eq!(tree(result), found.map(|()| expected));
        }

        #[test]
        fn a_masked_string_keeps_its_length_and_its_end(text in "\\PC{0,12}", keep in 0_usize..8) {
            let result: String = serde_json::from_str(&masked(&string(&text), keep)).unwrap();
            let (before, after): (Vec<char>, Vec<char>) = (text.chars().collect(), result.chars().collect());
            let hidden = if before.len() > keep { before.len() - keep } else { before.len() };
            prop_assert_eq!(before.len(), after.len());
            prop_assert!(after[..hidden].iter().all(|c| *c == '*'));
            prop_assert_eq!(&before[hidden..], &after[hidden..]);
        }

        #[test]
        fn no_input_panics(bytes in prop::collection::vec(any::<u8>(), 0..40), text in "[\\[\\]{}\",:0a\\\\ ]{0,20}") {
            for input in [bytes.as_slice(), text.as_bytes()] {
                if let Some(mut document) = Document::parse(input) {
                    document.set(&pointer("/a/0"), "1");
                    document.rename(&pointer("/a"), &Name::new("0"));
                    document.mask(&pointer("/0"), 1);
                    document.remove(&pointer("/a"));
                    prop_assert!(Document::parse(&document.into_bytes()).is_some());
                }
            }
        }
    }
}
