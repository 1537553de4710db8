//! Edits JSON bodies as the configuration says. See docs/purpose.md.

mod edit;
mod json;
mod media;

use crate::filter::config::{self, ConfigError, Field};
use crate::filter::headers::Headers;
use crate::filter::{AfterBody, AfterHeaders, Cx, Direction, HttpExtension, LocalReply};
use edit::{Action, Operation};
use media::{Beginning, Content, Reason};

#[derive(Debug)]
pub struct Extension {
    request: Vec<Operation>,
    response: Vec<Operation>,
    /// What cannot be read, rather than let it pass.
    rejects: bool,
}

/// What is kept of a request.
#[derive(Default)]
pub struct State {
    /// The response has no body whatever its headers say.
    is_head: bool,
    /// The body that passes now has begun.
    has_begun: bool,
}

impl HttpExtension for Extension {
    type State = State;

    fn from_config(text: &[u8]) -> Result<Self, ConfigError> {
        let value = config::parse(text)?;
        let config = Field::root(&value);
        config.only_keys(&["request", "response", "unreadable"])?;
        let unreadable = config.member("unreadable")?;
        Ok(Extension {
            request: operations(&config.member("request")?)?,
            response: operations(&config.member("response")?)?,
            rejects: match unreadable.text()? {
                "pass" => false,
                "reject" => true,
                _ => return Err(unreadable.error("use pass or reject")),
            },
        })
    }

    fn on_headers(
        &self,
        cx: &mut Cx<State>,
        direction: Direction,
        headers: &mut Headers,
    ) -> AfterHeaders {
        if direction == Direction::Request {
            cx.state.is_head = headers.text(":method") == Some("HEAD");
            if !self.response.is_empty() {
                ask_for_all(headers);
            }
        }
        cx.state.has_begun = false;
        if self.operations(direction).is_empty() {
            return AfterHeaders::Continue;
        }
        let content = media::content(headers);
        if !cx.has_body {
            let describes_other = cx.state.is_head || media::has_no_content(headers);
            if direction == Direction::Response && content == Content::Json && describes_other {
                // The length is that of the body before it is edited.
                headers.remove("content-length");
            }
            return AfterHeaders::Continue;
        }
        match content {
            Content::Json => AfterHeaders::BufferBody,
            Content::Other if self.rejects => AfterHeaders::StreamBody { changes: false },
            Content::Other => AfterHeaders::Continue,
            Content::Unreadable(reason) => match self.unread(cx, direction, reason) {
                Some(reply) => AfterHeaders::Reply(reply),
                None => AfterHeaders::Continue,
            },
        }
    }

    /// What a WebSocket carries would pass unedited.
    fn refuses_upgrade(&self, _: &mut Cx<Self::State>) -> bool {
        true
    }

    fn on_body(
        &self,
        cx: &mut Cx<State>,
        direction: Direction,
        _headers: &Headers,
        body: &[u8],
    ) -> AfterBody {
        if body.iter().all(|c| b" \t\r\n".contains(c)) {
            return AfterBody::Unchanged;
        }
        let Some(text) = json::document(body) else {
            return match self.unread(cx, direction, Reason::Json) {
                Some(reply) => AfterBody::Reply(reply),
                None => AfterBody::Unchanged,
            };
        };
        match edit::edit(text, self.operations(direction)) {
            Some(edited) => AfterBody::Replace(edited.into_bytes()),
            None => AfterBody::Unchanged,
        }
    }

    fn on_chunk(
        &self,
        cx: &mut Cx<State>,
        direction: Direction,
        headers: &Headers,
        chunk: &[u8],
        _end: bool,
    ) -> AfterBody {
        if cx.state.has_begun {
            return AfterBody::Unchanged;
        }
        let arrays = edit::begin_with_index(self.operations(direction));
        let beginning = media::beginning(chunk, arrays, media::is_grpc(headers));
        cx.state.has_begun = beginning != Beginning::Unknown;
        if beginning != Beginning::Document {
            return AfterBody::Unchanged;
        }
        match self.unread(cx, direction, Reason::Label) {
            Some(reply) => AfterBody::Reply(reply),
            None => AfterBody::Unchanged,
        }
    }
}

impl Extension {
    fn operations(&self, direction: Direction) -> &[Operation] {
        match direction {
            Direction::Request => &self.request,
            Direction::Response => &self.response,
        }
    }

