//! The gateways as they are shipped, each with its own configuration, on a free port.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use reqwest::{Certificate, Client, ClientBuilder, Method, RequestBuilder, redirect::Policy};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, UnixStream},
};

use super::{
    child::{ServerProcess, from_xtask},
    wait::until,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    Nginx,
    Envoy,
}

/// What a gateway stands before, each with or without a scheme. What is not named is away.
pub struct Behind {
    pub auth: String,
    pub auth_internal: String,
    pub resource: String,
    pub legacy: String,
    /// The files of the demo.
    pub web: PathBuf,
    /// Keeps everybody from the addresses of those that are away.
    pub away: Arc<[KeptPort; 4]>,
}

impl Default for Behind {
    fn default() -> Self {
        let away = Arc::new([(); 4].map(|()| KeptPort::new()));
        let [auth, auth_internal, resource, legacy] = [0, 1, 2, 3].map(|each: usize| away[each].address());
        Self { auth, auth_internal, resource, legacy, web: "/nowhere".into(), away }
    }
}

/// A port that the kernel gives to nobody who asks for any port, as long as this lives. It refuses connections until a
/// program listens at it that was told its number.
#[derive(Debug)]
pub struct KeptPort(TcpSocket);

impl KeptPort {
    fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        // So that the program can have it while it is kept.
        socket.set_reuseaddr(true).unwrap();
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        Self(socket)
    }

    fn number(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }
}

/// PEM files, for `127.0.0.1`.
pub struct Tls {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

pub struct Gateway {
    pub address: String,
    pub client: Client,
    folder: TempDir,
    _process: ServerProcess,
    _port: KeptPort,
    _away: Arc<[KeptPort; 4]>,
}

/// Stands for the port 8080 that a container has to itself.
const INSIDE: &str = "inside.sock";

fn shipped(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder).canonicalize().unwrap()
}

impl Program {
    /// In front of one auth-service and of nothing else.
    pub async fn before(self, auth: &str) -> Gateway {
        self.start(&Behind { auth: auth.to_owned(), ..Behind::default() }, None).await
    }

    pub async fn start(self, behind: &Behind, tls: Option<&Tls>) -> Gateway {
        let folder = tempfile::tempdir().unwrap();
        let port = KeptPort::new();
        let process = match self {
            Self::Nginx => nginx(folder.path(), port.number(), behind, tls),
            Self::Envoy => envoy(folder.path(), port.number(), behind, tls, &[]),
        };
        Gateway::reached_at(port, folder, process, behind, tls).await
    }
}

/// Envoy before a service of its own, with `jwt-authn.yaml.template`.
pub async fn sidecar(behind: &Behind, issuer: &str, audience: &str) -> Gateway {
    let folder = tempfile::tempdir().unwrap();
    let port = KeptPort::new();
    let settings =
        [("LATCHKEY_TEMPLATE", "jwt-authn.yaml.template"), ("JWT_ISSUER", issuer), ("JWT_AUDIENCE", audience)];
    let process = envoy(folder.path(), port.number(), behind, None, &settings);
    Gateway::reached_at(port, folder, process, behind, None).await
}

fn nginx(folder: &Path, port: u16, behind: &Behind, tls: Option<&Tls>) -> ServerProcess {
    let values = [
        ("LATCHKEY_PORT", port.to_string()),
        ("AUTH_UPSTREAM", place(&behind.auth)),
        ("AUTH_INTERNAL_UPSTREAM", place(&behind.auth_internal)),
        ("RESOURCE_UPSTREAM", place(&behind.resource)),
        ("LEGACY_UPSTREAM", place(&behind.legacy)),
        ("LATCHKEY_RUN", folder.display().to_string()),
        ("LATCHKEY_WEB", behind.web.display().to_string()),
    ];
    fill_in(&shipped("nginx"), folder, &values).unwrap();
    let configuration = folder.join("nginx.conf");
    if let Some(tls) = tls {
        let example = fs::read_to_string(folder.join("examples/tls.conf")).unwrap();
        let listen = example
            .replace("listen 8443 ", &format!("listen 127.0.0.1:{port} "))
            .replace("listen 127.0.0.1:8080;", &format!("listen unix:{};", folder.join(INSIDE).display()))
            .replace("/etc/latchkey/tls/certificate.pem", tls.certificate.to_str().unwrap())
            .replace("/etc/latchkey/tls/key.pem", tls.key.to_str().unwrap());
        let text = fs::read_to_string(&configuration).unwrap();
        fs::write(&configuration, text.replace(&format!("listen 127.0.0.1:{port};"), &listen)).unwrap();
    }
    let program = from_xtask("LATCHKEY_TEST_NGINX");
    let log = folder.join("nginx-error.log");
    let arguments = ["-e", log.to_str().unwrap(), "-c", configuration.to_str().unwrap()];
    let check = Command::new(&program).args(arguments).arg("-t").output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    // The files are in a folder of ours alone.
    let directives = if rustix::process::getuid().is_root() { "daemon off; user root;" } else { "daemon off;" };
    ServerProcess::start(&program, arguments.into_iter().chain(["-g", directives]))
}

