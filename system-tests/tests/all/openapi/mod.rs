//! The services do what their OpenAPI documents say: Schemathesis makes requests from them, good ones and bad ones.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use rstest::rstest;
use tokio::task::spawn_blocking;

use crate::support::{auth::service::Backend::Sqlite, peers::python, system::System};

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";

/// So many made-up requests an operation, beside those that its document suggests.
const EXAMPLES: &str = "20";

#[derive(Debug, Clone, Copy)]
enum Service {
    Auth,
    Resource,
}

/// Who makes the requests.
#[derive(Debug, Clone, Copy)]
enum Who {
    Nobody,
    User,
    Administrator,
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_service_answers_as_its_document_says(
    #[values(Service::Auth, Service::Resource)] service: Service,
    #[values(Who::Nobody, Who::User, Who::Administrator)] who: Who,
) {
    // The addresses that throttling looks at are made up.
    let system = System::start_with(Sqlite, &[("AUTH_TRUSTED_PROXIES", "127.0.0.1/32")], &[]).await;
    system.resource.heard().await;
    let token = match who {
        Who::Nobody => None,
        Who::User => Some(system.logged_in("ada").await.1.access),
        Who::Administrator => Some(system.home.administrator().await.1.access),
    };
    let (base, document) = match service {
        Service::Auth => (system.home.public().to_owned(), format!("{}/openapi.json", system.home.public())),
        Service::Resource => (system.resource.url(""), system.resource.url("/api/openapi.json")),
    };
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/openapi");
    let folder = tempfile::tempdir().unwrap();
    let mut schemathesis = Command::new(python().with_file_name("st"));
    schemathesis
        .arg("--config-file")
        .arg(here.join("schemathesis.toml"))
        .args(["run", &document, "--url", &base, "--checks", CHECKS, "--max-examples", EXAMPLES])
        .args(["--seed", "1", "--generation-database", "none", "--phases", "examples,coverage,fuzzing"])
        .args(["--request-timeout", "10", "--no-shrink", "--continue-on-failure", "--warnings", "off", "--no-color"])
        .env("SCHEMATHESIS_HOOKS", here.join("hooks.py"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("AUTH_URL", system.home.public())
        .current_dir(folder.path())
        .stdin(Stdio::null());
    if let Some(token) = token {
        schemathesis.env("TOKEN", token);
        schemathesis.env("CLIENT_ID", &system.client.id).env("CLIENT_SECRET", &system.client.secret);
    }
    let told = spawn_blocking(move || schemathesis.output()).await.unwrap().unwrap();
    let [out, words] = [told.stdout, told.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    println!("{out}");
    assert!(told.status.success(), "{out}{words}");
}
