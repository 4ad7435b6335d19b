//! The rules, second by second: whatever is done to the keys and in whatever order, nobody ever meets a token whose key
//! they do not know.

use std::{collections::HashSet, time::Duration};

use auth_service::domain::{
    signing_key::{KeyAlgorithm, KeyId, KeyRules, NOTICE, Phase, Retirement, SigningKey, signing_at},
    signing_key_rules::{Refused, Step, align, keep, retire_at_once, rotate},
};
use common::clock::Timestamp;
use proptest::prelude::*;

const MAX_AGE: u64 = 30;
const LONGEST_TOKEN: u64 = 60;
const LEEWAY: u64 = 5;
/// How far a replica's view of the store may be behind.
const LAG: u64 = 5;
/// How wrong a replica's clock may be.
const OFFSET: i64 = 2;

fn rules(rotation: u64) -> KeyRules {
    let [rotation, max_age, token, leeway] = [rotation, MAX_AGE, LONGEST_TOKEN, LEEWAY].map(Duration::from_secs);
    KeyRules::new(rotation, max_age, token, leeway)
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_seconds(1_000_000 + i64::try_from(second).unwrap())
}

#[derive(Debug, Clone)]
enum Act {
    Wait(u64),
    Rotate,
    Align(Option<KeyAlgorithm>),
    ChangeRotation(u64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let algorithm = prop_oneof![Just(KeyAlgorithm::EdDsa), Just(KeyAlgorithm::Es256), Just(KeyAlgorithm::Rs256)];
    let act = prop_oneof![
        4 => (1..90_u64).prop_map(Act::Wait),
        3 => Just(Act::Rotate),
        2 => proptest::option::weighted(0.8, algorithm).prop_map(Act::Align),
        1 => (1..400_u64).prop_map(Act::ChangeRotation),
    ];
    proptest::collection::vec(act, 1..30)
}

/// The store, with its state at the end of every second so far.
#[derive(Default)]
struct Store {
    keys: Vec<SigningKey>,
    made: u32,
    history: Vec<Vec<SigningKey>>,
}

impl Store {
    fn now(&self) -> u64 {
        u64::try_from(self.history.len()).unwrap()
    }

    fn carry_out(&mut self, steps: Vec<Step>, now: Timestamp) {
        for step in steps {
            match step {
                Step::Create { algorithm, activates_at } => {
                    self.made += 1;
                    let kid = KeyId(self.made.to_string());
                    self.keys.push(SigningKey { kid, algorithm, created_at: now, activates_at, retirement: None });
                }
                Step::Activate { kid, at } => self.key(&kid).activates_at = at,
                Step::Retire { kid, retirement } => self.key(&kid).retirement = Some(retirement),
                Step::Delete { kid } => self.keys.retain(|key| key.kid != kid),
            }
        }
    }

    fn key(&mut self, kid: &KeyId) -> &mut SigningKey {
        self.keys.iter_mut().find(|key| key.kid == *kid).unwrap()
    }

    /// A replica whose clock is wrong does its round, and a second passes.
    fn pass(&mut self, seconds: u64, rules: &KeyRules) {
        for _ in 0..seconds {
            let offset = i64::try_from(self.now() % 5).unwrap() - OFFSET;
            let now = Timestamp::from_seconds(at(self.now()).seconds() + offset);
            self.carry_out(keep(&self.keys, now, rules), now);
            self.history.push(self.keys.clone());
        }
    }

    /// Every key that any replica could sign with in this second: its clock and its view of the store may be wrong.
    fn signing(&self, second: u64) -> HashSet<KeyId> {
        let mut kids = HashSet::new();
        for seen in second.saturating_sub(LAG)..=second {
            for offset in -OFFSET..=OFFSET {
                let now = Timestamp::from_seconds(at(second).seconds() + offset);
                let view = &self.history[usize::try_from(seen).unwrap()];
                kids.extend(signing_at(view, now).map(|key| key.kid.clone()));
            }
        }
        kids
    }

