//! How many wrong passwords somebody may try, and how long they then wait.
//!
//! An attempt is counted as a failure *before* its password is checked, and taken back when it was right: of a hundred
//! attempts at once no more pass than of a hundred in a row. Refused attempts are not counted, so nobody can make
//! another wait longer by hammering.
//!
//! An account under attack from many addresses must stay open to its owner. So the wait that the account itself imposes
//! is short, and each address waits on its own: a botnet cannot use up the owner's turn. Addresses that the account was
//! used from are exempt from it altogether.

use std::time::Duration;

use common::clock::Timestamp;

/// Failures of one address on one account before it waits.
pub const FREE_FAILURES: u32 = 5;
/// The wait after them; each further failure doubles it.
pub const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest such wait.
pub const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// After so long without an attempt, the failures of one address on one account are forgotten.
pub const FAILURES_KEPT: Duration = Duration::from_hours(1);

/// The time in which the failures on an account, and those of an address, are counted.
pub const WINDOW: Duration = Duration::from_mins(10);
/// Failures on one account, from wherever, before addresses that are new to it wait.
pub const ACCOUNT_FAILURES: u32 = 20;
/// How long such an address waits at the most, before its first attempt and between two.
pub const ACCOUNT_WAIT: Duration = Duration::from_secs(2);
/// Failures of one address, on whatever accounts, before it waits for the window to pass.
pub const ADDRESS_FAILURES: u32 = 100;

/// How long an address is known to an account after a successful login.
pub const KNOWN_FOR: Duration = Duration::from_hours(24 * 30);

/// What is from further ahead was counted by a clock that was wrong, and nobody waits for it.
pub const MOST_AHEAD: Duration = Duration::from_mins(1);

/// Something counted, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// How often; 0 for a mark.
    pub failures: u32,
    /// The beginning of the window; of a pair, its last attempt; of a mark, when it was made.
    pub since: Timestamp,
}

/// What is kept of an attempt's account and address. Absent is the same as too old to count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// The address's failures on the account.
    pub pair: Option<Counter>,
    /// All failures on the account.
    pub account: Option<Counter>,
    /// All failures of the address.
    pub address: Option<Counter>,
    /// The mark of an address that the account was used from.
    pub known: Option<Counter>,
}

/// Whose limit it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// One address on one account.
    Pair,
    /// One account.
    Account,
    /// One address.
    Address,
}

impl Limit {
    const ALL: [Self; 3] = [Self::Pair, Self::Account, Self::Address];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pair => "pair",
            Self::Account => "account",
            Self::Address => "address",
        }
    }

    /// The limit that `word` stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|limit| limit.as_str() == word)
    }
}

/// What becomes of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may go on. It was counted; `reached` is the limit that it is the last one before, if it fails.
    Admitted {
        /// The limit.
        reached: Option<Limit>,
    },
    /// It has to wait.
    Refused {
        /// The limit.
        limit: Limit,
        /// For how long.
        retry_after: Duration,
    },
}

/// How an admitted attempt that did not fail is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// The password was right: it does not count, the address's failures on the account are forgotten, and the address
    /// is known to the account from now on.
    Succeeded,
    /// Nothing was found out: it does not count.
    Withdrawn,
}

/// Decides on an attempt, and what is kept afterwards. Without an address that is known there is neither a limit of the
/// address nor one of the pair, whose counter then stands for all such attempts on the account.
#[must_use]
pub fn decide(counters: Counters, has_address: bool, now: Timestamp) -> (Verdict, Counters) {
    let counters = living(counters, now);
    let refused = |limit, retry_after| (Verdict::Refused { limit, retry_after }, counters);
    let Counters { pair, account, address, known } = counters;
    if has_address {
        if let Some(address) = address.filter(|address| address.failures >= ADDRESS_FAILURES) {
            return refused(Limit::Address, WINDOW.saturating_sub(now.since(address.since)));
        }
        if let Some(left) = pair.and_then(|pair| left(pair_wait(pair.failures), pair.since, now)) {
            return refused(Limit::Pair, left);
        }
    }
    let exempt = has_address && known.is_some();
    if is_limited(account) && !exempt {
        let Some(pair) = pair else {
            let waiting = Counters { pair: Some(Counter { failures: 0, since: now }), ..counters };
            return (Verdict::Refused { limit: Limit::Account, retry_after: ACCOUNT_WAIT }, waiting);
        };
        if let Some(left) = left(ACCOUNT_WAIT, pair.since, now) {
            return refused(Limit::Account, left);
        }
    }
    let counted = Counters {
        pair: Some(Counter { since: now, ..one_more(pair, now) }),
        account: Some(one_more(account, now)),
        address: has_address.then(|| one_more(address, now)),
        known,
    };
    (Verdict::Admitted { reached: reached(&counted, has_address) }, counted)
}

