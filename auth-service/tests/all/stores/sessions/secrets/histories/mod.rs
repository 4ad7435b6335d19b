//! What a secret in a cookie promises, over random histories: S1 to S3.
//!
//! Each property runs against the pure functions very often, against every store less often, and against functions that
//! break one rule each, which it has to notice.

mod broken;
mod keeper;
mod world;

use rstest::rstest;
use tokio::runtime::Runtime;

use self::{
    broken::Rule,
    keeper::{Keeper, PureKeeper, Rules, StoreKeeper},
    world::World,
};
use super::super::{
    fixture::{
        Replicas,
        Store::{self, Cluster, Postgres, Redis, Sqlite},
    },
    histories::run,
};

const AGAINST_THE_FUNCTIONS: u32 = 20_000;
const AGAINST_A_STORE: u32 = 40;

#[derive(Debug, Clone, Copy)]
enum Property {
    /// An honest holder is never logged out, whatever answers to renewals are lost.
    S1,
    /// Once the newest secret has been seen, all that were given out before it are refused for ever.
    S2,
    /// A session that is over stays so.
    S3,
}

impl Property {
    /// Runs `count` histories, each on a new session.
    fn hold<K: Keeper>(self, count: u32, keeper: impl Fn() -> K) -> Result<(), String> {
        match self {
            Self::S1 => run(count, &world::honest_steps(), |steps| World::new(keeper()).live_through(steps)),
            Self::S2 => run(count, &world::steps(), |steps| World::new(keeper()).live_through(steps)),
            Self::S3 => run(count, &world::steps_to_the_end(), |steps| World::new(keeper()).live_through(steps)),
        }
    }
}

#[rstest]
fn the_decisions_keep_their_promises(#[values(Property::S1, Property::S2, Property::S3)] property: Property) {
    let pure = || PureKeeper::new(Rules::WHOLE);
    property.hold(AGAINST_THE_FUNCTIONS, pure).unwrap_or_else(|story| panic!("{property:?}: {story}"));
    println!("{property:?}: {AGAINST_THE_FUNCTIONS} histories");
}

#[rstest]
fn every_store_keeps_them(
    #[values(Property::S1, Property::S2, Property::S3)] property: Property,
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let runtime = Runtime::new().unwrap();
    let replicas = runtime.block_on(async { Replicas::of(store) });
    let in_store = || StoreKeeper::new(&runtime, &replicas);
    property.hold(AGAINST_A_STORE, in_store).unwrap_or_else(|story| panic!("{property:?} in {store:?}: {story}"));
}

#[rstest]
#[case(Rule::PreviousIsGood, Property::S1)]
#[case(Rule::PreviousIsGoodAgain, Property::S1)]
#[case(Rule::PreviousMayAsk, Property::S1)]
#[case(Rule::WhatAskedIsPrevious, Property::S1)]
#[case(Rule::VisitsPutTheEndOff, Property::S1)]
#[case(Rule::SeenForgets, Property::S2)]
#[case(Rule::AskingIsSeeing, Property::S2)]
#[case(Rule::RevokedIsOver, Property::S3)]
#[case(Rule::ExpiredIsOver, Property::S3)]
fn a_broken_rule_is_noticed(#[case] rule: Rule, #[case] property: Property) {
    let noticed = property.hold(AGAINST_THE_FUNCTIONS, || PureKeeper::new(rule.broken()));
    let story = noticed.expect_err("without the rule the property still holds");
    println!("{rule:?}: {story}");
}
