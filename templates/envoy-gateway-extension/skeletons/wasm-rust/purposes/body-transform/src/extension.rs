//! Edits JSON bodies as the configuration says. See docs/purpose.md.

mod json;

use crate::filter::config::{self, ConfigError, Field};
use crate::filter::headers::Headers;
use crate::filter::{AfterBody, AfterHeaders, Cx, Direction, HttpExtension, LocalReply};
use json::{Document, Name, Pointer};

#[derive(Debug)]
pub struct Extension {
    request: Vec<Operation>,
    response: Vec<Operation>,
    /// Rather than let pass what cannot be read.
    reject_encoded: bool,
}

#[derive(Debug)]
enum Operation {
    /// `value` is compact JSON text, for `set` as for `set-json`.
    Set {
        pointer: Pointer,
        value: String,
    },
    Remove {
        pointer: Pointer,
    },
    Rename {
        pointer: Pointer,
        to: Name,
    },
    Mask {
        pointer: Pointer,
        keep: usize,
    },
}

impl HttpExtension for Extension {
    /// Whether the response has no body whatever its headers say: the request was HEAD.
    type State = bool;

    fn from_config(text: &[u8]) -> Result<Self, ConfigError> {
        let value = config::parse(text)?;
        let config = Field::root(&value);
        config.only_keys(&["request", "response", "encoded"])?;
        let encoded = config.member("encoded")?;
        Ok(Extension {
            request: operations(&config.member("request")?)?,
            response: operations(&config.member("response")?)?,
            reject_encoded: match encoded.text()? {
                "pass" => false,
                "reject" => true,
                _ => return Err(encoded.error("use pass or reject")),
            },
        })
    }

    fn on_headers(
        &self,
        cx: &mut Cx<bool>,
        direction: Direction,
        headers: &mut Headers,
    ) -> AfterHeaders {
        if direction == Direction::Request {
            *cx.state = headers.text(":method") == Some("HEAD");
        }
        if self.operations(direction).is_empty() || !is_json(headers) {
            return AfterHeaders::Continue;
        }
        if !is_encoded(headers) {
            return AfterHeaders::BufferBody;
        }
        if !self.reject_encoded {
            return AfterHeaders::Continue;
        }
        match direction {
            Direction::Request => refusal(
                415,
                // RFC 9110, section 12.5.3
                &[("accept-encoding", "identity")],
                "Send JSON without a content encoding.\n",
            ),
            Direction::Response if *cx.state || has_no_body(headers) => AfterHeaders::Continue,
            Direction::Response => refusal(502, &[], "The response has a content encoding.\n"),
        }
    }

    /// What a WebSocket carries would pass unedited.
    fn refuses_upgrade(&self, _: &mut Cx<Self::State>) -> bool {
        true
    }

