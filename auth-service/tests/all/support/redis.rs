//! Redis: the shared server, a server of one's own to stop, kill and freeze, and a cluster of such servers.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    net::TcpListener,
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    thread,
    time::Duration,
};

use auth_service::storage::redis::{RedisSessions, RedisThrottle};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use secrecy::SecretString;
use tempfile::TempDir;
use uuid::Uuid;

use super::child::{ServerProcess, from_xtask};

/// A store on the shared server, with a connection of its own, like a replica. Users are random, so tests do not meet.
pub fn shared_sessions() -> RedisSessions {
    RedisSessions::connect(&from_xtask("LATCHKEY_TEST_REDIS_URL").into()).unwrap()
}

/// The throttle's counters on the shared server.
pub fn shared_throttle() -> RedisThrottle {
    RedisThrottle::connect(&from_xtask("LATCHKEY_TEST_REDIS_URL").into()).unwrap()
}

/// A connection to the shared server, behind the stores' back.
pub fn shared_connection() -> redis::Connection {
    redis::Client::open(from_xtask("LATCHKEY_TEST_REDIS_URL")).unwrap().get_connection().unwrap()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Ports that were free a moment ago may be another test's by now.
fn tried(start: impl Fn() -> Option<PrivateRedis>) -> PrivateRedis {
    (0..5).find_map(|_| start()).expect("every port is another's")
}

/// A server of one's own, always on the same port. What it has answered is on the disk.
pub struct PrivateRedis {
    folder: TempDir,
    port: u16,
    process: Option<ServerProcess>,
}

impl PrivateRedis {
    const PASSWORD: &str = "only-for-this-test";

    pub fn start() -> Self {
        Self::start_with(&["appendfsync always"])
    }

    /// With further lines of configuration.
    pub fn start_with(more: &[&str]) -> Self {
        tried(|| Self::start_at(free_port(), more))
    }

    /// `None` where somebody else has taken the port meanwhile, or the port of the bus in `more`.
    fn start_at(port: u16, more: &[&str]) -> Option<Self> {
        let mut server = Self { folder: tempfile::tempdir().unwrap(), port, process: None };
        server.configure(more);
        server.comes_up().then_some(server)
    }

    /// One that copies another, and has all of it.
    pub fn replica_of(primary: &Self) -> Self {
        let (of, password) =
            (format!("replicaof 127.0.0.1 {}", primary.port), format!("masterauth {}", Self::PASSWORD));
        let replica = Self::start_with(&["appendfsync always", &of, &password]);
        let copies: u32 = redis::cmd("WAIT").arg(&["1", "30000"]).query(&mut primary.connection()).unwrap();
        assert_eq!(copies, 1, "the replica does not catch up");
        replica
    }

    fn configure(&self, more: &[&str]) {
        let mut lines = vec![
            "bind 127.0.0.1".to_owned(),
            format!("port {}", self.port),
            format!("requirepass {}", Self::PASSWORD),
            "appendonly yes".to_owned(),
            "save \"\"".to_owned(),
            format!("dir \"{}\"", self.folder.path().display()),
            format!("pidfile \"{}\"", self.path("pid").display()),
            format!("logfile \"{}\"", self.path("log").display()),
        ];
        lines.extend(more.iter().map(|line| (*line).to_owned()));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.path("conf")).unwrap();
        file.write_all(lines.join("\n").as_bytes()).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn url(&self) -> SecretString {
        self.url_for("", Self::PASSWORD)
    }

    pub fn url_for(&self, user: &str, password: &str) -> SecretString {
        format!("redis://{user}:{password}@127.0.0.1:{}", self.port).into()
    }

    /// A store of its own, like a replica.
    pub fn sessions(&self) -> RedisSessions {
        RedisSessions::connect(&self.url()).unwrap()
    }

    /// A connection behind the stores' back.
    pub fn connection(&self) -> redis::Connection {
        self.connect().unwrap()
    }

    fn connect(&self) -> redis::RedisResult<redis::Connection> {
        let url = format!("redis://:{}@127.0.0.1:{}", Self::PASSWORD, self.port);
        redis::Client::open(url)?.get_connection_with_timeout(Duration::from_secs(1))
    }

    /// Waits until it answers.
    pub fn start_again(&mut self) {
        assert!(self.comes_up(), "the port is another's");
    }

    fn comes_up(&mut self) -> bool {
        let arguments = [self.path("conf")];
        self.process = Some(ServerProcess::start(from_xtask("LATCHKEY_TEST_REDIS_SERVER"), arguments));
        let mut patience = 3_000;
        while !self.answers() {
            patience -= 1;
            let log = fs::read_to_string(self.path("log")).unwrap_or_default();
            if log.contains("Address already in use") {
                return false;
            }
            assert!(patience > 0, "Redis does not start: {log}");
            thread::sleep(Duration::from_millis(10));
        }
        true
    }

    fn answers(&self) -> bool {
        self.connect().is_ok_and(|mut connection| redis::cmd("PING").exec(&mut connection).is_ok())
    }

    /// Has the keys moved here from the server at the other end of this connection.
    pub fn take_over(&self, keys: &[String], from: &mut redis::Connection) {
        let mut migrate = redis::cmd("MIGRATE");
        migrate.arg(&["127.0.0.1", &self.port.to_string(), "", "0", "5000", "AUTH", Self::PASSWORD, "KEYS"]).arg(keys);
        migrate.exec(from).unwrap();
    }

    fn bus_port(&self) -> u16 {
        let configured: Vec<String> =
            redis::cmd("CONFIG").arg(&["GET", "cluster-port"]).query(&mut self.connection()).unwrap();
        configured[1].parse().unwrap()
    }

    fn pid(&self) -> Option<Pid> {
        Pid::from_raw(fs::read_to_string(self.path("pid")).ok()?.trim().parse().ok()?)
    }

    /// An orderly stop.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// The end without a word.
    pub fn kill(&mut self) {
        if let Some(pid) = self.pid() {
            kill_process(pid, Signal::KILL).unwrap();
        }
        self.process = None;
    }

    /// What was written last has not reached the disk: the power failed. Only while it is not running.
    pub fn lose_end_of_log(&self, bytes: u64) {
        let logs = fs::read_dir(self.path("appendonlydir")).unwrap().map(|entry| entry.unwrap().path());
        let newest = logs.filter(|path| path.to_string_lossy().ends_with(".incr.aof")).max().unwrap();
        let log = OpenOptions::new().write(true).open(newest).unwrap();
        let length = log.metadata().unwrap().len();
        log.set_len(length.checked_sub(bytes).unwrap()).unwrap();
    }

    /// Nobody answers any more, but all connections stay open.
    pub fn freeze(&self) {
        kill_process(self.pid().unwrap(), Signal::STOP).unwrap();
    }

    pub fn thaw(&self) {
        kill_process(self.pid().unwrap(), Signal::CONT).unwrap();
    }
}

impl Drop for PrivateRedis {
    fn drop(&mut self) {
        if self.process.is_some()
            && let Some(pid) = self.pid().filter(|pid| test_kill_process(*pid).is_ok())
        {
            // A test that failed may have left it frozen; it may also be gone.
            let _gone = kill_process(pid, Signal::CONT);
        }
        self.stop();
    }
}

/// Three nodes, each with a third of the slots.
pub struct PrivateCluster {
    pub nodes: Vec<PrivateRedis>,
}

impl PrivateCluster {
    const NODES: u16 = 3;
    const SLOTS: u16 = 16_384;

    /// Waits until all nodes know of all slots.
    pub fn start() -> Self {
        let nodes: Vec<_> = (0..Self::NODES).map(|_| Self::start_node()).collect();
        let per_node = Self::SLOTS.div_ceil(Self::NODES);
        for (number, node) in (0..).zip(&nodes) {
            let (first, end) = (number * per_node, ((number + 1) * per_node).min(Self::SLOTS));
            let mut connection = node.connection();
            cluster(&["ADDSLOTSRANGE", &first.to_string(), &(end - 1).to_string()]).exec(&mut connection).unwrap();
            cluster(&["SET-CONFIG-EPOCH", &(number + 1).to_string()]).exec(&mut connection).unwrap();
        }
        for node in &nodes[1..] {
            let (port, bus) = (node.port.to_string(), node.bus_port().to_string());
            let meet = cluster(&["MEET", "127.0.0.1", &port, &bus]);
            meet.exec(&mut nodes[0].connection()).unwrap();
        }
        let cluster = Self { nodes };
        cluster.wait_until_whole();
        cluster
    }

    /// The bus gets a free port of its own: the usual one, 10,000 above, may be another's.
    fn start_node() -> PrivateRedis {
        let password = format!("masterauth {}", PrivateRedis::PASSWORD);
        tried(|| {
            let (port, bus) = (free_port(), format!("cluster-port {}", free_port()));
            let more = ["appendfsync always", "cluster-enabled yes", "cluster-node-timeout 5000", &bus, &password];
            PrivateRedis::start_at(port, &more)
        })
    }

    pub fn wait_until_whole(&self) {
        let mut patience = 3_000;
        let whole = |node: &PrivateRedis| {
            let info: String = cluster(&["INFO"]).query(&mut node.connection()).unwrap();
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
        };
        while !self.nodes.iter().all(whole) {
            patience -= 1;
            assert!(patience > 0, "the nodes do not become a cluster");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Two of the nodes; they name the third.
    pub fn url(&self) -> String {
        let hosts: Vec<_> = self.nodes[..2].iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        format!("redis+cluster://:{}@{}", PrivateRedis::PASSWORD, hosts.join(","))
    }

    /// A store of its own, like a replica.
    pub fn sessions(&self) -> RedisSessions {
        RedisSessions::connect(&self.url().into()).unwrap()
    }

    /// The node that has the slot of this key.
    pub fn node_of(&self, key: &str) -> usize {
        let slot: u16 = cluster(&["KEYSLOT", key]).query(&mut self.nodes[0].connection()).unwrap();
        usize::from(slot / Self::SLOTS.div_ceil(Self::NODES))
    }
}

/// Sentinels of one's own for a server.
pub struct PrivateSentinel {
    port: u16,
    _folder: TempDir,
    _process: ServerProcess,
}

impl PrivateSentinel {
    /// One that knows the server by this name.
    pub fn of(server: &PrivateRedis, name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let lines = [
            "bind 127.0.0.1".to_owned(),
            format!("port {port}"),
            format!("sentinel monitor {name} 127.0.0.1 {} 1", server.port),
            format!("sentinel auth-pass {name} {}", PrivateRedis::PASSWORD),
            format!("sentinel down-after-milliseconds {name} 500"),
            format!("sentinel failover-timeout {name} 3000"),
        ];
        let configuration = folder.path().join("conf");
        fs::write(&configuration, lines.join("\n")).unwrap();
        let arguments = [configuration.as_os_str(), "--sentinel".as_ref()];
        let process = ServerProcess::start(from_xtask("LATCHKEY_TEST_REDIS_SERVER"), arguments);
        Self { port, _folder: folder, _process: process }
    }

    /// A connection to the sentinel itself, once it is there.
    pub fn connection(&self) -> redis::Connection {
        redis::Client::open(format!("redis://127.0.0.1:{}", self.port)).unwrap().get_connection().unwrap()
    }

    /// Redis by this name.
    pub fn url(&self, name: &str) -> SecretString {
        format!("redis+sentinel://:{}@127.0.0.1:{}/{name}", PrivateRedis::PASSWORD, self.port).into()
    }
}

/// An id as it is in keys.
pub fn short(id: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(id)
}

pub fn cluster(arguments: &[&str]) -> redis::Cmd {
    let mut command = redis::cmd("CLUSTER");
    command.arg(arguments);
    command
}
