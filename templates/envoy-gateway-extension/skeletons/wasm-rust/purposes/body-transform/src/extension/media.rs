//! What a message's headers say of its body, and what a client gets in its place if it cannot be
//! read.

use crate::filter::headers::Headers;
use crate::filter::{Direction, LocalReply};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// It is read as one JSON document: the type says JSON, or there is no single valid type to go
    /// by.
    Json,
    /// It says that it is something else.
    Other,
    Unreadable(Reason),
}

/// Why a body cannot be read; part of a counter's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Compressed, for example.
    Encoding,
    /// Only a piece of the representation.
    Partial,
    /// Several documents or parts in one body.
    Type,
    /// Another charset than UTF-8.
    Charset,
    /// Not one JSON document.
    Json,
    /// Begins like JSON, and says that it is something else.
    Label,
}

impl Reason {
    pub fn name(self) -> &'static str {
        match self {
            Reason::Encoding => "encoding",
            Reason::Partial => "partial",
            Reason::Type => "type",
            Reason::Charset => "charset",
            Reason::Json => "json",
            Reason::Label => "label",
        }
    }
}

pub fn content(headers: &Headers) -> Content {
    let types = content_types(headers);
    // RFC 9110, section 8.3: the receiver of a body without a type may look into it and guess.
    let is_json = types.is_empty() || types.iter().any(|name| says_json(name));
    let in_pieces = |name: &String| name.starts_with("multipart/") || name == "text/event-stream";
    if is_encoded(headers) {
        Content::Unreadable(Reason::Encoding)
    } else if is_partial(headers) {
        Content::Unreadable(Reason::Partial)
    } else if is_json && !headers.charsets_are(is_utf8) {
        Content::Unreadable(Reason::Charset)
    } else if is_json {
        Content::Json
    } else if types.iter().any(in_pieces) {
        Content::Unreadable(Reason::Type)
    } else {
        Content::Other
    }
}

/// Responses whose headers describe a body that is not there.
pub fn has_no_content(headers: &Headers) -> bool {
    matches!(headers.text(":status"), Some("204" | "304"))
}

/// Receivers take far more than `application/json` for JSON, and a type that is not valid for
/// anything.
fn says_json(media_type: &str) -> bool {
    let is_valid = media_type
        .split_once('/')
        .is_some_and(|(name, subtype)| is_token(name) && is_token(subtype));
    !is_valid || media_type.contains("json")
}

/// RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    let is_allowed = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
    !text.is_empty() && text.bytes().all(is_allowed)
}

/// UTF-8, or the part of it that is ASCII.
fn is_utf8(charset: &str) -> bool {
    matches!(charset, "utf-8" | "utf8" | "us-ascii" | "ascii")
}

fn is_encoded(headers: &Headers) -> bool {
    let mut codings = headers
        .values("content-encoding")
        .flat_map(|line| line.split(|c| *c == b','))
        .map(<[u8]>::trim_ascii);
    codings.any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"))
}

/// Whether the body is a piece of the representation (RFC 9110, section 14) or a difference from
/// another one (RFC 3229).
fn is_partial(headers: &Headers) -> bool {
    headers.values("content-range").next().is_some()
        || matches!(headers.text(":status"), Some("206" | "226"))
}

/// The media types of all content-type lines, in lower case. A single type is the rule; receivers
/// differ on which of several counts.
fn content_types(headers: &Headers) -> Vec<String> {
    let mut types = Vec::new();
    for line in headers.values("content-type") {
        let line = String::from_utf8_lossy(line);
        for value in split_outside_quotes(&line, ',') {
            let mut parts = split_outside_quotes(value, ';').into_iter();
            let media_type = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
            if media_type.is_empty() && parts.len() == 0 {
                continue;
            }
            types.push(media_type);
        }
    }
    types
}

pub fn is_grpc(headers: &Headers) -> bool {
    let content_type = headers.text("content-type").unwrap_or_default();
    content_type
        .to_ascii_lowercase()
        .starts_with("application/grpc")
}

