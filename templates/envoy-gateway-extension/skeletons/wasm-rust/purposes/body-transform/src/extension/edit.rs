//! Carries operations out on a document, in one pass over its text whatever their number.

use std::collections::{BTreeMap, BTreeSet};

use super::json::{canonical, masked, string, Scanner};

/// One edit at one place of a document.
#[derive(Debug)]
pub struct Operation {
    /// The steps of its JSON pointer (RFC 6901); never empty.
    pub path: Vec<Token>,
    pub action: Action,
}

#[derive(Debug)]
pub enum Action {
    /// Replaces a value, or adds a member to an object that is there. It is compact JSON text.
    Set(String),
    Remove,
    /// Gives a member another name, in place of a member that has it already. The name is a
    /// canonical JSON string. The elements of an array have none.
    Rename(String),
    /// Hides all but the last characters of a value.
    Mask(usize),
}

/// One step of a JSON pointer.
#[derive(Debug)]
pub struct Token {
    /// The member's name, as a canonical JSON string.
    key: String,
    /// The array element's number.
    index: Option<usize>,
}

/// An edit calls itself for each step of a pointer, and the stack of a Wasm module is small.
const MAX_STEPS: usize = 256;

/// None if `text` is not a pointer, names the whole document, or has too many steps.
pub fn pointer(text: &str) -> Option<Vec<Token>> {
    let path = text
        .strip_prefix('/')?
        .split('/')
        .map(Token::parse)
        .collect::<Option<Vec<Token>>>()?;
    (path.len() <= MAX_STEPS).then_some(path)
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

/// Whether an operation could find its place in an array.
pub fn begin_with_index(operations: &[Operation]) -> bool {
    let mut first = operations.iter().filter_map(|o| o.path.first());
    first.any(|token| token.index.is_some())
}

/// The new text of a document; None if no operation found its place.
pub fn edit(text: &str, operations: &[Operation]) -> Option<String> {
    let mut editor = Editor {
        out: String::with_capacity(text.len()),
        ..Editor::default()
    };
    editor.document(text, operations);
    editor.found.then_some(editor.out)
}

#[derive(Default)]
struct Editor {
    out: String,
    /// An operation found its place.
    found: bool,
    /// Bytes that were looked at, for tests.
    #[cfg_attr(not(test), allow(dead_code))]
    read: usize,
}

/// What becomes of a member or an element.
#[derive(Clone, Default)]
struct Fate<'a> {
    /// The name, as a canonical JSON string; None in an array.
    key: Option<&'a str>,
    gone: bool,
    /// The new value; None leaves the old one.
    base: Option<&'a str>,
    /// What reaches further into the value.
    below: Vec<&'a Operation>,
    /// How much each mask leaves, in order; `below` is then empty.
    masks: Vec<usize>,
}

impl<'a> Fate<'a> {
    /// Applies an operation whose place in the container is this one. Names and neighbours are
    /// the caller's.
    fn take(&mut self, operation: &'a Operation, depth: usize) {
        if !is_last(operation, depth) {
            if self.masks.is_empty() {
                self.below.push(operation); // else it is a string, and nothing is below
            }
            return;
        }
        match &operation.action {
            Action::Set(value) => {
                self.base = Some(value);
                self.below.clear();
                self.masks.clear();
            }
            Action::Remove => self.gone = true,
            Action::Mask(keep) => {
                // What happens below makes no difference: a container is hidden as a whole.
                self.below.clear();
                self.masks.push(*keep);
            }
            Action::Rename(_) => {}
        }
    }
}

fn is_last(operation: &Operation, depth: usize) -> bool {
    operation.path.len() == depth.saturating_add(1)
}

/// The new name, if this operation gives one to a child at this depth.
fn renames(operation: &Operation, depth: usize) -> Option<&str> {
    match &operation.action {
        Action::Rename(to) if is_last(operation, depth) => Some(to),
        _ => None,
    }
}

fn key(operation: &Operation, depth: usize) -> &str {
    operation.path.get(depth).map_or("", |token| &token.key)
}

fn index(operation: &Operation, depth: usize) -> Option<usize> {
    operation.path.get(depth)?.index
}

impl Editor {
    fn document(&mut self, text: &str, operations: &[Operation]) {
        let all: Vec<&Operation> = operations.iter().collect();
        self.value(&mut Scanner::new(text), &all, 0);
    }

