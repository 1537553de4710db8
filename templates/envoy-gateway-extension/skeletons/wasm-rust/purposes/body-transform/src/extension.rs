//! Edits JSON bodies as the configuration says. See docs/purpose.md.

mod json;

use crate::filter::config::{self, ConfigError, Field};
use crate::filter::headers::Headers;
use crate::filter::{AfterBody, AfterHeaders, Cx, Direction, HttpExtension};
use json::{Document, Pointer};

#[derive(Debug)]
pub struct Extension {
    request: Vec<Operation>,
    response: Vec<Operation>,
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
    Mask {
        pointer: Pointer,
        keep: usize,
    },
}

impl HttpExtension for Extension {
    type State = ();

    fn from_config(text: &[u8]) -> Result<Self, ConfigError> {
        let value = config::parse(text)?;
        let config = Field::root(&value);
        config.only_keys(&["request", "response"])?;
        Ok(Extension {
            request: operations(&config.member("request")?)?,
            response: operations(&config.member("response")?)?,
        })
    }

    fn on_headers(
        &self,
        _cx: &mut Cx<()>,
        direction: Direction,
        headers: &mut Headers,
    ) -> AfterHeaders {
        if !self.operations(direction).is_empty() && is_plain_json(headers) {
            AfterHeaders::BufferBody
        } else {
            AfterHeaders::Continue
        }
    }

    fn on_body(
        &self,
        _cx: &mut Cx<()>,
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

/// Whether the body is JSON (`application/json` or `application/*+json`) and not compressed.
fn is_plain_json(headers: &Headers) -> bool {
    let content_type = headers.text("content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default();
    let media_type = media_type.trim().to_ascii_lowercase();
    let is_json = media_type
        .strip_prefix("application/")
        .is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"));
    let is_plain = headers
        .values("content-encoding")
        .all(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"identity"));
    is_json && is_plain
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
        "mask" => {
            item.only_keys(&["action", "pointer", "keep"])?;
            Ok(Operation::Mask {
                pointer: pointer()?,
                keep: item.member("keep")?.count()?,
            })
        }
        _ => Err(action.error("use set, set-json, remove or mask")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, Value};

    use super::*;
    use crate::filter::testing::{headers, TestStream};

    fn extension(request: &Value) -> Result<Extension, ConfigError> {
        let config = json!({"request": request, "response": []});
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
    fn wrong_configurations_are_refused_with_the_remedy() {
        for (operation, expected) in [
            (
                json!({"action": "add"}),
                ".action is \"add\": use set, set-json, remove or mask",
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
