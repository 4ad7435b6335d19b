//! A private Redis Cluster: three primaries on this machine, each with a third of the slots.

use std::ops::RangeInclusive;
use std::path::Path;

use crate::Failure;
use crate::ports;
use crate::redis_command;
use crate::secrets;
use crate::stop_request::StopRequest;
use crate::test_servers::{TestServer, start_redis};

const NODES: [&str; 3] = ["redis-node-1", "redis-node-2", "redis-node-3"];

const SLOTS: usize = 16_384;

/// Waits until all nodes know of all slots.
pub fn start(program: &Path, stop: &StopRequest) -> Result<TestServer, Failure> {
    let password = secrets::password()?;
    let (mut servers, mut places) = (Vec::new(), Vec::new());
    for name in NODES {
        // The usual port of the bus, 10,000 above the other, may be somebody else's.
        let (port, bus) = (ports::free()?, ports::free()?);
        let more = ["cluster-enabled yes".to_owned(), format!("cluster-port {bus}")];
        servers.push(start_redis(name, program, port, &password, &more, stop)?);
        places.push((port, bus));
    }
    let ask = |port, command: &str| {
        redis_command::run(port, &password, command)
            .map_err(|error| Failure::new(format!("A cluster of Redis cannot be made: {error}.")))
    };
    let (first, _) = places[0];
    for (number, (port, bus)) in places.iter().enumerate() {
        let slots = slots(number);
        ask(*port, &format!("CLUSTER ADDSLOTSRANGE {} {}", slots.start(), slots.end()))?;
        // Each another one, so that none of them has to give way before the others agree.
        ask(*port, &format!("CLUSTER SET-CONFIG-EPOCH {}", number + 1))?;
        if *port != first {
            ask(first, &format!("CLUSTER MEET 127.0.0.1 {port} {bus}"))?;
        }
    }
    let knows_all = |(port, _): &(u16, u16)| {
        ask(*port, "CLUSTER INFO")
            .is_ok_and(|info| info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3"))
    };
    servers[0].wait_until(|_| places.iter().all(knows_all), stop)?;
    let hosts: Vec<_> = places.iter().map(|(port, _)| format!("127.0.0.1:{port}")).collect();
    Ok(TestServer::new(format!("redis+cluster://:{password}@{}", hosts.join(",")), servers))
}

/// Those of a node, counted from 0.
fn slots(node: usize) -> RangeInclusive<usize> {
    let share = SLOTS.div_ceil(NODES.len());
    node * share..=((node + 1) * share).min(SLOTS) - 1
}

#[cfg(test)]
mod tests {
    use super::{NODES, SLOTS, slots};

    #[test]
    fn every_slot_is_one_nodes() {
        let all: Vec<_> = (0..NODES.len()).flat_map(slots).collect();
        assert_eq!(all, (0..SLOTS).collect::<Vec<_>>());
    }
}
