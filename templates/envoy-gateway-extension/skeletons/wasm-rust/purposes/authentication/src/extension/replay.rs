//! Remembers requests until their timestamp is out of the window, for all workers of this Envoy.
//!
//! Shared data can be replaced, but not removed. So the memory is a fixed number of parts, each with
//! a limit: when a part is full of what is still needed, requests are refused, and none is forgotten.

use sha2::{Digest, Sha256};

use crate::filter::services::Services;

use super::problem::{unauthorized, Refusal, UNAVAILABLE};

pub const REPLAYED: Refusal = unauthorized("The request has been sent before.");

/// Other workers write at the same time; each failure is the success of another.
const ATTEMPTS: usize = 20;

const HASH_SIZE: usize = 16;
/// A hash and when it is over, in seconds since 1970.
const ENTRY_SIZE: usize = HASH_SIZE + 8;

pub struct Replays {
    parts: usize,
    entries_in_part: usize,
}

impl Replays {
    pub fn new(most: usize) -> Self {
        // Enough entries in each part that they fill up alike, few enough that it is quick to read.
        let parts = (most / 256).clamp(1, 1024);
        Replays {
            parts,
            entries_in_part: most.div_ceil(parts),
        }
    }

    /// Remembers a request. Times are in seconds since 1970.
    pub fn add(&self, envoy: &dyn Services, id: &str, now: u64, until: u64) -> Result<(), Refusal> {
        let digest = Sha256::digest(id);
        let (hash, rest) = digest.split_at(HASH_SIZE);
        let number = rest.iter().take(4).fold(0_usize, |number, byte| {
            (number << 8 | usize::from(*byte)) % self.parts
        });
        let key = format!("authentication-replays-{number}");
        for _ in 0..ATTEMPTS {
            let (part, version) = envoy.shared_data(&key).map_err(|_| UNAVAILABLE)?;
            let part = part.unwrap_or_default();
            let mut kept = Vec::with_capacity(part.len() + ENTRY_SIZE);
            for entry in part.chunks_exact(ENTRY_SIZE) {
                let (known, end) = entry.split_at(HASH_SIZE);
                if u64::from_le_bytes(end.try_into().unwrap_or_default()) < now {
                    continue;
                }
                if known == hash {
                    return Err(REPLAYED);
                }
                kept.extend_from_slice(entry);
            }
            if kept.len() / ENTRY_SIZE >= self.entries_in_part {
                return Err(UNAVAILABLE);
            }
            kept.extend_from_slice(hash);
            kept.extend_from_slice(&until.to_le_bytes());
            if envoy
                .set_shared_data(&key, &kept, version)
                .map_err(|_| UNAVAILABLE)?
            {
                return Ok(());
            }
        }
        Err(UNAVAILABLE)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::filter::testing::FakeServices;

    #[test]
    fn a_memory_that_is_full_refuses_until_something_is_over() {
        let (envoy, replays) = (FakeServices::default(), Replays::new(3));
        for id in ["a", "b", "c"] {
            assert_eq!(replays.add(&envoy, id, 100, 110), Ok(()));
        }
        assert_eq!(replays.add(&envoy, "a", 110, 120), Err(REPLAYED));
        assert_eq!(replays.add(&envoy, "d", 110, 120), Err(UNAVAILABLE));
        assert_eq!(replays.add(&envoy, "d", 111, 120), Ok(()));
        assert_eq!(replays.add(&envoy, "a", 111, 120), Ok(()));
    }

    #[test]
    fn without_shared_data_nothing_passes() {
        let envoy = FakeServices::default();
        envoy.failing.set(true);
        assert_eq!(Replays::new(1000).add(&envoy, "a", 1, 2), Err(UNAVAILABLE));
    }

    #[test]
    fn large_memories_have_parts_that_stay_small() {
        for most in [1000, 100_000, 1_000_000] {
            let Replays {
                parts,
                entries_in_part,
            } = Replays::new(most);
            assert!(parts * entries_in_part >= most);
            assert!(entries_in_part * ENTRY_SIZE < 32 << 10);
        }
    }

    proptest! {
        /// A memory that keeps everything agrees, as long as there is room.
        #[test]
        fn only_what_is_over_is_forgotten(
            steps in prop::collection::vec((0..20_u32, 0..3_u64, 0..10_u64), 0..60),
        ) {
            let (envoy, replays) = (FakeServices::default(), Replays::new(1000));
            let mut model: BTreeMap<u32, u64> = BTreeMap::new();
            let mut now = 1000;
            for (id, later, length) in steps {
                now += later;
                let known = model.get(&id).is_some_and(|end| *end >= now);
                let expected = if known { Err(REPLAYED) } else { Ok(()) };
                if !known {
                    model.insert(id, now + length);
                }
                prop_assert_eq!(replays.add(&envoy, &id.to_string(), now, now + length), expected);
            }
        }
    }
}
