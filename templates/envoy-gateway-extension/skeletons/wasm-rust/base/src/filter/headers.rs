//! The headers of one message, changed in place, and what has to be told to Envoy afterwards.
//!
//! Envoy copies all headers at once or none. They are copied when the extension first reads one, so
//! that an extension that only writes costs no copy.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fmt;

use super::envoy::HeaderLines;
use super::services::HostError;

type Source = Box<dyn Fn() -> Result<HeaderLines, HostError>>;

/// Header lines in their order. Names are lower case, as Envoy has them; a value is any bytes.
#[derive(Default)]
pub struct Headers {
    /// Asks Envoy. None where `received` is filled from the start.
    source: Option<Source>,
    /// The lines that Envoy has.
    received: OnceCell<Result<HeaderLines, HostError>>,
    edits: BTreeMap<String, Edit>,
}

/// What happened to the lines of one name.
#[derive(Debug, Default)]
struct Edit {
    /// Whether the lines that Envoy has are gone.
    cleared: bool,
    appended: Vec<Vec<u8>>,
}

/// One header name whose lines are no longer what Envoy has.
#[derive(Debug, PartialEq, Eq)]
pub struct Change {
    pub name: String,
    /// Whether Envoy's lines have to go first.
    pub clear: bool,
    pub values: Vec<Vec<u8>>,
}

impl Headers {
    pub fn new(lines: HeaderLines) -> Self {
        Headers {
            received: OnceCell::from(Ok(lines)),
            ..Headers::default()
        }
    }

    /// Headers that `source` returns when they are read, once at most.
    pub fn of(source: impl Fn() -> Result<HeaderLines, HostError> + 'static) -> Self {
        Headers {
            source: Some(Box::new(source)),
            ..Headers::default()
        }
    }

    /// The values of `name`, one for each line. There are none if Envoy did not tell, which
    /// `failure` says.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let edit = self.edit_of(name);
        let received = match edit {
            Some(edit) if edit.cleared => &[],
            _ => self.received(),
        };
        let received = received
            .iter()
            .filter(move |(line, _)| line.eq_ignore_ascii_case(name))
            .map(|(_, value)| value);
        received
            .chain(edit.into_iter().flat_map(|edit| &edit.appended))
            .map(Vec::as_slice)
    }

    /// The first value of `name`, if it is UTF-8.
    pub fn text(&self, name: &str) -> Option<&str> {
        let edit = self.edit_of(name);
        let received = match edit {
            Some(edit) if edit.cleared => None,
            _ => {
                let mut lines = self.received().iter();
                lines.find(|(line, _)| line.eq_ignore_ascii_case(name))
            }
        };
        let value = match received {
            Some((_, value)) => value,
            None => edit?.appended.first()?,
        };
        std::str::from_utf8(value).ok()
    }

    /// Whether the content-type lines name only charsets that are known, which are given in lower
    /// case, or plainly none.
    ///
    /// Receivers read a parameter that is not written plainly in different ways: a continuation
    /// (`charset*0`), an extended value (`charset*`), a value with blanks, escapes or a part of a
    /// quoted text (RFC 2231, RFC 9110). So whatever has "charset" in it and is not `charset=value`
    /// or `charset="value"` is not known.
    pub fn charsets_are(&self, known: impl Fn(&str) -> bool) -> bool {
        self.values("content-type").all(|line| {
            let line = String::from_utf8_lossy(line).to_ascii_lowercase();
            let is_plain = |byte: u8| byte == b'\t' || (b' '..=b'~').contains(&byte);
            // Quotes are no hindrance: a receiver may not know them.
            line.bytes().all(is_plain)
                && line
                    .split([';', ','])
                    .filter(|part| part.contains("charset"))
                    .all(|part| plain_charset(part).is_some_and(&known))
        })
    }

    /// Afterwards `name` has this one value, whether or not it was there.
    pub fn set(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.remove(name);
        self.append(name, value);
    }

    /// Adds one more value after those that `name` has.
    pub fn append(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.edit(name).appended.push(value.into());
    }

    /// Removes all lines of `name`.
    pub fn remove(&mut self, name: &str) {
        let edit = self.edit(name);
        edit.cleared = true;
        edit.appended.clear();
    }

    /// Moves all values of `name` to `to`, in place of those that `to` had. Does nothing if
    /// `name` is absent.
    pub fn rename(&mut self, name: &str, to: &str) {
        let values: Vec<Vec<u8>> = self.values(name).map(<[u8]>::to_vec).collect();
        if values.is_empty() {
            return;
        }
        self.remove(name);
        self.remove(to);
        for value in values {
            self.append(to, value);
        }
    }

    /// What Envoy has to be told. Where the headers were read, only what differs is among it.
    pub fn changes(&self) -> Vec<Change> {
        self.edits
            .iter()
            .filter_map(|(name, edit)| self.change(name, edit))
            .collect()
    }

    /// Reads what Envoy has, for later, when it may have changed.
    pub fn load(&self) {
        self.received();
    }

    /// Why Envoy did not tell its headers, if they were read.
    pub fn failure(&self) -> Option<HostError> {
        self.received.get()?.as_ref().err().copied()
    }

    fn change(&self, name: &str, edit: &Edit) -> Option<Change> {
        let change = |clear| Change {
            name: name.to_owned(),
            clear,
            values: edit.appended.clone(),
        };
        if !edit.cleared {
            return (!edit.appended.is_empty()).then(|| change(false));
        }
        let Some(Ok(lines)) = self.received.get() else {
            return Some(change(true));
        };
        let before: Vec<&Vec<u8>> = lines
            .iter()
            .filter(|(line, _)| line == name)
            .map(|(_, value)| value)
            .collect();
        let same = before.iter().copied().eq(&edit.appended);
        (!same).then(|| change(!before.is_empty()))
    }

    fn received(&self) -> &[(String, Vec<u8>)] {
        let lines = self.received.get_or_init(|| match &self.source {
            Some(source) => source(),
            None => Ok(Vec::new()),
        });
        lines.as_deref().unwrap_or_default()
    }

    fn edit_of(&self, name: &str) -> Option<&Edit> {
        if self.edits.is_empty() {
            return None;
        }
        self.edits.get(&name.to_ascii_lowercase())
    }

    fn edit(&mut self, name: &str) -> &mut Edit {
        self.edits.entry(name.to_ascii_lowercase()).or_default()
    }
}

