//! Takes one HTTP stream through the extension.
//!
//! It fails closed: if a host call fails, the client gets 500, and nothing passes unprocessed.

use std::fmt;
use std::mem;
use std::rc::Rc;
use std::time::Duration;

use proxy_wasm::types::{Action, LogLevel};

use super::envoy::Host;
use super::headers::Headers;
use super::services::{number, text, HostError, Services};
use super::upgrade;
use super::{AfterBody, AfterHeaders, Cx, Direction, End, HttpExtension, LocalReply};

pub struct Stream<H, E: HttpExtension> {
    host: H,
    extension: Rc<E>,
    state: E::State,
    request: Body,
    response: Body,
    /// Where the extension answered the client itself.
    replied: Option<Direction>,
    /// Whether a body follows the headers that came last.
    has_body: bool,
    upgrade: Upgrade,
}

/// Whether the client asked to go on with another protocol.
#[derive(Clone, Copy, PartialEq)]
enum Upgrade {
    No,
    Protocol,
    Tunnel,
}

/// What is done with the body of a message whose headers went by, and these headers.
#[derive(Default)]
enum Body {
    #[default]
    Pass,
    Buffer(Headers),
    Stream {
        headers: Headers,
        changes: bool,
        /// What Envoy holds of the pieces before.
        held: Vec<u8>,
    },
}

/// Why a message is refused.
enum Failure {
    Host(HostError),
    ChangeNotDeclared,
}

impl Failure {
    fn details(&self) -> &'static str {
        match self {
            Failure::Host(_) => "wasm_host_call_failed",
            Failure::ChangeNotDeclared => "wasm_change_not_declared",
        }
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        Failure::Host(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Failure::Host(error) => error.fmt(f),
            Failure::ChangeNotDeclared => f.write_str(
                "on_chunk replaced a piece of a body; return StreamBody { changes: true } first",
            ),
        }
    }
}

impl<H: Host, E: HttpExtension> Stream<H, E> {
    pub fn new(host: H, extension: Rc<E>) -> Self {
        Stream {
            host,
            extension,
            state: E::State::default(),
            request: Body::Pass,
            response: Body::Pass,
            replied: None,
            has_body: false,
            upgrade: Upgrade::No,
        }
    }

    /// Never pauses to wait for the body: Envoy would hold the body back as well, for ever.
    pub fn on_headers(&mut self, direction: Direction, end_of_stream: bool) -> Action {
        if let Some(action) = self.after_reply(direction) {
            return action;
        }
        let result = self.process_headers(direction, end_of_stream);
        self.action(direction, result)
    }

    pub fn on_body(&mut self, direction: Direction, end_of_stream: bool) -> Action {
        if let Some(action) = self.after_reply(direction) {
            return action;
        }
        match self.body(direction) {
            Body::Buffer(_) if !end_of_stream => Action::Pause, // up to the listener's limit
            Body::Pass => Action::Continue,
            _ => {
                let result = self.process_body(direction, end_of_stream);
                self.action(direction, result)
            }
        }
    }

    /// Trailers end a message as well: no body callback has had `end_of_stream` then.
    pub fn on_trailers(&mut self, direction: Direction) -> Action {
        if let Some(action) = self.after_reply(direction) {
            return action;
        }
        let result = match self.body(direction) {
            Body::Pass => return Action::Continue,
            Body::Buffer(_) => self.process_body(direction, true),
            Body::Stream { .. } => self.process_chunk(direction, &[], true),
        };
        self.action(direction, result)
    }

    /// Envoy knows how the stream ended, also when its end did not come by here.
    pub fn on_end(&mut self) {
        let host = self.host.clone();
        let extension = Rc::clone(&self.extension);
        extension.on_end(&mut self.cx(), &|| end_of(&host));
    }

