//! Takes one HTTP stream through the extension.
//!
//! It fails closed: if a host call fails, the client gets 500, and nothing passes unprocessed.

use std::rc::Rc;

use proxy_wasm::types::{Action, LogLevel};

use super::envoy::{Host, HostError};
use super::headers::Headers;
use super::{AfterBody, AfterHeaders, Direction, HttpExtension, LocalReply};

pub struct Stream<H, E> {
    host: H,
    extension: Rc<E>,
    /// Headers of a message whose body is being buffered.
    request: Option<Headers>,
    response: Option<Headers>,
    /// Where the extension answered the client itself.
    replied: Option<Direction>,
}

impl<H: Host, E: HttpExtension> Stream<H, E> {
    pub fn new(host: H, extension: Rc<E>) -> Self {
        Stream {
            host,
            extension,
            request: None,
            response: None,
            replied: None,
        }
    }

    /// Never pauses to wait for the body: Envoy would hold the body back as well, for ever.
    pub fn on_headers(&mut self, direction: Direction, end_of_stream: bool) -> Action {
        if let Some(action) = self.after_reply(direction) {
            return action;
        }
        match self.process_headers(direction, end_of_stream) {
            Ok(action) => action,
            Err(error) => self.fail(direction, error),
        }
    }

    pub fn on_body(&mut self, direction: Direction, end_of_stream: bool) -> Action {
        if let Some(action) = self.after_reply(direction) {
            return action;
        }
        if self.buffering(direction).is_none() {
            return Action::Continue;
        }
        if !end_of_stream {
            return Action::Pause; // Envoy buffers, up to the listener's limit
        }
        self.on_end(direction)
    }

    /// Trailers end a message as well: no body callback has had `end_of_stream` then.
    pub fn on_trailers(&mut self, direction: Direction) -> Action {
        if let Some(action) = self.after_reply(direction) {
            return action;
        }
        self.on_end(direction)
    }

    fn on_end(&mut self, direction: Direction) -> Action {
        let Some(headers) = self.buffering(direction).take() else {
            return Action::Continue;
        };
        match self.process_body(direction, &headers) {
            Ok(action) => action,
            Err(error) => self.fail(direction, error),
        }
    }

    fn process_headers(
        &mut self,
        direction: Direction,
        end_of_stream: bool,
    ) -> Result<Action, HostError> {
        let mut headers = Headers::new(self.host.headers(direction)?);
        let buffer_body = match self.extension.on_headers(direction, &mut headers) {
            AfterHeaders::Continue => false,
            AfterHeaders::BufferBody => !end_of_stream,
            AfterHeaders::Reply(reply) => return self.reply(direction, &reply, "wasm_reply"),
        };
        if buffer_body {
            // The headers go on now, before the new length is known: the body is sent chunked.
            headers.remove("content-length");
        }
        for change in headers.changes() {
            if change.had_values {
                self.host.remove_header(direction, &change.name)?;
            }
            for value in &change.values {
                self.host.add_header(direction, &change.name, value)?;
            }
        }
        if buffer_body {
            *self.buffering(direction) = Some(headers);
        }
        Ok(Action::Continue)
    }

    fn process_body(
        &mut self,
        direction: Direction,
        headers: &Headers,
    ) -> Result<Action, HostError> {
        let body = self.host.body(direction)?;
        match self.extension.on_body(direction, headers, &body) {
            AfterBody::Unchanged => {}
            AfterBody::Replace(body) => self.host.replace_body(direction, &body)?,
            AfterBody::Reply(reply) => return self.reply(direction, &reply, "wasm_reply"),
        }
        Ok(Action::Continue)
    }

    fn buffering(&mut self, direction: Direction) -> &mut Option<Headers> {
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
    ) -> Result<Action, HostError> {
        self.replied = Some(direction);
        self.host.reply(reply, details)?;
        Ok(Action::Pause)
    }

    fn fail(&mut self, direction: Direction, error: HostError) -> Action {
        let message = format!("{direction:?} not processed, it is refused: {error}");
        self.host.log(LogLevel::Error, &message);
        let reply = LocalReply {
            status: 500,
            headers: Vec::new(),
            body: "internal error\n".to_owned(),
        };
        if let Err(error) = self.reply(direction, &reply, "wasm_host_call_failed") {
            // The message stays paused until Envoy's timeout ends it.
            self.host.log(LogLevel::Error, &error.to_string());
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

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::super::config::ConfigError;
    use super::super::envoy::HeaderLines;
    use super::Direction::{Request, Response};
    use super::*;

    /// Envoy as a stream sees it, for one message.
    #[derive(Default)]
    struct FakeEnvoy {
        headers: HeaderLines,
        body: Vec<u8>,
        calls: Vec<String>,
        failing: &'static str,
    }

    #[derive(Clone, Default)]
    struct Fake(Rc<RefCell<FakeEnvoy>>);

    impl Fake {
        fn call(&self, name: &'static str, text: String) -> Result<(), HostError> {
            self.0.borrow_mut().calls.push(text);
            if self.0.borrow().failing.split(' ').any(|call| call == name) {
                return Err(HostError {
                    call: name,
                    status: 10,
                });
            }
            Ok(())
        }

        fn calls(&self) -> Vec<String> {
            self.0.take().calls
        }
    }

    impl Host for Fake {
        fn headers(&self, _: Direction) -> Result<HeaderLines, HostError> {
            self.call("headers", "headers".to_owned())?;
            Ok(self.0.borrow().headers.clone())
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
        fn log(&self, _: LogLevel, _: &str) {}
    }

    /// Buffers every body and puts it in upper case; refuses a header `x-deny` and a body `deny`.
    struct Upper;

    impl HttpExtension for Upper {
        fn from_config(_: &[u8]) -> Result<Self, ConfigError> {
            Ok(Upper)
        }
        fn on_headers(&self, _: Direction, headers: &mut Headers) -> AfterHeaders {
            headers.set("x-a", "new");
            match headers.text("x-deny") {
                Some(_) => AfterHeaders::Reply(forbidden()),
                None => AfterHeaders::BufferBody,
            }
        }
        fn on_body(&self, _: Direction, headers: &Headers, body: &[u8]) -> AfterBody {
            assert_eq!(headers.text("x-a"), Some("new"));
            match body {
                b"deny" => AfterBody::Reply(forbidden()),
                b"same" => AfterBody::Unchanged,
                body => AfterBody::Replace(body.to_ascii_uppercase()),
            }
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
        let fake = Fake::default();
        *fake.0.borrow_mut() = FakeEnvoy {
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
                .collect(),
            body: body.as_bytes().to_vec(),
            calls: vec![],
            failing,
        };
        (fake.clone(), Stream::new(fake, Rc::new(Upper)))
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
    fn a_failed_reply_pauses_the_message() {
        let (fake, mut stream) = stream(&[], "abc", "headers reply");
        assert_eq!(stream.on_headers(Response, false), Action::Pause);
        assert_eq!(stream.on_body(Response, true), Action::Pause);
        assert_eq!(stream.on_trailers(Response), Action::Pause);
        assert_eq!(fake.calls(), ["headers", "reply 500 wasm_host_call_failed"]);
    }
}