/// What is kept after an admitted attempt was settled.
#[must_use]
pub fn settle(counters: Counters, settlement: Settlement, has_address: bool, now: Timestamp) -> Counters {
    let Counters { pair, account, address, known } = living(counters, now);
    let counts = |counter: &Counter| counter.failures > 0;
    // Nothing is kept of what counts nothing: a flood that is turned away fills no store.
    let (account, address) = (account.map(one_less).filter(counts), address.map(one_less).filter(counts));
    let mark = Counter { failures: 0, since: now };
    let (pair, known) = match settlement {
        Settlement::Succeeded => (None, if has_address { Some(mark) } else { known }),
        // While the account is limited, the pair is also the mark of an address that has waited for it.
        Settlement::Withdrawn => (pair.map(one_less).filter(|pair| counts(pair) || is_limited(account)), known),
    };
    Counters { pair, account, address, known }
}

fn living(counters: Counters, now: Timestamp) -> Counters {
    let younger = |counter: Option<Counter>, than: Duration| {
        counter.filter(|counter| now.since(counter.since) < than && counter.since <= now + MOST_AHEAD)
    };
    Counters {
        pair: younger(counters.pair, FAILURES_KEPT),
        account: younger(counters.account, WINDOW),
        address: younger(counters.address, WINDOW),
        known: younger(counters.known, KNOWN_FOR),
    }
}

/// How long one address waits between two attempts on one account after so many failures.
fn pair_wait(failures: u32) -> Duration {
    match failures.checked_sub(FREE_FAILURES) {
        None => Duration::ZERO,
        Some(more) => FIRST_WAIT.saturating_mul(2_u32.saturating_pow(more)).min(LONGEST_WAIT),
    }
}

fn left(wait: Duration, since: Timestamp, now: Timestamp) -> Option<Duration> {
    Some(wait.saturating_sub(now.since(since))).filter(|left| !left.is_zero())
}

fn one_more(counter: Option<Counter>, now: Timestamp) -> Counter {
    let Counter { failures, since } = counter.unwrap_or(Counter { failures: 0, since: now });
    Counter { failures: failures.saturating_add(1), since }
}

fn one_less(counter: Counter) -> Counter {
    Counter { failures: counter.failures.saturating_sub(1), ..counter }
}

fn is_limited(account: Option<Counter>) -> bool {
    account.is_some_and(|account| account.failures >= ACCOUNT_FAILURES)
}