    /// Counts a body that cannot be read, and gives the answer in its place if it must not pass.
    fn unread(&self, cx: &Cx<State>, direction: Direction, reason: Reason) -> Option<LocalReply> {
        let outcome = if self.rejects { "refused" } else { "passed" };
        let direction_name = match direction {
            Direction::Request => "request",
            Direction::Response => "response",
        };
        cx.envoy.count(&format!(
            "body_transform_unreadable.{direction_name}.{}.{outcome}",
            reason.name()
        ));
        self.rejects.then(|| media::refusal(direction, reason))
    }
}

/// Asks the upstream for responses that can be read. A server may ignore a range, and must not
/// compress what is to be sent as it is (RFC 9110, sections 14.2 and 12.5.3); `a-im` asks for
/// differences (RFC 3229).
fn ask_for_all(headers: &mut Headers) {
    headers.set("accept-encoding", "identity");
    for name in ["range", "if-range", "a-im"] {
        headers.remove(name);
    }
}

fn operations(list: &Field) -> Result<Vec<Operation>, ConfigError> {
    list.items()?.map(|item| operation(&item)).collect()
}

fn operation(item: &Field) -> Result<Operation, ConfigError> {
    let name = item.member("action")?;
    let (keys, action): (&[&str], Action) = match name.text()? {
        "set" => (
            &["action", "pointer", "value"],
            Action::Set(json::string(item.member("value")?.text()?)),
        ),
        "set-json" => {
            let field = item.member("value")?;
            let value = json::document(field.text()?.as_bytes())
                .ok_or_else(|| field.error("write JSON text, such as {\"a\":[1]}"))?;
            (
                &["action", "pointer", "value"],
                Action::Set(json::compact(value)),
            )
        }
        "remove" => (&["action", "pointer"], Action::Remove),
        "rename" => (
            &["action", "pointer", "to"],
            Action::Rename(json::string(item.member("to")?.text()?)),
        ),
        "mask" => (
            &["action", "pointer", "keep"],
            Action::Mask(item.member("keep")?.count()?),
        ),
        _ => return Err(name.error("use set, set-json, remove, rename or mask")),
    };
    item.only_keys(keys)?;
    let pointer = item.member("pointer")?;
    let path = edit::pointer(pointer.text()?).ok_or_else(|| {
        pointer.error("write a JSON pointer (RFC 6901) of at most 256 steps, such as /user/name")
    })?;
    Ok(Operation { path, action })
}

#[cfg(test)]
mod tests {
    use serde_json::{json, Value};

    use super::*;
    use crate::filter::testing::{headers, TestStream};

    fn extension(request: &Value) -> Result<Extension, ConfigError> {
        let config = json!({"request": request, "response": [], "unreadable": "pass"});
        Extension::from_config(config.to_string().as_bytes())
    }

