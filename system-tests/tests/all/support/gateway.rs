//! nginx with the configuration that is shipped.

use std::{fs, path::Path, process::Command};

use reqwest::Client;
use tempfile::TempDir;

use super::{
    auth::{
        child::{ServerProcess, from_xtask},
        wait::until,
    },
    peers::free_port,
};

pub struct Gateway {
    pub address: String,
    _nginx: ServerProcess,
    _folder: TempDir,
}

impl Gateway {
    /// In front of an auth-service and a resource-service, by their public addresses.
    pub async fn before(auth: &str, resource: &str) -> Self {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../nginx").canonicalize().unwrap();
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        for name in ["nginx.conf", "upstreams-static.conf"] {
            let template = fs::read_to_string(shipped.join(format!("{name}.template"))).unwrap();
            let rendered = template
                .replace("${LATCHKEY_PORT}", &port.to_string())
                .replace("${AUTH_UPSTREAM}", auth.strip_prefix("http://").unwrap())
                .replace("${RESOURCE_UPSTREAM}", resource.strip_prefix("http://").unwrap())
                .replace("${LATCHKEY_RUN}", folder.path().to_str().unwrap())
                .replace("${LATCHKEY_NGINX}", shipped.to_str().unwrap());
            fs::write(folder.path().join(name), rendered).unwrap();
        }
        let nginx = from_xtask("LATCHKEY_TEST_NGINX");
        let (configuration, log) = (folder.path().join("nginx.conf"), folder.path().join("nginx-error.log"));
        let arguments = ["-e", log.to_str().unwrap(), "-c", configuration.to_str().unwrap()];
        let check = Command::new(&nginx).args(arguments).arg("-t").output().unwrap();
        assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
        let process = ServerProcess::start(&nginx, arguments.into_iter().chain(["-g", "daemon off;"]));
        let address = format!("http://127.0.0.1:{port}");
        let (client, url) = (Client::builder().no_proxy().build().unwrap(), format!("{address}/healthz"));
        until("nginx listens", async || client.get(&url).send().await.is_ok()).await;
        Self { address, _nginx: process, _folder: folder }
    }
}
