//! What is to be done with the signing keys now. Pure: the caller makes keys and stores what was decided.
//!
//! The keys form one line. Its last one, the heir, has no successor yet; once the heir signs, the next key is made and
//! the heir gets its end. So there is always a key that everybody knows and nobody uses, and a rotation, planned or
//! not, never has to wait for verifiers. A line ends when HS256 signs again.

use common::clock::Timestamp;

use super::signing_key::{KeyAlgorithm, KeyId, KeyRules, NOTICE, Phase, Retirement, SigningKey, signing_at};

/// One thing to do. All steps of a decision are carried out together, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make a key that signs from `activates_at` on.
    Create {
        /// What it signs with.
        algorithm: KeyAlgorithm,
        /// When it begins.
        activates_at: Timestamp,
    },
    /// A key that waits begins at another time.
    Activate {
        /// Which one.
        kid: KeyId,
        /// When it begins.
        at: Timestamp,
    },
    /// A key ceases to sign.
    Retire {
        /// Which one.
        kid: KeyId,
        /// When, and how long it is verified.
        retirement: Retirement,
    },
    /// A key goes, and with it every token that it signed.
    Delete {
        /// Which one.
        kid: KeyId,
    },
}

impl Step {
    fn retire(key: &SigningKey, at: Timestamp, rules: &KeyRules) -> Self {
        Self::Retire { kid: key.kid.clone(), retirement: rules.retirement(at) }
    }

    fn delete(key: &SigningKey) -> Self {
        Self::Delete { kid: key.kid.clone() }
    }
}

/// The last of the line, if the line goes on.
fn heir(keys: &[SigningKey]) -> Option<&SigningKey> {
    keys.iter().filter(|key| key.retirement.is_none()).max_by_key(|key| key.activates_at)
}

/// The key that ends when `key` begins. Not "the active one": the clock of a replica that decides may be behind, and the
/// line must not depend on it.
fn predecessor<'keys>(keys: &'keys [SigningKey], key: &SigningKey) -> Option<&'keys SigningKey> {
    keys.iter().find(|other| other.retirement.is_some_and(|it| it.at == key.activates_at) && other.kid != key.kid)
}

/// The key that begins when `key` ends.
fn successor<'keys>(keys: &'keys [SigningKey], key: &SigningKey) -> Option<&'keys SigningKey> {
    keys.iter().find(|other| key.retirement.is_some_and(|it| it.at == other.activates_at) && other.kid != key.kid)
}

/// What a replica does every moment: makes the key after the heir, moves a switch that the settings want earlier, keeps
/// retired keys as long as the settings want, and deletes those that are over.
#[must_use]
pub fn keep(keys: &[SigningKey], now: Timestamp, rules: &KeyRules) -> Vec<Step> {
    let mut steps: Vec<_> = keys.iter().filter_map(|key| kept_or_deleted(key, now, rules)).collect();
    if let Some(heir) = heir(keys) {
        if heir.phase(now) == Phase::Active {
            let at = (heir.activates_at + rules.rotation).max(now + rules.published_before);
            steps.extend(succeed(Some(heir), heir.algorithm, at, rules));
        } else if let Some(before) = predecessor(keys, heir) {
            steps.extend(hasten(before, heir, before.activates_at + rules.rotation, now, rules));
        }
    }
    steps
}

fn kept_or_deleted(key: &SigningKey, now: Timestamp, rules: &KeyRules) -> Option<Step> {
    let retirement = key.retirement?;
    if retirement.verify_until <= now {
        return Some(Step::delete(key));
    }
    // Tokens live longer since the settings were changed.
    let longer = rules.retirement(retirement.at);
    (longer.verify_until > retirement.verify_until).then(|| Step::Retire { kid: key.kid.clone(), retirement: longer })
}

/// A new last one of the line, after `predecessor`.
fn succeed(
    predecessor: Option<&SigningKey>,
    algorithm: KeyAlgorithm,
    activates_at: Timestamp,
    rules: &KeyRules,
) -> Vec<Step> {
    let end = predecessor.map(|key| Step::retire(key, activates_at, rules));
    end.into_iter().chain([Step::Create { algorithm, activates_at }]).collect()
}

