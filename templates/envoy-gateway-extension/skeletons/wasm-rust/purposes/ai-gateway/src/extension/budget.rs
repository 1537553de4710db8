//! Counts the tokens of tenants in the data that all workers of one Envoy share.
//!
//! Shared data is never deleted, so there is a fixed number of entries, and each holds a few
//! tenants. Where an entry is full, the tenant that has used least gives way.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::UNIX_EPOCH;

use crate::filter::envoy::HostError;
use crate::filter::services::{self, Services};

const TENANTS_PER_ENTRY: u64 = 8;
/// Each try fails only if another worker succeeded.
const TRIES: usize = 1000;

#[derive(Debug)]
pub struct Budgets {
    /// 0: nothing is limited.
    tokens: u64,
    window_ms: u64,
    without_usage: u64,
    entries: u64,
}

/// What a tenant has used in its window.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Spending {
    tenant: String,
    tokens: u64,
    ends_ms: u64,
}

#[derive(Debug)]
pub enum BudgetError {
    Host(HostError),
    /// Other workers were always faster.
    Contended,
}

impl From<HostError> for BudgetError {
    fn from(error: HostError) -> Self {
        BudgetError::Host(error)
    }
}

impl fmt::Display for BudgetError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            BudgetError::Host(error) => write!(f, "cannot count tokens: {error}"),
            BudgetError::Contended => write!(f, "cannot count tokens: {TRIES} tries failed"),
        }
    }
}

impl Budgets {
    pub fn new(tokens: u64, window_seconds: u64, max_tenants: u64, without_usage: u64) -> Self {
        Budgets {
            tokens,
            window_ms: window_seconds * 1000,
            without_usage,
            entries: max_tenants.div_ceil(TENANTS_PER_ENTRY),
        }
    }

    /// How long a tenant has no tokens; 0 if it has some.
    pub fn wait_seconds(&self, envoy: &dyn Services, tenant: &str) -> Result<u64, BudgetError> {
        if self.tokens == 0 {
            return Ok(0);
        }
        let (value, _) = envoy.shared_data(&self.entry(envoy, tenant))?;
        let now = now_ms(envoy);
        Ok(decode(&value.unwrap_or_default())
            .iter()
            .find(|one| one.tenant == tenant && one.tokens >= self.tokens)
            .map_or(0, |one| one.ends_ms.saturating_sub(now).div_ceil(1000)))
    }

    /// Takes tokens after they were used, even more than there are. Without a number the estimate.
    pub fn charge(
        &self,
        envoy: &dyn Services,
        tenant: &str,
        tokens: Option<u64>,
    ) -> Result<(), BudgetError> {
        let tokens = tokens.unwrap_or(self.without_usage);
        if self.tokens == 0 || tokens == 0 {
            return Ok(());
        }
        let name = self.entry(envoy, tenant);
        for _ in 0..TRIES {
            let now = now_ms(envoy);
            let (value, version) = envoy.shared_data(&name)?;
            let mut all = decode(&value.unwrap_or_default());
            all.retain(|one| one.ends_ms > now);
            match all.iter_mut().find(|one| one.tenant == tenant) {
                Some(one) => one.tokens = one.tokens.saturating_add(tokens),
                None => {
                    if all.len() as u64 >= TENANTS_PER_ENTRY {
                        let least = all.iter().map(|one| one.tokens).min();
                        if let Some(at) = all.iter().position(|one| Some(one.tokens) == least) {
                            all.remove(at);
                        }
                    }
                    all.push(Spending {
                        tenant: tenant.to_owned(),
                        tokens,
                        ends_ms: now + self.window_ms,
                    });
                }
            }
            if envoy.set_shared_data(&name, &encode(&all), version)? {
                return Ok(());
            }
        }
        Err(BudgetError::Contended)
    }

    /// Another extension of the same module has another name.
    fn entry(&self, envoy: &dyn Services, tenant: &str) -> String {
        let plugin = services::text(envoy, &["plugin_name"]).unwrap_or_default();
        let mut hasher = DefaultHasher::new();
        tenant.hash(&mut hasher);
        format!("ai-gateway/{plugin}/{}", hasher.finish() % self.entries)
    }
}