    /// Whether every replica publishes the key in this second.
    fn publishes(&self, second: u64, kid: &KeyId) -> bool {
        let now = Timestamp::from_seconds(at(second).seconds() + OFFSET);
        let view = &self.history[usize::try_from(second).unwrap()];
        view.iter().any(|key| key.kid == *kid && key.is_published(now))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// A verifier keeps the JWKS for as long as it may, and got it from a replica whose view was old; a token is sent
    /// until its last second. No unknown key is ever asked for.
    #[test]
    fn every_token_meets_only_verifiers_that_know_its_key(acts in acts()) {
        let mut rules = rules(120);
        let mut store = Store::default();
        for act in acts {
            let now = at(store.now());
            match act {
                Act::Wait(seconds) => store.pass(seconds, &rules),
                Act::Rotate => {
                    let steps = rotate(&store.keys, now, &rules).unwrap_or_default();
                    store.carry_out(steps, now);
                }
                Act::Align(wanted) => {
                    let steps = align(&store.keys, wanted, false, now, &rules);
                    store.carry_out(steps, now);
                }
                Act::ChangeRotation(seconds) => rules = self::rules(seconds),
            }
            let now = at(store.now());
            let active = store.keys.iter().filter(|key| key.phase(now) == Phase::Active).count();
            prop_assert!(active <= 1, "two keys sign: {:?}", store.keys);
        }
        store.pass(2 * (MAX_AGE + LONGEST_TOKEN), &rules);
        for second in 0..store.now() {
            let known_since = second.saturating_sub(MAX_AGE + LAG);
            let sent_until = (second + LONGEST_TOKEN + LEEWAY).min(store.now() - 1);
            for kid in store.signing(second) {
                for then in known_since..=sent_until {
                    prop_assert!(store.publishes(then, &kid), "{kid} signs in second {second} and is unknown in {then}");
                }
            }
        }
    }

    /// Once a key signs, one signs in every second until HS256 is asked for.
    #[test]
    fn there_is_no_gap_between_two_keys(rotations in proptest::collection::vec(1..200_u64, 1..12)) {
        let rules = rules(100);
        let mut store = Store::default();
        store.carry_out(align(&[], Some(KeyAlgorithm::EdDsa), true, at(0), &rules), at(0));
        for pause in rotations {
            store.pass(pause, &rules);
            let now = at(store.now());
            let steps = rotate(&store.keys, now, &rules).unwrap_or_default();
            store.carry_out(steps, now);
        }
        store.pass(300, &rules);
        for (second, keys) in store.history.iter().enumerate() {
            let now = at(u64::try_from(second).unwrap());
            // A moment later the rounding of the replica's clock does not matter.
            prop_assert!(signing_at(keys, now).is_some(), "nothing signs in second {second}: {keys:?}");
        }
    }
}

fn started(rules: &KeyRules) -> Store {
    let mut store = Store::default();
    store.carry_out(align(&[], Some(KeyAlgorithm::EdDsa), true, at(0), rules), at(0));
    // The clock of some of the replicas is behind.
    store.pass(5, rules);
    store
}

fn phases(store: &Store) -> Vec<&'static str> {
    store.keys.iter().map(|key| key.phase(at(store.now())).as_str()).collect()
}

#[test]
fn the_first_key_signs_at_once_where_nothing_else_can_and_the_next_one_is_there_already() {
    assert_eq!(phases(&started(&rules(600))), ["active", "next"]);
}

#[test]
fn the_first_key_waits_until_it_is_known_where_hs256_signs_meanwhile() {
    let rules = rules(600);
    let mut store = Store::default();
    store.carry_out(align(&[], Some(KeyAlgorithm::EdDsa), false, at(0), &rules), at(0));
    store.pass(MAX_AGE + NOTICE.as_secs() - 1, &rules);
    assert_eq!(phases(&store), ["next"]);
    store.pass(5, &rules);
    assert_eq!(phases(&store), ["active", "next"]);
}

#[test]
fn a_replica_that_starts_with_another_algorithm_replaces_the_key_that_waits() {
    let rules = rules(600);
    let mut store = started(&rules);
    let now = at(store.now());
    store.carry_out(align(&store.keys, Some(KeyAlgorithm::Es256), false, now, &rules), now);
    assert_eq!(phases(&store), ["active", "retired", "next"]);
    assert!(align(&store.keys, Some(KeyAlgorithm::Es256), false, now, &rules).is_empty(), "once is enough");
    store.pass(MAX_AGE + NOTICE.as_secs() + 5, &rules);
    let active = signing_at(&store.keys, at(store.now())).unwrap();
    assert_eq!(active.algorithm, KeyAlgorithm::Es256);
}

#[test]
fn hs256_ends_the_line_and_all_keys_go_when_their_tokens_have() {
    let rules = rules(600);
    let mut store = started(&rules);
    let now = at(store.now());
    store.carry_out(align(&store.keys, None, false, now, &rules), now);
    assert_eq!(phases(&store), ["active", "retired"]);
    store.pass(NOTICE.as_secs() + 3, &rules);
    assert_eq!(phases(&store), ["retired", "retired"]);
    assert_eq!(rotate(&store.keys, at(store.now()), &rules), Err(Refused::NoLine));
    store.pass(300, &rules);
    assert!(store.keys.is_empty());
}

#[test]
fn a_key_that_somebody_else_has_goes_at_once_and_the_next_one_signs() {
    let rules = rules(600);
    let mut store = started(&rules);
    let now = at(store.now());
    let stolen = store.keys[0].kid.clone();
    store.carry_out(retire_at_once(&store.keys, &stolen, now, &rules).unwrap(), now);
    assert_eq!(phases(&store), ["active"]);
    assert_eq!(retire_at_once(&store.keys, &stolen, now, &rules), Err(Refused::NoSuchKey));
    let only = store.keys[0].kid.clone();
    store.carry_out(retire_at_once(&store.keys, &only, now, &rules).unwrap(), now);
    assert_eq!((phases(&store), store.keys[0].kid != only), (vec!["active"], true), "there is always one");
}

#[test]
fn a_waiting_key_that_somebody_else_has_is_replaced() {
    let rules = rules(600);
    let mut store = started(&rules);
    let now = at(store.now());
    let stolen = store.keys[1].kid.clone();
    store.carry_out(retire_at_once(&store.keys, &stolen, now, &rules).unwrap(), now);
    assert_eq!(phases(&store), ["active", "next"]);
    assert_eq!(store.keys[0].retirement.unwrap().at, store.keys[1].activates_at);
}

#[test]
fn a_rotation_waits_for_verifiers_and_is_not_repeated() {
    let rules = rules(600);
    let mut store = started(&rules);
    let now = at(store.now());
    let steps = rotate(&store.keys, now, &rules).unwrap();
    store.carry_out(steps, now);
    assert!(store.keys[1].activates_at >= store.keys[1].created_at + rules.published_before);
    assert_eq!(rotate(&store.keys, now, &rules), Err(Refused::AlreadyUnderWay));
}

#[test]
fn a_retired_key_stays_longer_when_tokens_do() {
    let rules = rules(600);
    let now = at(100);
    let retirement = Some(rules.retirement(now));
    let (kid, algorithm) = (KeyId("1".to_owned()), KeyAlgorithm::EdDsa);
    let key = SigningKey { kid: kid.clone(), algorithm, created_at: at(0), activates_at: at(0), retirement };
    assert!(keep(std::slice::from_ref(&key), now, &rules).is_empty());
    let longer = KeyRules { published_after: Duration::from_hours(1), ..rules };
    let retirement = Retirement { at: now, verify_until: now + Duration::from_hours(1) };
    assert_eq!(keep(std::slice::from_ref(&key), now, &longer), [Step::Retire { kid, retirement }]);
}
