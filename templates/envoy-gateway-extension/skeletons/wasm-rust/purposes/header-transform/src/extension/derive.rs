//! What becomes of the value of a source.

use std::collections::BTreeMap;

use regex_lite::Regex;

use super::source::Source;
use crate::filter::config::{ConfigError, Field};

/// The value that each value becomes.
type Table = BTreeMap<Vec<u8>, Vec<u8>>;

/// Makes a value out of a source: a part of it, what the table has for that part, and a text before
/// and behind it.
#[derive(Debug)]
pub struct Derivation {
    /// Several are joined; there is a value only where each of them has one.
    pub inputs: Vec<Source>,
    separator: String,
    part: Part,
    /// None: values stay.
    table: Option<Table>,
    prefix: String,
    suffix: String,
    /// Where there is no value.
    default: String,
}

#[derive(Debug)]
enum Part {
    Whole,
    /// 1 is the first, -1 the last.
    Separated(String, i64),
    Pattern(Regex),
}

/// The keys of an operation that derives a value, besides its own.
pub const KEYS: [&str; 6] = ["from", "part", "table", "prefix", "suffix", "default"];

impl Derivation {
    pub fn from_config(item: &Field) -> Result<Self, ConfigError> {
        let (inputs, separator) = inputs(&item.member("from")?)?;
        Ok(Derivation {
            inputs,
            separator,
            part: Part::from_config(&item.member("part")?)?,
            table: table(&item.member("table")?)?,
            prefix: item.member("prefix")?.header_value()?,
            suffix: item.member("suffix")?.header_value()?,
            default: item.member("default")?.header_value()?,
        })
    }

    /// Empty if there is no value. `values` are those of the inputs.
    pub fn value(&self, values: &[Vec<u8>]) -> Vec<u8> {
        let source = match values.iter().any(Vec::is_empty) {
            true => Vec::new(),
            false => values.join(self.separator.as_bytes()),
        };
        let part = self.part.of(&source);
        let value = match &self.table {
            None => part,
            Some(table) => table.get(part).map(Vec::as_slice).unwrap_or_default(),
        };
        match value {
            [] => self.default.as_bytes().to_vec(),
            value => [self.prefix.as_bytes(), value, self.suffix.as_bytes()].concat(),
        }
    }
}

impl Part {
    fn from_config(field: &Field) -> Result<Self, ConfigError> {
        let kind = field.member("kind")?;
        match kind.text()? {
            "whole" => {
                field.only_keys(&["kind"])?;
                Ok(Part::Whole)
            }
            "separated" => {
                field.only_keys(&["kind", "separator", "number"])?;
                let separator = field.member("separator")?;
                if separator.text()?.is_empty() {
                    return Err(separator.error("write the text between the parts"));
                }
                let number = field.member("number")?;
                match number.integer()? {
                    0 => Err(number.error("write 1 for the first part, -1 for the last")),
                    n => Ok(Part::Separated(separator.text()?.to_owned(), n)),
                }
            }
            "pattern" => {
                field.only_keys(&["kind", "pattern"])?;
                let pattern = field.member("pattern")?;
                Regex::new(pattern.text()?)
                    .map(Part::Pattern)
                    .map_err(|error| pattern.error(format!("write a regular expression: {error}")))
            }
            _ => Err(kind.error("use whole, separated or pattern")),
        }
    }

    /// Empty if there is no such part.
    fn of<'a>(&self, value: &'a [u8]) -> &'a [u8] {
        match self {
            Part::Whole => value,
            Part::Separated(separator, number) => {
                trimmed(nth(value, separator.as_bytes(), *number).unwrap_or_default())
            }
            Part::Pattern(regex) => trimmed(first_match(regex, value).unwrap_or_default()),
        }
    }
}

