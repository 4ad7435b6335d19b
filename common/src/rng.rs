//! Chance as a parameter, and the names that are made of it.

use uuid::Uuid;

use crate::clock::Timestamp;

/// Where chance comes from.
pub trait Rng: Send + Sync {
    /// Fills `bytes` with what nobody can guess.
    fn fill(&self, bytes: &mut [u8]);
}

/// The system's random numbers, from the generator that also makes keys.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRng;

impl Rng for SystemRng {
    /// # Panics
    /// When the system has no random bytes: nothing safe could be done without.
    fn fill(&self, bytes: &mut [u8]) {
        #[expect(clippy::expect_used, reason = "a token without chance would be worse than none")]
        aws_lc_rs::rand::fill(bytes).expect("the system gives random bytes");
    }
}

/// A `UUIDv7` (RFC 9562, section 5.7): such names sort by the time they were made.
#[must_use]
pub fn uuid_v7(now: Timestamp, rng: &dyn Rng) -> Uuid {
    let mut random = [0; 10];
    rng.fill(&mut random);
    let millis = u64::try_from(now.millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}
