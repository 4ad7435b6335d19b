//! A connection to one server, or the connections to the nodes of a cluster.

use std::time::Duration;

use redis::{
    Arg, Cmd, RedisError, RedisResult, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster_async::ClusterConnection,
    cluster_routing::{MultipleNodeRoutingInfo, ResponsePolicy, Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr},
};

/// For the way to Redis, TLS and the password together. Nobody waits for all of it.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The same for one node of a cluster, which keeps requests for the others waiting.
pub(super) const NODE_CONNECT_TIMEOUT: Duration = Duration::from_millis(250);

/// A server that is mute for so long is given up, although it may have done what it was asked.
pub(super) const RESPONSE_TIMEOUT: Duration = Duration::from_millis(800);

/// A node that is mute for so long is asked once more before the step is late.
pub(super) const NODE_RESPONSE_TIMEOUT: Duration = Duration::from_millis(400);

/// How many commands may wait to be sent.
pub(super) const SEND_BUFFER: usize = 1_000;

/// What commands are sent on.
#[derive(Clone)]
pub(super) enum Link {
    ToServer(MultiplexedConnection),
    ToCluster(ClusterConnection),
}

impl Link {
    pub(super) async fn send(&self, command: &Cmd) -> RedisResult<Value> {
        match self {
            Self::ToServer(connection) => connection.clone().send_packed_command(command).await,
            // The library would wait for all nodes; one that is away does not make the others useless.
            Self::ToCluster(connection) if matches!(command.args_iter().next(), Some(Arg::Simple(b"PING"))) => {
                let nodes = (MultipleNodeRoutingInfo::AllMasters, Some(ResponsePolicy::OneSucceeded));
                connection.clone().route_command(command.clone(), RoutingInfo::MultiNode(nodes)).await
            }
            // To the node that has the slot of the first key.
            Self::ToCluster(connection) => connection.clone().req_packed_command(command).await,
        }?
        .extract_error()
    }

    /// Whether another link may do better: this one is broken, mute, no longer trusted, or to a server that has become
    /// a replica. A cluster's looks after lost nodes by itself; not after mute ones, which may have been replaced.
    pub(super) fn is_failed_by(&self, error: &RedisError) -> bool {
        match self {
            Self::ToServer(_) => matches!(error.code(), None | Some("NOAUTH" | "READONLY")),
            Self::ToCluster(_) => error.is_timeout() || error.code() == Some("NOAUTH"),
        }
    }

    /// To the primary that has this slot, where there is a cluster.
    pub(super) async fn send_to_slot(&self, slot: u16, command: &Cmd) -> RedisResult<Value> {
        match self {
            Self::ToServer(_) => self.send(command).await,
            Self::ToCluster(connection) => {
                let primary = SingleNodeRoutingInfo::SpecificNode(Route::new(slot, SlotAddr::Master));
                let route = RoutingInfo::SingleNode(primary);
                connection.clone().route_command(command.clone(), route).await?.extract_error()
            }
        }
    }
}