fn now_ms(envoy: &dyn Services) -> u64 {
    envoy
        .now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|time| u64::try_from(time.as_millis()).ok())
        .unwrap_or_default()
}

fn encode(all: &[Spending]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for one in all {
        for number in [one.tokens, one.ends_ms, one.tenant.len() as u64] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(one.tenant.as_bytes());
    }
    bytes
}

fn decode(mut bytes: &[u8]) -> Vec<Spending> {
    let mut all = Vec::new();
    while let Some((one, rest)) = decode_one(bytes) {
        all.push(one);
        bytes = rest;
    }
    all
}

fn decode_one(bytes: &[u8]) -> Option<(Spending, &[u8])> {
    let (tokens, bytes) = bytes.split_first_chunk()?;
    let (ends, bytes) = bytes.split_first_chunk()?;
    let (length, bytes) = bytes.split_first_chunk()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (tenant, rest) = bytes.split_at_checked(length)?;
    let one = Spending {
        tenant: String::from_utf8(tenant.to_vec()).ok()?,
        tokens: u64::from_le_bytes(*tokens),
        ends_ms: u64::from_le_bytes(*ends),
    };
    Some((one, rest))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::filter::testing::FakeServices;

    #[test]
    fn a_tenant_waits_for_the_end_of_its_window() {
        let (budgets, envoy) = (Budgets::new(10, 60, 100, 4), FakeServices::default());
        let wait = |tenant| budgets.wait_seconds(&envoy, tenant).unwrap();
        envoy.time.set(Duration::from_secs(1000));
        budgets.charge(&envoy, "a", Some(6)).unwrap();
        assert_eq!(wait("a"), 0);
        envoy.time.set(Duration::from_millis(1_010_500));
        budgets.charge(&envoy, "a", None).unwrap();
        assert_eq!((wait("a"), wait("b"), wait("")), (50, 0, 0));
        envoy.time.set(Duration::from_secs(1060));
        assert_eq!(wait("a"), 0);
        budgets.charge(&envoy, "a", Some(9)).unwrap();
        assert_eq!(wait("a"), 0);
    }

    #[test]
    fn who_has_used_least_gives_way() {
        let (budgets, envoy) = (Budgets::new(10, 60, 8, 0), FakeServices::default());
        for tenant in ["big", "b", "c", "d", "e", "f", "g", "h", "i"] {
            let tokens = if tenant == "big" { 10 } else { 1 };
            budgets.charge(&envoy, tenant, Some(tokens)).unwrap();
        }
        let name = budgets.entry(&envoy, "");
        let all = decode(&envoy.shared_data(&name).unwrap().0.unwrap());
        assert_eq!(all.len(), 8);
        assert_eq!(budgets.wait_seconds(&envoy, "big").unwrap(), 60);
        assert!(!all.iter().any(|one| one.tenant == "b"));
    }

    #[test]
    fn nothing_is_kept_without_a_limit() {
        let (budgets, envoy) = (Budgets::new(0, 60, 8, 5), FakeServices::default());
        envoy.failing.set(true);
        budgets.charge(&envoy, "a", Some(7)).unwrap();
        assert_eq!(budgets.wait_seconds(&envoy, "a").unwrap(), 0);
    }

    #[test]
    fn a_failed_call_is_told() {
        let (budgets, envoy) = (Budgets::new(1, 60, 8, 5), FakeServices::default());
        envoy.failing.set(true);
        let error = budgets.wait_seconds(&envoy, "a").unwrap_err().to_string();
        assert_eq!(
            error,
            "cannot count tokens: proxy_get_shared_data returned status 10"
        );
        assert!(budgets.charge(&envoy, "a", None).is_err());
    }

    proptest! {
        #[test]
        fn what_is_kept_comes_back(given in prop::collection::vec(("\\PC{0,9}", any::<u64>(), any::<u64>()), 0..5)) {
            let all: Vec<Spending> = given
                .into_iter()
                .map(|(tenant, tokens, ends_ms)| Spending { tenant, tokens, ends_ms })
                .collect();
            prop_assert_eq!(decode(&encode(&all)), all);
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            decode(&bytes);
        }
    }
}
