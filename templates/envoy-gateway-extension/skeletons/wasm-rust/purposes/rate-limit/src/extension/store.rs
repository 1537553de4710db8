//! Keeps buckets in the data that all workers of one Envoy share.
//!
//! Shared data is never deleted, so there is a fixed number of entries, and each holds a few
//! buckets. Where an entry is full, the bucket in which least is missing gives way, and is full
//! again: so a flood of new clients does not free one that has used up its quota.

use std::fmt;

use crate::filter::config::{ConfigError, Field};
use crate::filter::services::{HostError, Services};

use super::bucket::Policy;
use super::key::Key;
use super::limit::between;

const BUCKETS_PER_ENTRY: usize = 8;
/// Each try fails only if another worker succeeded.
const TRIES: usize = 1000;

#[derive(Debug)]
pub struct Store {
    entries: u64,
}

/// What a request wants of one bucket.
#[derive(Debug)]
pub struct Demand {
    pub key: Key,
    pub policy: Policy,
    pub units: i64,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Taken {
    pub granted: bool,
    /// What is missing in each bucket.
    pub missing: Vec<i64>,
}

/// A bucket as it is kept. It cannot be compared with others without its policy, so it says itself
/// when it will be full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bucket {
    key: Key,
    missing: i64,
    at_ms: i64,
    full_at_ms: i64,
}

const BUCKET_BYTES: usize = 16 + 3 * 8;

#[derive(Debug, PartialEq, Eq)]
pub enum StoreError {
    Host(HostError),
    /// Other workers were always faster.
    Contended,
}

impl From<HostError> for StoreError {
    fn from(error: HostError) -> Self {
        StoreError::Host(error)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            StoreError::Host(error) => write!(f, "cannot count: {error}"),
            StoreError::Contended => write!(f, "cannot count: {TRIES} tries failed"),
        }
    }
}

impl Store {
    pub fn from_config(field: &Field) -> Result<Store, ConfigError> {
        let kind = field.member("kind")?;
        if kind.text()? != "memory" {
            return Err(kind.error("use memory; a Wasm module cannot call Redis"));
        }
        field.only_keys(&["kind", "maxKeys"])?;
        let max_keys = between(&field.member("maxKeys")?, 500_000)?;
        Ok(Store {
            entries: max_keys.unsigned_abs().div_ceil(BUCKETS_PER_ENTRY as u64),
        })
    }

    /// Takes all demands or none. No two buckets are changed in one step: what was taken before one
    /// refuses is put back, and for that moment the others may refuse too much, never too little.
    pub fn take(&self, envoy: &dyn Services, demands: &[Demand]) -> Result<Taken, StoreError> {
        let mut results = Vec::new();
        for demand in demands {
            let Demand { policy, units, .. } = demand;
            results.push(self.change(envoy, demand, |missing| {
                policy
                    .grants(missing, *units)
                    .then(|| policy.take(missing, *units))
            })?);
        }
        let granted = results.iter().all(|(_, taken)| *taken);
        if !granted {
            for (demand, (missing, taken)) in demands.iter().zip(&mut results) {
                if *taken {
                    let Demand { policy, units, .. } = demand;
                    *missing = self
                        .change(envoy, demand, |now| Some(policy.put_back(now, *units)))?
                        .0;
                }
            }
        }
        Ok(Taken {
            granted,
            missing: results.into_iter().map(|(missing, _)| missing).collect(),
        })
    }

    /// Takes even what is not there; returns what is missing then.
    pub fn charge(&self, envoy: &dyn Services, demand: &Demand) -> Result<i64, StoreError> {
        let take = |missing| Some(demand.policy.take(missing, demand.units));
        Ok(self.change(envoy, demand, take)?.0)
    }

