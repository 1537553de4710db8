//! What an extension implements, and the parts that drive it.

// An extension uses what it needs of this interface, seldom all of it.
#![allow(dead_code)]

pub mod claims;
pub mod config;
pub mod envoy;
pub mod headers;
pub mod services;
pub mod stream;
#[cfg(test)]
pub mod testing;
pub mod upgrade;

use std::time::Duration;

use config::ConfigError;
use headers::Headers;
use services::Services;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Request,
    Response,
}

/// The logic of a filter. One value serves all streams of its VM, so it holds configuration only;
/// what belongs to one stream is in `State`.
///
/// Envoy is reached through `cx` alone, so that these functions can be tested on the host.
pub trait HttpExtension: Sized {
    /// What is kept of a request until its end. `()` if there is nothing.
    type State: Default;

    /// Reads the plugin configuration: `config` of the policy, as JSON text.
    fn from_config(text: &[u8]) -> Result<Self, ConfigError>;

    /// Called once per direction. Reading a header copies all of them from Envoy, the first time;
    /// setting, appending and removing copies nothing. Changes to `headers` are sent to Envoy afterwards.
    /// Envoy's pseudo-headers (`:method`, `:path`, `:authority`, `:status`) are among them.
    ///
    /// Of a WebSocket or another upgrade, the extension sees the headers only: the rest passes as
    /// it comes, unless `refuses_upgrade`.
    fn on_headers(
        &self,
        cx: &mut Cx<Self::State>,
        direction: Direction,
        headers: &mut Headers,
    ) -> AfterHeaders;

    /// Asked after `on_headers` when the client wants to go on with another protocol. An extension
    /// that must not let anything pass unseen says true: the client gets 403.
    fn refuses_upgrade(&self, _cx: &mut Cx<Self::State>) -> bool {
        false
    }

    /// Called with the complete body if `on_headers` asked for it and there is one.
    /// `headers` are those that `on_headers` left; they are on their way and cannot be changed.
    fn on_body(
        &self,
        _cx: &mut Cx<Self::State>,
        _direction: Direction,
        _headers: &Headers,
        _body: &[u8],
    ) -> AfterBody {
        AfterBody::Unchanged
    }

    /// Called with each piece of a body as it comes, if `on_headers` asked for that. The last has
    /// `end`, and may be empty. It is always empty when trailers follow, and then Envoy has no place
    /// for a replacement: only what it was given with `AfterBody::Hold` can still go on.
    fn on_chunk(
        &self,
        _cx: &mut Cx<Self::State>,
        _direction: Direction,
        _headers: &Headers,
        _chunk: &[u8],
        _end: bool,
    ) -> AfterBody {
        AfterBody::Unchanged
    }

    /// Called once when the stream is over, whoever answered and also if the client has gone.
    /// If a filter before this one refused the request, it is the first call for the stream.
    /// `end` asks Envoy how it ended, which costs five calls.
    fn on_end(&self, _cx: &mut Cx<Self::State>, _end: &dyn Fn() -> End) {}
}

/// One stream as the extension sees it.
pub struct Cx<'a, S> {
    pub state: &'a mut S,
    pub envoy: &'a dyn Services,
    /// Whether a body, which may be empty, follows the headers that came last. What follows an
    /// upgrade is no body.
    pub has_body: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub enum AfterHeaders {
    /// Let the body, if any, pass as it comes.
    Continue,
    /// Buffer the body, then call `on_body`. The message loses its content-length.
    BufferBody,
    /// Call `on_chunk` with the body as it comes. Only with `changes` may a piece be replaced; the
    /// message then loses its content-length.
    StreamBody { changes: bool },
    /// Answer the client instead. A request does not reach the upstream.
    Reply(LocalReply),
}

/// What becomes of a body or a piece of it.
#[derive(Debug, PartialEq, Eq)]
pub enum AfterBody {
    /// Let it pass byte for byte.
    Unchanged,
    Replace(Vec<u8>),
    /// Of a piece that is not the last: keep this in Envoy, and let nothing go on. With the next
    /// piece, what becomes of it takes the place of both; if trailers come instead, it goes on
    /// before them.
    Hold(Vec<u8>),
    /// Answer the client instead. For a response it is too late: Envoy resets the stream.
    Reply(LocalReply),
}

/// A response that Envoy makes itself, without the upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalReply {
    pub status: u32,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// How a stream ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// What the client got; None if it had gone before.
    pub status: Option<u32>,
    /// Who answered, in Envoy's words: `via_upstream`, `wasm_reply`, `jwt_authn_access_denied{…}`.
    pub details: Option<String>,
    /// Bytes of the body that the client sent.
    pub request_bytes: u64,
    /// Bytes of the body that the client got.
    pub response_bytes: u64,
    pub duration: Duration,
}
