//! What an extension implements, and the parts that drive it.

// An extension uses what it needs of this interface, seldom all of it.
#![allow(dead_code)]

pub mod config;
pub mod envoy;
pub mod headers;
pub mod stream;

use config::ConfigError;
use headers::Headers;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Request,
    Response,
}

/// The logic of a filter. One value serves all streams of its VM, so it holds configuration only.
///
/// These functions make no calls to Envoy, so that they can be tested on the host.
pub trait HttpExtension: Sized {
    /// Reads the plugin configuration: `config` of the policy, as JSON text.
    fn from_config(text: &[u8]) -> Result<Self, ConfigError>;

    /// Called once per direction. Changes to `headers` are sent to Envoy afterwards.
    /// Envoy's pseudo-headers (`:method`, `:path`, `:authority`, `:status`) are among them.
    fn on_headers(&self, direction: Direction, headers: &mut Headers) -> AfterHeaders;

    /// Called with the complete body if `on_headers` asked for it and there is one.
    /// `headers` are those that `on_headers` left; they are on their way and cannot be changed.
    fn on_body(&self, _direction: Direction, _headers: &Headers, _body: &[u8]) -> AfterBody {
        AfterBody::Unchanged
    }
}

#[derive(Debug, PartialEq, Eq)]
pub enum AfterHeaders {
    /// Let the body, if any, pass as it comes.
    Continue,
    /// Buffer the body, then call `on_body`. The message loses its content-length.
    BufferBody,
    /// Answer the client instead. A request does not reach the upstream.
    Reply(LocalReply),
}

#[derive(Debug, PartialEq, Eq)]
pub enum AfterBody {
    /// Let the body pass byte for byte.
    Unchanged,
    Replace(Vec<u8>),
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
