//! Postgres: a fresh database on the shared server, and a server of one's own to stop, kill and freeze.

use std::{
    fs,
    net::TcpListener,
    os::unix::{fs::chown, process::CommandExt},
    path::PathBuf,
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use diesel::{
    Connection, PgConnection, QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_types::Integer,
};
use rustix::process::{Pid, Signal, getuid, kill_process, test_kill_process};
use tempfile::TempDir;

use super::child::{ServerProcess, from_xtask};

/// An empty database on the shared server, dropped with this.
pub struct PostgresDatabase {
    server: String,
    name: String,
}

impl PostgresDatabase {
    pub fn empty() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = from_xtask("LATCHKEY_TEST_POSTGRES_URL");
        // Tests run in processes of their own.
        let name = format!("test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::establish(&server).unwrap();
        connection.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).unwrap();
        connection.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        Self { server, name }
    }

    pub fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').unwrap();
        format!("{server}/{}", self.name)
    }
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        let drop_it = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // The server goes with the test run, and its databases with it.
        let _kept = PgConnection::establish(&self.server).and_then(|mut connection| {
            connection.batch_execute(&drop_it).map_err(diesel::ConnectionError::CouldntSetupConfiguration)
        });
    }
}

/// A server of one's own, always on the same port.
pub struct PrivatePostgres {
    bin: PathBuf,
    folder: TempDir,
    port: u16,
    process: Option<ServerProcess>,
    frozen: Vec<Pid>,
}

impl PrivatePostgres {
    pub fn start() -> Self {
        let bin = PathBuf::from(from_xtask("LATCHKEY_TEST_POSTGRES_BIN"));
        let folder = tempfile::tempdir().unwrap();
        let mut initdb = Command::new(bin.join("initdb"));
        initdb.arg("-D").arg(folder.path().join("data")).current_dir(folder.path());
        initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        if let Some((uid, gid)) = unprivileged_user() {
            chown(folder.path(), Some(uid), Some(gid)).unwrap();
            initdb.uid(uid).gid(gid);
        }
        assert!(initdb.stdout(Stdio::null()).status().unwrap().success());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self { bin, folder, port, process: None, frozen: Vec::new() };
        server.start_again();
        server
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Waits until it answers.
    pub fn start_again(&mut self) {
        self.process = Some(self.spawn());
        let mut patience = 3_000;
        while PgConnection::establish(&self.url()).is_err() {
            patience -= 1;
            assert!(patience > 0, "Postgres does not start: {}", fs::read_to_string(self.log()).unwrap_or_default());
            thread::sleep(Duration::from_millis(10));
            // After a kill it refuses to start as long as one of the old processes lives.
            if patience % 100 == 0 && self.postmaster().is_none_or(|pid| test_kill_process(pid).is_err()) {
                self.process = Some(self.spawn());
            }
        }
    }

    fn spawn(&self) -> ServerProcess {
        let data = self.folder.path().join("data").display().to_string();
        let log = self.log().display().to_string();
        // The output of a `ServerProcess` goes nowhere.
        let script = r#"log=$1; shift; cd /; exec "$@" >>"$log" 2>&1"#;
        let mut arguments = vec!["-c".to_owned(), script.to_owned(), "sh".to_owned(), log];
        if let Some((uid, gid)) = unprivileged_user() {
            let switches = [format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()];
            arguments.push("setpriv".to_owned());
            arguments.extend(switches);
        }
        arguments.extend([self.bin.join("postgres").display().to_string(), "-D".to_owned(), data]);
        arguments.extend(["-p".to_owned(), self.port.to_string()]);
        for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"] {
            arguments.extend(["-c".to_owned(), setting.to_owned()]);
        }
        ServerProcess::start("sh", arguments)
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn postmaster(&self) -> Option<Pid> {
        let text = fs::read_to_string(self.folder.path().join("data/postmaster.pid")).ok()?;
        Pid::from_raw(text.lines().next()?.parse().ok()?)
    }

    /// An orderly stop that does not wait for clients.
    pub fn stop(&mut self) {
        self.end(Signal::INT);
    }

    /// The end without a word.
    pub fn kill(&mut self) {
        self.end(Signal::KILL);
    }

    fn end(&mut self, signal: Signal) {
        if let Some(pid) = self.postmaster() {
            // It may have ended by itself.
            let _gone = kill_process(pid, signal);
        }
        self.process = None;
    }

    /// Nobody answers any more, but all connections stay open.
    pub fn freeze(&mut self) {
        let mut connection = PgConnection::establish(&self.url()).unwrap();
        let backends: Vec<Backend> = diesel::sql_query("SELECT pid FROM pg_stat_activity WHERE datname IS NOT NULL")
            .load(&mut connection)
            .unwrap();
        self.frozen = self.postmaster().into_iter().collect();
        self.frozen.extend(backends.iter().filter_map(|backend| Pid::from_raw(backend.pid)));
        for pid in &self.frozen {
            kill_process(*pid, Signal::STOP).unwrap();
        }
    }

    pub fn thaw(&mut self) {
        for pid in self.frozen.drain(..) {
            // A stopped process may have been ended meanwhile.
            let _gone = kill_process(pid, Signal::CONT);
        }
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        self.thaw();
        self.stop();
    }
}

#[derive(QueryableByName)]
struct Backend {
    #[diesel(sql_type = Integer)]
    pid: i32,
}

/// Postgres refuses to run as root.
fn unprivileged_user() -> Option<(u32, u32)> {
    if !getuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let named = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut numbers = line.split(':').skip(2).map(|field| field.parse().unwrap());
        numbers.next().zip(numbers.next())
    };
    Some(named("postgres").or_else(|| named("nobody")).expect("a user that Postgres can run as"))
}