    /// Changes what is missing in a bucket, unless `next` is None. Returns what is missing then, and
    /// whether it was changed.
    fn change(
        &self,
        envoy: &dyn Services,
        Demand { key, policy, .. }: &Demand,
        next: impl Fn(i64) -> Option<i64>,
    ) -> Result<(i64, bool), StoreError> {
        let name = self.entry(key);
        for _ in 0..TRIES {
            let now = now_ms(envoy);
            let (value, version) = envoy.shared_data(&name)?;
            let mut buckets = decode(&value.unwrap_or_default());
            let found = buckets.iter().position(|bucket| bucket.key == *key);
            let missing = found
                .and_then(|at| buckets.get(at))
                .map_or(0, |bucket| policy.after(bucket.missing, now - bucket.at_ms));
            let Some(changed) = next(missing) else {
                return Ok((missing, false));
            };
            let replaced = found.or_else(|| least_missing(&buckets));
            if let Some(at) = replaced {
                buckets.remove(at);
            }
            buckets.push(Bucket {
                key: *key,
                missing: changed,
                at_ms: now,
                full_at_ms: now + policy.full_in_ms(changed),
            });
            if envoy.set_shared_data(&name, &encode(&buckets), version)? {
                return Ok((changed, true));
            }
        }
        Err(StoreError::Contended)
    }

    fn entry(&self, key: &Key) -> String {
        let number = key
            .first_chunk()
            .map_or(0, |bytes| u64::from_be_bytes(*bytes));
        format!("rate-limit/{}", number % self.entries)
    }
}

/// Which bucket gives way to a new one; None if there is room.
fn least_missing(buckets: &[Bucket]) -> Option<usize> {
    if buckets.len() < BUCKETS_PER_ENTRY {
        return None;
    }
    let (at, _) = buckets
        .iter()
        .enumerate()
        .min_by_key(|(_, bucket)| bucket.full_at_ms)?;
    Some(at)
}

fn now_ms(envoy: &dyn Services) -> i64 {
    envoy
        .now()
        .duration_since(std::time::UNIX_EPOCH)
        .ok()
        .and_then(|time| i64::try_from(time.as_millis()).ok())
        .unwrap_or_default()
}

fn encode(buckets: &[Bucket]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(buckets.len() * BUCKET_BYTES);
    for bucket in buckets {
        bytes.extend(bucket.key);
        for number in [bucket.missing, bucket.at_ms, bucket.full_at_ms] {
            bytes.extend(number.to_le_bytes());
        }
    }
    bytes
}

fn decode(mut bytes: &[u8]) -> Vec<Bucket> {
    let mut buckets = Vec::new();
    while let Some((bucket, rest)) = decode_one(bytes) {
        buckets.push(bucket);
        bytes = rest;
    }
    buckets
}