/// The value of `charset=value` or `charset="value"`.
fn plain_charset(parameter: &str) -> Option<&str> {
    let (name, value) = parameter.split_once('=')?;
    if name.trim_matches([' ', '\t']) != "charset" {
        return None;
    }
    let value = value.trim_matches([' ', '\t']);
    match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"'),
        None => Some(value),
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Headers")
            .field("received", &self.received)
            .field("edits", &self.edits)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::headers;
    use super::*;

    fn values(headers: &Headers, name: &str) -> Vec<String> {
        headers
            .values(name)
            .map(|value| String::from_utf8(value.to_vec()).unwrap())
            .collect()
    }

    #[test]
    fn set_replaces_all_lines() {
        let mut headers = headers(&[("x-a", "one"), ("x-a", "two")]);
        headers.set("x-a", "v");
        assert_eq!(values(&headers, "x-a"), ["v"]);
    }

    #[test]
    fn append_keeps_the_lines_that_are_there() {
        let mut headers = headers(&[("x-a", "one"), ("x-b", "b"), ("x-a", "two")]);
        headers.append("X-A", "three");
        assert_eq!(values(&headers, "x-a"), ["one", "two", "three"]);
    }

    #[test]
    fn rename_replaces_the_target_and_needs_a_source() {
        let mut headers = headers(&[("x-old", "one"), ("x-old", "two"), ("x-new", "gone")]);
        headers.rename("x-old", "x-new");
        headers.rename("x-absent", "x-new");
        assert_eq!(values(&headers, "x-new"), ["one", "two"]);
        assert_eq!(values(&headers, "x-old"), [""; 0]);
    }

    #[test]
    fn a_name_renamed_to_itself_keeps_its_values() {
        let mut headers = headers(&[("x-a", "one"), ("x-a", "two")]);
        headers.rename("x-a", "x-a");
        assert_eq!(headers.changes(), []);
    }

    #[test]
    fn only_what_differs_is_a_change() {
        let mut headers = headers(&[("x-same", "v"), ("x-gone", "v"), ("x-other", "v")]);
        headers.set("x-same", "v");
        headers.remove("x-gone");
        headers.remove("x-absent");
        headers.append("x-new", "v");
        let changes = headers.changes();
        let names: Vec<&str> = changes.iter().map(|change| change.name.as_str()).collect();
        assert_eq!(names, ["x-gone", "x-new"]);
    }

    #[test]
    fn text_is_none_for_a_value_that_is_not_utf8() {
        let headers = Headers::new(vec![("x-a".to_owned(), vec![0xff])]);
        assert_eq!(headers.text("x-a"), None);
        assert_eq!(headers.values("x-a").count(), 1);
    }

    #[test]
    fn charsets_are_plain_or_not_known() {
        let are = |lines: &[&str]| {
            let lines: Vec<(&str, &str)> =
                lines.iter().map(|line| ("content-type", *line)).collect();
            headers(&lines).charsets_are(|charset| matches!(charset, "utf-8" | "ascii"))
        };
        for plain in [
            [].as_slice(),
            &["text/plain"],
            &["text/plain; boundary=\"a b;c\"; format=flowed"],
            &["text/plain;charset=utf-8"],
            &["text/plain ;\tCharset = UTF-8 ; a=b"],
            &["text/plain; charset=\"utf-8\""],
            &["text/plain; charset=utf-8, text/html; charset=ascii"],
            &["text/plain; charset=utf-8", "text/plain"],
        ] {
            assert!(are(plain), "{plain:?}");
        }
        for tricky in [
            ["text/plain; charset=utf-7"].as_slice(),
            &["text/plain; charset="],
            &["text/plain; charset=\"\""],
            &["text/plain; charset"],
            &["text/plain; charset*0=utf-; charset*1=7"],
            &["text/plain; charset*0*=utf-8''utf-7"],
            &["text/plain; charset*=us-ascii''utf-7"],
            &["text/plain; charset*=utf-8"],
            &["text/plain; charset=\" utf-8\""],
            &["text/plain; charset=\"utf-8 \""],
            &["text/plain; charset=\";utf-7\""],
            &["text/plain; charset=\"utf-8;\""],
            &["text/plain; charset=\"utf-8"],
            &["text/plain; charset=utf-8\""],
            &["text/plain; charset=\"utf\\-8\""],
            &["text/plain; charset='utf-8'"],
            &["text/plain; charset=utf-8; charset=utf-7"],
            &["text/plain; charset=utf-8, text/html; charset=utf-7"],
            &["text/plain; charset=utf-8", "text/plain; charset=utf-7"],
            &["text/plain; a=b\"; charset=utf-7; c=\""],
            &["text/plain; a=\"charset=utf-7\""],
            &["text/plain; a=b charset=utf-7"],
            &["text/plain; charset(a)=utf-8"],
            &["text/plain; charset\x0b=utf-8"],
            &["text/plain; char\u{17f}et=utf-7"],
        ] {
            assert!(!are(tricky), "{tricky:?}");
        }
    }

    #[test]
    fn what_is_only_written_is_not_read() {
        let mut headers = Headers::of(|| panic!("read"));
        headers.append("x-a", "one");
        headers.set("X-B", "two");
        headers.remove("x-c");
        assert_eq!(headers.text("x-b"), Some("two"));
        assert_eq!(values(&headers, "x-c"), [""; 0]);
        let change = |name: &str, clear, values: &[&str]| Change {
            name: name.to_owned(),
            clear,
            values: values.iter().map(|v| v.as_bytes().to_vec()).collect(),
        };
        assert_eq!(
            headers.changes(),
            [
                change("x-a", false, &["one"]),
                change("x-b", true, &["two"]),
                change("x-c", true, &[]),
            ]
        );
    }

    #[test]
    fn a_failed_read_is_told() {
        let error = HostError {
            call: "proxy_get_header_map_pairs",
            status: 10,
        };
        let headers = Headers::of(move || Err(error));
        assert_eq!(headers.failure(), None);
        assert_eq!(headers.text("x-a"), None);
        assert_eq!(headers.failure(), Some(error));
    }

    proptest! {
        /// Envoy has the first lines; with the changes made to them it has what the extension sees.
        #[test]
        fn changes_lead_from_the_first_lines_to_the_last(
            lines in prop::collection::vec(("[ab]", "[xy]"), 0..5),
            edits in prop::collection::vec((0..4, "[abc]", "[abc]"), 0..6),
        ) {
            let mut envoy: HeaderLines =
                lines.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
            let mut headers = Headers::new(envoy.clone());
            for (kind, name, other) in edits {
                match kind {
                    0 => headers.set(&name, other),
                    1 => headers.append(&name, other),
                    2 => headers.remove(&name),
                    _ => headers.rename(&name, &other),
                }
            }
            for change in headers.changes() {
                let had = envoy.iter().any(|(name, _)| *name == change.name);
                prop_assert!(had || !change.clear);
                if change.clear {
                    envoy.retain(|(name, _)| *name != change.name);
                }
                envoy.extend(change.values.into_iter().map(|value| (change.name.clone(), value)));
            }
            let envoy = Headers::new(envoy);
            for name in ["a", "b", "c"] {
                prop_assert_eq!(values(&envoy, name), values(&headers, name));
            }
        }
    }
}
