//! A collector that is of no use: requests do not wait for it, and neither does the end.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use reqwest::Client;
use rstest::rstest;
use rustix::process::Signal;

use super::Served;
use crate::support::{
    answer::Answer,
    database::{Kind, TestDatabase},
};

/// More than may wait to be exported.
const REQUESTS: usize = 2_500;

#[rstest]
#[case::nobody_listens(false)]
#[case::it_never_answers(true)]
#[tokio::test]
async fn a_collector_that_is_away_costs_a_warning_and_no_time(#[case] accepts: bool) {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let collector = format!("http://{}", silent.local_addr().unwrap());
    let silent = accepts.then_some(silent);
    let database = TestDatabase::empty(Kind::Sqlite);
    let mut served = Served::start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector)], &database.address());
    let client = Client::builder().no_proxy().build().unwrap();
    let mut slowest = Duration::ZERO;
    for _ in 0..REQUESTS {
        let begun = Instant::now();
        assert_eq!(Answer::of(client.get(format!("{}/nowhere", served.public))).await.status, 404);
        slowest = slowest.max(begun.elapsed());
    }
    // Less than the exporter's patience with the collector.
    assert!(slowest < Duration::from_secs(3), "{slowest:?}");

    served.signal(Signal::TERM);
    let begun = Instant::now();
    let log = served.ended();
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    drop(silent);
    let warnings = log.lines().filter(|line| line.contains("WARN") && line.contains("export")).count();
    assert!((1..=2).contains(&warnings), "{warnings} warnings");
    assert!(!log.contains(&collector), "the log names the collector");
}
