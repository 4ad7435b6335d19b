//! The front end in `web/`: the client's own tests in Node, and its pages in Chromium behind nginx. Each file of
//! tests finds the services, and what it may ask of this one, through `LATCHKEY_TEST_SYSTEM`.

use std::{net::TcpListener, path::Path, process::Command};

use rstest::rstest;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::support::{
    auth::{
        child::from_xtask,
        gateway::{Behind, Gateway, Program::Nginx},
        service::Backend::Sqlite,
    },
    control::Control,
    peers::{free_port, node, node_packages},
    system::System,
};

/// The services, where the pages' address is `origin`.
struct Stand {
    system: System,
    control: Control,
    origin: String,
    port: u16,
}

impl Stand {
    async fn start() -> Self {
        let port = free_port();
        let origin = format!("http://localhost:{port}");
        let settings = [("JWT_ISSUER", origin.as_str())];
        let system = System::start_with(Sqlite, &settings, &settings).await;
        system.resource.heard().await;
        let control = Control::of(&system);
        Self { system, control, origin, port }
    }

    /// nginx with the demo, the services and the guestbook behind it.
    async fn gateway(&self) -> Gateway {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let legacy = listener.local_addr().unwrap().to_string();
        tokio::spawn(legacy_app::serve(listener).unwrap());
        let behind = Behind {
            auth: self.system.home.public().to_owned(),
            auth_internal: self.system.home.internal().to_owned(),
            resource: self.system.resource.url(""),
            legacy,
            web: Path::new(env!("CARGO_MANIFEST_DIR")).join("../web").canonicalize().unwrap(),
            ..Behind::default()
        };
        Nginx.start(&behind, None).await
    }

    fn description(&self) -> Value {
        json!({
            "auth": self.system.home.public(),
            "resource": self.system.resource.url(""),
            "control": self.control.address,
            "origin": self.origin,
            "port": self.port,
            "packages": node_packages(),
        })
    }
}

/// Runs a file of tests. It is named from the root of the workspace.
async fn passes(file: &str, system: Value) {
    let mut command = Command::new(node());
    command.args(["--test", "--test-reporter=spec", "--test-timeout=300000", file]);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    command.current_dir(root).env("LATCHKEY_TEST_SYSTEM", system.to_string());
    let told = spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = String::from_utf8_lossy(&told.stdout);
    assert!(told.status.success(), "{text}{}", String::from_utf8_lossy(&told.stderr));
    assert!(text.contains("pass ") && !text.contains("pass 0"), "nothing was tested: {text}");
}

/// Runs a file of tests of this folder, with Chromium.
async fn passes_in_chromium(file: &str, mode: &str) {
    let stand = Stand::start().await;
    let gateway = stand.gateway().await;
    let mut system = stand.description();
    system["gateway"] = json!(gateway.address);
    system["chromium"] = json!(from_xtask("LATCHKEY_TEST_CHROMIUM"));
    system["mode"] = json!(mode);
    passes(&format!("system-tests/tests/all/browser/{file}.test.js"), system).await;
}

#[rstest]
#[tokio::test]
async fn the_client_keeps_its_promises_with_tokens(
    #[values("login", "renewal", "tabs", "lost", "requests", "types", "demo")] file: &str,
) {
    let stand = Stand::start().await;
    passes(&format!("web/tests/{file}.test.js"), stand.description()).await;
}

#[rstest]
#[tokio::test]
async fn pages_of_chromium_keep_their_login(#[values("bearer", "cookie", "session")] mode: &str) {
    passes_in_chromium("client", mode).await;
}

#[rstest]
#[tokio::test]
async fn the_front_end_does_what_it_says(
    #[values("demo", "sessions", "gates", "notes", "admin", "access")] file: &str,
) {
    passes_in_chromium(file, "cookie").await;
}
