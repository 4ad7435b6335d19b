//! What others offer for the same, as their users would run it: see `bench/peers/README.md`.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::symlink,
    path::Path,
    process::Command,
};

use tempfile::TempDir;

use crate::{
    arguments::Programs,
    failure::Failure,
    stack::{Service, ports, serve, wait_until_ready},
    stop_request::StopRequest,
};

/// What the floor signs with, and says in its tokens.
const SECRET: &str = "a secret that is long enough for HS256";
const ISSUER: &str = "https://auth.example.org";
const AUDIENCE: &str = "resource-service";

/// Somebody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// Flask-JWT-Extended, under gunicorn.
    Flask,
    /// `PyJWT`, under `FastAPI` and uvicorn.
    FastApi,
    /// jose, under Fastify.
    FastifyJose,
    /// `@fastify/jwt`, with its cache.
    FastifyJwt,
}

/// What they are started with.
pub struct Start<'a> {
    /// Where gunicorn, Node and the packages are.
    pub programs: &'a Programs,
    /// The project's folder.
    pub root: &'a Path,
    /// Where Flask keeps refresh tokens, if it does.
    pub redis_url: Option<&'a str>,
}

/// A peer that answers. It ends with this.
#[derive(Debug)]
pub struct Running {
    /// Where.
    pub address: SocketAddr,
    program: Service,
    _folder: TempDir,
}

impl Peer {
    /// Those that guard a route.
    pub const GUARDING: [Self; 4] = [Self::Flask, Self::FastApi, Self::FastifyJose, Self::FastifyJwt];

    /// As the table names it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Flask => "Flask-JWT-Extended, gunicorn",
            Self::FastApi => "FastAPI, PyJWT, uvicorn",
            Self::FastifyJose => "Fastify, jose",
            Self::FastifyJwt => "Fastify, @fastify/jwt with its cache",
        }
    }

    fn command(self, start: &Start, folder: &Path, port: u16) -> Result<Command, Failure> {
        let sources = start.root.join("bench/peers");
        let name = match self {
            Self::Flask => {
                let mut gunicorn = Command::new(start.programs.get("gunicorn")?);
                gunicorn.current_dir(sources.join("flask")).args(["--worker-class", "gevent", "--keep-alive", "60"]);
                gunicorn.args(["--bind", &format!("127.0.0.1:{port}"), "app:app"]);
                return Ok(gunicorn);
            }
            Self::FastApi => {
                let mut uvicorn = Command::new(start.programs.get("uvicorn")?);
                uvicorn.current_dir(sources.join("fastapi")).args(["--no-access-log", "--log-level", "warning"]);
                uvicorn.args(["--port", &port.to_string(), "app:app"]);
                return Ok(uvicorn);
            }
            Self::FastifyJose => "fastify",
            Self::FastifyJwt => "fastify-jwt",
        };
        // Node looks for packages beside the file that asks for them.
        let place = || Failure::during("A peer cannot be put into its place");
        let own = folder.join(name);
        fs::create_dir(&own).map_err(place())?;
        fs::copy(sources.join("whoami.mjs"), folder.join("whoami.mjs")).map_err(place())?;
        for file in ["app.mjs", "package.json"] {
            fs::copy(sources.join(name).join(file), own.join(file)).map_err(place())?;
        }
        symlink(start.programs.get(name)?.join("node_modules"), own.join("node_modules")).map_err(place())?;
        let mut node = Command::new(start.programs.get("node")?);
        node.arg(own.join("app.mjs"));
        Ok(node)
    }
}

/// Starts it with one worker, and waits until it answers.
pub fn start(peer: Peer, start: &Start, stop: &StopRequest) -> Result<Running, Failure> {
    let folder = tempfile::Builder::new()
        .prefix("latchkey-bench-peer-")
        .tempdir()
        .map_err(Failure::during("A folder cannot be made"))?;
    let [port] = ports()?;
    let mut command = peer.command(start, folder.path(), port)?;
    command.env("PEER_PORT", port.to_string()).env("WEB_CONCURRENCY", "1");
    command.env("PEER_SECRET", SECRET).env("PEER_ISSUER", ISSUER).env("PEER_AUDIENCE", AUDIENCE);
    command.envs(start.redis_url.map(|url| ("PEER_REDIS_URL", url)));
    let program = serve(command, &folder.path().join("output.log"))?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    wait_until_ready(&format!("http://{address}/plain"), stop)?;
    Ok(Running { address, program, _folder: folder })
}

impl Running {
    /// Its process.
    pub fn process(&self) -> u32 {
        self.program.process()
    }
}
