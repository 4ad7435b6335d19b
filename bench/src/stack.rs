//! Both services, as processes of their own on free ports, with everything they need in a folder that goes with them.

use std::{
    fs::File,
    io::Write,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    ops::Range,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    accounts,
    arguments::{self, Programs, Store},
    capacity::COST,
    connection::{Connection, expect_ok},
    failure::Failure,
    logs,
    processors::Processors,
    stop_request::StopRequest,
};

const CLIENT: &str = "resource-service";
const AUTH_DATABASE: &str = "AUTH_DATABASE_URL";
const PATIENCE: Duration = Duration::from_mins(1);

/// A refresh token is promoted when it is older than this, the lowest that there is, and the measured sessions are refreshed less often
/// where the benchmark has enough of them: every refresh then writes and hands out a new token, as it does with the real
/// interval of a quarter of an hour.
const HOLD: &str = "1s";

/// Below those that Linux gives to connections that are made: one of these could come before a service.
const PORTS: Range<u16> = 20_000..32_000;

/// Other drivers begin elsewhere.
static NEXT_PORT: LazyLock<AtomicU16> = LazyLock::new(|| {
    let [high, low, ..] = Uuid::new_v4().into_bytes();
    AtomicU16::new(u16::from_be_bytes([high, low]))
});

/// How the services are started.
#[derive(Debug)]
pub struct Plan<'a> {
    /// Their programs.
    pub programs: &'a Programs,
    /// Where auth-service keeps users and sessions.
    pub store: &'a Store,
    /// bcrypt's cost, of the users' hashes too.
    pub bcrypt_cost: u32,
    /// Who has a processor to itself, where somebody has.
    pub alone: Option<&'a Processors>,
    /// Other settings of auth-service.
    pub settings: &'a [(&'static str, String)],
}

impl<'a> Plan<'a> {
    /// As they are shipped.
    pub fn shipped(programs: &'a Programs, store: &'a Store) -> Self {
        Self { programs, store, bcrypt_cost: COST, alone: None, settings: &[] }
    }
}

/// The services. They end with this.
#[derive(Debug)]
pub struct Stack {
    /// Where auth-service answers everybody.
    pub auth: String,
    /// Where resource-service does.
    pub resource: String,
    /// Where it answers the gateway alone.
    pub auth_internal: String,
    /// `AUTH_DATABASE_URL`.
    pub auth_database: String,
    // The one that asks the other ends first, so that it has nothing to complain of.
    resource_service: Service,
    auth_service: Service,
    starts: [Start; 2],
    folder: TempDir,
}

/// How one of the services was started.
#[derive(Debug)]
struct Start {
    program: PathBuf,
    settings: Vec<(&'static str, String)>,
}

/// Which of the services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// auth-service
    Auth,
    /// resource-service
    Resource,
}

impl Which {
    /// Its name, and so its program's.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth-service",
            Self::Resource => CLIENT,
        }
    }

    /// The settings for its two addresses and its database.
    fn of_its_own(self) -> [&'static str; 3] {
        match self {
            Self::Auth => ["AUTH_BIND", "AUTH_INTERNAL_BIND", AUTH_DATABASE],
            Self::Resource => ["RESOURCE_BIND", "RESOURCE_INTERNAL_BIND", "RESOURCE_DATABASE_URL"],
        }
    }
}

/// One more of a stack's services, with the same settings, on ports of its own. It ends with this.
#[derive(Debug)]
pub struct Another {
    /// Where it answers everybody.
    pub url: String,
    /// Where it says whether it is ready.
    pub ready: String,
    service: Service,
}

impl Another {
    /// Its process.
    pub fn process(&self) -> u32 {
        self.service.process()
    }
}

/// A program of ours. It ends with this.
#[derive(Debug)]
pub struct Service(Child);

impl Service {
    /// Its process.
    pub fn process(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Nothing of it is needed any more, so nothing has to be finished. Some start others, which are in its group.
        if let Some(group) = i32::try_from(self.process()).ok().and_then(Pid::from_raw) {
            _ = kill_process_group(group, Signal::KILL);
        }
        _ = self.0.wait();
    }
}

/// What auth-service has counted of its bcrypt pool.
#[derive(Debug, Clone, Copy, Default)]
pub struct PoolCounts {
    /// Hashes since the start.
    pub hashes: u32,
    /// Logins since the start that found no place.
    pub turned_away: u32,
    /// Logins that wait for a thread now.
    pub waiting: u32,
}