    /// Reads a value and writes it with the operations applied. The first `depth` steps of their
    /// paths have led here.
    fn value(&mut self, scanner: &mut Scanner, operations: &[&Operation], depth: usize) {
        match scanner.peek() {
            Some(b'{') => self.object(scanner, operations, depth),
            Some(b'[') => self.array(scanner, operations, depth),
            _ => self.copy(scanner),
        }
    }

    fn copy(&mut self, scanner: &mut Scanner) {
        scanner.peek();
        let start = scanner.position();
        scanner.copy_to(&mut self.out);
        self.count(start, scanner);
    }

    /// A key that occurs twice is followed twice: parsers disagree on which of them counts.
    fn object<'o>(&mut self, scanner: &mut Scanner, operations: &[&'o Operation], depth: usize) {
        let names: BTreeSet<&'o str> = operations
            .iter()
            .flat_map(|&o| [Some(key(o, depth)), renames(o, depth)])
            .flatten()
            .collect();
        let renamed = operations.iter().any(|o| renames(o, depth).is_some());
        // Without renames, what becomes of a member does not depend on its neighbours.
        let present = match renamed {
            true => self.look_ahead(scanner, &names),
            false => names.clone(),
        };
        let expected = simulate(operations, depth, &present);

        self.bracket(scanner, '{');
        let mut seen = BTreeSet::new();
        let mut empty = true;
        while !matches!(scanner.peek(), None | Some(b'}')) {
            let start = scanner.position();
            let name = canonical(scanner.quoted());
            self.count(start, scanner);
            let known = names.get(name.as_ref()).copied();
            seen.extend(known);
            let fate = known.and_then(|name| expected.of.get(name));
            let fate = fate.and_then(|&at| expected.fates.get(at));
            match fate {
                Some(fate) => self.child(scanner, fate, depth, &mut empty),
                None => {
                    self.key(Some(&name), &mut empty);
                    self.copy(scanner);
                }
            }
        }
        let actual = match renamed {
            true => expected,
            false => simulate(operations, depth, &seen),
        };
        self.found |= actual.found;
        let added = actual.added.iter().filter_map(|&at| actual.fates.get(at));
        for fate in added.filter(|fate| !fate.gone) {
            self.child(&mut Scanner::new("0"), fate, depth, &mut empty);
        }
        self.bracket(scanner, '}');
    }

    fn array(&mut self, scanner: &mut Scanner, operations: &[&Operation], depth: usize) {
        self.bracket(scanner, '[');
        // Beyond the last index that is named, an element only moves.
        let named = operations.iter().filter_map(|o| index(o, depth)).max();
        let last = named.map(|last| last.saturating_add(operations.len()));
        let mut empty = true;
        let mut at = 0_usize;
        while !matches!(scanner.peek(), None | Some(b']')) {
            if last.is_some_and(|last| at <= last) {
                let fate = self.element(at, operations, depth);
                self.child(scanner, &fate, depth, &mut empty);
            } else {
                self.key(None, &mut empty);
                self.copy(scanner);
            }
            at = at.saturating_add(1);
        }
        self.bracket(scanner, ']');
    }

    /// What becomes of an array's element. Its index sinks when one before it is removed.
    fn element<'a>(
        &mut self,
        mut at: usize,
        operations: &[&'a Operation],
        depth: usize,
    ) -> Fate<'a> {
        let mut fate = Fate::default();
        for operation in operations {
            let Some(named) = index(operation, depth) else {
                continue;
            };
            let last = is_last(operation, depth);
            if named == at && renames(operation, depth).is_none() {
                fate.take(operation, depth);
                self.found |= last;
                if fate.gone {
                    break;
                }
            } else if named < at && last && matches!(operation.action, Action::Remove) {
                at = at.saturating_sub(1);
            }
        }
        fate
    }

    /// Writes a member or an element in place of the value that comes next.
    fn child(&mut self, scanner: &mut Scanner, fate: &Fate, depth: usize, empty: &mut bool) {
        if fate.gone {
            self.skip(scanner);
            return;
        }
        self.key(fate.key, empty);
        let below = depth.saturating_add(1);
        if !fate.masks.is_empty() {
            let old = self.skip(scanner);
            let mut text = fate.base.unwrap_or(old).to_owned();
            for keep in &fate.masks {
                text = masked(&text, *keep);
            }
            self.out.push_str(&text);
        } else if let Some(base) = fate.base {
            self.skip(scanner);
            self.value(&mut Scanner::new(base), &fate.below, below);
        } else if fate.below.is_empty() {
            self.copy(scanner);
        } else {
            self.value(scanner, &fate.below, below);
        }
    }

    fn key(&mut self, key: Option<&str>, empty: &mut bool) {
        if !*empty {
            self.out.push(',');
        }
        *empty = false;
        if let Some(key) = key {
            self.out.push_str(key);
            self.out.push(':');
        }
    }

    fn bracket(&mut self, scanner: &mut Scanner, bracket: char) {
        scanner.advance();
        self.out.push(bracket);
        self.read = self.read.saturating_add(1);
    }

    /// Reads a value that is not written.
    fn skip<'t>(&mut self, scanner: &mut Scanner<'t>) -> &'t str {
        let value = scanner.value();
        self.read = self.read.saturating_add(value.len());
        value
    }

    /// Which of the names the object has that begins here.
    fn look_ahead<'n>(
        &mut self,
        scanner: &Scanner,
        names: &BTreeSet<&'n str>,
    ) -> BTreeSet<&'n str> {
        let mut present = BTreeSet::new();
        let mut ahead = scanner.clone();
        ahead.advance();
        while !matches!(ahead.peek(), None | Some(b'}')) {
            present.extend(names.get(canonical(ahead.quoted()).as_ref()).copied());
            ahead.value();
        }
        self.count(scanner.position(), &ahead);
        present
    }

    fn count(&mut self, start: usize, scanner: &Scanner) {
        let bytes = scanner.position().saturating_sub(start);
        self.read = self.read.saturating_add(bytes);
    }
}