fn envoy(folder: &Path, port: u16, behind: &Behind, tls: Option<&Tls>, settings: &[(&str, &str)]) -> ServerProcess {
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let mut variables = vec![
        ("ENVOY", from_xtask("LATCHKEY_TEST_ENVOY")),
        ("LATCHKEY_RUN", path(folder)),
        ("LATCHKEY_ACCESS_LOG", path(&folder.join("envoy-access.log"))),
        ("LATCHKEY_PORT", port.to_string()),
        ("LATCHKEY_WEB", path(&behind.web)),
        ("AUTH_UPSTREAM", place(&behind.auth)),
        ("AUTH_INTERNAL_UPSTREAM", place(&behind.auth_internal)),
        ("RESOURCE_UPSTREAM", place(&behind.resource)),
        ("LEGACY_UPSTREAM", place(&behind.legacy)),
    ];
    if let Some(tls) = tls {
        variables.push(("LATCHKEY_TLS_CERTIFICATE", path(&tls.certificate)));
        variables.push(("LATCHKEY_TLS_KEY", path(&tls.key)));
    }
    variables.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let script = path(&shipped("envoy").join("start.sh"));
    let command = |arguments: &[&str]| {
        let variables = variables.iter().map(|(name, value)| format!("{name}={value}"));
        let script = ["sh", &script].into_iter().chain(arguments.iter().copied()).map(str::to_owned);
        variables.chain(script).collect::<Vec<_>>()
    };
    let check = Command::new("env").args(command(&["--mode", "validate"])).output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    ServerProcess::start("env", command(&["--concurrency", "1"]))
}

impl Gateway {
    async fn reached_at(
        port: KeptPort,
        folder: TempDir,
        process: ServerProcess,
        behind: &Behind,
        tls: Option<&Tls>,
    ) -> Self {
        let client = client(tls).build().unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let gateway = Self {
            address: format!("{scheme}://{}", port.address()),
            client,
            folder,
            _process: process,
            _port: port,
            _away: Arc::clone(&behind.away),
        };
        until("the gateway starts", async || gateway.request(Method::GET, "/healthz").send().await.is_ok()).await;
        gateway
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.address))
    }

    /// What nginx with TLS answers to `path` where only its own container reaches it.
    pub async fn answer_inside(&self, path: &str) -> String {
        let mut connection = UnixStream::connect(self.folder.path().join(INSIDE)).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        answer
    }

    pub fn log(&self) -> String {
        ["nginx-access.log", "envoy-access.log"]
            .iter()
            .find_map(|name| fs::read_to_string(self.folder.path().join(name)).ok())
            .unwrap()
    }

    /// The line about a request, once it is there.
    pub async fn logged(&self, request_id: &str) -> Value {
        let line = || {
            let log = self.log();
            let mut lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            lines.find(|line| line["request_id"] == request_id)
        };
        until("the gateway has logged it", async || line().is_some()).await;
        line().unwrap()
    }
}

/// One that trusts the gateway's certificate.
pub fn client(tls: Option<&Tls>) -> ClientBuilder {
    let client = Client::builder().no_proxy().redirect(Policy::none());
    let Some(tls) = tls else { return client };
    client.add_root_certificate(Certificate::from_pem(&fs::read(&tls.certificate).unwrap()).unwrap())
}

/// Host and port of an address.
fn place(address: &str) -> String {
    address.strip_prefix("http://").unwrap_or(address).to_owned()
}

fn fill_in(from: &Path, to: &Path, values: &[(&str, String)]) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        if path.is_dir() {
            fill_in(&path, &to.join(path.file_name().unwrap()), values)?;
        } else if path.extension().is_some_and(|extension| extension == "template") {
            let template = fs::read_to_string(&path)?;
            let text = values.iter().fold(template, |text, (name, value)| text.replace(&format!("${{{name}}}"), value));
            fs::write(to.join(path.file_stem().unwrap()), text)?;
        } else {
            fs::copy(&path, to.join(path.file_name().unwrap()))?;
        }
    }
    Ok(())
}

/// Answers one request with its own head.
pub async fn mirror(listener: &tokio::net::TcpListener) {
    let (mut connection, _) = listener.accept().await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        assert_ne!(connection.read_buf(&mut head).await.unwrap(), 0);
    }
    let answer = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", head.len());
    connection.write_all(&[answer.as_bytes(), &head].concat()).await.unwrap();
    connection.shutdown().await.unwrap();
}

/// The value of a header in a head that was mirrored.
pub fn sent_on<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (header, value) = line.split_once(": ")?;
        header.eq_ignore_ascii_case(name).then_some(value)
    })
}
