//! How long a call may take, how often it is tried, and how much of an answer is read.

use std::time::Duration;

/// No call takes longer, whatever was asked for.
const LONGEST_CALL: Duration = Duration::from_secs(10);

/// The limits of a call. Connecting takes a second at the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// One try, up to the head of its answer.
    pub per_try: Duration,
    /// Everything: tokens, tries, the pauses between them, and reading the answer. More than ten seconds count as ten.
    pub whole_call: Duration,
    /// How often at the most a call is tried that may be repeated.
    pub tries: u32,
    /// The longest answer that is read, in bytes.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { per_try: Duration::from_secs(4), whole_call: LONGEST_CALL, tries: 3, body: 1024 * 1024 }
    }
}

impl Limits {
    /// The same, within what there may be.
    pub(super) fn bounded(self) -> Self {
        let whole_call = self.whole_call.min(LONGEST_CALL);
        Self { per_try: self.per_try.min(whole_call), whole_call, tries: self.tries.clamp(1, 5), ..self }
    }
}
