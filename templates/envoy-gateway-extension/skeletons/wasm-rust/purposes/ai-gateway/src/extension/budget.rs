//! Counts the tokens of tenants in the data that all workers of one Envoy share.
//!
//! Shared data is never deleted, so there is a fixed number of entries, and each holds a few
//! tenants. Where an entry is full, the tenant that has used least gives way.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::UNIX_EPOCH;

use crate::filter::services::{self, HostError, Services};

const TENANTS_PER_ENTRY: u64 = 8;
/// Each try fails only if another worker succeeded.
const TRIES: usize = 1000;

/// How long a client waits whose other calls hold the rest of the budget.
const UNTIL_SETTLED_MS: u64 = 1000;

#[derive(Debug)]
pub struct Budgets {
    /// 0: nothing is limited.
    tokens: u64,
    window_ms: u64,
    /// What each call under way holds.
    reserve: u64,
    entries: u64,
}

/// What a tenant has used in its window, and what its calls under way may still use.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Spending {
    tenant: String,
    tokens: u64,
    reserved: u64,
    ends_ms: u64,
}

/// What a call holds until it is settled.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reservation {
    tokens: u64,
    /// The end of the window that it was made in.
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
    pub fn new(tokens: u64, window_seconds: u64, max_tenants: u64, reserve: u64) -> Self {
        Budgets {
            tokens,
            window_ms: window_seconds * 1000,
            reserve,
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
        let all = decode(&value.unwrap_or_default());
        let found = all.iter().find(|one| one.tenant == tenant);
        Ok(found.map_or(0, |one| self.wait_of(one, now)))
    }

    fn wait_of(&self, spending: &Spending, now: u64) -> u64 {
        let rest = spending.ends_ms.saturating_sub(now);
        let wait_ms = if spending.tokens >= self.tokens {
            rest
        } else if spending.tokens.saturating_add(spending.reserved) >= self.tokens {
            rest.min(UNTIL_SETTLED_MS)
        } else {
            0
        };
        wait_ms.div_ceil(1000)
    }

    /// Reserves tokens for a call, or says how many seconds its tenant has none.
    pub fn hold(
        &self,
        envoy: &dyn Services,
        tenant: &str,
    ) -> Result<Result<Reservation, u64>, BudgetError> {
        if self.tokens == 0 {
            return Ok(Ok(Reservation::default()));
        }
        self.change(envoy, tenant, |spending, now| {
            match self.wait_of(spending, now) {
                0 => {
                    spending.reserved = spending.reserved.saturating_add(self.reserve);
                    Ok(Reservation {
                        tokens: self.reserve,
                        ends_ms: spending.ends_ms,
                    })
                }
                wait => Err(wait),
            }
        })
    }

    /// Gives back what a call held, and takes what it has used, even more than there is.
    pub fn settle(
        &self,
        envoy: &dyn Services,
        tenant: &str,
        held: &Reservation,
        used: u64,
    ) -> Result<(), BudgetError> {
        if self.tokens == 0 || (used == 0 && held.tokens == 0) {
            return Ok(());
        }
        self.change(envoy, tenant, |spending, _| {
            if spending.ends_ms == held.ends_ms {
                spending.reserved = spending.reserved.saturating_sub(held.tokens);
            }
            spending.tokens = spending.tokens.saturating_add(used);
        })
    }

    /// Changes the window of a tenant, which begins anew where there is none.
    fn change<T>(
        &self,
        envoy: &dyn Services,
        tenant: &str,
        change: impl Fn(&mut Spending, u64) -> T,
    ) -> Result<T, BudgetError> {
        let name = self.entry(envoy, tenant);
        for _ in 0..TRIES {
            let now = now_ms(envoy);
            let (value, version) = envoy.shared_data(&name)?;
            let mut all = decode(&value.unwrap_or_default());
            all.retain(|one| one.ends_ms > now);
            let at = all.iter().position(|one| one.tenant == tenant);
            let mut spending = match at {
                Some(at) => all.remove(at),
                None => Spending {
                    tenant: tenant.to_owned(),
                    tokens: 0,
                    reserved: 0,
                    ends_ms: now + self.window_ms,
                },
            };
            let result = change(&mut spending, now);
            if all.len() as u64 >= TENANTS_PER_ENTRY {
                let least = all.iter().map(|one| one.tokens).min();
                if let Some(at) = all.iter().position(|one| Some(one.tokens) == least) {
                    all.remove(at);
                }
            }
            all.push(spending);
            if envoy.set_shared_data(&name, &encode(&all), version)? {
                return Ok(result);
            }
        }
        Err(BudgetError::Contended)
    }

    /// Another extension of the same module has another name, and so has another layout of the data.
    fn entry(&self, envoy: &dyn Services, tenant: &str) -> String {
        let plugin = services::text(envoy, &["plugin_name"]).unwrap_or_default();
        let mut hasher = DefaultHasher::new();
        tenant.hash(&mut hasher);
        format!("ai-gateway/2/{plugin}/{}", hasher.finish() % self.entries)
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
        for number in [
            one.tokens,
            one.reserved,
            one.ends_ms,
            one.tenant.len() as u64,
        ] {
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
    let (reserved, bytes) = bytes.split_first_chunk()?;
    let (ends, bytes) = bytes.split_first_chunk()?;
    let (length, bytes) = bytes.split_first_chunk()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (tenant, rest) = bytes.split_at_checked(length)?;
    let one = Spending {
        tenant: String::from_utf8(tenant.to_vec()).ok()?,
        tokens: u64::from_le_bytes(*tokens),
        reserved: u64::from_le_bytes(*reserved),
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

    fn used(budgets: &Budgets, envoy: &FakeServices, tenant: &str, tokens: u64) {
        budgets
            .settle(envoy, tenant, &Reservation::default(), tokens)
            .unwrap();
    }

    #[test]
    fn a_tenant_waits_for_the_end_of_its_window() {
        let (budgets, envoy) = (Budgets::new(10, 60, 100, 0), FakeServices::default());
        let wait = |tenant| budgets.wait_seconds(&envoy, tenant).unwrap();
        envoy.time.set(Duration::from_secs(1000));
        used(&budgets, &envoy, "a", 6);
        assert_eq!(wait("a"), 0);
        envoy.time.set(Duration::from_millis(1_010_500));
        used(&budgets, &envoy, "a", 4);
        assert_eq!((wait("a"), wait("b"), wait("")), (50, 0, 0));
        envoy.time.set(Duration::from_secs(1060));
        assert_eq!(wait("a"), 0);
        used(&budgets, &envoy, "a", 9);
        assert_eq!(wait("a"), 0);
    }

    #[test]
    fn calls_at_once_share_what_is_left() {
        let (budgets, envoy) = (Budgets::new(10, 60, 100, 6), FakeServices::default());
        envoy.time.set(Duration::from_secs(1000));
        let hold = || budgets.hold(&envoy, "a").unwrap();
        let (first, second) = (hold().unwrap(), hold().unwrap());
        assert_eq!(hold(), Err(1));
        budgets.settle(&envoy, "a", &first, 2).unwrap();
        let third = hold().unwrap();
        budgets.settle(&envoy, "a", &second, 9).unwrap();
        assert_eq!(hold(), Err(60));
        budgets.settle(&envoy, "a", &third, 0).unwrap();
        // What was held in a window that has ended is not given back in the next.
        envoy.time.set(Duration::from_secs(1100));
        hold().unwrap();
        budgets.settle(&envoy, "a", &second, 4).unwrap();
        assert_eq!(hold(), Err(1));
    }

    #[test]
    fn who_has_used_least_gives_way() {
        let (budgets, envoy) = (Budgets::new(10, 60, 8, 0), FakeServices::default());
        for tenant in ["big", "b", "c", "d", "e", "f", "g", "h", "i"] {
            let tokens = if tenant == "big" { 10 } else { 1 };
            used(&budgets, &envoy, tenant, tokens);
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
        used(&budgets, &envoy, "a", 7);
        assert!(budgets.hold(&envoy, "a").unwrap().is_ok());
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
        assert!(budgets.hold(&envoy, "a").is_err());
        assert!(budgets
            .settle(&envoy, "a", &Reservation::default(), 1)
            .is_err());
    }

    proptest! {
        #[test]
        fn what_is_kept_comes_back(given in prop::collection::vec(("\\PC{0,9}", any::<u64>(), any::<u64>(), any::<u64>()), 0..5)) {
            let all: Vec<Spending> = given
                .into_iter()
                .map(|(tenant, tokens, reserved, ends_ms)| Spending { tenant, tokens, reserved, ends_ms })
                .collect();
            prop_assert_eq!(decode(&encode(&all)), all);
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            decode(&bytes);
        }
    }
}
