//! Finds what should not be in requests and responses, and blocks, masks or reports it. See
//! docs/purpose.md.
//!
//! What is inspected and what follows from it stands here, what headers say of a body in body.rs,
//! the list of what is found in detectors.rs, how a text is read in readings.rs.

mod body;
mod config;
mod detectors;
mod matcher;
mod readings;
mod scanner;

use proxy_wasm::types::LogLevel;

use crate::filter::config::ConfigError;
use crate::filter::headers::Headers;
use crate::filter::{AfterBody, AfterHeaders, Cx, Direction, End, HttpExtension, LocalReply};
use body::{is_part, is_readable, media_types, LineEnds};
use config::Config;
use detectors::UNREADABLE;
use scanner::{Action, Inspector, Rule};

pub struct Extension {
    config: Config,
    /// For multipart bodies, beside the others.
    parts: Vec<Rule>,
}

/// What is kept of a request until its end.
#[derive(Default)]
pub struct State {
    /// Requests with this method have responses without a body.
    is_head: bool,
    /// The body of the request cannot be read.
    refuse_body: bool,
    inspections: Vec<Inspection>,
    /// Bodies that cannot be read, and what becomes of them.
    unreadable: Vec<(Direction, &'static str)>,
    /// Of multipart bodies, the request's and the response's: whether a part cannot be read.
    parts: [Option<Inspector>; 2],
    ends: LineEnds,
}

/// One place of a request or a response.
struct Inspection {
    direction: Direction,
    place: String,
    inspector: Inspector,
}

impl HttpExtension for Extension {
    type State = State;

    /// What a WebSocket carries would pass without being inspected.
    fn refuses_upgrade(&self, _: &mut Cx<Self::State>) -> bool {
        let Config {
            body,
            request,
            response,
            ..
        } = &self.config;
        !response.is_empty() || *body && !request.is_empty()
    }

    fn from_config(text: &[u8]) -> Result<Self, ConfigError> {
        let config = Config::parse(text)?;
        let parts = vec![Rule {
            detector: detectors::transfer_encoded(),
            action: match config.reject_unreadable {
                true => Action::Block,
                false => Action::Report,
            },
        }];
        Ok(Extension { config, parts })
    }

    fn on_headers(
        &self,
        cx: &mut Cx<State>,
        direction: Direction,
        headers: &mut Headers,
    ) -> AfterHeaders {
        match direction {
            Direction::Request => self.on_request_headers(cx.state, headers, cx.has_body),
            Direction::Response => self.on_response_headers(cx.state, headers, cx.has_body),
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
            return AfterBody::Reply(unreadable_request());
        }
        if self.is_part_refused(cx.state, direction, chunk, end) {
            return AfterBody::Reply(match direction {
                Direction::Request => unreadable_request(),
                Direction::Response => replaced_response(),
            });
        }
        let rules = self.rules(direction);
        let body = cx
            .state
            .inspections
            .iter_mut()
            .rfind(|inspection| inspection.direction == direction);
        let Some(Inspection { inspector, .. }) = body else {
            return AfterBody::Unchanged;
        };
        let with = self.config.mask_with;
        let (mut out, mut blocked, mut rest) = (Vec::new(), false, chunk);
        loop {
            let (length, complete) = match direction {
                Direction::Request => (rest.len(), false),
                Direction::Response => cx.state.ends.next(rest),
            };
            let (piece, after) = rest.split_at(length.min(rest.len()));
            rest = after;
            let all = complete || end && rest.is_empty();
            let (went, stop) = inspector.settle(rules, with, piece, all);
            out.extend(went);
            blocked |= stop;
            if rest.is_empty() {
                break;
            }
        }
        if blocked {
            AfterBody::Reply(refused_request())
        } else if !may_change(rules) {
            AfterBody::Unchanged
        } else if !end && out.is_empty() && inspector.has_all() {
            // If trailers come next, it is too late for a replacement: what it would be.
            AfterBody::Hold(inspector.clone().settle(rules, with, &[], true).0)
        } else {
            AfterBody::Replace(out)
        }
    }