    fn process_headers(
        &mut self,
        direction: Direction,
        end_of_stream: bool,
    ) -> Result<Action, Failure> {
        let host = self.host.clone();
        let mut headers = Headers::of(move || host.headers(direction));
        // What another protocol sends has no end that could be waited for.
        let end_of_stream = end_of_stream || self.is_upgraded(direction, &headers)?;
        self.has_body = !end_of_stream;
        let extension = Rc::clone(&self.extension);
        let next = extension.on_headers(&mut self.cx(), direction, &mut headers);
        let waits = matches!(
            next,
            AfterHeaders::BufferBody | AfterHeaders::StreamBody { .. }
        );
        if waits && !end_of_stream {
            // While the body comes by, the headers are on their way and others change them.
            headers.load();
        }
        if let Some(error) = headers.failure() {
            return Err(error.into());
        }
        if let AfterHeaders::Reply(reply) = next {
            return self.reply(direction, &reply, "wasm_reply");
        }
        if direction == Direction::Request
            && self.upgrade != Upgrade::No
            && extension.refuses_upgrade(&mut self.cx())
        {
            return self.reply(direction, &upgrade::refusal(), "wasm_upgrade_refused");
        }
        let may_change = match next {
            AfterHeaders::BufferBody => true,
            AfterHeaders::StreamBody { changes } => changes,
            _ => false,
        };
        if may_change && !end_of_stream {
            // The headers go on now, before the new length is known: the body is sent chunked.
            headers.remove("content-length");
        }
        for change in headers.changes() {
            // Removing makes Envoy choose the route again, also where there was nothing to remove.
            if change.clear && self.host.header(direction, &change.name)?.is_some() {
                self.host.remove_header(direction, &change.name)?;
            }
            for value in &change.values {
                self.host.add_header(direction, &change.name, value)?;
            }
        }
        *self.body(direction) = match next {
            _ if end_of_stream => Body::Pass,
            AfterHeaders::BufferBody => Body::Buffer(headers),
            AfterHeaders::StreamBody { changes } => Body::Stream {
                headers,
                changes,
                held: Vec::new(),
            },
            _ => Body::Pass,
        };
        Ok(Action::Continue)
    }

    /// Whether another protocol follows these headers. An upstream may also answer as if nothing
    /// had been asked; until it agrees, Envoy sends it nothing more of the request.
    fn is_upgraded(&mut self, direction: Direction, headers: &Headers) -> Result<bool, HostError> {
        if direction == Direction::Response {
            let tunnel = self.upgrade == Upgrade::Tunnel;
            return Ok(self.upgrade != Upgrade::No && upgrade::is_accepted(tunnel, headers));
        }
        let header = |name| self.host.header(direction, name);
        self.upgrade = match upgrade::is_possible(header)? && upgrade::is_requested(headers) {
            false => Upgrade::No,
            true if upgrade::is_tunnel(headers) => Upgrade::Tunnel,
            true => Upgrade::Protocol,
        };
        Ok(self.upgrade != Upgrade::No)
    }

    /// The whole body, or a piece of it.
    fn process_body(&mut self, direction: Direction, end: bool) -> Result<Action, Failure> {
        let bytes = self.host.body(direction)?;
        self.process_chunk(direction, &bytes, end)
    }

    fn process_chunk(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        end: bool,
    ) -> Result<Action, Failure> {
        let extension = Rc::clone(&self.extension);
        let mut body = mem::take(self.body(direction));
        let (next, may_change, in_envoy) = match &mut body {
            Body::Pass => return Ok(Action::Continue),
            Body::Buffer(headers) => {
                let next = extension.on_body(&mut self.cx(), direction, headers, bytes);
                (next, true, bytes.to_vec())
            }
            Body::Stream {
                headers,
                changes,
                held,
            } => {
                let held = mem::take(held);
                let piece = bytes.get(held.len()..).unwrap_or_default();
                let next = extension.on_chunk(&mut self.cx(), direction, headers, piece, end);
                // At the trailers there is no piece, and Envoy has what it holds.
                let in_envoy = if bytes.is_empty() {
                    held
                } else {
                    bytes.to_vec()
                };
                (next, *changes, in_envoy)
            }
        };
        let mut action = Action::Continue;
        let new = match next {
            AfterBody::Unchanged => None,
            AfterBody::Replace(new) => Some(new),
            AfterBody::Hold(new) => {
                if let Body::Stream { held, .. } = &mut body {
                    held.clone_from(&new);
                    action = Action::Pause;
                }
                Some(new)
            }
            AfterBody::Reply(reply) => return self.reply(direction, &reply, "wasm_reply"),
        };
        if !end {
            *self.body(direction) = body;
        }
        match new.filter(|new| *new != in_envoy) {
            Some(_) if !may_change => return Err(Failure::ChangeNotDeclared),
            Some(new) => self.host.replace_body(direction, &new)?,
            None => {}
        }
        Ok(action)
    }

