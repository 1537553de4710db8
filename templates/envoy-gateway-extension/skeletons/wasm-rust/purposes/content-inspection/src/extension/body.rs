//! What headers say of a body. Where they contradict each other, another reader may believe another
//! of them, so each counts.

use crate::filter::headers::Headers;

/// All types that a message claims, in lower case without parameters; empty for one that is left
/// out.
pub fn media_types(headers: &Headers) -> Vec<String> {
    lines(headers, "content-type")
        .iter()
        .flat_map(|line| line.split(','))
        .map(|one| one.split(';').next().unwrap_or_default().trim().to_owned())
        .collect()
}

/// Whether a body can be read: without a content-encoding, in a charset that is known, and as a
/// whole.
pub fn is_readable(headers: &Headers) -> bool {
    let is_encoded = lines(headers, "content-encoding")
        .iter()
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .any(|coding| !coding.is_empty() && coding != "identity");
    // Not for HTTP, but some servers decode it.
    let is_plain = lines(headers, "content-transfer-encoding")
        .iter()
        .all(|line| PLAIN_ENCODINGS.contains(&line.trim()));
    !is_encoded && is_plain && headers.charsets_are(is_known) && !is_part(headers)
}

/// Whether it is a part of a body, of which the rest went by before or comes later.
pub fn is_part(headers: &Headers) -> bool {
    headers.text(":status") == Some("206")
}

fn lines(headers: &Headers, name: &str) -> Vec<String> {
    headers
        .values(name)
        .map(|line| String::from_utf8_lossy(line).to_lowercase())
        .collect()
}

/// These leave a body as it is (RFC 2045, section 6.2).
pub const PLAIN_ENCODINGS: &[&str] = &["7bit", "8bit", "binary"];

/// Charsets that are ASCII for ASCII characters, or have two or four bytes for each of them. In
/// others (UTF-7, Shift_JIS, EBCDIC) the bytes of ASCII characters mean something else.
fn is_known(charset: &str) -> bool {
    const NAMES: &[&str] = &["utf8", "ascii", "usascii", "latin1"];
    let name = charset.replace('-', "");
    let is_number = |text: &str, most: usize| {
        !text.is_empty() && text.len() <= most && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    NAMES.contains(&name.as_str())
        || charset
            .strip_prefix("iso-8859-")
            .or(charset.strip_prefix("iso8859-"))
            .is_some_and(|number| is_number(number, 2))
        || ["windows-125", "cp125"]
            .iter()
            .filter_map(|prefix| charset.strip_prefix(prefix))
            .any(|number| is_number(number, 1))
        || ["utf16", "utf32"]
            .iter()
            .filter_map(|prefix| name.strip_prefix(prefix))
            .any(|order| ["", "le", "be"].contains(&order))
}

/// What ends a text that a receiver is meant to read at once: an event or a line. It comes in
/// pieces.
#[derive(Clone, Default)]
pub struct LineEnds {
    /// How many line breaks end it; 0 if nothing does.
    wanted: usize,
    seen: usize,
    /// The last character was CR, of which LF would be the other half.
    cr: bool,
}

impl LineEnds {
    pub fn of(media_types: &[String]) -> Self {
        let wanted = match media_types {
            [one] if one == "text/event-stream" => 2,
            [one] if one == "application/x-ndjson" => 1,
            _ => 0,
        };
        LineEnds {
            wanted,
            ..LineEnds::default()
        }
    }

    /// How much of a piece belongs to the current event, and whether it is complete then.
    pub fn next(&mut self, piece: &[u8]) -> (usize, bool) {
        if self.wanted == 0 {
            return (piece.len(), false);
        }
        for (index, &byte) in piece.iter().enumerate() {
            match byte {
                b'\n' if self.cr => self.cr = false,
                b'\n' | b'\r' => {
                    self.cr = byte == b'\r';
                    self.seen += 1;
                    if self.seen >= self.wanted {
                        return (index + 1, true);
                    }
                }
                _ => (self.seen, self.cr) = (0, false),
            }
        }
        (piece.len(), false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::testing::headers;

    #[test]
    fn what_can_be_read() {
        for (lines, expected) in [
            (vec![], true),
            (vec![("content-encoding", "identity, Identity")], true),
            (vec![("content-encoding", "identity, gzip")], false),
            (
                vec![("content-type", "text/plain; charset=\"UTF-8\"")],
                true,
            ),
            (vec![("content-type", "a/b;charset=iso-8859-15")], true),
            (vec![("content-type", "a/b;charset=Windows-1252")], true),
            (vec![("content-type", "a/b; charset = utf-16le")], true),
            (vec![("content-type", "a/b; charset=UTF-32")], true),
            (vec![("content-type", "a/b; charset=utf-7")], false),
            (vec![("content-type", "a/b; charset*=utf-7")], false),
            (vec![("content-type", "a/b; charset=iso-2022-jp")], false),
            (
                vec![("content-type", "a/b; charset*0=utf-; charset*1=7")],
                false,
            ),
            (vec![("content-type", "a/b; charset=\" utf-7\"")], false),
            (vec![("content-type", "a/b; charset=\";utf-7\"")], false),
            (vec![("content-type", "a/b; charset=")], false),
            (vec![("content-transfer-encoding", "Base64")], false),
            (vec![("content-transfer-encoding", "8BIT")], true),
            (
                vec![("content-type", "a/b; charset=utf-8, c/d; charset=sjis")],
                false,
            ),
            (
                vec![
                    ("content-type", "a/b; charset=utf-8"),
                    ("content-type", "c/d; charset=ibm037"),
                ],
                false,
            ),
            (vec![(":status", "206")], false),
            (vec![(":status", "200")], true),
        ] {
            assert_eq!(is_readable(&headers(&lines)), expected, "{lines:?}");
        }
    }

    #[test]
    fn all_types_count() {
        let headers = headers(&[("content-type", "Image/PNG;a=b, "), ("content-type", "a/b")]);
        assert_eq!(media_types(&headers), ["image/png", "", "a/b"]);
    }
}