    /// The new body, or None if it passes as it is.
    fn edit(operations: &Value, body: &str) -> Option<String> {
        let extension = extension(operations).unwrap();
        match extension.on_body(
            &mut TestStream::default().cx(),
            Direction::Request,
            &Headers::default(),
            body.as_bytes(),
        ) {
            AfterBody::Replace(body) => Some(String::from_utf8(body).unwrap()),
            AfterBody::Unchanged => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn operations_apply_in_order() {
        let operations = json!([
            {"action": "set-json", "pointer": "/user", "value": "{ \"card\": 12345678 }"},
            {"action": "set", "pointer": "/user/name", "value": "Zoë \"Z\""},
            {"action": "mask", "pointer": "/user/card", "keep": 4},
            {"action": "remove", "pointer": "/secret"},
        ]);
        assert_eq!(
            edit(&operations, r#"{ "secret": 1, "n": 1.0, "user": null }"#).as_deref(),
            Some(r#"{"n":1.0,"user":{"card":"****5678","name":"Zoë \"Z\""}}"#)
        );
    }

    #[test]
    fn a_body_in_which_nothing_was_found_passes_as_it_is() {
        let operations = json!([
            {"action": "set", "pointer": "/a/b", "value": "v"},
            {"action": "remove", "pointer": "/c"},
        ]);
        assert_eq!(edit(&operations, "{ \"a\": 1 }"), None);
    }

    fn refusing() -> Extension {
        let operations = json!([{"action": "mask", "pointer": "/a", "keep": 0}]);
        let config = json!({"request": operations, "response": operations, "unreadable": "reject"});
        Extension::from_config(config.to_string().as_bytes()).unwrap()
    }

    fn passing() -> Extension {
        Extension {
            rejects: false,
            ..refusing()
        }
    }

    /// What an extension does with headers that a body follows.
    fn next(extension: &Extension, direction: Direction, lines: &[(&str, &str)]) -> AfterHeaders {
        let mut stream = TestStream {
            has_body: true,
            ..TestStream::default()
        };
        extension.on_headers(&mut stream.cx(), direction, &mut headers(lines))
    }

    const BOTH: [Direction; 2] = [Direction::Request, Direction::Response];

    #[test]
    fn what_is_no_document_is_refused_or_counted() {
        for direction in BOTH {
            for body in ["{", "{} x", "{'a': 1}", "[01]", "{\"a\":1}\n{\"a\":2}\n"] {
                let mut stream = TestStream::default();
                let none = Headers::default();
                let after = passing().on_body(&mut stream.cx(), direction, &none, body.as_bytes());
                assert_eq!(after, AfterBody::Unchanged, "{body}");
                let after = refusing().on_body(&mut stream.cx(), direction, &none, body.as_bytes());
                let expected = media::refusal(direction, Reason::Json);
                assert_eq!(after, AfterBody::Reply(expected), "{body}");
                let name = format!("{direction:?}").to_lowercase();
                for outcome in ["passed", "refused"] {
                    let counter = format!("body_transform_unreadable.{name}.json.{outcome}");
                    assert_eq!(stream.envoy.counters.borrow().get(&counter), Some(&1));
                }
            }
        }
    }

    #[test]
    fn a_byte_order_mark_is_ignored_and_nothing_is_nothing() {
        let operations = json!([{"action": "remove", "pointer": "/a"}]);
        assert_eq!(
            edit(&operations, "\u{feff}{\"a\":1}").as_deref(),
            Some("{}")
        );
        for body in ["", " \r\n\t"] {
            let mut stream = TestStream::default();
            let none = Headers::default();
            let after = refusing().on_body(&mut stream.cx(), BOTH[0], &none, body.as_bytes());
            assert_eq!(after, AfterBody::Unchanged);
        }
    }

    #[test]
    fn json_is_buffered_and_other_types_are_looked_at() {
        for direction in BOTH {
            for (lines, passes, refuses) in [
                (
                    vec![("content-type", "application/json")],
                    AfterHeaders::BufferBody,
                    AfterHeaders::BufferBody,
                ),
                (vec![], AfterHeaders::BufferBody, AfterHeaders::BufferBody),
                (
                    vec![("content-type", "text/plain")],
                    AfterHeaders::Continue,
                    AfterHeaders::StreamBody { changes: false },
                ),
                (
                    vec![("content-type", "multipart/mixed")],
                    AfterHeaders::Continue,
                    AfterHeaders::Reply(media::refusal(direction, Reason::Type)),
                ),
            ] {
                assert_eq!(next(&passing(), direction, &lines), passes);
                assert_eq!(next(&refusing(), direction, &lines), refuses);
            }
        }
        let one = extension(&json!([{"action": "remove", "pointer": "/a"}])).unwrap();
        assert_eq!(next(&one, Direction::Response, &[]), AfterHeaders::Continue);
    }

    #[test]
    fn a_body_that_begins_like_json_is_refused() {
        let extension = refusing();
        let none = Headers::default();
        for direction in BOTH {
            let mut stream = TestStream::default();
            let mut chunk =
                |chunk: &[u8]| extension.on_chunk(&mut stream.cx(), direction, &none, chunk, false);
            assert_eq!(chunk(b" \n"), AfterBody::Unchanged);
            let expected = media::refusal(direction, Reason::Label);
            assert_eq!(chunk(b"{\"a\":1}"), AfterBody::Reply(expected));
            let mut stream = TestStream::default();
            for chunk in [&b"text "[..], b"{"] {
                let after = extension.on_chunk(&mut stream.cx(), direction, &none, chunk, false);
                assert_eq!(after, AfterBody::Unchanged);
            }
        }
    }

    #[test]
    fn responses_are_asked_for_as_they_are() {
        let asked = |extension: &Extension| {
            let mut lines = headers(&[
                ("accept-encoding", "gzip"),
                ("accept-encoding", "br"),
                ("range", "bytes=0-60"),
                ("if-range", "v"),
                ("a-im", "vcdiff"),
                ("accept", "v"),
            ]);
            let mut stream = TestStream::default();
            extension.on_headers(&mut stream.cx(), Direction::Request, &mut lines);
            lines
        };
        for extension in [passing(), refusing()] {
            let lines = asked(&extension);
            let codings: Vec<&[u8]> = lines.values("accept-encoding").collect();
            assert_eq!(codings, [b"identity"]);
            for name in ["range", "if-range", "a-im"] {
                assert_eq!(lines.text(name), None);
            }
            assert_eq!(lines.text("accept"), Some("v"));
        }
        let requests_only = extension(&json!([{"action": "remove", "pointer": "/a"}])).unwrap();
        assert_eq!(asked(&requests_only).text("range"), Some("bytes=0-60"));
    }

    #[test]
    fn a_response_without_body_has_no_length_of_another() {
        let extension = refusing();
        for (method, status, content_type, has_body, expected) in [
            ("HEAD", "200", "application/json", false, None),
            ("GET", "304", "application/json", false, None),
            ("HEAD", "200", "image/png", false, Some("40")),
            ("GET", "200", "application/json", false, Some("40")),
            ("GET", "200", "image/png", true, Some("40")),
        ] {
            let mut stream = TestStream::default();
            let mut request = headers(&[(":method", method)]);
            extension.on_headers(&mut stream.cx(), Direction::Request, &mut request);
            stream.has_body = has_body;
            let mut response = headers(&[
                (":status", status),
                ("content-type", content_type),
                ("content-length", "40"),
            ]);
            extension.on_headers(&mut stream.cx(), Direction::Response, &mut response);
            assert_eq!(
                response.text("content-length"),
                expected,
                "{method} {status}"
            );
        }
    }

    #[test]
    fn what_has_no_body_is_not_refused() {
        let extension = refusing();
        let lines = [
            ("content-type", "application/json"),
            ("content-encoding", "gzip"),
        ];
        for direction in BOTH {
            let mut stream = TestStream::default();
            let after = extension.on_headers(&mut stream.cx(), direction, &mut headers(&lines));
            assert_eq!(after, AfterHeaders::Continue);
        }
    }

    #[test]
    fn what_becomes_of_unreadable_bodies_is_pass_or_reject() {
        let config = json!({"request": [], "response": [], "unreadable": "decode"});
        let error = Extension::from_config(config.to_string().as_bytes()).unwrap_err();
        assert!(error
            .to_string()
            .contains("config.unreadable is \"decode\": use pass or reject"));
    }

    #[test]
    fn wrong_configurations_are_refused_with_the_remedy() {
        for (operation, expected) in [
            (
                json!({"action": "add"}),
                ".action is \"add\": use set, set-json, remove, rename or mask",
            ),
            (
                json!({"action": "remove", "pointer": ""}),
                ".pointer is \"\": write a JSON pointer",
            ),
            (
                json!({"action": "remove", "pointer": "a"}),
                ".pointer is \"a\": write a JSON",
            ),
            (
                json!({"action": "remove", "pointer": "/~2"}),
                ".pointer is \"/~2\": write a JSON",
            ),
            (
                json!({"action": "rename", "pointer": "/a"}),
                ".to is missing: add it",
            ),
            (
                json!({"action": "mask", "pointer": "/a"}),
                ".keep is missing: add it",
            ),
            (
                json!({"action": "mask", "pointer": "/a", "keep": -1}),
                ".keep is -1: write a whole",
            ),
            (
                json!({"action": "set", "pointer": "/a", "value": 1}),
                ".value is 1: write a string",
            ),
            (
                json!({"action": "set-json", "pointer": "/a", "value": "{"}),
                ".value is \"{\": write JSON text",
            ),
            (
                json!({"action": "remove", "pointer": "/a", "keep": 1}),
                "config.request[0].keep is 1: unknown key",
            ),
        ] {
            let error = extension(&json!([operation])).unwrap_err().to_string();
            assert!(error.contains(expected), "{operation}: {error}");
        }
    }
}
