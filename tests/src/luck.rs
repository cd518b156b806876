//! Chance that can be repeated, and how large a campaign is.

use std::time::Duration;

/// Numbers that look random and are the same for the same seed.
#[derive(Debug, Clone)]
pub struct Luck(u64);

impl Luck {
    /// From `CLONEDECK_SEED`, else from the clock; the seed is printed, so that a campaign can be repeated.
    pub fn new(campaign: &str) -> Self {
        let clock = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(1, |time| time.as_nanos() as u64 % 1_000_000_000);
        let seed = asked("CLONEDECK_SEED", clock);
        println!("{campaign}: seed {seed} (CLONEDECK_SEED={seed} repeats it)");
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number from 0 to below 1.
    pub fn share(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A moment within `whole`.
    pub fn moment(&mut self, whole: Duration) -> Duration {
        whole.mul_f64(self.share())
    }
}

/// A number from the environment, or `usual`.
///
/// # Panics
/// When the environment has something else than a number there.
pub fn asked(name: &str, usual: u64) -> u64 {
    std::env::var(name)
        .map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}