impl Stack {
    /// Makes secrets, databases and users, starts both services, and waits until they are ready.
    pub fn start(plan: &Plan, stop: &StopRequest) -> Result<Self, Failure> {
        let (auth_program, resource_program) =
            (plan.programs.get("auth-service")?, plan.programs.get("resource-service")?);
        let folder = tempfile::Builder::new()
            .prefix("latchkey-bench-")
            .tempdir()
            .map_err(Failure::during("A folder cannot be made"))?;
        let dir = folder.path();
        let [auth, auth_internal, resource, resource_internal] = ports()?.map(|port| format!("127.0.0.1:{port}"));
        let key = || run(Command::new(auth_program).args(["key", "new-master"]), "");
        let (jwt_secret, client_secret) = (key()?, key()?);

        let mut of_auth = vec![
            ("JWT_SECRET", jwt_secret.clone()),
            ("REFRESH_SECRET", key()?),
            ("REFRESH_HOLD", HOLD.to_owned()),
            ("AUTH_BCRYPT_COST", plan.bcrypt_cost.to_string()),
            ("AUTH_BIND", auth.clone()),
            ("AUTH_INTERNAL_BIND", auth_internal.clone()),
            // The driver plays the proxy in front of many clients.
            ("AUTH_TRUSTED_PROXIES", "127.0.0.1/32".to_owned()),
        ];
        of_auth.extend_from_slice(plan.settings);
        let auth_database = match plan.store {
            Store::Postgres | Store::Redis => arguments::postgres_url()?,
            Store::Sqlite | Store::SessionsAt(_) => sqlite(dir, "auth"),
        };
        of_auth.push((AUTH_DATABASE, auth_database.clone()));
        match plan.store {
            Store::Redis => of_auth.push(("REDIS_URL", arguments::redis_url()?)),
            Store::SessionsAt(url) => of_auth.push(("REDIS_URL", url.clone())),
            Store::Sqlite | Store::Postgres => {}
        }
        let of_resource = vec![
            ("JWT_SECRET", jwt_secret),
            ("RESOURCE_DATABASE_URL", sqlite(dir, "resource")),
            ("RESOURCE_BIND", resource.clone()),
            ("RESOURCE_INTERNAL_BIND", resource_internal.clone()),
            ("REVOCATION_FEED_URL", format!("http://{auth_internal}/internal/revocations")),
            ("SERVICE_TOKEN_URL", format!("http://{auth}/oauth/token")),
            ("SERVICE_CLIENT_ID", CLIENT.to_owned()),
            ("SERVICE_CLIENT_SECRET", client_secret.clone()),
        ];

        let users = dir.join("users.jsonl");
        accounts::write_import(&users, plan.bcrypt_cost)?;
        let auth_service = |args: &[&str]| command(auth_program, args, &of_auth);
        run(&mut auth_service(&["migrate"]), "")?;
        run(auth_service(&["user", "import"]).arg(&users), "")?;
        let add_client =
            ["client", "add", CLIENT, "--scope", "revocations:read users:deleted", "--secret-file", "/dev/stdin"];
        run(&mut auth_service(&add_client), &client_secret)?;

        let start = || -> Result<_, Failure> {
            let auth_service = serve_logged(Which::Auth, auth_service(&["serve"]), &auth, dir)?;
            // Asked before it is ready, it would give the other something to complain of.
            wait_until_ready(&format!("http://{auth_internal}/readyz"), stop)?;
            let resource_service = command(resource_program, &["serve"], &of_resource);
            Ok((auth_service, serve_logged(Which::Resource, resource_service, &resource, dir)?))
        };
        let (auth_service, resource_service) =
            plan.alone.map_or_else(start, |processors| processors.measured(start))?;
        wait_until_ready(&format!("http://{resource_internal}/readyz"), stop)?;
        Ok(Self {
            auth: format!("http://{auth}"),
            resource: format!("http://{resource}"),
            auth_internal: format!("http://{auth_internal}"),
            auth_database,
            resource_service,
            auth_service,
            starts: [
                Start { program: auth_program.to_owned(), settings: of_auth },
                Start { program: resource_program.to_owned(), settings: of_resource },
            ],
            folder,
        })
    }

    /// auth-service's process.
    pub fn auth_process(&self) -> u32 {
        self.auth_service.process()
    }

    /// resource-service's process.
    pub fn resource_process(&self) -> u32 {
        self.resource_service.process()
    }