fn nth<'a>(value: &'a [u8], separator: &[u8], number: i64) -> Option<&'a [u8]> {
    let parts = split(value, separator);
    let last = i64::try_from(parts.len()).ok()?;
    let index = if number > 0 {
        number - 1
    } else {
        last + number
    };
    parts.get(usize::try_from(index).ok()?).copied()
}

fn split<'a>(value: &'a [u8], separator: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    while let Some(rest) = value.get(at..) {
        if rest.is_empty() {
            break;
        }
        if rest.starts_with(separator) {
            parts.push(value.get(start..at).unwrap_or_default());
            at += separator.len();
            start = at;
        } else {
            at += 1;
        }
    }
    parts.push(value.get(start..).unwrap_or_default());
    parts
}

/// The group of the first match, or all of it. Patterns match ASCII only, so a match lies within a
/// piece of the value that is UTF-8.
fn first_match<'a>(regex: &Regex, value: &'a [u8]) -> Option<&'a [u8]> {
    value.utf8_chunks().find_map(|chunk| {
        let captures = regex.captures(chunk.valid())?;
        let group = usize::from(captures.len() > 1);
        Some(
            captures
                .get(group)
                .map_or(b"".as_slice(), |found| found.as_str().as_bytes()),
        )
    })
}

/// Without blanks at the ends: a header value cannot have them.
pub fn trimmed(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

fn inputs(field: &Field) -> Result<(Vec<Source>, String), ConfigError> {
    if field.member("kind")?.text()? != "joined" {
        return Ok((vec![Source::from_config(field)?], String::new()));
    }
    field.only_keys(&["kind", "inputs", "separator"])?;
    let list = field.member("inputs")?;
    let inputs = list
        .items()?
        .map(|input| Source::from_config(&input))
        .collect::<Result<Vec<Source>, ConfigError>>()?;
    if inputs.len() < 2 {
        return Err(list.error("write at least two sources"));
    }
    Ok((inputs, field.member("separator")?.header_value()?))
}

fn table(list: &Field) -> Result<Option<Table>, ConfigError> {
    let mut table = Table::new();
    for entry in list.items()? {
        entry.only_keys(&["when", "use"])?;
        let when = entry.member("when")?;
        let replaced = table.insert(
            when.header_value()?.into_bytes(),
            entry.member("use")?.header_value()?.into_bytes(),
        );
        if replaced.is_some() {
            return Err(when.error("name each value once"));
        }
    }
    Ok((!table.is_empty()).then_some(table))
}

#[cfg(test)]
mod tests {
    use serde_json::{json, Value};

    use super::*;

    fn derivation(members: &Value) -> Result<Derivation, ConfigError> {
        let mut item = json!({
            "from": {"kind": "path"}, "part": {"kind": "whole"}, "table": [],
            "prefix": "", "suffix": "", "default": "",
        });
        for (key, value) in members.as_object().unwrap() {
            item[key] = value.clone();
        }
        Derivation::from_config(&Field::root(&item))
    }

    #[test]
    fn parts_and_tables_make_values() {
        let separated = |separator: &str, number: i64| json!({"kind": "separated", "separator": separator, "number": number});
        let pattern = |text: &str| json!({"kind": "pattern", "pattern": text});
        let whole = json!({"kind": "whole"});
        let plans = json!([{"when": "g", "use": "gold"}, {"when": "s", "use": "silver"}]);
        let none = json!([]);
        for (value, part, table, expected) in [
            ("a.b", &whole, &none, "<a.b>"),
            ("a.b.c", &separated(".", 1), &none, "<a>"),
            ("a.b.c", &separated(".", 2), &none, "<b>"),
            ("a.b.c", &separated(".", -1), &none, "<c>"),
            ("a.b.c", &separated(".", -2), &none, "<b>"),
            ("a.b", &separated(".", 3), &none, "none"),
            ("a.b", &separated(".", -3), &none, "none"),
            ("a..c", &separated(".", 2), &none, "none"),
            ("a, b ,c", &separated(",", 2), &none, "<b>"),
            ("abc", &separated(".", 1), &none, "<abc>"),
            ("a::b", &separated("::", 2), &none, "<b>"),
            ("Bearer abc", &pattern(r"Bearer (\w{1,9})"), &none, "<abc>"),
            (
                "see EMP-123456.",
                &pattern(r"EMP-\d{6}"),
                &none,
                "<EMP-123456>",
            ),
            (
                "EMP-111111 EMP-222222",
                &pattern(r"EMP-\d{6}"),
                &none,
                "<EMP-111111>",
            ),
            ("Basic abc", &pattern(r"Bearer (\w{1,9})"), &none, "none"),
            ("b", &pattern(r"a(x)|b"), &none, "none"),
            ("g", &whole, &plans, "<gold>"),
            ("G", &whole, &plans, "none"),
            ("plan=s", &separated("=", 2), &plans, "<silver>"),
            ("", &whole, &plans, "none"),
        ] {
            let members = json!({
                "part": part, "table": table, "prefix": "<", "suffix": ">", "default": "none",
            });
            let made = derivation(&members)
                .unwrap()
                .value(&[value.as_bytes().to_vec()]);
            assert_eq!(
                String::from_utf8(made).unwrap(),
                expected,
                "{value} {members}"
            );
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_no_obstacle() {
        let pattern = json!({"part": {"kind": "pattern", "pattern": r"id=(\d{2})"}});
        let made = derivation(&pattern)
            .unwrap()
            .value(&[b"\xff\xfe id=42\xff".to_vec()]);
        assert_eq!(made, b"42");
    }

    #[test]
    fn several_sources_are_joined_where_each_has_a_value() {
        let from = json!({
            "kind": "joined", "separator": ":",
            "inputs": [{"kind": "path"}, {"kind": "cookie", "name": "id"}],
        });
        let joined = derivation(&json!({"from": from, "default": "none"})).unwrap();
        let value = |values: [&str; 2]| joined.value(&values.map(|v| v.as_bytes().to_vec()));
        assert_eq!(value(["/a", "7"]), b"/a:7");
        assert_eq!(value(["/a", ""]), b"none");
    }

    #[test]
    fn wrong_derivations_are_refused_with_the_remedy() {
        for (members, expected) in [
            (
                json!({"part": {"kind": "half"}}),
                "part.kind is \"half\": use whole",
            ),
            (
                json!({"part": {"kind": "separated", "separator": "", "number": 1}}),
                "part.separator is \"\": write the text",
            ),
            (
                json!({"part": {"kind": "separated", "separator": ".", "number": 0}}),
                "part.number is 0: write 1",
            ),
            (
                json!({"part": {"kind": "separated", "separator": ".", "number": 1.5}}),
                "part.number is 1.5: ",
            ),
            (
                json!({"part": {"kind": "pattern", "pattern": "("}}),
                "part.pattern is \"(\": write a regular",
            ),
            (
                json!({"part": {"kind": "whole", "pattern": "a"}}),
                "unknown key",
            ),
            (
                json!({"table": [{"when": "a", "use": "b"}, {"when": "a", "use": "c"}]}),
                "table[1].when is \"a\": name each value once",
            ),
            (json!({"table": [{"when": "a"}]}), "table[0].use is missing"),
            (json!({"prefix": "a\nb"}), "remove the control"),
            (
                json!({"from": {"kind": "joined", "inputs": [{"kind": "path"}], "separator": ""}}),
                "write at least two sources",
            ),
            (
                json!({"from": {"kind": "joined", "separator": "", "inputs": [
                    {"kind": "path"}, {"kind": "joined", "inputs": [], "separator": ""},
                ]}}),
                "inputs[1].kind is \"joined\": use header",
            ),
        ] {
            let error = derivation(&members).unwrap_err().to_string();
            assert!(error.contains(expected), "{members}: {error}");
        }
    }
}
