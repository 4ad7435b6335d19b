//! The gateways as they are shipped, each with its own configuration, on a free port.

use std::{
    fs, io,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
};

use reqwest::{Certificate, Client, ClientBuilder, Method, RequestBuilder, redirect::Policy};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

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
}

impl Default for Behind {
    fn default() -> Self {
        let away = || format!("127.0.0.1:{}", free_port());
        Self { auth: away(), auth_internal: away(), resource: away(), legacy: away(), web: "/nowhere".into() }
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
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

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
        let port = free_port();
        let process = match self {
            Self::Nginx => nginx(folder.path(), port, behind, tls),
            Self::Envoy => envoy(folder.path(), port, behind, tls, &[]),
        };
        Gateway::reached_at(port, folder, process, tls).await
    }
}

/// Envoy before a service of its own, with `jwt-authn.yaml.template`.
pub async fn sidecar(behind: &Behind, issuer: &str, audience: &str) -> Gateway {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let settings =
        [("LATCHKEY_TEMPLATE", "jwt-authn.yaml.template"), ("JWT_ISSUER", issuer), ("JWT_AUDIENCE", audience)];
    let process = envoy(folder.path(), port, behind, None, &settings);
    Gateway::reached_at(port, folder, process, None).await
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
    async fn reached_at(port: u16, folder: TempDir, process: ServerProcess, tls: Option<&Tls>) -> Self {
        let client = client(tls).build().unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let gateway = Self { address: format!("{scheme}://127.0.0.1:{port}"), client, folder, _process: process };
        until("the gateway starts", async || gateway.request(Method::GET, "/healthz").send().await.is_ok()).await;
        gateway
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.address))
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