    /// Starts one more, and does not wait for it. `database` is the name of a SQLite file for it; without one it has the
    /// same database. `more` are settings that the other does not have.
    pub fn start_another(
        &self,
        which: Which,
        database: Option<&str>,
        more: &[(&'static str, String)],
    ) -> Result<Another, Failure> {
        let start = &self.starts[which as usize];
        let [url, internal] = ports()?.map(|port| format!("127.0.0.1:{port}"));
        let [bind, internal_bind, database_url] = which.of_its_own();
        let mut settings = start.settings.clone();
        settings.extend([(bind, url.clone()), (internal_bind, internal.clone())]);
        settings.extend(database.map(|name| (database_url, sqlite(self.folder.path(), name))));
        settings.extend_from_slice(more);
        let service = serve_logged(which, command(&start.program, &["serve"], &settings), &url, self.folder.path())?;
        Ok(Another { url: format!("http://{url}"), ready: format!("http://{internal}/readyz"), service })
    }

    /// What auth-service has counted of its bcrypt pool.
    pub fn pool(&self) -> Result<PoolCounts, Failure> {
        let url = format!("{}/metrics", self.auth_internal);
        let text = expect_ok("The metrics", Connection::new().get(&url, None))?;
        Ok(pool_counts(&text))
    }
}

fn pool_counts(metrics: &str) -> PoolCounts {
    let read = |name: &str| {
        let mut lines = metrics.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        lines.next().and_then(|number| number.parse().ok()).unwrap_or(0)
    };
    PoolCounts {
        hashes: read("auth_bcrypt_hashes_total"),
        turned_away: read("auth_bcrypt_turned_away_total"),
        waiting: read("auth_bcrypt_queue_length"),
    }
}

fn sqlite(dir: &Path, name: &str) -> String {
    format!("sqlite:{}", dir.join(name).with_extension("db").display())
}

/// Ports that were free a moment ago, each another one, and never one that was handed out before: a service that is being
/// started may not listen yet.
pub fn ports<const N: usize>() -> Result<[u16; N], Failure> {
    let mut listeners = Vec::with_capacity(N);
    for _ in PORTS {
        if listeners.len() == N {
            break;
        }
        let port = PORTS.start + NEXT_PORT.fetch_add(1, Ordering::Relaxed) % (PORTS.end - PORTS.start);
        listeners.extend(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map(|listener| (port, listener)));
    }
    let ports: Vec<_> = listeners.iter().map(|(port, _)| *port).collect();
    ports.try_into().map_err(|_| Failure::Other("No free port is to be had.".to_owned()))
}

/// Where a URL's host listens, which is always a number here.
pub fn address(url: &str) -> Result<SocketAddr, Failure> {
    let place = url.trim_start_matches("http://");
    place.parse().map_err(|_| Failure::Other(format!("{url} is not at an address.")))
}

/// Nothing of this process's environment reaches the services but what OpenSSL and the dynamic linker may need.
fn command(program: &Path, args: &[&str], settings: &[(&str, String)]) -> Command {
    let mut command = Command::new(program);
    let kept = ["PATH", "LD_LIBRARY_PATH"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    command.args(args).env_clear().envs(kept.collect::<Vec<_>>());
    command.env("PGSSLMODE", "disable").env("PGGSSENCMODE", "disable");
    command.envs(settings.iter().map(|(name, value)| (name, value)));
    command
}

/// Runs a command to its end, and returns what it has printed.
fn run(command: &mut Command, input: &str) -> Result<String, Failure> {
    let what = command.get_program().display().to_string();
    let failed = || Failure::during(&what);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(failed())?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends without reading says why by itself.
        _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(failed())?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::Other(format!("{what} failed ({}): {}", output.status, words.trim())));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// With a log in `folder` that can be read until the driver ends. `place` is where the service answers.
fn serve_logged(which: Which, command: Command, place: &str, folder: &Path) -> Result<Service, Failure> {
    let (name, log) = (which.name(), folder.join(format!("{place}.log")));
    let service = serve(command, &log)?;
    logs::keep(format!("{name} at {place}"), &log).map_err(Failure::during("A log cannot be read"))?;
    Ok(service)
}

/// In a process group of its own: Ctrl-C reaches this process, which then ends the services.
pub fn serve(mut command: Command, log: &Path) -> Result<Service, Failure> {
    let failed = || Failure::during("A service cannot be started");
    let log = File::create(log).map_err(failed())?;
    let errors = log.try_clone().map_err(failed())?;
    command.stdin(Stdio::null()).stdout(log).stderr(errors).process_group(0).spawn().map(Service).map_err(failed())
}

/// Until it answers with 200 there.
pub fn wait_until_ready(url: &str, stop: &StopRequest) -> Result<(), Failure> {
    let begin = Instant::now();
    let connection = Connection::new();
    while !connection.get(url, None).is_ok_and(|answer| answer.status == 200) {
        if begin.elapsed() > PATIENCE {
            return Err(Failure::Other(format!("{url} does not say that it is ready.")));
        }
        stop.look()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pools_numbers_are_read_from_the_metrics() {
        let text = "# TYPE auth_bcrypt_hashes counter\nauth_bcrypt_hashes_total 42\n\
                    auth_bcrypt_turned_away_total 7\nauth_bcrypt_queue_length 64\n# EOF\n";
        let counts = pool_counts(text);
        assert_eq!((counts.hashes, counts.turned_away, counts.waiting), (42, 7, 64));
        assert_eq!(pool_counts("").hashes, 0);
    }

    #[test]
    fn each_port_is_another_one() {
        let [a, b, c] = ports().unwrap();
        assert!(a != b && b != c && a != c);
    }
}