    /// Writes what was found, one event per place and detector. It has nothing of what was found.
    fn on_end(&self, cx: &mut Cx<State>, _end: &dyn Fn() -> End) {
        for inspection in &cx.state.inspections {
            let direction = match inspection.direction {
                Direction::Request => "request",
                Direction::Response => "response",
            };
            let rules = self.rules(inspection.direction);
            for (rule, count) in rules.iter().zip(inspection.inspector.found()) {
                if count == 0 {
                    continue;
                }
                let action = match rule.action {
                    Action::Report => "report",
                    Action::Mask if inspection.place == PATH => "block",
                    Action::Mask => "mask",
                    Action::Block => "block",
                };
                let place = &inspection.place;
                log(cx, direction, place, &rule.detector.name, action, count);
            }
        }
        for (direction, action) in &cx.state.unreadable {
            let direction = match direction {
                Direction::Request => "request",
                Direction::Response => "response",
            };
            log(cx, direction, "body", UNREADABLE, action, 1);
            let counter = format!("content_inspection_unreadable_{direction}_{action}");
            cx.envoy.count(&counter);
        }
    }
}

fn log(cx: &Cx<State>, direction: &str, place: &str, detector: &str, action: &str, count: usize) {
    let event = serde_json::json!({
        "event": "content_inspection",
        "direction": direction,
        "place": place,
        "detector": detector,
        "action": action,
        "count": count,
    });
    cx.envoy.log(LogLevel::Warn, &event.to_string());
}

const PATH: &str = "path";

impl Extension {
    fn rules(&self, direction: Direction) -> &[Rule] {
        match direction {
            Direction::Request => &self.config.request,
            Direction::Response => &self.config.response,
        }
    }

