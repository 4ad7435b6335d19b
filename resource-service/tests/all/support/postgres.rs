//! A Postgres of one's own, to stop and start again.

use std::{
    env, fs,
    net::TcpListener,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use diesel::{Connection, PgConnection};
use tempfile::TempDir;

/// A variable that `cargo xtask test` sets.
pub fn from_xtask(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run the tests with `cargo xtask test`"))
}

/// A server, always on the same port.
pub struct PostgresServer {
    bin: PathBuf,
    folder: TempDir,
    port: u16,
    process: Option<Child>,
}

/// Ends the server as soon as our end of the pipe closes, also when the test is killed. SIGINT: do not wait for clients.
const UNTIL_THE_PIPE_CLOSES: &str = r#""$@" & pid=$!; cat >/dev/null; kill -INT $pid; wait $pid"#;

impl PostgresServer {
    pub fn start() -> Self {
        let bin = PathBuf::from(from_xtask("LATCHKEY_TEST_POSTGRES_BIN"));
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if let Some((uid, gid)) = unprivileged_user() {
            chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        let mut server = Self { bin, folder, port, process: None };
        let mut initdb = server.command(server.bin.join("initdb"));
        initdb.args(["-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        assert!(initdb.status().unwrap().success());
        server.start_again();
        server
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Waits until it answers.
    pub fn start_again(&mut self) {
        let mut sh = self.command("sh");
        sh.args(["-c", UNTIL_THE_PIPE_CLOSES, "sh"]).arg(self.bin.join("postgres")).args(["-D", "data", "-p"]);
        sh.arg(self.port.to_string());
        sh.args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"]);
        self.process = Some(sh.stdin(Stdio::piped()).spawn().unwrap());
        let answers = (0..3_000).any(|_| {
            thread::sleep(Duration::from_millis(10));
            PgConnection::establish(&self.url()).is_ok()
        });
        assert!(answers, "Postgres does not start");
    }

    /// Cuts all connections, and waits until it is gone.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            drop(process.stdin.take());
            process.wait().unwrap();
        }
    }

    /// A command in the server's folder, as a user that Postgres runs as.
    fn command(&self, program: impl Into<PathBuf>) -> Command {
        let mut command = Command::new(program.into());
        command.current_dir(self.folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some((uid, gid)) = unprivileged_user() {
            command.uid(uid).gid(gid);
        }
        command
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Postgres refuses to run as root.
fn unprivileged_user() -> Option<(u32, u32)> {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
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