fn decode_one(bytes: &[u8]) -> Option<(Bucket, &[u8])> {
    let (key, bytes) = bytes.split_first_chunk()?;
    let (missing, bytes) = bytes.split_first_chunk()?;
    let (at, bytes) = bytes.split_first_chunk()?;
    let (full_at, bytes) = bytes.split_first_chunk()?;
    let bucket = Bucket {
        key: *key,
        missing: i64::from_le_bytes(*missing),
        at_ms: i64::from_le_bytes(*at),
        full_at_ms: i64::from_le_bytes(*full_at),
    };
    Some((bucket, bytes))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::{Duration, SystemTime};

    use proptest::prelude::*;
    use proxy_wasm::types::LogLevel;

    use super::*;
    use crate::filter::testing::FakeServices;

    const HOUR: Policy = Policy {
        quota: 2,
        window_ms: 3_600_000,
    };
    const ONE: Store = Store { entries: 1 };

    fn demand(key: u8, units: i64) -> Demand {
        Demand {
            key: [key; 16],
            policy: HOUR,
            units,
        }
    }

    fn left(missing: i64) -> i64 {
        HOUR.available(missing)
    }

    #[test]
    fn all_or_none_is_taken() {
        let envoy = FakeServices::default();
        let both = [demand(1, 1), demand(2, 2)];
        for (granted, expected) in [(true, [1, 0]), (false, [1, 0])] {
            let taken = ONE.take(&envoy, &both).unwrap();
            assert_eq!(taken.granted, granted);
            let left: Vec<i64> = taken.missing.into_iter().map(left).collect();
            assert_eq!(left, expected);
        }
        assert!(ONE.take(&envoy, &[demand(1, 1)]).unwrap().granted);
        assert!(!ONE.take(&envoy, &[demand(1, 1)]).unwrap().granted);
        assert!(ONE.take(&envoy, &[]).unwrap().granted);
    }

    #[test]
    fn buckets_fill_with_time() {
        let envoy = FakeServices::default();
        envoy.time.set(Duration::from_secs(1_800_000_000));
        assert!(ONE.take(&envoy, &[demand(1, 2)]).unwrap().granted);
        envoy.time.set(envoy.time.get() + Duration::from_secs(1799));
        assert!(!ONE.take(&envoy, &[demand(1, 1)]).unwrap().granted);
        envoy.time.set(envoy.time.get() + Duration::from_secs(1));
        assert!(ONE.take(&envoy, &[demand(1, 1)]).unwrap().granted);
    }

    #[test]
    fn a_charge_leaves_a_debt() {
        let envoy = FakeServices::default();
        ONE.charge(&envoy, &demand(1, 2)).unwrap();
        let missing = ONE.charge(&envoy, &demand(1, 1)).unwrap();
        assert_eq!(HOUR.grants_in_ms(missing, 1), 3_600_000);
    }

    #[test]
    fn the_bucket_in_which_least_is_missing_gives_way() {
        let envoy = FakeServices::default();
        assert!(ONE.take(&envoy, &[demand(0, 2)]).unwrap().granted);
        for key in 1..=100 {
            assert!(ONE.take(&envoy, &[demand(key, 1)]).unwrap().granted);
        }
        let (value, _) = envoy.shared_data("rate-limit/0").unwrap();
        assert_eq!(value.unwrap().len(), BUCKETS_PER_ENTRY * BUCKET_BYTES);
        assert!(!ONE.take(&envoy, &[demand(0, 1)]).unwrap().granted);
    }

    #[test]
    fn keys_are_spread_over_the_entries_and_no_more() {
        let store = Store { entries: 4 };
        let mut names: Vec<String> = (0..=255).map(|n| store.entry(&[n; 16])).collect();
        names.sort();
        names.dedup();
        assert_eq!(
            names,
            [
                "rate-limit/0",
                "rate-limit/1",
                "rate-limit/2",
                "rate-limit/3"
            ]
        );
    }

    /// An Envoy in which another worker takes a unit whenever this one is about to write, a few times.
    struct Busy {
        envoy: FakeServices,
        others: Cell<usize>,
    }

    impl Services for Busy {
        fn now(&self) -> SystemTime {
            self.envoy.now()
        }
        fn property(&self, _: &[&str]) -> Option<Vec<u8>> {
            None
        }
        fn shared_data(&self, key: &str) -> Result<(Option<Vec<u8>>, Option<u32>), HostError> {
            self.envoy.shared_data(key)
        }
        fn set_shared_data(
            &self,
            key: &str,
            value: &[u8],
            version: Option<u32>,
        ) -> Result<bool, HostError> {
            if self.others.get() > 0 {
                self.others.set(self.others.get() - 1);
                ONE.charge(&self.envoy, &demand(1, 1)).unwrap();
            }
            self.envoy.set_shared_data(key, value, version)
        }
        fn clear_route_cache(&self) -> Result<(), HostError> {
            Ok(())
        }
        fn count(&self, _: &str) {}
        fn log(&self, _: LogLevel, _: &str) {}
    }

    #[test]
    fn what_other_workers_take_meanwhile_counts() {
        let busy = |others| {
            let busy = Busy {
                envoy: FakeServices::default(),
                others: Cell::new(others),
            };
            // The first write of all needs no version.
            ONE.charge(&busy.envoy, &demand(9, 1)).unwrap();
            busy
        };
        let take = |busy: &Busy| ONE.take(busy, &[demand(1, 1)]).map(|taken| taken.granted);
        assert_eq!(take(&busy(1)), Ok(true));
        assert_eq!(take(&busy(2)), Ok(false));
        let endless = busy(TRIES);
        let charged = ONE.charge(&endless, &demand(1, 1));
        assert_eq!(charged, Err(StoreError::Contended));
    }

    #[test]
    fn an_envoy_that_fails_is_an_error() {
        let envoy = FakeServices::default();
        envoy.failing.set(true);
        assert!(ONE.take(&envoy, &[demand(1, 1)]).is_err());
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(
            numbers in prop::collection::vec((any::<Key>(), any::<i64>(), any::<i64>(), any::<i64>()), 0..9),
            rest in prop::collection::vec(any::<u8>(), 0..BUCKET_BYTES),
        ) {
            let buckets: Vec<Bucket> = numbers
                .into_iter()
                .map(|(key, missing, at_ms, full_at_ms)| Bucket { key, missing, at_ms, full_at_ms })
                .collect();
            let mut bytes = encode(&buckets);
            bytes.extend(rest);
            prop_assert_eq!(decode(&bytes), buckets);
        }
    }
}
