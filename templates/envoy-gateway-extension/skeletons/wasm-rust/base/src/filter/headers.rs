//! The headers of one message, changed in place, and what has to be told to Envoy afterwards.

use std::collections::BTreeMap;

use super::envoy::HeaderLines;

/// Header lines in their order. Names are lower case, as Envoy has them; a value is any bytes.
#[derive(Debug, Default)]
pub struct Headers {
    lines: HeaderLines,
    /// The values that each changed name had at first.
    before: BTreeMap<String, Vec<Vec<u8>>>,
}

/// One header name whose lines are no longer what Envoy has.
#[derive(Debug, PartialEq, Eq)]
pub struct Change {
    pub name: String,
    pub had_values: bool,
    pub values: Vec<Vec<u8>>,
}

impl Headers {
    pub fn new(lines: HeaderLines) -> Self {
        Headers {
            lines,
            before: BTreeMap::new(),
        }
    }

    /// The values of `name`, one for each line.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.lines
            .iter()
            .filter(move |(line, _)| line.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_slice())
    }

    /// The first value of `name`, if it is UTF-8.
    pub fn text(&self, name: &str) -> Option<&str> {
        let (_, value) = self
            .lines
            .iter()
            .find(|(line, _)| line.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }

    /// Afterwards `name` has this one value, whether or not it was there.
    pub fn set(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.remove(name);
        self.append(name, value);
    }

    /// Adds one more value after those that `name` has.
    pub fn append(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        let name = self.remember(name);
        self.lines.push((name, value.into()));
    }

    /// Removes all lines of `name`.
    pub fn remove(&mut self, name: &str) {
        let name = self.remember(name);
        self.lines.retain(|(line, _)| *line != name);
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

    /// The names whose values differ from those at first.
    pub fn changes(&self) -> Vec<Change> {
        self.before
            .iter()
            .filter_map(|(name, before)| {
                let values: Vec<Vec<u8>> = self.values(name).map(<[u8]>::to_vec).collect();
                (values != *before).then(|| Change {
                    name: name.clone(),
                    had_values: !before.is_empty(),
                    values,
                })
            })
            .collect()
    }

    fn remember(&mut self, name: &str) -> String {
        let name = name.to_ascii_lowercase();
        if !self.before.contains_key(&name) {
            let values = self.values(&name).map(<[u8]>::to_vec).collect();
            self.before.insert(name.clone(), values);
        }
        name
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
                prop_assert_eq!(had, change.had_values);
                envoy.retain(|(name, _)| *name != change.name);
                envoy.extend(change.values.into_iter().map(|value| (change.name.clone(), value)));
            }
            let envoy = Headers::new(envoy);
            for name in ["a", "b", "c"] {
                prop_assert_eq!(values(&envoy, name), values(&headers, name));
            }
        }
    }
}