    fn on_body(
        &self,
        _cx: &mut Cx<bool>,
        direction: Direction,
        _headers: &Headers,
        body: &[u8],
    ) -> AfterBody {
        let Some(mut document) = Document::parse(body) else {
            return AfterBody::Unchanged;
        };
        let mut changed = false;
        for operation in self.operations(direction) {
            changed |= match operation {
                Operation::Set { pointer, value } => document.set(pointer, value),
                Operation::Remove { pointer } => document.remove(pointer),
                Operation::Rename { pointer, to } => document.rename(pointer, to),
                Operation::Mask { pointer, keep } => document.mask(pointer, *keep),
            };
        }
        if changed {
            AfterBody::Replace(document.into_bytes())
        } else {
            AfterBody::Unchanged
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
}

/// Whether the body is JSON: `application/json` or `application/*+json`.
fn is_json(headers: &Headers) -> bool {
    let content_type = headers.text("content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default();
    let media_type = media_type.trim().to_ascii_lowercase();
    media_type
        .strip_prefix("application/")
        .is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}

/// Whether the body is compressed, for example.
fn is_encoded(headers: &Headers) -> bool {
    !headers
        .values("content-encoding")
        .all(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"identity"))
}

/// Responses whose headers describe a body that is not there.
fn has_no_body(headers: &Headers) -> bool {
    matches!(headers.text(":status"), Some("204" | "304"))
}

fn refusal(status: u32, headers: &[(&str, &str)], body: &str) -> AfterHeaders {
    let text = [("content-type", "text/plain; charset=utf-8")];
    let lines = text.iter().chain(headers);
    AfterHeaders::Reply(LocalReply {
        status,
        headers: lines
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        body: body.to_owned(),
    })
}

fn operations(list: &Field) -> Result<Vec<Operation>, ConfigError> {
    list.items()?.map(|item| operation(&item)).collect()
}

fn operation(item: &Field) -> Result<Operation, ConfigError> {
    let action = item.member("action")?;
    let pointer = || {
        let field = item.member("pointer")?;
        Pointer::parse(field.text()?)
            .ok_or_else(|| field.error("write a JSON pointer (RFC 6901), such as /user/name"))
    };
    match action.text()? {
        "set" => {
            item.only_keys(&["action", "pointer", "value"])?;
            Ok(Operation::Set {
                pointer: pointer()?,
                value: json::string(item.member("value")?.text()?),
            })
        }
        "set-json" => {
            item.only_keys(&["action", "pointer", "value"])?;
            let field = item.member("value")?;
            let value = Document::parse(field.text()?.as_bytes())
                .ok_or_else(|| field.error("write JSON text, such as {\"a\":[1]}"))?;
            Ok(Operation::Set {
                pointer: pointer()?,
                value: value.into_text(),
            })
        }
        "remove" => {
            item.only_keys(&["action", "pointer"])?;
            Ok(Operation::Remove {
                pointer: pointer()?,
            })
        }
        "rename" => {
            item.only_keys(&["action", "pointer", "to"])?;
            Ok(Operation::Rename {
                pointer: pointer()?,
                to: Name::new(item.member("to")?.text()?),
            })
        }
        "mask" => {
            item.only_keys(&["action", "pointer", "keep"])?;
            Ok(Operation::Mask {
                pointer: pointer()?,
                keep: item.member("keep")?.count()?,
            })
        }
        _ => Err(action.error("use set, set-json, remove, rename or mask")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, Value};

    use super::*;
    use crate::filter::testing::{headers, TestStream};

    fn extension(request: &Value) -> Result<Extension, ConfigError> {
        let config = json!({"request": request, "response": [], "encoded": "pass"});
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
            AfterBody::Reply(reply) => panic!("{reply:?}"),
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

    #[test]
    fn a_body_that_is_not_json_passes_as_it_is() {
        let operations = json!([{"action": "set", "pointer": "/a", "value": "v"}]);
        for body in ["", " ", "{", "{} x", "{'a': 1}", "\u{feff}{}", "[01]"] {
            assert_eq!(edit(&operations, body), None, "{body}");
        }
    }

    #[test]
    fn only_plain_json_is_buffered() {
        let extension = extension(&json!([{"action": "remove", "pointer": "/a"}])).unwrap();
        let next = |direction, lines: &[(&str, &str)]| {
            extension.on_headers(
                &mut TestStream::default().cx(),
                direction,
                &mut headers(lines),
            )
        };
        for content_type in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/problem+json",
        ] {
            let lines = [("content-type", content_type)];
            assert_eq!(next(Direction::Request, &lines), AfterHeaders::BufferBody);
        }
        for content_type in [
            "text/plain",
            "application/jsonp",
            "text/json",
            "application/x-json",
        ] {
            let lines = [("content-type", content_type)];
            assert_eq!(next(Direction::Request, &lines), AfterHeaders::Continue);
        }
        let json = ("content-type", "application/json");
        for (coding, expected) in [
            ("Identity", AfterHeaders::BufferBody),
            ("gzip", AfterHeaders::Continue),
        ] {
            let lines = [json, ("content-encoding", coding)];
            assert_eq!(next(Direction::Request, &lines), expected);
        }
        assert_eq!(next(Direction::Request, &[]), AfterHeaders::Continue);
        // No operation for responses.
        assert_eq!(next(Direction::Response, &[json]), AfterHeaders::Continue);
    }

    #[test]
    fn encoded_json_is_refused_on_demand_where_it_has_a_body() {
        let remove = json!([{"action": "remove", "pointer": "/a"}]);
        let next = |config: Value, method: &str, direction, lines: &[(&str, &str)]| {
            let extension = Extension::from_config(config.to_string().as_bytes()).unwrap();
            let mut stream = TestStream::default();
            let mut request = headers(&[(":method", method)]);
            extension.on_headers(&mut stream.cx(), Direction::Request, &mut request);
            match extension.on_headers(&mut stream.cx(), direction, &mut headers(lines)) {
                AfterHeaders::Reply(reply) => reply.status,
                other => {
                    assert_eq!(other, AfterHeaders::Continue);
                    0
                }
            }
        };
        let (request, response) = (Direction::Request, Direction::Response);
        let both = json!({"request": remove, "response": remove, "encoded": "reject"});
        let gzip = [
            ("content-type", "application/json"),
            ("content-encoding", "gzip"),
        ];
        assert_eq!(next(both.clone(), "POST", request, &gzip), 415);
        assert_eq!(next(both.clone(), "POST", response, &gzip), 502);
        assert_eq!(next(both.clone(), "HEAD", response, &gzip), 0);
        for status in ["204", "304"] {
            let lines = [gzip[0], gzip[1], (":status", status)];
            assert_eq!(next(both.clone(), "GET", response, &lines), 0, "{status}");
        }
        let image = [("content-type", "image/svg+xml"), gzip[1]];
        assert_eq!(next(both, "POST", request, &image), 0);
        let one = json!({"request": remove, "response": [], "encoded": "reject"});
        assert_eq!(next(one, "POST", response, &gzip), 0);
        let pass = json!({"request": remove, "response": remove, "encoded": "pass"});
        assert_eq!(next(pass, "POST", request, &gzip), 0);
    }

    #[test]
    fn what_becomes_of_encoded_bodies_is_pass_or_reject() {
        let config = json!({"request": [], "response": [], "encoded": "decode"});
        let error = Extension::from_config(config.to_string().as_bytes()).unwrap_err();
        assert!(error
            .to_string()
            .contains("config.encoded is \"decode\": use pass or reject"));
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
