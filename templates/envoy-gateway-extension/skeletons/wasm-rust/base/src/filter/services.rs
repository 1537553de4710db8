//! What an extension may ask of Envoy while it handles a stream.

use std::fmt;
use std::time::SystemTime;

use proxy_wasm::types::LogLevel;

/// A host function that returned another status than OK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostError {
    pub call: &'static str,
    pub status: u32,
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} returned status {}", self.call, self.status)
    }
}

/// Tests have one of their own, in `testing.rs`.
pub trait Services {
    fn now(&self) -> SystemTime;

    /// An attribute of the stream, such as `["source", "address"]`; None if Envoy has none.
    /// Text comes as it is. For other types see `number` and `claims.rs`.
    fn property(&self, path: &[&str]) -> Option<Vec<u8>>;

    /// What all workers of this Envoy share under `key`, and the number of its version.
    fn shared_data(&self, key: &str) -> Result<(Option<Vec<u8>>, Option<u32>), HostError>;

    /// Writes shared data, unless it has changed since `shared_data` returned this version: then
    /// the result is false. None stands for: there was none.
    fn set_shared_data(
        &self,
        key: &str,
        value: &[u8],
        version: Option<u32>,
    ) -> Result<bool, HostError>;

    /// Makes Envoy choose the route again before the request goes on. Changed request headers have
    /// that effect by themselves.
    fn clear_route_cache(&self) -> Result<(), HostError>;

    /// Adds one to a counter of Envoy's, which it creates at first. Its name in Envoy's statistics is
    /// `wasmcustom.` and this; what went wrong is in Envoy's log.
    fn count(&self, counter: &str);

    /// Writes a line into Envoy's log, component `wasm`.
    fn log(&self, level: LogLevel, message: &str);
}

/// A property that is text, such as `["source", "address"]`.
pub fn text(envoy: &dyn Services, path: &[&str]) -> Option<String> {
    String::from_utf8(envoy.property(path)?).ok()
}

/// A property that is a whole number, such as `["response", "code"]`, or a duration, which is in
/// nanoseconds.
pub fn number(envoy: &dyn Services, path: &[&str]) -> Option<i64> {
    let bytes = envoy.property(path)?.try_into().ok()?;
    Some(i64::from_le_bytes(bytes))
}
