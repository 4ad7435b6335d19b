//! What only a cluster has: slots that move, nodes that go while the others stay.

use std::time::{Duration, Instant};

use auth_service::{
    domain::session::{Rotation, Session},
    ports::{RefreshOutcome, SessionStore, StoreError},
    storage::redis::RedisSessions,
};
use redis::Commands;
use rstest::rstest;

use super::fixture::{DONE, NOW, RULES, first_token, new_session, session_of};
use crate::support::redis::{PrivateCluster, cluster, short};

fn index_key(session: &Session) -> String {
    format!("lk:{{{}}}", short(session.user.0))
}

async fn refresh(store: &RedisSessions, session: &Session) -> Result<RefreshOutcome, StoreError> {
    store.refresh(session.user, session.id, &first_token(session), NOW, RULES).await
}

async fn assert_refreshes(store: &RedisSessions, session: &Session) {
    let outcome = refresh(store, session).await;
    assert!(matches!(outcome, Ok(RefreshOutcome::Granted { rotation: Rotation::Child, .. })), "{outcome:?}");
}

/// A session on each of the nodes.
async fn sessions_everywhere(nodes: &PrivateCluster, store: &RedisSessions) -> Vec<Session> {
    let mut found: Vec<Option<Session>> = vec![None; nodes.nodes.len()];
    while found.iter().any(Option::is_none) {
        let session = new_session();
        let node = nodes.node_of(&index_key(&session));
        if found[node].is_none() {
            assert_eq!(store.create(&session, NOW).await, Ok(DONE));
            found[node] = Some(session);
        }
    }
    found.into_iter().flatten().collect()
}

/// Until the cluster is whole again for this client.
async fn until_it_refreshes(store: &RedisSessions, session: &Session) {
    let begun = Instant::now();
    while let Err(error) = refresh(store, session).await {
        assert!(begun.elapsed() < Duration::from_secs(20), "{error}");
    }
}

#[tokio::test]
async fn a_slot_that_moves_is_followed_all_the_way() {
    let nodes = PrivateCluster::start();
    let store = nodes.sessions();
    let session = sessions_everywhere(&nodes, &store).await.remove(0);
    let (from, to) = (&nodes.nodes[0], &nodes.nodes[1]);
    let (mut source, mut target) = (from.connection(), to.connection());
    let name = |connection: &mut redis::Connection| cluster(&["MYID"]).query::<String>(connection).unwrap();
    let (source_name, target_name) = (name(&mut source), name(&mut target));
    let slot: u16 = cluster(&["KEYSLOT", &index_key(&session)]).query(&mut source).unwrap();
    let slot = slot.to_string();

    cluster(&["SETSLOT", &slot, "IMPORTING", &source_name]).exec(&mut target).unwrap();
    cluster(&["SETSLOT", &slot, "MIGRATING", &target_name]).exec(&mut source).unwrap();
    assert_refreshes(&store, &session).await;
    let keys: Vec<String> = cluster(&["GETKEYSINSLOT", &slot, "100"]).query(&mut source).unwrap();
    assert_eq!(keys.len(), 2, "all that there is of the user: {keys:?}");
    to.take_over(&keys, &mut source);
    // The old node says where to ask.
    assert_refreshes(&store, &session).await;
    for connection in [&mut target, &mut source] {
        cluster(&["SETSLOT", &slot, "NODE", &target_name]).exec(connection).unwrap();
    }
    // It says that the slot has moved.
    for store in [&store, &nodes.sessions()] {
        assert_refreshes(store, &session).await;
        assert_eq!(store.create(&session_of(session.user), NOW).await, Ok(DONE));
    }
    assert_eq!(target.zcard(index_key(&session)), Ok(3));
}

#[rstest]
#[tokio::test]
async fn a_node_that_is_away_is_missed_by_its_own_users_alone_and_within_a_second(#[values(true, false)] dies: bool) {
    let mut nodes = PrivateCluster::start();
    let store = nodes.sessions();
    let sessions = sessions_everywhere(&nodes, &store).await;
    if dies {
        nodes.nodes[0].kill();
    } else {
        nodes.nodes[0].freeze();
    }
    for _ in 0..3 {
        let begun = Instant::now();
        let missed = refresh(&store, &sessions[0]).await;
        assert!(matches!(missed, Err(StoreError::Unavailable(_))), "{missed:?}");
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        for session in &sessions[1..] {
            assert_refreshes(&store, session).await;
        }
        assert_eq!(store.ping().await, Ok(()));
    }
    if dies {
        nodes.nodes[0].start_again();
    } else {
        nodes.nodes[0].thaw();
    }
    until_it_refreshes(&store, &sessions[0]).await;
}

#[tokio::test]
async fn a_cluster_that_begins_later_than_the_service_is_found() {
    let mut nodes = PrivateCluster::start();
    for node in &mut nodes.nodes {
        node.stop();
    }
    let store = nodes.sessions();
    assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
    for node in &mut nodes.nodes {
        node.start_again();
    }
    let session = new_session();
    let begun = Instant::now();
    while store.create(&session, NOW).await != Ok(DONE) {
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
    assert_refreshes(&store, &session).await;
}

#[tokio::test]
async fn scripts_that_the_nodes_have_forgotten_are_sent_to_the_one_that_needs_them() {
    let nodes = PrivateCluster::start();
    let store = nodes.sessions();
    let sessions = sessions_everywhere(&nodes, &store).await;
    for node in &nodes.nodes {
        redis::cmd("SCRIPT").arg("FLUSH").exec(&mut node.connection()).unwrap();
    }
    assert_refreshes(&store, &sessions[1]).await;
    let stats: Vec<String> = nodes
        .nodes
        .iter()
        .map(|node| redis::cmd("INFO").arg("commandstats").query(&mut node.connection()).unwrap())
        .collect();
    let sent = |stats: &String| stats.contains("cmdstat_script|load");
    assert!(!stats.iter().any(sent), "nobody sends a script to all nodes");
}
