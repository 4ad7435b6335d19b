//! The system's random numbers.

use crate::ports::Rng;

/// Random bytes from the generator that also makes keys.
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