    fn on_request_headers(
        &self,
        state: &mut State,
        headers: &mut Headers,
        has_body: bool,
    ) -> AfterHeaders {
        state.is_head = headers.text(":method") == Some("HEAD");
        if !self.config.response.is_empty() {
            // What is encoded or only a part could not be inspected.
            headers.set("accept-encoding", "identity");
            headers.remove("range");
            headers.remove("if-range");
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
        let types = media_types(headers);
        if !self.config.body || !self.config.is_inspected(&types) {
            return AfterHeaders::Continue;
        }
        if !is_readable(headers) {
            state.refuse_body = self.config.reject_unreadable;
            return match (state.refuse_body, has_body) {
                (_, false) => AfterHeaders::Continue,
                (true, _) => {
                    state.unreadable.push((Direction::Request, "block"));
                    AfterHeaders::StreamBody { changes: false }
                }
                (false, _) => {
                    state.unreadable.push((Direction::Request, "pass"));
                    AfterHeaders::Continue
                }
            };
        }
        self.stream(state, Direction::Request, &types)
    }

    fn on_response_headers(
        &self,
        state: &mut State,
        headers: &Headers,
        has_body: bool,
    ) -> AfterHeaders {
        let types = media_types(headers);
        if self.config.response.is_empty() || !self.config.is_inspected(&types) && !is_part(headers)
        {
            return AfterHeaders::Continue;
        }
        if is_readable(headers) {
            state.ends = LineEnds::of(&types);
            return self.stream(state, Direction::Response, &types);
        }
        if state.is_head || !has_body || !may_have_body(headers) {
            return AfterHeaders::Continue;
        }
        // Only now can it still be replaced.
        if self.config.reject_unreadable {
            state.unreadable.push((Direction::Response, "block"));
            AfterHeaders::Reply(replaced_response())
        } else {
            state.unreadable.push((Direction::Response, "pass"));
            AfterHeaders::Continue
        }
    }

    /// Looks for the parts of a multipart body that cannot be read.
    fn is_part_refused(
        &self,
        state: &mut State,
        direction: Direction,
        chunk: &[u8],
        end: bool,
    ) -> bool {
        let [request, response] = &mut state.parts;
        let parts = match direction {
            Direction::Request => request,
            Direction::Response => response,
        };
        let Some(inspector) = parts else {
            return false;
        };
        let before = inspector.found();
        let (_, refused) = inspector.settle(&self.parts, self.config.mask_with, chunk, end);
        let has_found = |found: Vec<usize>| found.iter().any(|count| *count > 0);
        if !has_found(before) && has_found(inspector.found()) {
            let action = if refused { "block" } else { "pass" };
            state.unreadable.push((direction, action));
        }
        refused
    }

    fn stream(&self, state: &mut State, direction: Direction, types: &[String]) -> AfterHeaders {
        if types.iter().any(|one| one.starts_with("multipart/")) {
            let [request, response] = &mut state.parts;
            *match direction {
                Direction::Request => request,
                Direction::Response => response,
            } = Some(Inspector::default());
        }
        state.inspections.push(Inspection {
            direction,
            place: "body".to_owned(),
            inspector: Inspector::default(),
        });
        AfterHeaders::StreamBody {
            changes: may_change(self.rules(direction)),
        }
    }

    /// Another path would be another resource: what would be masked is refused.
    fn is_path_refused(&self, state: &mut State, headers: &Headers) -> bool {
        let path = headers.values(":path").next().unwrap_or_default();
        let mut inspector = Inspector::default();
        let rules = &self.config.request;
        inspector.feed(rules, self.config.mask_with, path, true);
        let refused = rules
            .iter()
            .zip(inspector.found())
            .any(|(rule, count)| count > 0 && rule.action != Action::Report);
        state.inspections.push(Inspection {
            direction: Direction::Request,
            place: PATH.to_owned(),
            inspector,
        });
        refused
    }

    fn is_header_refused(&self, state: &mut State, headers: &mut Headers, name: &str) -> bool {
        let before: Vec<Vec<u8>> = headers.values(name).map(<[u8]>::to_vec).collect();
        let mut inspector = Inspector::default();
        let mut refused = false;
        let after: Vec<Vec<u8>> = before
            .iter()
            .map(|value| {
                let rules = &self.config.request;
                let (out, blocked) = inspector.feed(rules, self.config.mask_with, value, true);
                refused |= blocked;
                out
            })
            .collect();
        state.inspections.push(Inspection {
            direction: Direction::Request,
            place: format!("header {name}"),
            inspector,
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

fn may_have_body(headers: &Headers) -> bool {
    !matches!(headers.text(":status"), Some("204" | "304"))
        && headers.text("content-length") != Some("0")
}

// The answers do not say what was found: that would help who looks for a way around. RFC 9457.

fn refused_request() -> LocalReply {
    let detail = "The request contains something that is not let through.";
    problem(403, "Forbidden", detail)
}

fn unreadable_request() -> LocalReply {
    let detail =
        "The body cannot be read for inspection; send it as UTF-8 and without a content-encoding.";
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
            "unreadable": "reject",
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
            ("/?q=%2527%20or%20%25271%2527=1", Some(403)),
            ("/?q=%34111111111111111", Some(403)),
            ("/?q=%25%33%34111111111111111", Some(403)),
            ("/?q=\\u0034111111111111111", Some(403)),
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
        let pass = extension(&[request, response, ("/unreadable", json!("pass"))]);
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
                let mut stream = TestStream {
                    has_body: true,
                    ..TestStream::default()
                };
                extension.on_headers(&mut stream.cx(), direction, &mut headers(&lines))
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
        let mut stream = TestStream {
            has_body: true,
            ..TestStream::default()
        };
        let next = refuse.on_headers(&mut stream.cx(), Request, &mut headers(&encoded));
        assert_eq!(next, AfterHeaders::StreamBody { changes: false });
        let body = refuse.on_chunk(&mut stream.cx(), Request, &headers(&[]), b"x", false);
        assert_eq!(body, AfterBody::Reply(unreadable_request()));
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
            let mut request = headers(&[
                (":method", method),
                ("accept-encoding", "gzip"),
                ("range", "bytes=0-9"),
                ("if-range", "x"),
            ]);
            extension.on_headers(&mut stream.cx(), Request, &mut request);
            assert_eq!(request.text("accept-encoding"), Some("identity"));
            assert_eq!(request.text("range"), None);
            assert_eq!(request.text("if-range"), None);
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
                _ => AfterBody::Hold(b"42222".to_vec()),
            };
            assert_eq!(first, held);
            let last =
                extension.on_chunk(&mut stream.cx(), Request, &headers(&[]), b"22222222", true);
            assert_eq!(last, expected);
        }
    }

    fn with_body() -> TestStream<State> {
        TestStream {
            has_body: true,
            ..TestStream::default()
        }
    }

    #[test]
    fn whole_events_and_lines_pass_as_they_come() {
        let extension = extension(&[
            ("/response/cards", json!("mask")),
            ("/contentTypes", json!(["text/*", "application/x-ndjson"])),
        ]);
        let card = "data: 422222222";
        for (content_type, pieces) in [
            (
                "text/event-stream; charset=utf-8",
                vec![
                    ("data: a\n\n", "data: a\n\n"),
                    (card, ""),
                    ("2222\r\n\r", "data: *************\r\n\r"),
                    ("\ndata: b\r\rda", "\ndata: b\r\r"),
                    ("ta: c", ""),
                ],
            ),
            (
                "application/x-ndjson",
                vec![
                    ("1\n", "1\n"),
                    ("422222222", ""),
                    ("2222\n1\n2", "*************\n1\n"),
                ],
            ),
        ] {
            let mut stream = with_body();
            let mut lines = headers(&[("content-type", content_type)]);
            extension.on_headers(&mut stream.cx(), Response, &mut lines);
            for (piece, passed) in pieces {
                let out =
                    extension.on_chunk(&mut stream.cx(), Response, &lines, piece.as_bytes(), false);
                assert_eq!(
                    out,
                    AfterBody::Replace(passed.as_bytes().to_vec()),
                    "{piece:?}"
                );
            }
        }
    }

    /// Envoy has what goes on before trailers, as long as it is all of the body.
    #[test]
    fn trailers_end_a_short_body() {
        for (action, last) in [
            ("mask", AfterBody::Replace(b"a *************".to_vec())),
            ("block", AfterBody::Reply(refused_request())),
        ] {
            let extension = extension(&[("/request/cards", json!(action))]);
            let mut stream = with_body();
            extension.on_headers(&mut stream.cx(), Request, &mut headers(&[]));
            let mut chunk = |piece: &[u8], end| {
                extension.on_chunk(&mut stream.cx(), Request, &headers(&[]), piece, end)
            };
            assert_eq!(chunk(b"a 4222", false), AfterBody::Hold(b"a 4222".to_vec()));
            let held = match action {
                "mask" => b"a *************".to_vec(),
                _ => b"a 4222222222222".to_vec(),
            };
            assert_eq!(chunk(b"222222222", false), AfterBody::Hold(held));
            assert_eq!(chunk(b"", true), last);
        }
    }

    #[test]
    fn parts_in_another_encoding_cannot_be_read() {
        const BODY: &[u8] = b"--b\r\nContent-Transfer-Encoding:  Base64\r\n\r\nNDExMQ==\r\n--b--";
        for (unreadable, refused) in [("reject", true), ("pass", false)] {
            let extension = extension(&[
                ("/request/cards", json!("block")),
                ("/unreadable", json!(unreadable)),
                ("/contentTypes", json!(["multipart/*"])),
            ]);
            let mut stream = with_body();
            let mut lines = headers(&[("content-type", "multipart/form-data; boundary=b")]);
            extension.on_headers(&mut stream.cx(), Request, &mut lines);
            let out = extension.on_chunk(&mut stream.cx(), Request, &lines, BODY, true);
            match refused {
                true => assert_eq!(out, AfterBody::Reply(unreadable_request())),
                false => assert_eq!(out, AfterBody::Replace(BODY.to_vec())),
            }
            extension.on_end(&mut stream.cx(), &End::default);
            let log = stream.envoy.log.borrow();
            let action = if refused { "block" } else { "pass" };
            let counter = format!("content_inspection_unreadable_request_{action}");
            assert_eq!(stream.envoy.counters.borrow().get(&counter), Some(&1));
            let (_, line) = log.last().unwrap();
            assert!(line.contains("\"detector\":\"unreadable\""), "{line}");
            assert!(line.contains(&format!("\"action\":\"{action}\"")), "{line}");
        }
    }

    #[test]
    fn a_part_of_a_response_cannot_be_read() {
        for (unreadable, status) in [("reject", Some(502)), ("pass", None)] {
            let extension = extension(&[
                ("/response/cards", json!("mask")),
                ("/unreadable", json!(unreadable)),
            ]);
            let mut lines = headers(&[(":status", "206"), ("content-type", "image/png")]);
            let mut stream = with_body();
            let next = extension.on_headers(&mut stream.cx(), Response, &mut lines);
            assert_eq!(reply(&next), status);
            extension.on_end(&mut stream.cx(), &End::default);
            assert_eq!(stream.envoy.log.borrow().len(), 1);
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
        extension.on_end(&mut stream.cx(), &End::default);
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
