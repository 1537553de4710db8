//! Claims that are compared with the request itself.

use super::path::{self, unescape, Segments};
use super::rules::{header_name, Request};
use crate::filter::config::{ConfigError, Field};

/// A part of the request that a claim is compared with.
#[derive(Debug)]
pub enum Place {
    /// Counted from 1.
    Segment {
        number: usize,
        ignore_case: bool,
    },
    Header(String),
    Query(String),
    Host,
}

/// The conditions that name a place.
pub const KINDS: [&str; 4] = [
    "equals-segment",
    "equals-header",
    "equals-query",
    "equals-host",
];

impl Place {
    pub fn new(field: &Field, kind: &str, ignore_case: bool) -> Result<Self, ConfigError> {
        match kind {
            "equals-segment" => {
                field.only_keys(&["is", "claim", "segment"])?;
                let number = field.member("segment")?;
                match number.count()? {
                    0 => Err(number.error("write 1 or more; 1 is the first segment")),
                    number => Ok(Place::Segment {
                        number,
                        ignore_case,
                    }),
                }
            }
            "equals-header" => {
                field.only_keys(&["is", "claim", "name"])?;
                Ok(Place::Header(header_name(&field.member("name")?)?))
            }
            "equals-query" => {
                field.only_keys(&["is", "claim", "name"])?;
                let name = field.member("name")?;
                let text = name.text()?;
                let plain = |c: u8| c.is_ascii_alphanumeric() || b"._~-".contains(&c);
                if text.is_empty() || !text.bytes().all(plain) {
                    return Err(name.error(
                        "write the name of a query parameter: letters, digits and . _ ~ - only",
                    ));
                }
                Ok(Place::Query(text.to_owned()))
            }
            _ => {
                field.only_keys(&["is", "claim"])?;
                Ok(Place::Host)
            }
        }
    }

    /// Strict with several values: another one never widens what is allowed, and never evades what
    /// is denied. Nor does what cannot be read.
    pub fn holds(
        &self,
        request: &Request,
        segments: &Segments,
        claim: &[String],
        allows: bool,
    ) -> bool {
        let Some(values) = self.values(request, segments) else {
            return !allows;
        };
        let same = |value: &Vec<u8>| {
            !value.is_empty() && claim.iter().any(|text| self.same(text.as_bytes(), value))
        };
        if allows {
            !values.is_empty() && values.iter().all(same)
        } else {
            let in_list = || match self {
                Place::Header(_) => values
                    .iter()
                    .flat_map(|line| elements(line))
                    .any(|value| same(&value.to_vec())),
                _ => false,
            };
            values.iter().any(same) || in_list()
        }
    }

    fn same(&self, claim: &[u8], value: &[u8]) -> bool {
        match self {
            Place::Host
            | Place::Segment {
                ignore_case: true, ..
            } => claim.eq_ignore_ascii_case(value),
            _ => claim == value,
        }
    }

    /// The values there; None where servers disagree about them.
    fn values(&self, request: &Request, segments: &Segments) -> Option<Vec<Vec<u8>>> {
        match self {
            Place::Segment { number, .. } => {
                Some(segments.iter().skip(number - 1).take(1).cloned().collect())
            }
            Place::Header(name) => Some(request.headers.values(name).map(<[u8]>::to_vec).collect()),
            Place::Query(name) => query_values(request.path, name),
            Place::Host => {
                let authority = request.headers.values(":authority").next();
                Some(vec![host_name(authority.unwrap_or_default()).to_vec()])
            }
        }
    }
}

/// The elements of a header line that is a list with commas.
pub fn elements(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&byte| byte == b',').map(<[u8]>::trim_ascii)
}

/// What names have in common that some server takes for one: names without regard to case,
/// `tenant[]` and `tenant[x]` (PHP, Rails and qs put them in the place of `tenant`), names with
/// blanks around them, names that end at a zero byte, and a dot or a blank for an underscore (PHP,
/// variables from external sources).
fn parameter_name(name: &[u8]) -> Vec<u8> {
    let end = name.iter().position(|byte| b"[\0".contains(byte));
    let base = match end {
        Some(at) if at > 0 => name.get(..at).unwrap_or_default(),
        _ => name,
    };
    let same = |&byte: &u8| match byte {
        b'.' | b' ' => b'_',
        _ => byte.to_ascii_lowercase(),
    };
    base.trim_ascii().iter().map(same).collect()
}

/// All values of a parameter, decoded as forms are, under every name that some server takes for
/// it. None for a query that servers read in different ways: with escapes that are none, or with
/// `;`, which some take for `&`.
fn query_values(target: &[u8], parameter: &str) -> Option<Vec<Vec<u8>>> {
    let query = target
        .get(path::without_query(target).len() + 1..)
        .unwrap_or_default();
    if query.contains(&b';') {
        return None;
    }
    let wanted = parameter_name(parameter.as_bytes());
    let mut values = Vec::new();
    for pair in query.split(|&byte| byte == b'&') {
        let mut parts = pair.splitn(2, |&byte| byte == b'=');
        let name = form_decoded(parts.next().unwrap_or_default())?;
        let value = form_decoded(parts.next().unwrap_or_default())?;
        if parameter_name(&name) == wanted {
            values.push(value);
        }
    }
    Some(values)
}

fn form_decoded(text: &[u8]) -> Option<Vec<u8>> {
    let blanks = |&byte: &u8| if byte == b'+' { b' ' } else { byte };
    unescape(&text.iter().map(blanks).collect::<Vec<u8>>())
}

/// Without the port and the dot of the root.
fn host_name(authority: &[u8]) -> &[u8] {
    let port = authority.iter().rposition(|&byte| byte == b':');
    let host = match port {
        Some(at) if authority.iter().skip(at + 1).all(u8::is_ascii_digit) => {
            authority.get(..at).unwrap_or_default()
        }
        _ => authority,
    };
    host.strip_suffix(b".").unwrap_or(host)
}
