//! Finds what should not be in requests and responses, and blocks, masks or reports it. See
//! docs/purpose.md.
//!
//! What is inspected and what follows from it stands here, the list of what is found in
//! detectors.rs.

mod config;
mod detectors;
mod matcher;
mod scanner;

use proxy_wasm::types::LogLevel;

use crate::filter::config::ConfigError;
use crate::filter::headers::Headers;
use crate::filter::{AfterBody, AfterHeaders, Cx, Direction, End, HttpExtension, LocalReply};
use config::Config;
use scanner::{Action, Rule, Scanner};

pub struct Extension {
    config: Config,
}

/// What is kept of a request until its end.
#[derive(Default)]
pub struct State {
    /// Requests with this method have responses without a body.
    is_head: bool,
    /// The body of the request cannot be read.
    refuse_body: bool,
    inspections: Vec<Inspection>,
}

/// One place of a request or a response.
struct Inspection {
    direction: Direction,
    place: String,
    scanner: Scanner,
}

impl HttpExtension for Extension {
    type State = State;

    fn from_config(text: &[u8]) -> Result<Self, ConfigError> {
        let config = Config::parse(text)?;
        Ok(Extension { config })
    }

    fn on_headers(
        &self,
        cx: &mut Cx<State>,
        direction: Direction,
        headers: &mut Headers,
    ) -> AfterHeaders {
        match direction {
            Direction::Request => self.on_request_headers(cx.state, headers),
            Direction::Response => self.on_response_headers(cx.state, headers),
        }
    }

    fn on_chunk(
        &self,
        cx: &mut Cx<State>,
        direction: Direction,
        _headers: &Headers,
        chunk: &[u8],
        end: bool,
    ) -> AfterBody {
        if direction == Direction::Request && cx.state.refuse_body {
            return AfterBody::Reply(encoded_request());
        }
        let rules = self.rules(direction);
        let body = cx
            .state
            .inspections
            .iter_mut()
            .rfind(|inspection| inspection.direction == direction);
        let Some(body) = body else {
            return AfterBody::Unchanged;
        };
        let (out, blocked) = body.scanner.feed(rules, self.config.mask_with, chunk, end);
        if blocked {
            AfterBody::Reply(refused_request())
        } else if may_change(rules) {
            AfterBody::Replace(out)
        } else {
            AfterBody::Unchanged
        }
    }

    /// Writes what was found, one event per place and detector. It has nothing of what was found.
    fn on_end(&self, cx: &mut Cx<State>, _end: &End) {
        for inspection in &cx.state.inspections {
            let direction = match inspection.direction {
                Direction::Request => "request",
                Direction::Response => "response",
            };
            let rules = self.rules(inspection.direction);
            for (rule, count) in rules.iter().zip(&inspection.scanner.counts) {
                if *count == 0 {
                    continue;
                }
                let action = match rule.action {
                    Action::Report => "report",
                    Action::Mask if inspection.place == PATH => "block",
                    Action::Mask => "mask",
                    Action::Block => "block",
                };
                let event = serde_json::json!({
                    "event": "content_inspection",
                    "direction": direction,
                    "place": inspection.place,
                    "detector": rule.detector.name,
                    "action": action,
                    "count": count,
                });
                cx.envoy.log(LogLevel::Warn, &event.to_string());
            }
        }
    }
}

const PATH: &str = "path";

impl Extension {
    fn rules(&self, direction: Direction) -> &[Rule] {
        match direction {
            Direction::Request => &self.config.request,
            Direction::Response => &self.config.response,
        }
    }

    fn on_request_headers(&self, state: &mut State, headers: &mut Headers) -> AfterHeaders {
        state.is_head = headers.text(":method") == Some("HEAD");
        if !self.config.response.is_empty() {
            // An encoded response could not be inspected.
            headers.set("accept-encoding", "identity");
        }
        if self.config.request.is_empty() {
            return AfterHeaders::Continue;
        }
        if self.config.path && self.is_path_refused(state, headers) {
            return AfterHeaders::Reply(refused_request());
        }
        for name in &self.config.headers {
            if self.is_header_refused(state, headers, name) {
                return AfterHeaders::Reply(refused_request());
            }
        }
        if !self.config.body || !self.config.is_inspected(content_type(headers)) {
            return AfterHeaders::Continue;
        }
        if is_encoded(headers) {
            state.refuse_body = self.config.refuse_encoded;
            return match state.refuse_body {
                true => AfterHeaders::StreamBody { changes: false },
                false => AfterHeaders::Continue,
            };
        }
        self.stream(state, Direction::Request)
    }

