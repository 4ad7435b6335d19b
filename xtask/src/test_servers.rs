//! The private Redis and Postgres that the tests run against.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::path::{Path, PathBuf};

use rustix::process::getuid;

use crate::Failure;
use crate::child_server::{self, ChildServer, User};
use crate::ports;
use crate::redis_command;
use crate::secrets;
use crate::stop_request::StopRequest;

/// A server, or several that are one store, with the URL that the tests get.
pub struct TestServer {
    pub url: String,
    _servers: Vec<ChildServer>,
}

impl TestServer {
    pub fn new(url: String, servers: Vec<ChildServer>) -> Self {
        Self { url, _servers: servers }
    }
}

pub fn redis(program: &Path, stop: &StopRequest) -> Result<TestServer, Failure> {
    let (port, password) = (ports::free()?, secrets::password()?);
    let server = start_redis("redis", program, port, &password, &[], stop)?;
    Ok(TestServer::new(format!("redis://:{password}@127.0.0.1:{port}"), vec![server]))
}

/// One that waits for no disk, with further lines of configuration.
pub fn start_redis(
    name: &'static str,
    program: &Path,
    port: u16,
    password: &str,
    more: &[String],
    stop: &StopRequest,
) -> Result<ChildServer, Failure> {
    let dir = child_server::make_dir(name, None)?;
    // In a file: every user of the machine can read command lines.
    let configuration = dir.join("redis.conf");
    let lines = [
        "bind 127.0.0.1".to_owned(),
        format!("port {port}"),
        format!("requirepass {password}"),
        "save \"\"".to_owned(),
        "appendonly no".to_owned(),
        "daemonize no".to_owned(),
    ];
    write_private(&configuration, &[&lines, more].concat().join("\n"))?;
    // The folder by argument, since it may hold a space.
    let args = [configuration.display().to_string(), "--dir".to_owned(), dir.display().to_string()];
    let mut server = ChildServer::start("redis-server", dir, "TERM", program, &args, None)?;
    server.wait_until(|_| redis_command::run(port, password, "PING").is_ok(), stop)?;
    Ok(server)
}

/// `bin` is the folder of `initdb` and `postgres`.
pub fn postgres(bin: &Path, stop: &StopRequest) -> Result<TestServer, Failure> {
    let user = unprivileged_user()?;
    let dir = child_server::make_dir("postgres", user)?;
    let (port, password) = (ports::free()?, secrets::password()?);
    let data = dir.join("data");
    let dir = initialise(bin, dir, &data, &password, user, stop)?;
    let settings = [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "max_connections=300",
        // The data is thrown away with the server.
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
    ];
    let mut args = vec!["-D".to_owned(), data.display().to_string(), "-p".to_owned(), port.to_string()];
    for setting in settings {
        args.extend(["-c".to_owned(), setting.to_owned()]);
    }
    // SIGINT is its fast shutdown: it does not wait for its clients.
    let mut server = ChildServer::start("postgres", dir, "INT", &bin.join("postgres"), &args, user)?;
    server.wait_until(|_| postgres_is_ready(&data), stop)?;
    Ok(TestServer::new(format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres"), vec![server]))
}

/// Returns the folder once there is a database in it.
fn initialise(
    bin: &Path,
    dir: PathBuf,
    data: &Path,
    password: &str,
    user: Option<User>,
    stop: &StopRequest,
) -> Result<PathBuf, Failure> {
    let password_file = dir.join("password");
    write_private(&password_file, password)?;
    if let Some(user) = user {
        chown(&password_file, Some(user.uid), Some(user.gid))
            .map_err(|error| Failure::new(format!("{} cannot be handed over: {error}.", password_file.display())))?;
    }
    let (data, password_file) = (data.display().to_string(), password_file.display().to_string());
    // Not scram: on the client's side that is OpenSSL's work, whose exit handler would run while a test's threads connect.
    let args = ["-D", &data, "--pwfile", &password_file, "-U", "postgres", "-A", "password"];
    let args = [&args[..], &["-E", "UTF8", "--locale=C", "--no-sync"]].concat();
    let args = args.into_iter().map(str::to_owned).collect::<Vec<_>>();
    ChildServer::start("initdb", dir, "TERM", &bin.join("initdb"), &args, user)?.wait_for_success(stop)
}

/// The eighth line of its process file; a connection would be taken before it can be served.
fn postgres_is_ready(data: &Path) -> bool {
    let text = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    text.lines().nth(7).is_some_and(|state| state.trim() == "ready")
}

/// Postgres refuses to run as root: then somebody else has to do it.
fn unprivileged_user() -> Result<Option<User>, Failure> {
    if !getuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let user = ["postgres", "nobody"].iter().find_map(|name| user_named(&users, name));
    user.map(Some).ok_or_else(|| {
        Failure::new("PostgreSQL does not run as root, and there is no user `postgres` it could run as.")
            .remedy("Make that user, or run the tests as an ordinary one.")
    })
}

/// From lines in the form of /etc/passwd: `name:password:uid:gid:…`.
fn user_named(users: &str, name: &str) -> Option<User> {
    let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut numbers = line.split(':').skip(2);
    Some(User { uid: numbers.next()?.parse().ok()?, gid: numbers.next()?.parse().ok()? })
}

fn write_private(path: &Path, text: &str) -> Result<(), Failure> {
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| Failure::new(format!("{} cannot be written: {error}.", path.display())))
}

#[cfg(test)]
mod tests {
    use super::user_named;

    #[test]
    fn a_user_is_found_by_the_whole_name() {
        let users = "root:x:0:0:root:/root:/bin/bash\npostgres:x:105:110::/var/lib/postgresql:/bin/bash\n";
        let user = user_named(users, "postgres").unwrap();
        assert_eq!((user.uid, user.gid), (105, 110));
        assert!(user_named(users, "post").is_none());
    }
}