fn reached(counted: &Counters, has_address: bool) -> Option<Limit> {
    let at = |counter: Option<Counter>, limit| counter.is_some_and(|counter| counter.failures == limit);
    if at(counted.address, ADDRESS_FAILURES) {
        Some(Limit::Address)
    } else if at(counted.account, ACCOUNT_FAILURES) {
        Some(Limit::Account)
    } else if has_address && at(counted.pair, FREE_FAILURES) {
        Some(Limit::Pair)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const SECOND: Duration = Duration::from_secs(1);

    fn waited(verdict: Verdict) -> Option<(Limit, Duration)> {
        match verdict {
            Verdict::Admitted { .. } => None,
            Verdict::Refused { limit, retry_after } => Some((limit, retry_after)),
        }
    }

    #[test]
    fn five_failures_are_free_then_the_wait_doubles_from_one_second_to_sixty() {
        let (mut counters, mut now) = (Counters::default(), NOW);
        let mut waits = Vec::new();
        for _ in 0..14 {
            let (verdict, after) = decide(counters, true, now);
            let wait = waited(verdict).map_or(Duration::ZERO, |(limit, wait)| {
                assert_eq!((limit, after), (Limit::Pair, counters), "a refusal is not counted");
                wait
            });
            waits.push(wait.as_secs());
            now = now + wait;
            let (verdict, after) = decide(counters, true, now);
            assert_eq!(waited(verdict), None);
            // Failures on the account are left out of this one.
            counters = Counters { account: None, ..after };
        }
        assert_eq!(waits, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn an_address_waits_for_the_window_after_a_hundred_failures() {
        let counters = Counters { address: Some(Counter { failures: 100, since: NOW }), ..Counters::default() };
        let (verdict, _) = decide(counters, true, NOW + 60 * SECOND);
        assert_eq!(waited(verdict), Some((Limit::Address, 540 * SECOND)));
        assert_eq!(waited(decide(counters, true, NOW + WINDOW).0), None);
        assert_eq!(waited(decide(counters, false, NOW).0), None, "nobody's address has no limit");
    }

    #[test]
    fn the_limit_is_said_once_by_the_attempt_that_reaches_it() {
        let at = |failures| Some(Counter { failures, since: NOW });
        let reached = |counters| match decide(counters, true, NOW).0 {
            Verdict::Admitted { reached } => reached,
            Verdict::Refused { .. } => panic!("refused"),
        };
        assert_eq!(reached(Counters { pair: at(3), ..Counters::default() }), None);
        assert_eq!(reached(Counters { pair: at(4), ..Counters::default() }), Some(Limit::Pair));
        assert_eq!(reached(Counters { account: at(19), ..Counters::default() }), Some(Limit::Account));
        assert_eq!(reached(Counters { address: at(99), ..Counters::default() }), Some(Limit::Address));
    }

    #[test]
    fn a_clock_that_was_wrong_makes_nobody_wait() {
        let at = |failures, since| Some(Counter { failures, since });
        let ahead = NOW + MOST_AHEAD + SECOND;
        let counters = Counters { pair: at(50, ahead), account: at(50, ahead), address: at(500, ahead), known: None };
        assert_eq!(waited(decide(counters, true, NOW).0), None);
    }

    fn counter() -> impl Strategy<Value = Option<Counter>> {
        let since = -4_000_000_000_i64..=0;
        proptest::option::of(
            (0_u32..130, since).prop_map(|(failures, micros)| Counter {
                failures,
                since: Timestamp::from_micros(NOW.micros() + micros),
            }),
        )
    }

    fn counters() -> impl Strategy<Value = Counters> {
        (counter(), counter(), counter(), counter()).prop_map(|(pair, account, address, known)| Counters {
            pair,
            account,
            address,
            known,
        })
    }

    proptest! {
        #[test]
        fn whoever_waits_as_long_as_they_were_told_is_admitted(
            counters in counters(), has_address in any::<bool>(), others in 0_u32..200,
        ) {
            let (verdict, after) = decide(counters, has_address, NOW);
            if let Verdict::Refused { limit, retry_after } = verdict {
                let most = match limit {
                    Limit::Pair => LONGEST_WAIT,
                    Limit::Account => ACCOUNT_WAIT,
                    Limit::Address => WINDOW,
                };
                prop_assert!(!retry_after.is_zero() && retry_after <= most, "{retry_after:?}");
                // Meanwhile a botnet has failed on the account as often as it likes.
                let account = after.account.map(|it| Counter { failures: it.failures.saturating_add(others), ..it });
                let later = decide(Counters { account, ..after }, has_address, NOW + retry_after).0;
                // What follows may be another limit, and that one is shorter or the last.
                if let Verdict::Refused { limit: other, .. } = later {
                    prop_assert!(other != limit || limit == Limit::Account && after.pair.is_none(), "{limit:?} again");
                }
            }
        }

        #[test]
        fn an_address_that_is_known_never_waits_for_the_account(counters in counters()) {
            let known = Some(Counter { failures: 0, since: NOW });
            if let (Verdict::Refused { limit, .. }, _) = decide(Counters { known, ..counters }, true, NOW) {
                prop_assert!(limit != Limit::Account);
            }
        }

        #[test]
        fn an_attempt_that_was_right_leaves_no_failure_behind(counters in counters()) {
            let before = living(counters, NOW);
            let (verdict, counted) = decide(counters, true, NOW);
            if let Verdict::Admitted { .. } = verdict {
                let after = settle(counted, Settlement::Succeeded, true, NOW);
                let failures = |counter: Option<Counter>| counter.map_or(0, |counter| counter.failures);
                prop_assert_eq!(after.pair, None);
                prop_assert_eq!(failures(after.account), failures(before.account));
                prop_assert_eq!(failures(after.address), failures(before.address));
                prop_assert_eq!(after.known, Some(Counter { failures: 0, since: NOW }));
            }
        }

        #[test]
        fn an_attempt_that_was_withdrawn_leaves_nothing_new_behind(counters in counters()) {
            let before = living(counters, NOW);
            let (verdict, counted) = decide(counters, true, NOW);
            if let Verdict::Admitted { .. } = verdict {
                let after = settle(counted, Settlement::Withdrawn, true, NOW);
                let failures = |counter: Option<Counter>| counter.map_or(0, |counter| counter.failures);
                for (after, before) in
                    [(after.pair, before.pair), (after.account, before.account), (after.address, before.address)]
                {
                    prop_assert_eq!(failures(after), failures(before));
                    prop_assert!(after.is_none() || before.is_some() || is_limited(counted.account));
                }
                prop_assert_eq!(after.known, before.known);
            }
        }

        #[test]
        fn of_many_attempts_at_one_instant_no_more_than_the_free_ones_pass(attempts in 1_u32..300) {
            let mut counters = Counters::default();
            let mut passed = 0;
            for _ in 0..attempts {
                let (verdict, after) = decide(counters, true, NOW);
                passed += u32::from(matches!(verdict, Verdict::Admitted { .. }));
                counters = after;
            }
            prop_assert_eq!(passed, attempts.min(FREE_FAILURES));
        }
    }
}
