//! The arithmetic of token buckets.
//!
//! What is missing in a bucket is counted in parts of a unit, of which a unit has as many as the
//! window has milliseconds: so `quota` of them come back in each millisecond, and no division ever
//! rounds.

/// A bucket holds `quota` units, and an empty one is full again after `window_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    pub quota: i64,
    pub window_ms: i64,
}

impl Policy {
    fn parts(&self, units: i64) -> i64 {
        units * self.window_ms
    }

    /// What is missing after this much time.
    pub fn after(&self, missing: i64, passed_ms: i64) -> i64 {
        // A clock that was set back gives nothing.
        let passed = passed_ms.clamp(0, 2 * self.window_ms);
        (missing - passed * self.quota).max(0)
    }

    pub fn grants(&self, missing: i64, units: i64) -> bool {
        missing + self.parts(units) <= self.parts(self.quota)
    }

    /// What is missing without these units, whether or not they are there. A debt ends at a second
    /// full bucket, so that it is paid after two windows at most.
    pub fn take(&self, missing: i64, units: i64) -> i64 {
        (missing + self.parts(units)).min(2 * self.parts(self.quota))
    }

    /// What is missing when these units are put back.
    pub fn put_back(&self, missing: i64, units: i64) -> i64 {
        (missing - self.parts(units)).max(0)
    }

    /// How many whole units are there.
    pub fn available(&self, missing: i64) -> i64 {
        (self.parts(self.quota) - missing).max(0) / self.window_ms
    }

    /// Milliseconds until nothing is missing.
    pub fn full_in_ms(&self, missing: i64) -> i64 {
        (missing.max(0) + self.quota - 1) / self.quota
    }

    /// Milliseconds until so many units can be taken.
    pub fn grants_in_ms(&self, missing: i64, units: i64) -> i64 {
        self.full_in_ms(missing + self.parts(units) - self.parts(self.quota))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_is_rounded() {
        // A unit in 333 1/3 ms.
        let thirds = Policy {
            quota: 3,
            window_ms: 1000,
        };
        let empty = thirds.take(0, 3);
        for (passed, available, full_in, one_in) in [
            (0, 0, 1000, 334),
            (333, 0, 667, 1),
            (334, 1, 666, 0),
            (999, 2, 1, 0),
            (1000, 3, 0, 0),
            (i64::MAX, 3, 0, 0),
            (-5, 0, 1000, 334), // the clock was set back
        ] {
            let missing = thirds.after(empty, passed);
            assert_eq!(thirds.available(missing), available, "{passed}");
            assert_eq!(thirds.grants(missing, 1), available > 0, "{passed}");
            assert_eq!(thirds.full_in_ms(missing), full_in, "{passed}");
            assert_eq!(thirds.grants_in_ms(missing, 1), one_in, "{passed}");
        }
        assert_eq!(thirds.full_in_ms(thirds.take(empty, 1000)), 2000);
        assert_eq!(thirds.put_back(empty, 5), 0);
    }

    proptest! {
        /// Whatever comes when, a bucket never grants more than it holds plus what came back.
        #[test]
        fn no_more_than_the_rate(
            quota in 1..=1_000_000_i64,
            seconds in 1..=2_678_400_i64,
            steps in prop::collection::vec((0.0..0.05_f64, 0.0..1.0_f64), 1..100),
        ) {
            let policy = Policy { quota, window_ms: seconds * 1000 };
            let (mut missing, mut granted, mut elapsed) = (0, 0_i64, 0_i64);
            for (time, share) in steps {
                let ms = (time * policy.window_ms as f64) as i64;
                elapsed += ms;
                missing = policy.after(missing, ms);
                let units = 1 + (share * (quota - 1) as f64) as i64;
                if policy.grants(missing, units) {
                    granted += units;
                    missing = policy.take(missing, units);
                }
                let most = i128::from(quota) * i128::from(policy.window_ms + elapsed);
                prop_assert!(i128::from(granted) * i128::from(policy.window_ms) <= most);
            }
        }
    }
}
