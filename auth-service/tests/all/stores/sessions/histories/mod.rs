//! What section "Refresh" of docs/architecture.md promises, over random histories: R1 to R3, R5 and R7. (R4 is
//! `races`; R6 belongs to the revocation feed.)
//!
//! Each property runs against the pure function very often, against every store less often, and against functions that
//! break one rule each, which it has to notice. A history that fails is made as short as it can be and told line by line.

mod broken;
mod honest;
mod keeper;
mod theft;

use std::fmt::Debug;

use proptest::{
    collection::vec,
    prelude::Strategy,
    test_runner::{Config, TestCaseError, TestError, TestRunner},
};
use rstest::rstest;
use tokio::runtime::Runtime;

use self::{
    broken::{Decide, Rule},
    honest::{Honest, Way},
    keeper::{Keeper, PureKeeper, StoreKeeper},
    theft::Theft,
};
use super::fixture::{
    Replicas,
    Store::{self, Cluster, Postgres, Redis, Sqlite},
};

const AGAINST_THE_FUNCTION: u32 = 50_000;
const AGAINST_A_STORE: u32 = 40;
const STEPS: usize = 40;

#[derive(Debug, Clone, Copy)]
enum Property {
    /// An honest client is never logged out, whatever is lost or late.
    R1,
    /// Nor are tabs that share a token through storage.
    R2,
    /// Once one party promotes a token that the other does not hold, the other's next refresh ends the session.
    R3,
    /// R1 and R2 hold in a store that loses any number of writes to the session.
    R5,
    /// A session that is over stays so.
    R7,
}

impl Property {
    /// Runs `count` histories, each on a new session.
    fn hold<K: Keeper>(self, count: u32, keeper: impl Fn() -> K) -> Result<(), String> {
        let honest = |way: Way, loses_writes| {
            let steps = honest::steps(way, loses_writes);
            run(count, &steps, |steps| Honest::new(keeper(), way).live_through(steps))
        };
        match self {
            Self::R1 => honest(Way::OneClient, false),
            Self::R2 => honest(Way::Tabs, false),
            Self::R3 => run(count, &theft::steps(), |steps| Theft::new(keeper()).live_through(steps)),
            Self::R5 => honest(Way::OneClient, true).and_then(|()| honest(Way::Tabs, true)),
            Self::R7 => run(count, &theft::steps_to_the_end(), |steps| Theft::new(keeper()).stays_over(steps)),
        }
    }
}

pub fn run<S: Debug>(
    count: u32,
    step: &(impl Strategy<Value = S> + Clone),
    live_through: impl Fn(Vec<S>) -> Result<(), TestCaseError>,
) -> Result<(), String> {
    let config = Config { cases: count, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    TestRunner::new(config).run(&vec(step.clone(), 1..=STEPS), live_through).map_err(|error| match error {
        TestError::Fail(story, steps) => format!("{story}\nsteps: {steps:#?}"),
        TestError::Abort(reason) => reason.to_string(),
    })
}

#[rstest]
fn the_decision_keeps_its_promises(
    #[values(Property::R1, Property::R2, Property::R3, Property::R5, Property::R7)] property: Property,
) {
    let pure = || PureKeeper::new(auth_service::domain::session::decide_refresh);
    property.hold(AGAINST_THE_FUNCTION, pure).unwrap_or_else(|story| panic!("{property:?}: {story}"));
    println!("{property:?}: {AGAINST_THE_FUNCTION} histories");
}

#[rstest]
fn every_store_keeps_them(
    #[values(Property::R1, Property::R2, Property::R3, Property::R5, Property::R7)] property: Property,
    #[values(Sqlite, Postgres, Redis, Cluster)] store: Store,
) {
    let runtime = Runtime::new().unwrap();
    let replicas = runtime.block_on(async { Replicas::of(store) });
    let in_store = || StoreKeeper::new(&runtime, &replicas);
    property.hold(AGAINST_A_STORE, in_store).unwrap_or_else(|story| panic!("{property:?} in {store:?}: {story}"));
}

#[rstest]
#[case(Rule::CurrentIsGoodAgain, Property::R1)]
#[case(Rule::YoungIsNotPromoted, Property::R2)]
#[case(Rule::ChildIsGood, Property::R1)]
#[case(Rule::UsedIsReuse, Property::R3)]
#[case(Rule::SiblingIsReuse, Property::R3)]
#[case(Rule::OldIsPromoted, Property::R3)]
#[case(Rule::LostWritesAreRepaired, Property::R5)]
#[case(Rule::RevokedIsOver, Property::R7)]
#[case(Rule::ExpiredIsOver, Property::R7)]
fn a_broken_rule_is_noticed(#[case] rule: Rule, #[case] property: Property) {
    let broken: Decide = rule.broken();
    let noticed = property.hold(AGAINST_THE_FUNCTION, || PureKeeper::new(broken));
    let story = noticed.expect_err("without the rule the property still holds");
    println!("{rule:?}: {story}");
}