/// What operations make of an object.
struct Outcome<'a> {
    fates: Vec<Fate<'a>>,
    /// Where the fate of a member is, by the name that it has at first.
    of: BTreeMap<&'a str, usize>,
    /// Where those of new members are, in order.
    added: Vec<usize>,
    found: bool,
}

/// Follows the names of an object through the operations. Members of one name share their fate, so
/// this does not depend on how many there are.
fn simulate<'a>(
    operations: &[&'a Operation],
    depth: usize,
    present: &BTreeSet<&'a str>,
) -> Outcome<'a> {
    let mut outcome = Outcome {
        fates: present.iter().map(|name| named(name)).collect(),
        of: present.iter().enumerate().map(|(at, &n)| (n, at)).collect(),
        added: Vec::new(),
        found: false,
    };
    let mut now = outcome.of.clone(); // by the names that members have by now
    for operation in operations {
        let name = key(operation, depth);
        let last = is_last(operation, depth);
        let Some(at) = now.get(name).copied() else {
            if let (true, Action::Set(value)) = (last, &operation.action) {
                let at = outcome.fates.len();
                let mut fate = named(name);
                fate.base = Some(value);
                outcome.fates.push(fate);
                outcome.added.push(at);
                outcome.found = true;
                now.insert(name, at);
            }
            continue;
        };
        outcome.found |= last;
        if let Some(to) = renames(operation, depth) {
            now.remove(name);
            let other = now.insert(to, at);
            if let Some(fate) = other.and_then(|other| outcome.fates.get_mut(other)) {
                fate.gone = true;
            }
            if let Some(fate) = outcome.fates.get_mut(at) {
                fate.key = Some(to);
            }
        } else if let Some(fate) = outcome.fates.get_mut(at) {
            fate.take(operation, depth);
            if fate.gone {
                now.remove(name);
            }
        }
    }
    outcome
}