/// The switch from `before` to `next` at `wanted`, or as soon as everybody knows `next`; never later than planned.
fn hasten(before: &SigningKey, next: &SigningKey, wanted: Timestamp, now: Timestamp, rules: &KeyRules) -> Vec<Step> {
    let at = wanted.max(next.created_at + rules.published_before).max(now + NOTICE);
    if at >= next.activates_at {
        return Vec::new();
    }
    vec![Step::Activate { kid: next.kid.clone(), at }, Step::retire(before, at, rules)]
}

/// What a replica does once, at its start: makes the line go on with the algorithm that its settings name, or ends it
/// for HS256 (`None`). Of several replicas with different settings the last one that starts decides.
///
/// `first_at_once`: nothing else may sign until the first key is known, so it begins now.
#[must_use]
pub fn align(
    keys: &[SigningKey],
    wanted: Option<KeyAlgorithm>,
    first_at_once: bool,
    now: Timestamp,
    rules: &KeyRules,
) -> Vec<Step> {
    let known_at = now + rules.published_before;
    match (heir(keys), wanted) {
        (None, None) => Vec::new(),
        (Some(heir), Some(algorithm)) if heir.algorithm == algorithm => Vec::new(),
        (None, Some(algorithm)) => {
            // The line was ended a moment ago.
            let active = signing_at(keys, now);
            let at = if first_at_once && active.is_none() { now } else { known_at };
            succeed(active, algorithm, at, rules)
        }
        (Some(heir), _) => {
            let waits = heir.phase(now) == Phase::Next;
            let last = if waits { predecessor(keys, heir) } else { Some(heir) };
            let dropped = waits.then(|| Step::retire(heir, now, rules));
            let replaced = match wanted {
                Some(algorithm) => succeed(last, algorithm, known_at, rules),
                None => last.map(|last| Step::retire(last, now + NOTICE, rules)).into_iter().collect(),
            };
            dropped.into_iter().chain(replaced).collect()
        }
    }
}

/// Why a command on the keys was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// HS256 signs.
    #[error(
        "there is no signing key: AUTH_SIGNING_ALGORITHM is HS256, or auth-service has not been started with it yet"
    )]
    NoLine,
    /// No key has this name.
    #[error("there is no such key")]
    NoSuchKey,
    /// The switch is as near as it may be.
    #[error("the next key takes over as soon as everybody knows it")]
    AlreadyUnderWay,
}

/// The next key takes over as soon as every verifier can know it.
pub fn rotate(keys: &[SigningKey], now: Timestamp, rules: &KeyRules) -> Result<Vec<Step>, Refused> {
    let heir = heir(keys).ok_or(Refused::NoLine)?;
    if heir.phase(now) == Phase::Active {
        return Ok(succeed(Some(heir), heir.algorithm, now + rules.published_before, rules));
    }
    let before = predecessor(keys, heir).ok_or(Refused::AlreadyUnderWay)?;
    let steps = hasten(before, heir, now, now, rules);
    if steps.is_empty() { Err(Refused::AlreadyUnderWay) } else { Ok(steps) }
}

/// A key is known to somebody else: it goes at once, and another takes its place. Its tokens end with it.
pub fn retire_at_once(
    keys: &[SigningKey],
    kid: &KeyId,
    now: Timestamp,
    rules: &KeyRules,
) -> Result<Vec<Step>, Refused> {
    let key = keys.iter().find(|key| key.kid == *kid).ok_or(Refused::NoSuchKey)?;
    let deleted = Step::delete(key);
    let instead = match key.phase(now) {
        Phase::Retired | Phase::Over => Vec::new(),
        Phase::Active | Phase::Next => match successor(keys, key) {
            // Published already, so that no other token is refused.
            Some(next) => vec![Step::Activate { kid: next.kid.clone(), at: key.activates_at.max(now) }],
            // The line was about to end.
            None if key.retirement.is_some() => Vec::new(),
            None if key.phase(now) == Phase::Active => succeed(None, key.algorithm, now, rules),
            None => {
                let at = key.activates_at.max(now + rules.published_before);
                succeed(predecessor(keys, key), key.algorithm, at, rules)
            }
        },
    };
    Ok([deleted].into_iter().chain(instead).collect())
}
