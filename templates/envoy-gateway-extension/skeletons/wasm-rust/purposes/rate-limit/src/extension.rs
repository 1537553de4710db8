//! Limits how much each client may ask for. See docs/purpose.md.
//!
//! This file decides about requests; `limit.rs` reads the configuration, `key.rs` says whose bucket
//! it is, `bucket.rs` has the arithmetic, `store.rs` keeps the buckets, `answer.rs` says what the
//! client is told.

mod answer;
mod bucket;
mod key;
mod limit;
mod store;

use proxy_wasm::types::LogLevel;

use crate::filter::config::{self, ConfigError, Field};
use crate::filter::headers::Headers;
use crate::filter::{AfterHeaders, Cx, Direction, HttpExtension, LocalReply};
use key::Key;
use limit::Limit;
use store::{Demand, Store};

#[derive(Debug)]
pub struct Extension {
    limits: Vec<Limit>,
    store: Store,
    tell_client: bool,
}

/// One limit that applies to a request: the number of the limit, and what is missing in its bucket.
#[derive(Debug)]
struct Entry<'a> {
    limit: &'a Limit,
    units: i64,
    missing: i64,
}

/// What is kept of a granted request until its response: the number of a limit, the key of its
/// bucket, and what is missing in it.
type Granted = Vec<(usize, Key, i64)>;

impl HttpExtension for Extension {
    type State = Granted;

    fn from_config(text: &[u8]) -> Result<Self, ConfigError> {
        let value = config::parse(text)?;
        let config = Field::root(&value);
        config.only_keys(&["limits", "provider", "store", "clientHeaders"])?;
        let provider = config.member("provider")?;
        let client_headers = config.member("clientHeaders")?;
        Ok(Extension {
            limits: limit::limits(&config.member("limits")?, provider.text()?)?,
            store: Store::from_config(&config.member("store")?)?,
            tell_client: match client_headers.text()? {
                "ratelimit" => true,
                "none" => false,
                _ => return Err(client_headers.error("use ratelimit or none")),
            },
        })
    }

    fn on_headers(
        &self,
        cx: &mut Cx<Granted>,
        direction: Direction,
        headers: &mut Headers,
    ) -> AfterHeaders {
        match direction {
            Direction::Request => match self.take(cx, headers) {
                Ok(()) => AfterHeaders::Continue,
                Err(reply) => AfterHeaders::Reply(reply),
            },
            Direction::Response => {
                self.charge(cx, headers);
                if self.tell_client && !cx.state.is_empty() {
                    for (name, value) in answer::fields(&self.entries(cx.state)) {
                        headers.append(name, value);
                    }
                }
                AfterHeaders::Continue
            }
        }
    }
}

impl Extension {
    /// Takes what the request costs, or says how it is refused.
    fn take(&self, cx: &mut Cx<Granted>, headers: &Headers) -> Result<(), LocalReply> {
        let mut demands = Vec::new();
        let mut units = Vec::new();
        for (index, limit) in self.limits.iter().enumerate() {
            if let Some(key) = limit.key(cx.envoy, headers) {
                let wanted = limit.request_units(headers)?;
                units.push((index, wanted));
                demands.push(Demand {
                    key,
                    policy: limit.policy,
                    units: wanted,
                });
            }
        }
        let taken = self.store.take(cx.envoy, &demands).map_err(|error| {
            cx.envoy.log(LogLevel::Error, &format!("{error}"));
            answer::unavailable()
        })?;
        let granted: Granted = units
            .iter()
            .zip(demands)
            .zip(&taken.missing)
            .map(|(((index, _), demand), missing)| (*index, demand.key, *missing))
            .collect();
        if taken.granted {
            *cx.state = granted;
            return Ok(());
        }
        let mut entries = self.entries(&granted);
        for (entry, (_, wanted)) in entries.iter_mut().zip(units) {
            entry.units = wanted;
        }
        Err(answer::too_many(&entries, self.tell_client))
    }

    fn entries<'a>(&'a self, granted: &Granted) -> Vec<Entry<'a>> {
        granted
            .iter()
            .filter_map(|(index, _, missing)| {
                Some(Entry {
                    limit: self.limits.get(*index)?,
                    units: 1,
                    missing: *missing,
                })
            })
            .collect()
    }

    /// Takes what the response cost beyond the unit that the request did. If that fails, the
    /// response goes on all the same: the work has been done.
    fn charge(&self, cx: &mut Cx<Granted>, headers: &Headers) {
        for (index, key, missing) in cx.state.iter_mut() {
            let Some(limit) = self.limits.get(*index) else {
                continue;
            };
            let demand = Demand {
                key: *key,
                policy: limit.policy,
                units: limit.response_units(headers) - 1,
            };
            if demand.units > 0 {
                match self.store.charge(cx.envoy, &demand) {
                    Ok(left) => *missing = left,
                    Err(error) => cx.envoy.log(LogLevel::Error, &format!("{error}")),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
