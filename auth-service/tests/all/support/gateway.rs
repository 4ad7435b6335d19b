//! The real nginx, with the configuration that is shipped.

use std::{
    fs, io,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use reqwest::{Client, Method, RequestBuilder};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::child::{ServerProcess, from_xtask};

/// What is behind nginx: the addresses, and the folder with the files that it serves. What is not named is away.
#[derive(Clone, Copy, Default)]
pub struct Behind<'a> {
    pub auth_service: &'a str,
    pub auth_internal: &'a str,
    pub resource_service: &'a str,
    pub legacy_app: &'a str,
    pub web: Option<&'a Path>,
}

/// nginx on a free port.
pub struct Gateway {
    pub address: String,
    client: Client,
    folder: TempDir,
    _nginx: ServerProcess,
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../nginx").canonicalize().unwrap()
}

impl Gateway {
    /// In front of these.
    pub async fn before(behind: Behind<'_>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let or_away = |address: &str| match address.strip_prefix("http://").unwrap_or(address) {
            "" => format!("127.0.0.1:{}", free_port()),
            address => address.to_owned(),
        };
        let values = [
            ("LATCHKEY_PORT", port.to_string()),
            ("AUTH_UPSTREAM", or_away(behind.auth_service)),
            ("AUTH_INTERNAL_UPSTREAM", or_away(behind.auth_internal)),
            ("RESOURCE_UPSTREAM", or_away(behind.resource_service)),
            ("LEGACY_UPSTREAM", or_away(behind.legacy_app)),
            ("LATCHKEY_RUN", folder.path().display().to_string()),
            ("LATCHKEY_WEB", behind.web.unwrap_or(folder.path()).display().to_string()),
        ];
        fill_in(&shipped(), folder.path(), &values).unwrap();
        let nginx = from_xtask("LATCHKEY_TEST_NGINX");
        let configuration = folder.path().join("nginx.conf");
        let log = folder.path().join("nginx-error.log");
        let arguments = ["-e", log.to_str().unwrap(), "-c", configuration.to_str().unwrap()];
        let check = Command::new(&nginx).args(arguments).arg("-t").output().unwrap();
        assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
        // The files are in a folder of ours alone.
        let directives = if rustix::process::getuid().is_root() { "daemon off; user root;" } else { "daemon off;" };
        let process = ServerProcess::start(&nginx, arguments.into_iter().chain(["-g", directives]));
        let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let gateway = Self { address: format!("http://127.0.0.1:{port}"), client, folder, _nginx: process };
        let start = Instant::now();
        while gateway.client.get(format!("{}/healthz", gateway.address)).send().await.is_err() {
            assert!(start.elapsed() < Duration::from_secs(10), "nginx does not start");
            tokio::task::yield_now().await;
        }
        gateway
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.address))
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("nginx-access.log")).unwrap()
    }
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
pub async fn mirror(listener: tokio::net::TcpListener) {
    let (mut connection, _) = listener.accept().await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        assert_ne!(connection.read_buf(&mut head).await.unwrap(), 0);
    }
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", head.len());
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
