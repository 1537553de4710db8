//! What paths are compared by.

/// The decoded segments of a path.
pub type Segments = Vec<Vec<u8>>;

pub fn without_query(target: &[u8]) -> &[u8] {
    target
        .split(|&byte| byte == b'?')
        .next()
        .unwrap_or_default()
}

/// Splits a path at its slashes and decodes it. None for paths of which the upstream may think
/// otherwise than the rules: with parameters (`;`), backslashes, encoded slashes, control
/// characters, escapes that are none or that are encoded twice, bytes that are not UTF-8 (some
/// servers read the overlong C0 AF as a slash), and for what Envoy normally resolves itself: dot
/// segments and empty ones.
pub fn segments(target: &[u8]) -> Option<Segments> {
    let rest = without_query(target).strip_prefix(b"/")?;
    if rest.contains(&b'#') {
        return None;
    }
    let mut segments = rest
        .split(|&byte| byte == b'/')
        .map(unescape)
        .collect::<Option<Segments>>()?;
    let last = segments.pop()?;
    let dots = |segment: &Vec<u8>| segment == b"." || segment == b"..";
    if segments.iter().any(|s| s.is_empty() || dots(s)) || dots(&last) {
        return None;
    }
    segments.push(last);
    if segments.iter().any(|segment| is_ambiguous(segment)) {
        return None;
    }
    Some(segments)
}

pub fn unescape(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(rest.len());
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            decoded.push(hex_byte(after)?);
            rest = after.get(2..)?;
        } else {
            decoded.push(byte);
            rest = after;
        }
    }
    Some(decoded)
}

/// The byte that two hexadecimal digits at the beginning stand for.
fn hex_byte(digits: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*digits.get(at)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

fn is_ambiguous(segment: &[u8]) -> bool {
    std::str::from_utf8(segment).is_err()
        || segment
            .iter()
            .any(|&byte| byte.is_ascii_control() || b";/\\".contains(&byte))
        || segment
            .split(|&byte| byte == b'%')
            .skip(1)
            .any(|after| hex_byte(after).is_some())
}

/// What segments are compared with.
#[derive(Debug)]
pub struct Pattern {
    segments: Segments,
    /// `*` stands for one segment that is not empty.
    wild: bool,
    /// More segments may follow.
    open: bool,
    ignore_case: bool,
}

impl Pattern {
    /// The error is the remedy.
    pub fn new(kind: &str, path: &str, ignore_case: bool) -> Result<Self, &'static str> {
        let plain = !path.contains(['?', '%']);
        let mut segments = segments(path.as_bytes()).filter(|_| plain).ok_or(
            "begin with / and write the characters themselves, without percent-encoding, ?, #, ;, \\, \
             empty and dot segments",
        )?;
        let wild = kind == "segments";
        if !wild && path.contains('*') {
            return Err("use match segments for patterns with *");
        }
        if kind == "prefix" && path.len() > 1 && path.ends_with('/') {
            return Err("remove the / at the end: a prefix matches itself and everything below");
        }
        let mut open = kind == "prefix";
        if open && path == "/" || wild && segments.last().is_some_and(|last| last == b"**") {
            segments.pop();
            open = true;
        }
        if segments
            .iter()
            .any(|segment| segment.contains(&b'*') && segment != b"*")
        {
            return Err(
                "let * stand for one whole segment, and ** only at the end for any number, \
                 for example /users/*/orders/**",
            );
        }
        Ok(Pattern {
            segments,
            wild,
            open,
            ignore_case,
        })
    }

    pub fn matches(&self, segments: &Segments) -> bool {
        let (wanted, given) = (self.segments.len(), segments.len());
        let long_enough = given == wanted || self.open && given > wanted;
        let same = |(wanted, given): (&Vec<u8>, &Vec<u8>)| {
            if self.wild && wanted == b"*" {
                !given.is_empty()
            } else if self.ignore_case {
                wanted.eq_ignore_ascii_case(given)
            } else {
                wanted == given
            }
        };
        long_enough && self.segments.iter().zip(segments).all(same)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What is accepted names the same place for everybody.
        #[test]
        fn accepted_paths_have_one_meaning(
            target in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..20),
                "(/(a|b|%61|%2e|\\.|;|%2F|%25|%|%5c|%ff|\\\\){0,3}){0,4}(\\?.*)?".prop_map(String::into_bytes),
            ],
        ) {
            let Some(found) = segments(&target) else { return Ok(()) };
            for (index, segment) in found.iter().enumerate() {
                prop_assert!(!segment.iter().any(|byte| b"/\\;\0".contains(byte)));
                prop_assert!(segment != b"." && segment != b"..");
                prop_assert!(!segment.is_empty() || index == found.len() - 1);
                if let Some(again) = unescape(segment) {
                    prop_assert_eq!(&again, segment);
                }
            }
            let encoded: String = found
                .iter()
                .flat_map(|segment| {
                    let escapes = segment.iter().map(|byte| format!("%{byte:02x}"));
                    std::iter::once("/".to_owned()).chain(escapes)
                })
                .collect();
            prop_assert_eq!(segments(encoded.as_bytes()), Some(found.clone()));
            for (kind, path) in [("prefix", "/"), ("segments", "/**")] {
                prop_assert!(Pattern::new(kind, path, false).unwrap().matches(&found));
            }
        }
    }
}