fn split_outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(|c| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => return c == separator && !quoted,
        }
        false
    })
    .collect()
}

/// How a body begins that says it is not JSON. Whoever sends it chooses the type, and some
/// receivers do not look at it.
#[derive(Debug, PartialEq, Eq)]
pub enum Beginning {
    /// What lenient readers skip, and byte order marks only, also of UTF-16 and UTF-32.
    Unknown,
    /// Like a document in which an operation could find its place.
    Document,
    Something,
}

/// `arrays` says whether an array could be such a document; `framed` that each message begins with
/// its length, which can look like anything.
pub fn beginning(chunk: &[u8], arrays: bool, framed: bool) -> Beginning {
    let is_blank =
        |c: &u8| *c <= b' ' && (*c != 0 || !framed) || b"\xef\xbb\xbf\xfe\xff".contains(c);
    match chunk.iter().copied().find(|c| !is_blank(c)) {
        None => Beginning::Unknown,
        Some(b'{') => Beginning::Document,
        Some(b'[') if arrays => Beginning::Document,
        Some(_) => Beginning::Something,
    }
}

/// The answer in place of a message that cannot be read, as a problem (RFC 9457).
///
/// RFC 9110, section 15.5.16: 415 is for a type or an encoding that is not supported, also as a
/// result of inspecting the data. Section 14.5: 400 is for a range that is not.
pub fn refusal(direction: Direction, reason: Reason) -> LocalReply {
    let json = Some(("accept", "application/json"));
    let (status, title, accepted, detail) = match (direction, reason) {
        (Direction::Response, _) => (
            502,
            "Bad Gateway",
            None,
            "The response cannot be read as one JSON document.",
        ),
        (Direction::Request, Reason::Partial) => (
            400,
            "Bad Request",
            None,
            "Send the whole body, without content-range.",
        ),
        (Direction::Request, reason) => {
            let (accepted, detail) = match reason {
                Reason::Encoding => (
                    Some(("accept-encoding", "identity")),
                    "Send the body without a content-encoding.",
                ),
                Reason::Type => (
                    json,
                    "Send one JSON document; a body of several parts or events cannot be read.",
                ),
                Reason::Charset => (json, "Send JSON in UTF-8."),
                Reason::Label => (
                    json,
                    "The body begins like JSON; send it as application/json.",
                ),
                Reason::Json | Reason::Partial => {
                    (json, "The body is not one JSON document in UTF-8.")
                }
            };
            (415, "Unsupported Media Type", accepted, detail)
        }
    };
    let content_type = ("content-type", "application/problem+json");
    LocalReply {
        status,
        headers: std::iter::once(content_type)
            .chain(accepted)
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        body: format!(
            "{{\"type\":\"about:blank\",\"title\":\"{title}\",\"status\":{status},\"detail\":\"{detail}\"}}\n"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::testing::headers;

    #[test]
    fn headers_say_what_a_body_is() {
        use Content::{Json, Other, Unreadable};
        let json = ("content-type", "application/json");
        for (lines, expected) in [
            (vec![json], Json),
            (
                vec![("content-type", " Application/JSON ; Charset=\"UTF-8\"")],
                Json,
            ),
            (vec![("content-type", "application/problem+json")], Json),
            (vec![("content-type", "image/x+json")], Json),
            (vec![("content-type", "text/json")], Json),
            (vec![("content-type", "application/jsonl")], Json),
            (vec![], Json),
            (vec![("content-type", "")], Json),
            (vec![("content-type", "text")], Json),
            (vec![("content-type", "text /plain")], Json),
            (vec![("content-type", ";charset=utf-8")], Json),
            (
                vec![("content-type", "application/json, application/json")],
                Json,
            ),
            (vec![("content-type", "text/plain, application/json")], Json),
            (vec![("content-type", "image/png"), json], Json),
            (
                vec![("content-type", "text/plain; a=\"\\\", application/json\"")],
                Other,
            ),
            (
                vec![(
                    "content-type",
                    "application/json; charset*0=utf-; charset*1=7",
                )],
                Unreadable(Reason::Charset),
            ),
            (
                vec![("content-type", "application/json; charset*=us-ascii''utf-7")],
                Unreadable(Reason::Charset),
            ),
            (
                vec![("content-type", "application/json; charset=\" utf-7\"")],
                Unreadable(Reason::Charset),
            ),
            (
                vec![(
                    "content-type",
                    "application/json; a=b\"; charset=utf-7; c=\"",
                )],
                Unreadable(Reason::Charset),
            ),
            (
                vec![("content-type", "application/json; charset=utf-16")],
                Unreadable(Reason::Charset),
            ),
            (
                vec![(
                    "content-type",
                    "application/json;charset=utf-8;charset=utf-7",
                )],
                Unreadable(Reason::Charset),
            ),
            (vec![("content-type", "text/plain; charset=utf-16")], Other),
            (vec![json, ("content-encoding", "Identity, identity")], Json),
            (
                vec![json, ("content-encoding", "gzip")],
                Unreadable(Reason::Encoding),
            ),
            (
                vec![
                    ("content-type", "text/plain"),
                    ("content-encoding", "identity,br"),
                ],
                Unreadable(Reason::Encoding),
            ),
            (
                vec![json, ("content-range", "bytes 0-60/61")],
                Unreadable(Reason::Partial),
            ),
            (vec![(":status", "206"), json], Unreadable(Reason::Partial)),
            (vec![(":status", "226"), json], Unreadable(Reason::Partial)),
            (
                vec![("content-type", "Multipart/Mixed; boundary=x")],
                Unreadable(Reason::Type),
            ),
            (
                vec![("content-type", "text/event-stream")],
                Unreadable(Reason::Type),
            ),
            (vec![("content-type", "text/plain")], Other),
            (vec![("content-type", "image/png")], Other),
        ] {
            assert_eq!(content(&headers(&lines)), expected, "{lines:?}");
        }
        let not_utf8 = Headers::new(vec![("content-type".to_owned(), b"text/\xff".to_vec())]);
        assert_eq!(content(&not_utf8), Unreadable(Reason::Charset));
    }

    #[test]
    fn a_body_tells_what_it_is_by_its_first_character() {
        for (chunk, arrays, expected) in [
            (&b""[..], true, Beginning::Unknown),
            (b" \n\xef\xbb\xbf\0", true, Beginning::Unknown),
            (b"\xff\xfe{\0", false, Beginning::Document),
            (b"\0\0\0{", false, Beginning::Document),
            (b"[", true, Beginning::Document),
            (b"[", false, Beginning::Something),
            (b"hello {", true, Beginning::Something),
            (b"\xff\xd8\xff\xe0{", true, Beginning::Something),
        ] {
            assert_eq!(beginning(chunk, arrays, false), expected, "{chunk:?}");
        }
        assert_eq!(beginning(b"\0\0\0{\x01", false, true), Beginning::Something);
        assert_eq!(beginning(b" {", false, true), Beginning::Document);
        // Lenient readers skip every control character.
        for byte in 0..=b' ' {
            assert_eq!(beginning(&[byte, b'{'], false, false), Beginning::Document);
        }
        let grpc = [("content-type", "Application/gRPC-web+proto")];
        assert!(is_grpc(&headers(&grpc)) && !is_grpc(&headers(&[])));
    }

    #[test]
    fn a_refusal_is_a_problem() {
        let reply = refusal(Direction::Request, Reason::Encoding);
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (
                415,
                "{\"type\":\"about:blank\",\"title\":\"Unsupported Media Type\",\"status\":415,\"detail\":\"Send the body without a content-encoding.\"}\n"
            )
        );
        assert_eq!(reply.headers.len(), 2);
        assert_eq!(refusal(Direction::Request, Reason::Partial).status, 400);
        assert_eq!(refusal(Direction::Response, Reason::Partial).status, 502);
    }
}
