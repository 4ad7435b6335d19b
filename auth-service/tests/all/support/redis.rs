//! Redis: the shared server, and a server of one's own to stop, kill and freeze.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    net::TcpListener,
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    thread,
    time::Duration,
};

use auth_service::storage::redis::RedisSessions;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use secrecy::SecretString;
use tempfile::TempDir;

use super::child::{ServerProcess, from_xtask};

/// A store on the shared server, with a connection of its own, like a replica. Users are random, so tests do not meet.
pub fn shared_sessions() -> RedisSessions {
    RedisSessions::connect(&from_xtask("LATCHKEY_TEST_REDIS_URL").into()).unwrap()
}

/// A connection to the shared server, behind the stores' back.
pub fn shared_connection() -> redis::Connection {
    redis::Client::open(from_xtask("LATCHKEY_TEST_REDIS_URL")).unwrap().get_connection().unwrap()
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
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self { folder, port, process: None };
        server.configure();
        server.start_again();
        server
    }

    fn configure(&self) {
        let lines = [
            "bind 127.0.0.1".to_owned(),
            format!("port {}", self.port),
            format!("requirepass {}", Self::PASSWORD),
            "appendonly yes".to_owned(),
            "appendfsync always".to_owned(),
            "save \"\"".to_owned(),
            format!("dir \"{}\"", self.folder.path().display()),
            format!("pidfile \"{}\"", self.path("pid").display()),
            format!("logfile \"{}\"", self.path("log").display()),
        ];
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
        let arguments = [self.path("conf")];
        self.process = Some(ServerProcess::start(from_xtask("LATCHKEY_TEST_REDIS_SERVER"), arguments));
        let mut patience = 3_000;
        while !self.answers() {
            patience -= 1;
            let log = || fs::read_to_string(self.path("log")).unwrap_or_default();
            assert!(patience > 0, "Redis does not start: {}", log());
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn answers(&self) -> bool {
        self.connect().is_ok_and(|mut connection| redis::cmd("PING").exec(&mut connection).is_ok())
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