    fn cx(&mut self) -> Cx<'_, E::State> {
        Cx {
            state: &mut self.state,
            envoy: &self.host,
            has_body: self.has_body,
        }
    }

    fn body(&mut self, direction: Direction) -> &mut Body {
        match direction {
            Direction::Request => &mut self.request,
            Direction::Response => &mut self.response,
        }
    }

    fn reply(
        &mut self,
        direction: Direction,
        reply: &LocalReply,
        details: &str,
    ) -> Result<Action, Failure> {
        self.replied = Some(direction);
        self.host.reply(reply, details)?;
        Ok(Action::Pause)
    }

    fn action(&mut self, direction: Direction, result: Result<Action, Failure>) -> Action {
        result.unwrap_or_else(|failure| self.fail(direction, &failure))
    }

    fn fail(&mut self, direction: Direction, failure: &Failure) -> Action {
        let message = format!("{direction:?} not processed, it is refused: {failure}");
        self.host.log(LogLevel::Error, &message);
        let reply = LocalReply {
            status: 500,
            headers: Vec::new(),
            body: "internal error\n".to_owned(),
        };
        if let Err(failure) = self.reply(direction, &reply, failure.details()) {
            // The message stays paused until Envoy's timeout ends it.
            self.host.log(LogLevel::Error, &failure.to_string());
        }
        Action::Pause
    }

    /// A reply to a request comes by as a response, and passes as it is. Nothing else does.
    fn after_reply(&self, direction: Direction) -> Option<Action> {
        match (self.replied?, direction) {
            (Direction::Request, Direction::Response) => Some(Action::Continue),
            _ => Some(Action::Pause),
        }
    }
}