    fn on_response_headers(&self, state: &mut State, headers: &Headers) -> AfterHeaders {
        if self.config.response.is_empty() || !self.config.is_inspected(content_type(headers)) {
            return AfterHeaders::Continue;
        }
        if !is_encoded(headers) {
            return self.stream(state, Direction::Response);
        }
        // Only now can it still be replaced.
        match self.config.refuse_encoded && !state.is_head && may_have_body(headers) {
            true => AfterHeaders::Reply(replaced_response()),
            false => AfterHeaders::Continue,
        }
    }

    fn stream(&self, state: &mut State, direction: Direction) -> AfterHeaders {
        state.inspections.push(Inspection {
            direction,
            place: "body".to_owned(),
            scanner: Scanner::default(),
        });
        AfterHeaders::StreamBody {
            changes: may_change(self.rules(direction)),
        }
    }

    /// Another path would be another resource: what would be masked is refused.
    fn is_path_refused(&self, state: &mut State, headers: &Headers) -> bool {
        let path = headers.values(":path").next().unwrap_or_default();
        let mut scanner = Scanner::default();
        let rules = &self.config.request;
        scanner.feed(rules, self.config.mask_with, &decoded(path), true);
        let refused = rules
            .iter()
            .zip(&scanner.counts)
            .any(|(rule, count)| *count > 0 && rule.action != Action::Report);
        state.inspections.push(Inspection {
            direction: Direction::Request,
            place: PATH.to_owned(),
            scanner,
        });
        refused
    }

    fn is_header_refused(&self, state: &mut State, headers: &mut Headers, name: &str) -> bool {
        let before: Vec<Vec<u8>> = headers.values(name).map(<[u8]>::to_vec).collect();
        let mut scanner = Scanner::default();
        let mut refused = false;
        let after: Vec<Vec<u8>> = before
            .iter()
            .map(|value| {
                let rules = &self.config.request;
                let (out, blocked) = scanner.feed(rules, self.config.mask_with, value, true);
                refused |= blocked;
                out
            })
            .collect();
        state.inspections.push(Inspection {
            direction: Direction::Request,
            place: format!("header {name}"),
            scanner,
        });
        if after != before {
            headers.remove(name);
            for value in after {
                headers.append(name, value);
            }
        }
        refused
    }
}

/// Whether pieces of a body are held back; reports need none of that.
fn may_change(rules: &[Rule]) -> bool {
    rules.iter().any(|rule| rule.action != Action::Report)
}

fn content_type(headers: &Headers) -> &str {
    headers.text("content-type").unwrap_or_default()
}

fn is_encoded(headers: &Headers) -> bool {
    headers
        .values("content-encoding")
        .flat_map(|line| line.split(|&byte| byte == b','))
        .map(<[u8]>::trim_ascii)
        .any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"))
}

fn may_have_body(headers: &Headers) -> bool {
    !matches!(headers.text(":status"), Some("204" | "304"))
        && headers.text("content-length") != Some("0")
}

/// Percent-encoding taken off once, `+` read as a blank. What is no valid encoding stays.
fn decoded(path: &[u8]) -> Vec<u8> {
    let hex = |byte: Option<&u8>| byte.and_then(|&byte| char::from(byte).to_digit(16));
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let escaped = match byte {
            b'%' => hex(after.first()).zip(hex(after.get(1))),
            _ => None,
        };
        match escaped.and_then(|(high, low)| u8::try_from(high * 16 + low).ok()) {
            Some(value) => {
                out.push(value);
                rest = after.get(2..).unwrap_or_default();
            }
            None if byte == b'+' => out.push(b' '),
            None => out.push(byte),
        }
    }
    out
}

// The answers do not say what was found: that would help who looks for a way around. RFC 9457.

fn refused_request() -> LocalReply {
    let detail = "The request contains something that is not let through.";
    problem(403, "Forbidden", detail)
}

fn encoded_request() -> LocalReply {
    let detail = "The body is encoded and cannot be inspected; send it without a content-encoding.";
    problem(415, "Unsupported Media Type", detail)
}

fn replaced_response() -> LocalReply {
    problem(502, "Bad Gateway", "The response cannot be let through.")
}

