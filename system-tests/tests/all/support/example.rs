//! The services of `examples/`, as a reader would start them.

use std::{
    fs,
    io::Write,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Output, Stdio},
    time::Duration,
};

use reqwest::Client;
use tempfile::TempDir;
use tokio::task::spawn_blocking;

use super::{
    auth::{child::ServerProcess, wait::until_within},
    peers::{free_port, node, node_packages, python},
};

#[derive(Debug, Clone, Copy)]
pub enum Language {
    Python,
    Node,
}

/// Settings of an example, as the environment gives them.
pub type Settings = Vec<(&'static str, String)>;

/// A copy of the examples of one language, with the packages that they need.
pub struct Example {
    language: Language,
    folder: TempDir,
}

impl Example {
    pub fn of(language: Language) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let name = match language {
            Language::Python => "python",
            Language::Node => "node",
        };
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name);
        for file in fs::read_dir(shipped).unwrap().map(Result::unwrap).filter(|file| file.path().is_file()) {
            fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
        }
        if let Language::Node = language {
            symlink(node_packages().join("node_modules"), folder.path().join("node_modules")).unwrap();
        }
        Self { language, folder }
    }

    /// The words that start `name` of the examples.
    pub fn command(&self, name: &str) -> [String; 2] {
        let (program, extension) = match self.language {
            Language::Python => (python(), "py"),
            Language::Node => (node(), "js"),
        };
        let file = self.folder.path().join(name).with_extension(extension);
        [program.display().to_string(), file.display().to_string()]
    }

    /// What `call` prints.
    pub async fn call(self, settings: &Settings, arguments: &[&str], input: &str) -> String {
        let [program, file] = self.command("call");
        let mut command = Command::new(program);
        command.arg(file).args(arguments).envs(settings.iter().map(|(name, value)| (name, value)));
        let input = input.to_owned();
        let told = spawn_blocking(move || told(command, &input)).await.unwrap();
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        String::from_utf8(told.stdout).unwrap()
    }

    /// Starts the service that the examples protect.
    pub async fn serve(self, settings: &Settings) -> Protected {
        let port = free_port();
        let variables = settings.iter().map(|(name, value)| format!("{name}={value}"));
        let arguments: Vec<_> = variables.chain([format!("PORT={port}")]).chain(self.command("protect")).collect();
        let process = ServerProcess::start("env", arguments);
        let http = Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
        let url = format!("http://127.0.0.1:{port}/notes");
        let answers = async || http.get(&url).send().await.is_ok();
        until_within(Duration::from_mins(1), "the example listens", answers).await;
        Protected { url, http, _process: process, _example: self }
    }
}

fn told(mut command: Command, input: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // One that does not read says why by itself.
    _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// A running example.
pub struct Protected {
    url: String,
    http: Client,
    _process: ServerProcess,
    _example: Example,
}

impl Protected {
    /// The status of its only route.
    pub async fn status(&self, token: &str) -> u16 {
        self.http.get(&self.url).bearer_auth(token).send().await.unwrap().status().as_u16()
    }

    /// The same without a token.
    pub async fn status_without_a_token(&self) -> u16 {
        self.http.get(&self.url).send().await.unwrap().status().as_u16()
    }

    /// Waits until the token is answered with this status.
    pub async fn answers(&self, token: &str, status: u16) {
        let what = format!("{status} for the token");
        until_within(Duration::from_secs(30), &what, async || self.status(token).await == status).await;
    }
}