/// Five questions to Envoy.
fn end_of(envoy: &dyn Services) -> End {
    let count = |path: &[&str]| number(envoy, path).and_then(|number| u64::try_from(number).ok());
    End {
        status: count(&["response", "code"])
            .and_then(|code| u32::try_from(code).ok())
            .filter(|code| *code != 0),
        details: text(envoy, &["response", "code_details"]),
        request_bytes: count(&["request", "size"]).unwrap_or_default(),
        response_bytes: count(&["response", "size"]).unwrap_or_default(),
        duration: Duration::from_nanos(count(&["request", "duration"]).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::time::SystemTime;

    use super::super::config::ConfigError;
    use super::super::envoy::HeaderLines;
    use super::super::testing::FakeServices;
    use super::Direction::{Request, Response};
    use super::*;

    /// Envoy as a stream sees it, for one message.
    #[derive(Default)]
    struct FakeEnvoy {
        headers: HeaderLines,
        body: Vec<u8>,
        calls: Vec<String>,
        /// Single headers and properties that were asked for.
        lookups: Vec<String>,
        failing: &'static str,
        services: FakeServices,
    }

    #[derive(Clone, Default)]
    struct Fake(Rc<RefCell<FakeEnvoy>>);

    impl Fake {
        fn call(&self, name: &'static str, text: String) -> Result<(), HostError> {
            self.0.borrow_mut().calls.push(text);
            self.fail(name)
        }

        fn fail(&self, name: &'static str) -> Result<(), HostError> {
            if self.0.borrow().failing.split(' ').any(|call| call == name) {
                return Err(HostError {
                    call: name,
                    status: 10,
                });
            }
            Ok(())
        }

        fn calls(&self) -> Vec<String> {
            mem::take(&mut self.0.borrow_mut().calls)
        }

        /// The next piece of the body.
        fn set_body(&self, body: &str) {
            self.0.borrow_mut().body = body.as_bytes().to_vec();
        }
    }

    impl Host for Fake {
        fn headers(&self, _: Direction) -> Result<HeaderLines, HostError> {
            self.call("headers", "headers".to_owned())?;
            Ok(self.0.borrow().headers.clone())
        }
        fn header(&self, _: Direction, name: &str) -> Result<Option<Vec<u8>>, HostError> {
            self.fail("header")?;
            let mut fake = self.0.borrow_mut();
            fake.lookups.push(name.to_owned());
            let found = fake.headers.iter().find(|(line, _)| line == name);
            Ok(found.map(|(_, value)| value.clone()))
        }
        fn add_header(&self, _: Direction, name: &str, value: &[u8]) -> Result<(), HostError> {
            let value = String::from_utf8_lossy(value);
            self.call("add", format!("add {name}: {value}"))
        }
        fn remove_header(&self, _: Direction, name: &str) -> Result<(), HostError> {
            self.call("remove", format!("remove {name}"))
        }
        fn body(&self, _: Direction) -> Result<Vec<u8>, HostError> {
            self.call("body", "body".to_owned())?;
            Ok(self.0.borrow().body.clone())
        }
        fn replace_body(&self, _: Direction, body: &[u8]) -> Result<(), HostError> {
            let body = String::from_utf8_lossy(body);
            self.call("replace", format!("replace {body}"))
        }
        fn reply(&self, reply: &LocalReply, details: &str) -> Result<(), HostError> {
            self.call("reply", format!("reply {} {details}", reply.status))
        }
    }

    impl Services for Fake {
        fn now(&self) -> SystemTime {
            self.0.borrow().services.now()
        }
        fn property(&self, path: &[&str]) -> Option<Vec<u8>> {
            self.0.borrow_mut().lookups.push(path.join("."));
            self.0.borrow().services.property(path)
        }
        fn shared_data(&self, key: &str) -> Result<(Option<Vec<u8>>, Option<u32>), HostError> {
            self.0.borrow().services.shared_data(key)
        }
        fn set_shared_data(
            &self,
            key: &str,
            value: &[u8],
            version: Option<u32>,
        ) -> Result<bool, HostError> {
            let fake = self.0.borrow();
            fake.services.set_shared_data(key, value, version)
        }
        fn clear_route_cache(&self) -> Result<(), HostError> {
            self.0.borrow().services.clear_route_cache()
        }
        fn count(&self, counter: &str) {
            self.0.borrow().services.count(counter);
        }
        fn log(&self, level: LogLevel, message: &str) {
            self.0.borrow().services.log(level, message);
        }
    }

    /// Buffers every body and puts it in upper case; refuses a header `x-deny` and a body `deny`.
    struct Upper;

    impl HttpExtension for Upper {
        type State = ();

        fn from_config(_: &[u8]) -> Result<Self, ConfigError> {
            Ok(Upper)
        }
        fn on_headers(&self, _: &mut Cx<()>, _: Direction, headers: &mut Headers) -> AfterHeaders {
            headers.set("x-a", "new");
            match headers.text("x-deny") {
                Some(_) => AfterHeaders::Reply(forbidden()),
                None => AfterHeaders::BufferBody,
            }
        }
        fn refuses_upgrade(&self, cx: &mut Cx<()>) -> bool {
            cx.envoy.property(&["refuses"]).is_some()
        }
        fn on_body(
            &self,
            _: &mut Cx<()>,
            _: Direction,
            headers: &Headers,
            body: &[u8],
        ) -> AfterBody {
            assert_eq!(headers.text("x-a"), Some("new"));
            match body {
                b"deny" => AfterBody::Reply(forbidden()),
                b"same" => AfterBody::Unchanged,
                body => AfterBody::Replace(body.to_ascii_uppercase()),
            }
        }
    }

    /// Puts each piece of a body in upper case and adds `!` to the end; refuses a piece `deny`.
    /// Its calls are in Envoy's log.
    struct UpperStreamed {
        changes: bool,
    }

    const HOLDING: usize = 1000;

    impl HttpExtension for UpperStreamed {
        /// Pieces of this stream.
        type State = usize;

        fn from_config(_: &[u8]) -> Result<Self, ConfigError> {
            Ok(UpperStreamed { changes: true })
        }
        fn on_headers(&self, _: &mut Cx<usize>, _: Direction, _: &mut Headers) -> AfterHeaders {
            AfterHeaders::StreamBody {
                changes: self.changes,
            }
        }
        fn on_chunk(
            &self,
            cx: &mut Cx<usize>,
            _: Direction,
            _: &Headers,
            chunk: &[u8],
            end: bool,
        ) -> AfterBody {
            *cx.state += 1;
            match chunk {
                b"deny" => return AfterBody::Reply(forbidden()),
                b"same" => return AfterBody::Unchanged,
                b"hold me" => {
                    *cx.state = HOLDING;
                    return AfterBody::Hold(b"HELD".to_vec());
                }
                b"" if *cx.state > HOLDING => return AfterBody::Replace(b"HELD".to_vec()),
                _ => {}
            }
            let mut chunk = chunk.to_ascii_uppercase();
            if end {
                chunk.push(b'!');
            }
            AfterBody::Replace(chunk)
        }
        fn on_end(&self, cx: &mut Cx<usize>, end: &dyn Fn() -> End) {
            let (pieces, end) = (*cx.state, end());
            cx.envoy.log(LogLevel::Info, &format!("{pieces} {end:?}"));
        }
    }

    /// Says in Envoy's log whether a body follows.
    struct BodyTeller;

    impl HttpExtension for BodyTeller {
        type State = ();

        fn from_config(_: &[u8]) -> Result<Self, ConfigError> {
            Ok(BodyTeller)
        }
        fn on_headers(&self, cx: &mut Cx<()>, _: Direction, _: &mut Headers) -> AfterHeaders {
            cx.envoy.log(LogLevel::Info, &cx.has_body.to_string());
            AfterHeaders::Continue
        }
    }

    fn forbidden() -> LocalReply {
        LocalReply {
            status: 403,
            headers: vec![],
            body: String::new(),
        }
    }

    fn stream(
        headers: &[(&str, &str)],
        body: &str,
        failing: &'static str,
    ) -> (Fake, Stream<Fake, Upper>) {
        let fake = fake(headers, body, failing);
        (fake.clone(), Stream::new(fake, Rc::new(Upper)))
    }

    fn streamed(changes: bool, failing: &'static str) -> (Fake, Stream<Fake, UpperStreamed>) {
        let fake = fake(&[("content-length", "3")], "", failing);
        let extension = Rc::new(UpperStreamed { changes });
        (fake.clone(), Stream::new(fake, extension))
    }

    fn fake(headers: &[(&str, &str)], body: &str, failing: &'static str) -> Fake {
        let fake = Fake::default();
        *fake.0.borrow_mut() = FakeEnvoy {
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
                .collect(),
            body: body.as_bytes().to_vec(),
            failing,
            ..FakeEnvoy::default()
        };
        fake
    }

    #[test]
    fn a_websocket_passes_and_only_its_headers_are_processed() {
        let upgrade = [
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("content-length", "3"),
        ];
        let (fake, mut stream) = stream(&upgrade, "frame", "");
        assert_eq!(stream.on_headers(Request, false), Action::Continue);
        assert_eq!(fake.calls(), ["headers", "add x-a: new"]);
        assert_eq!(stream.on_body(Request, false), Action::Continue);
        fake.0.borrow_mut().headers = vec![(":status".to_owned(), b"101".to_vec())];
        assert_eq!(stream.on_headers(Response, false), Action::Continue);
        assert_eq!(fake.calls(), ["headers", "add x-a: new"]);
        assert_eq!(stream.on_body(Response, false), Action::Continue);
        assert_eq!(fake.calls(), [""; 0]);
    }

    #[test]
    fn a_websocket_is_refused_where_nothing_may_pass_unseen() {
        let (fake, mut stream) = stream(&[("connection", "upgrade"), ("upgrade", "x")], "", "");
        fake.0.borrow().services.set_property(&["refuses"], "yes");
        assert_eq!(stream.on_headers(Request, false), Action::Pause);
        assert_eq!(fake.calls(), ["headers", "reply 403 wasm_upgrade_refused"]);
    }

    #[test]
    fn a_response_that_ignores_the_upgrade_has_a_body() {
        let upgrade = [("connection", "Upgrade"), ("upgrade", "websocket")];
        let (fake, mut stream) = stream(&upgrade, "abc", "");
        stream.on_headers(Request, false);
        fake.0.borrow_mut().headers = vec![(":status".to_owned(), b"200".to_vec())];
        stream.on_headers(Response, false);
        fake.calls();
        assert_eq!(stream.on_body(Response, false), Action::Pause);
        assert_eq!(stream.on_body(Response, true), Action::Continue);
        assert_eq!(fake.calls(), ["body", "replace ABC"]);
    }

    #[test]
    fn a_tunnel_passes_once_the_upstream_agrees() {
        let (fake, mut stream) = stream(&[(":method", "CONNECT")], "abc", "");
        stream.on_headers(Request, false);
        assert_eq!(stream.on_body(Request, false), Action::Continue);
        fake.0.borrow_mut().headers = vec![(":status".to_owned(), b"200".to_vec())];
        stream.on_headers(Response, false);
        assert_eq!(stream.on_body(Response, false), Action::Continue);
    }

    #[test]
    fn what_follows_an_upgrade_is_no_body() {
        let upgrade = [("connection", "Upgrade"), ("upgrade", "websocket")];
        let fake = fake(&upgrade, "", "");
        let mut stream = Stream::new(fake.clone(), Rc::new(BodyTeller));
        stream.on_headers(Request, false);
        let told = fake.0.borrow().services.log.borrow()[0].1.clone();
        assert_eq!(told, "false");
    }

    #[test]
    fn a_body_is_processed_at_its_end_and_loses_its_content_length() {
        let (fake, mut stream) = stream(&[("content-length", "3"), ("x-a", "old")], "abc", "");
        assert_eq!(stream.on_headers(Request, false), Action::Continue);
        assert_eq!(stream.on_body(Request, false), Action::Pause);
        assert_eq!(stream.on_body(Request, true), Action::Continue);
        assert_eq!(
            fake.calls(),
            [
                "headers",
                "remove content-length",
                "remove x-a",
                "add x-a: new",
                "body",
                "replace ABC"
            ]
        );
    }

    #[test]
    fn a_message_without_body_keeps_its_content_length() {
        let (fake, mut stream) = stream(&[("content-length", "0")], "", "");
        assert_eq!(stream.on_headers(Response, true), Action::Continue);
        assert_eq!(fake.calls(), ["headers", "add x-a: new"]);
    }

    #[test]
    fn trailers_end_a_body() {
        let (fake, mut stream) = stream(&[("x-a", "new")], "abc", "");
        stream.on_headers(Request, false);
        assert_eq!(stream.on_body(Request, false), Action::Pause);
        assert_eq!(stream.on_trailers(Request), Action::Continue);
        assert_eq!(fake.calls(), ["headers", "body", "replace ABC"]);
    }

    #[test]
    fn an_unchanged_body_is_not_written_back() {
        let (fake, mut stream) = stream(&[("x-a", "new")], "same", "");
        stream.on_headers(Response, false);
        assert_eq!(stream.on_body(Response, true), Action::Continue);
        assert_eq!(fake.calls(), ["headers", "body"]);
    }

    #[test]
    fn a_reply_stops_the_request_and_passes_as_response() {
        let (fake, mut stream) = stream(&[("x-deny", "1")], "", "");
        assert_eq!(stream.on_headers(Request, false), Action::Pause);
        assert_eq!(stream.on_body(Request, true), Action::Pause);
        assert_eq!(stream.on_headers(Response, false), Action::Continue);
        assert_eq!(stream.on_body(Response, true), Action::Continue);
        assert_eq!(fake.calls(), ["headers", "reply 403 wasm_reply"]);
    }

    #[test]
    fn a_reply_can_follow_a_body() {
        let (fake, mut stream) = stream(&[("x-a", "new")], "deny", "");
        stream.on_headers(Request, false);
        assert_eq!(stream.on_body(Request, true), Action::Pause);
        assert_eq!(fake.calls(), ["headers", "body", "reply 403 wasm_reply"]);
    }

    #[test]
    fn a_failed_host_call_lets_nothing_pass() {
        for failing in ["headers", "add", "remove", "body", "replace"] {
            for direction in [Request, Response] {
                let (fake, mut stream) = stream(&[("x-a", "old")], "abc", failing);
                let actions = [
                    stream.on_headers(direction, false),
                    stream.on_body(direction, false),
                    stream.on_body(direction, true),
                ];
                assert_eq!(actions.last(), Some(&Action::Pause), "{failing}");
                let calls = fake.calls();
                let last = calls.last().map(String::as_str);
                assert_eq!(last, Some("reply 500 wasm_host_call_failed"), "{failing}");
            }
        }
    }

    #[test]
    fn a_request_that_may_be_an_upgrade_does_not_pass_unseen() {
        let (fake, mut stream) = stream(&[], "abc", "header");
        assert_eq!(stream.on_headers(Request, false), Action::Pause);
        assert_eq!(fake.calls(), ["reply 500 wasm_host_call_failed"]);
    }

    #[test]
    fn a_failed_reply_pauses_the_message() {
        let (fake, mut stream) = stream(&[], "abc", "headers reply");
        assert_eq!(stream.on_headers(Response, false), Action::Pause);
        assert_eq!(stream.on_body(Response, true), Action::Pause);
        assert_eq!(stream.on_trailers(Response), Action::Pause);
        assert_eq!(fake.calls(), ["headers", "reply 500 wasm_host_call_failed"]);
    }

    #[test]
    fn pieces_pass_as_they_come() {
        let (fake, mut stream) = streamed(true, "");
        assert_eq!(stream.on_headers(Request, false), Action::Continue);
        for (piece, end) in [("abc", false), ("same", false), ("ABC", false), ("", true)] {
            fake.set_body(piece);
            assert_eq!(stream.on_body(Request, end), Action::Continue);
        }
        assert_eq!(
            fake.calls(),
            [
                "headers",
                "remove content-length",
                "body",
                "replace ABC",
                "body",
                "body",
                "body",
                "replace !"
            ]
        );
    }

    #[test]
    fn a_body_that_is_only_read_keeps_its_content_length() {
        let (fake, mut stream) = streamed(false, "");
        stream.on_headers(Response, false);
        fake.set_body("same");
        assert_eq!(stream.on_body(Response, true), Action::Continue);
        assert_eq!(fake.calls(), ["headers", "body"]);
    }

    #[test]
    fn a_change_that_was_not_declared_is_refused() {
        let (fake, mut stream) = streamed(false, "");
        stream.on_headers(Request, false);
        fake.set_body("abc");
        assert_eq!(stream.on_body(Request, false), Action::Pause);
        let calls = fake.calls();
        let last = calls.last().map(String::as_str);
        assert_eq!(last, Some("reply 500 wasm_change_not_declared"));
    }

    #[test]
    fn a_reply_can_follow_a_piece() {
        let (fake, mut stream) = streamed(true, "");
        stream.on_headers(Request, false);
        fake.set_body("deny");
        assert_eq!(stream.on_body(Request, false), Action::Pause);
        assert_eq!(stream.on_body(Request, true), Action::Pause);
        let calls = fake.calls();
        let last = calls.last().map(String::as_str);
        assert_eq!(last, Some("reply 403 wasm_reply"));
    }

    /// Envoy gives what it holds and what came since as one.
    #[test]
    fn what_envoy_holds_goes_on_with_the_next_piece_or_before_the_trailers() {
        let (fake, mut stream) = streamed(true, "");
        stream.on_headers(Request, false);
        for (body, action) in [("hold me", Action::Pause), ("HELDabc", Action::Continue)] {
            fake.set_body(body);
            assert_eq!(stream.on_body(Request, false), action);
        }
        let calls = ["body", "replace HELD", "body", "replace ABC"];
        assert_eq!(fake.calls()[2..], calls);

        fake.set_body("hold me");
        assert_eq!(stream.on_body(Request, false), Action::Pause);
        assert_eq!(stream.on_trailers(Request), Action::Continue);
        assert_eq!(fake.calls(), ["body", "replace HELD"]);
    }

    /// Envoy 1.36 to 1.39 answer status 2 when a body is set during trailers.
    #[test]
    fn what_was_held_back_until_the_trailers_is_refused() {
        let (fake, mut stream) = streamed(true, "replace");
        stream.on_headers(Request, false);
        fake.set_body("same");
        assert_eq!(stream.on_body(Request, false), Action::Continue);
        assert_eq!(stream.on_trailers(Request), Action::Pause);
        assert_eq!(
            fake.calls()[2..],
            ["body", "replace !", "reply 500 wasm_host_call_failed"]
        );
    }

    #[test]
    fn an_extension_knows_whether_a_body_follows() {
        let fake = fake(&[], "", "");
        let mut stream = Stream::new(fake.clone(), Rc::new(BodyTeller));
        stream.on_headers(Request, false);
        stream.on_headers(Response, true);
        let log = fake.0.borrow().services.log.take();
        let lines: Vec<&str> = log.iter().map(|(_, line)| line.as_str()).collect();
        assert_eq!(lines, ["true", "false"]);
    }

    /// Writes one header and asks for nothing.
    struct Writer;

    impl HttpExtension for Writer {
        type State = ();

        fn from_config(_: &[u8]) -> Result<Self, ConfigError> {
            Ok(Writer)
        }
        fn on_headers(&self, _: &mut Cx<()>, _: Direction, headers: &mut Headers) -> AfterHeaders {
            headers.append("x-a", "new");
            AfterHeaders::Continue
        }
    }

    #[test]
    fn envoy_is_asked_for_nothing_that_the_extension_does_not_ask_for() {
        let fake = fake(&[("x-a", "old")], "abc", "");
        let mut stream = Stream::new(fake.clone(), Rc::new(Writer));
        stream.on_headers(Request, false);
        stream.on_body(Request, true);
        stream.on_headers(Response, false);
        stream.on_body(Response, true);
        stream.on_end();
        assert_eq!(fake.calls(), ["add x-a: new", "add x-a: new"]);
        assert_eq!(fake.0.borrow().lookups, [":method", "upgrade"]);
    }

    /// Removes one header without reading any.
    struct Remover;

    impl HttpExtension for Remover {
        type State = ();

        fn from_config(_: &[u8]) -> Result<Self, ConfigError> {
            Ok(Remover)
        }
        fn on_headers(&self, _: &mut Cx<()>, _: Direction, headers: &mut Headers) -> AfterHeaders {
            headers.remove("x-a");
            AfterHeaders::Continue
        }
    }

    #[test]
    fn only_what_is_there_is_removed() {
        for (line, expected) in [("x-a", &["remove x-a"][..]), ("x-b", &[])] {
            let fake = fake(&[(line, "old")], "", "");
            Stream::new(fake.clone(), Rc::new(Remover)).on_headers(Request, true);
            assert_eq!(fake.calls(), expected, "{line}");
        }
    }

    #[test]
    fn the_end_costs_five_questions_where_it_is_asked_for() {
        let (fake, mut stream) = streamed(true, "");
        stream.on_end();
        assert_eq!(fake.0.borrow().lookups.len(), 5);
    }

    #[test]
    fn the_end_is_as_envoy_knows_it() {
        let (fake, mut stream) = streamed(true, "");
        stream.on_headers(Request, false);
        stream.on_body(Request, true);
        let number = |number: i64| number.to_le_bytes().to_vec();
        for (path, value) in [
            (["response", "code"], number(403)),
            (["response", "code_details"], b"wasm_reply".to_vec()),
            (["request", "size"], number(1)),
            (["response", "size"], number(2)),
            (["request", "duration"], number(3_000_000)),
        ] {
            fake.0.borrow().services.set_property(&path, value);
        }
        stream.on_end();
        let end = End {
            status: Some(403),
            details: Some("wasm_reply".to_owned()),
            request_bytes: 1,
            response_bytes: 2,
            duration: Duration::from_millis(3),
        };
        assert_eq!(last_log(&fake), format!("1 {end:?}"));
    }

    /// So it is when the client goes before there is a response.
    #[test]
    fn a_stream_can_end_without_a_status_and_without_headers() {
        for status in [None, Some(0_i64)] {
            let (fake, mut stream) = streamed(true, "");
            if let Some(status) = status {
                let fake = fake.0.borrow();
                let path = ["response", "code"];
                fake.services.set_property(&path, status.to_le_bytes());
            }
            stream.on_end();
            assert_eq!(last_log(&fake), format!("0 {:?}", End::default()));
        }
    }

    fn last_log(fake: &Fake) -> String {
        let fake = fake.0.borrow();
        let log = fake.services.log.borrow();
        log.last().unwrap().1.clone()
    }
}
