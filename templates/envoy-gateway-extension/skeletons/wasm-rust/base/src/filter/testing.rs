//! What tests of an extension need in place of Envoy.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proxy_wasm::types::LogLevel;

use super::headers::Headers;
use super::services::{HostError, Services};
use super::Cx;

pub fn headers(lines: &[(&str, &str)]) -> Headers {
    let lines = lines
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
    Headers::new(lines.collect())
}

/// A stream: what the extension keeps, and an Envoy in memory.
#[derive(Default)]
pub struct TestStream<S> {
    pub state: S,
    pub envoy: FakeServices,
    pub has_body: bool,
}

impl<S> TestStream<S> {
    pub fn cx(&mut self) -> Cx<'_, S> {
        Cx {
            state: &mut self.state,
            envoy: &self.envoy,
            has_body: self.has_body,
        }
    }
}

/// An Envoy in memory. Shared data has versions as Envoy's; `failing` makes it unavailable.
#[derive(Default)]
pub struct FakeServices {
    /// Since 1970.
    pub time: Cell<Duration>,
    pub failing: Cell<bool>,
    pub route_cache_cleared: Cell<bool>,
    pub log: RefCell<Vec<(LogLevel, String)>>,
    pub counters: RefCell<BTreeMap<String, u64>>,
    properties: RefCell<BTreeMap<Vec<String>, Vec<u8>>>,
    shared: RefCell<BTreeMap<String, (Vec<u8>, u32)>>,
}

impl FakeServices {
    pub fn set_property(&self, path: &[&str], value: impl Into<Vec<u8>>) {
        let path = path.iter().map(|&part| part.to_owned()).collect();
        self.properties.borrow_mut().insert(path, value.into());
    }

    /// Afterwards `Claims::verified` finds these for the provider.
    pub fn set_claims(&self, provider: &str, claims: &serde_json::Value) {
        let metadata = super::claims::testing::metadata(provider, claims);
        self.set_property(&["metadata"], metadata);
    }

    fn check(&self, call: &'static str) -> Result<(), HostError> {
        match self.failing.get() {
            true => Err(HostError { call, status: 10 }),
            false => Ok(()),
        }
    }
}

impl Services for FakeServices {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + self.time.get()
    }

    fn property(&self, path: &[&str]) -> Option<Vec<u8>> {
        let path: Vec<String> = path.iter().map(|&part| part.to_owned()).collect();
        self.properties.borrow().get(&path).cloned()
    }

    fn shared_data(&self, key: &str) -> Result<(Option<Vec<u8>>, Option<u32>), HostError> {
        self.check("proxy_get_shared_data")?;
        Ok(self.shared.borrow().get(key).cloned().unzip())
    }

    fn set_shared_data(
        &self,
        key: &str,
        value: &[u8],
        version: Option<u32>,
    ) -> Result<bool, HostError> {
        self.check("proxy_set_shared_data")?;
        let mut shared = self.shared.borrow_mut();
        let current = shared.get(key).map(|(_, version)| *version);
        // Envoy lets data be written that is gone or never was, whatever the version.
        if current.is_some() && current != version {
            return Ok(false);
        }
        let next = current.unwrap_or_default() + 1;
        shared.insert(key.to_owned(), (value.to_vec(), next));
        Ok(true)
    }

    fn clear_route_cache(&self) -> Result<(), HostError> {
        self.check("clear_route_cache")?;
        self.route_cache_cleared.set(true);
        Ok(())
    }

    fn count(&self, counter: &str) {
        *self
            .counters
            .borrow_mut()
            .entry(counter.to_owned())
            .or_default() += 1;
    }

    fn log(&self, level: LogLevel, message: &str) {
        self.log.borrow_mut().push((level, message.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Envoy 1.36 to 1.39 answered the same calls.
    #[test]
    fn shared_data_is_written_only_at_the_version_that_was_read() {
        let envoy = FakeServices::default();
        assert_eq!(envoy.shared_data("k"), Ok((None, None)));
        assert_eq!(envoy.set_shared_data("k", b"one", None), Ok(true));
        assert_eq!(envoy.set_shared_data("k", b"two", None), Ok(false));
        assert_eq!(envoy.shared_data("k"), Ok((Some(b"one".to_vec()), Some(1))));
        assert_eq!(envoy.set_shared_data("k", b"three", Some(1)), Ok(true));
        assert_eq!(envoy.set_shared_data("k", b"four", Some(1)), Ok(false));
        assert_eq!(
            envoy.shared_data("k"),
            Ok((Some(b"three".to_vec()), Some(2)))
        );
    }
}