fn problem(status: u32, title: &str, detail: &str) -> LocalReply {
    let content_type = "application/problem+json";
    LocalReply {
        status,
        headers: vec![("content-type".to_owned(), content_type.to_owned())],
        body: format!(
            "{{\"type\":\"about:blank\",\"title\":\"{title}\",\"status\":{status},\"detail\":\"{detail}\"}}\n"
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, Value};

    use super::*;
    use crate::filter::testing::{headers, TestStream};
    use Direction::{Request, Response};

    const CARD: &str = "4222222222222";

    pub fn all_off() -> Value {
        json!({
            "request": {
                "places": ["path", "body"], "headers": ["x-note"],
                "cards": "off", "emails": "off", "credentials": "off",
                "sqlInjection": "off", "pathTraversal": "off",
            },
            "response": {"cards": "off", "emails": "off", "credentials": "off"},
            "patterns": [],
            "maskWith": "*",
            "keepDigits": 0,
            "contentTypes": ["text/*"],
            "encoded": "refuse",
        })
    }

    fn extension(changes: &[(&str, Value)]) -> Extension {
        let mut config = all_off();
        for (pointer, value) in changes {
            *config.pointer_mut(pointer).unwrap() = value.clone();
        }
        match Extension::from_config(config.to_string().as_bytes()) {
            Ok(extension) => extension,
            Err(error) => panic!("{error}"),
        }
    }

    fn reply(next: &AfterHeaders) -> Option<u32> {
        match next {
            AfterHeaders::Reply(reply) => Some(reply.status),
            _ => None,
        }
    }

    #[test]
    fn paths() {
        let extension = extension(&[
            ("/request/cards", json!("mask")),
            ("/request/sqlInjection", json!("block")),
            ("/request/emails", json!("report")),
        ]);
        for (path, status) in [
            ("/a?b=c", None),
            ("/?q=1%27%20or%20%271%27%3D%271", Some(403)),
            ("/?q=1+union+select+2", Some(403)),
            ("/?q=4111%201111+1111-1111", Some(403)),
            ("/?q=a%40example.com", None),
            ("/%", None),
            ("/%4", None),
            ("/%zz%+1", None),
        ] {
            let mut headers = headers(&[(":path", path)]);
            let next = extension.on_headers(&mut TestStream::default().cx(), Request, &mut headers);
            assert_eq!(reply(&next), status, "{path}");
            assert_eq!(headers.text(":path"), Some(path));
        }
    }

    #[test]
    fn chosen_headers_are_masked_and_refused() {
        let extension = extension(&[
            ("/request/places", json!([])),
            ("/request/cards", json!("mask")),
            ("/request/credentials", json!("block")),
        ]);
        let mut stream = TestStream::default();
        let mut lines = headers(&[
            ("x-note", "a 4222222222222"),
            ("x-note", "b"),
            ("x-other", CARD),
        ]);
        let next = extension.on_headers(&mut stream.cx(), Request, &mut lines);
        assert_eq!(next, AfterHeaders::Continue);
        let values: Vec<&[u8]> = lines.values("x-note").collect();
        assert_eq!(values, [b"a *************".as_slice(), b"b"]);
        assert_eq!(lines.text("x-other"), Some(CARD));
        assert_eq!(lines.text("accept-encoding"), None);

        let mut lines = headers(&[("x-note", "AKIAIOSFODNN7EXAMPLE")]);
        let next = extension.on_headers(&mut stream.cx(), Request, &mut lines);
        assert_eq!(reply(&next), Some(403));
    }

    #[test]
    fn bodies_that_are_looked_at() {
        let off = extension(&[]);
        let mask = [
            ("/request/cards", json!("mask")),
            ("/response/cards", json!("mask")),
        ];
        let refuse = extension(&mask);
        let [request, response] = mask;
        let pass = extension(&[request, response, ("/encoded", json!("pass"))]);
        let streamed = || AfterHeaders::StreamBody { changes: true };
        for (lines, inspected, encoded) in [
            (vec![("content-type", "text/plain")], true, false),
            (vec![], true, false),
            (vec![("content-type", "image/png")], false, false),
            (
                vec![("content-encoding", "identity, Identity")],
                true,
                false,
            ),
            (vec![("content-encoding", "identity, gzip")], true, true),
            (
                vec![("content-type", "image/png"), ("content-encoding", "br")],
                false,
                false,
            ),
        ] {
            let next = |extension: &Extension, direction| {
                extension.on_headers(
                    &mut TestStream::default().cx(),
                    direction,
                    &mut headers(&lines),
                )
            };
            for direction in [Request, Response] {
                let expected = match inspected && !encoded {
                    true => streamed(),
                    false => AfterHeaders::Continue,
                };
                assert_eq!(next(&pass, direction), expected, "{lines:?}");
                if !encoded {
                    assert_eq!(next(&refuse, direction), expected, "{lines:?}");
                }
                assert_eq!(next(&off, direction), AfterHeaders::Continue);
            }
        }

        let encoded = [("content-encoding", "gzip")];
        let mut stream = TestStream::default();
        let next = refuse.on_headers(&mut stream.cx(), Request, &mut headers(&encoded));
        assert_eq!(next, AfterHeaders::StreamBody { changes: false });
        let body = refuse.on_chunk(&mut stream.cx(), Request, &headers(&[]), b"x", false);
        assert_eq!(body, AfterBody::Reply(encoded_request()));
        let next = refuse.on_headers(&mut stream.cx(), Response, &mut headers(&encoded));
        assert_eq!(reply(&next), Some(502));
    }

    #[test]
    fn an_encoded_response_without_a_body_passes() {
        let extension = extension(&[("/response/cards", json!("mask"))]);
        let encoding = ("content-encoding", "gzip");
        for (method, lines) in [
            ("HEAD", vec![(":status", "200"), encoding]),
            ("GET", vec![(":status", "304"), encoding]),
            (
                "GET",
                vec![(":status", "200"), ("content-length", "0"), encoding],
            ),
        ] {
            let mut stream = TestStream::default();
            let mut request = headers(&[(":method", method), ("accept-encoding", "gzip")]);
            extension.on_headers(&mut stream.cx(), Request, &mut request);
            assert_eq!(request.text("accept-encoding"), Some("identity"));
            let next = extension.on_headers(&mut stream.cx(), Response, &mut headers(&lines));
            assert_eq!(next, AfterHeaders::Continue, "{method} {lines:?}");
        }
    }

    #[test]
    fn bodies_are_masked_and_refused_across_pieces() {
        for (action, expected) in [
            ("mask", AfterBody::Replace(b"*************".to_vec())),
            ("block", AfterBody::Reply(refused_request())),
            ("report", AfterBody::Unchanged),
        ] {
            let extension = extension(&[("/request/cards", json!(action))]);
            let mut stream = TestStream::default();
            extension.on_headers(&mut stream.cx(), Request, &mut headers(&[]));
            let first =
                extension.on_chunk(&mut stream.cx(), Request, &headers(&[]), b"42222", false);
            let held = match action {
                "report" => AfterBody::Unchanged,
                _ => AfterBody::Replace(vec![]),
            };
            assert_eq!(first, held);
            let last =
                extension.on_chunk(&mut stream.cx(), Request, &headers(&[]), b"22222222", true);
            assert_eq!(last, expected);
        }
    }

    #[test]
    fn events_say_what_was_found_where_but_not_the_text() {
        let extension = extension(&[
            ("/request/cards", json!("mask")),
            ("/request/emails", json!("report")),
            ("/response/emails", json!("report")),
        ]);
        let mut stream = TestStream::default();
        let mut lines = headers(&[
            (":path", "/?q=a@b.de"),
            ("x-note", "a@b.de"),
            ("x-note", "c@d.ef"),
        ]);
        extension.on_headers(&mut stream.cx(), Request, &mut lines);
        extension.on_chunk(&mut stream.cx(), Request, &lines, CARD.as_bytes(), true);
        extension.on_headers(&mut stream.cx(), Response, &mut headers(&[]));
        // A response that breaks off is reported as far as it came.
        let piece = format!("a@b.de {}", "z".repeat(2000));
        extension.on_chunk(&mut stream.cx(), Response, &lines, piece.as_bytes(), false);
        extension.on_end(&mut stream.cx(), &End::default());
        let log = stream.envoy.log.borrow();
        let seen: Vec<Value> = log
            .iter()
            .map(|(_, line)| serde_json::from_str(line).unwrap())
            .collect();
        let event = |direction, place, detector, action, count| {
            json!({
                "event": "content_inspection", "direction": direction, "place": place,
                "detector": detector, "action": action, "count": count,
            })
        };
        assert_eq!(
            seen,
            [
                event("request", "path", "emails", "report", 1),
                event("request", "header x-note", "emails", "report", 2),
                event("request", "body", "cards", "mask", 1),
                event("response", "body", "emails", "report", 1),
            ]
        );
    }
}