fn named(name: &str) -> Fate<'_> {
    Fate {
        key: Some(name),
        ..Fate::default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{json, Value};

    use super::super::json;
    use super::*;

    fn operation(at: &str, action: Action) -> Operation {
        let path = pointer(at).unwrap();
        Operation { path, action }
    }

    fn edit_one(body: &str, at: &str, action: Action) -> Option<String> {
        edit(body, &[operation(at, action)])
    }

    fn set(body: &str, at: &str, value: &str) -> Option<String> {
        edit_one(body, at, Action::Set(value.to_owned()))
    }

    fn remove(body: &str, at: &str) -> Option<String> {
        edit_one(body, at, Action::Remove)
    }

    fn rename(body: &str, at: &str, to: &str) -> Option<String> {
        edit_one(body, at, Action::Rename(string(to)))
    }

    fn mask(body: &str, keep: usize) -> String {
        edit_one(&format!("[{body}]"), "/0", Action::Mask(keep))
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
    fn operations_see_what_those_before_them_left() {
        let body = r#"{"b":1,"a":{"x":"secret"},"list":[1,2,3]}"#;
        let operations = [
            operation("/a", Action::Rename(string("b"))),
            operation("/b/x", Action::Mask(0)),
            operation("/list/0", Action::Remove),
            operation("/list/0", Action::Remove),
            operation("/list/0", Action::Mask(0)),
            operation("/new", Action::Set("{}".to_owned())),
            operation("/new/y", Action::Set("1".to_owned())),
        ];
        assert_eq!(
            edit(body, &operations).as_deref(),
            Some(r#"{"b":{"x":"******"},"list":["*"],"new":{"y":1}}"#)
        );
    }

    #[test]
    fn a_pointer_has_a_limit() {
        assert!(pointer(&"/a".repeat(MAX_STEPS)).is_some());
        assert!(pointer(&"/a".repeat(MAX_STEPS + 1)).is_none());
    }

    /// Counts the bytes that are looked at: about each once, and once more for each depth at which
    /// a new name may replace another one, whatever is repeated.
    #[test]
    fn work_grows_with_the_text() {
        let many = |text: &str| text.repeat(20_000);
        let rename = |at, to| operation(at, Action::Rename(string(to)));
        let mask = |at| operation(at, Action::Mask(1));
        let remove = |at| operation(at, Action::Remove);
        for (body, looks, operations) in [
            (
                format!("{{{}\"b\":1}}", many("\"a\":12,")),
                1,
                vec![mask("/a")],
            ),
            (
                format!("{{{}\"b\":1}}", many("\"a\":{\"b\":1},")),
                1,
                vec![mask("/a/b")],
            ),
            (
                format!("{{{}\"b\":1}}", many("\"a\":12,")),
                1,
                vec![remove("/a"), remove("/b")],
            ),
            (
                format!("{{{}\"b\":1}}", many("\"a\":12,\"c\":1,")),
                2,
                vec![rename("/a", "c"), rename("/c", "d")],
            ),
            (
                format!("{{\"a\":{{\"a\":[{}1]}}}}", many("1,")),
                3,
                vec![rename("/a", "x"), rename("/x/a", "x")],
            ),
            (
                format!("[{}1]", many("1,")),
                1,
                vec![remove("/0"), remove("/0"), mask("/1")],
            ),
        ] {
            let mut editor = Editor::default();
            editor.document(&body, &operations);
            assert!(editor.found);
            let most = looks * body.len() + 16;
            assert!(editor.read <= most, "{} of {}", editor.read, body.len());
        }
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

    fn document_text() -> impl Strategy<Value = String> {
        document().prop_map(|value| value.to_string())
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
            let result = rename(&document.to_string(), &at, &to);
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
        fn one_pass_is_as_good_as_many(
            document in document(),
            steps in prop::collection::vec((path(), 0..4, "[01a]", document_text()), 1..6),
        ) {
            let operations: Vec<Operation> = steps
                .iter()
                .map(|(path, kind, name, value)| {
                    let action = match kind {
                        0 => Action::Set(value.clone()),
                        1 => Action::Remove,
                        2 => Action::Rename(string(name)),
                        _ => Action::Mask(1),
                    };
                    operation(&pointer_text(path), action)
                })
                .collect();
            let body = document.to_string();
            let one_by_one = operations.iter().fold((body.clone(), false), |(text, changed), step| {
                match edit(&text, std::slice::from_ref(step)) {
                    Some(next) => (next, true),
                    None => (text, changed),
                }
            });
            let at_once = edit(&body, &operations);
            prop_assert_eq!(at_once, one_by_one.1.then_some(one_by_one.0));
        }

        #[test]
        fn no_input_panics(bytes in prop::collection::vec(any::<u8>(), 0..40), text in "[\\[\\]{}\",:0a\\\\ ]{0,20}") {
            let operations = [
                operation("/a/0", Action::Set("1".to_owned())),
                operation("/a", Action::Rename(string("0"))),
                operation("/0", Action::Mask(1)),
                operation("/a", Action::Remove),
            ];
            for input in [bytes.as_slice(), text.as_bytes()] {
                if let Some(text) = json::document(input) {
                    let edited = edit(text, &operations).unwrap_or_default();
                    prop_assert!(edited.is_empty() || json::document(edited.as_bytes()).is_some());
                }
                // Not a document: whatever comes out, it ends.
                if let Ok(text) = std::str::from_utf8(input) {
                    edit(text, &operations);
                }
            }
        }
    }
}
