//! Programs in Python and Node, with the packages that `cargo xtask test` has installed.

use std::{
    io::Write,
    net::TcpListener,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::Value;
use tokio::task::spawn_blocking;

use super::auth::child::from_xtask;

/// A program that answers one wish: JSON on its standard input, and JSON on its standard output.
#[derive(Debug, Clone, Copy)]
pub enum Code {
    Python(&'static str),
    /// A module.
    Node(&'static str),
}

impl Code {
    /// What it says of `wish`: `ok` or `error`.
    pub async fn answer(self, wish: Value) -> Result<Value, String> {
        let mut told = spawn_blocking(move || self.tell(&wish)).await.unwrap();
        match told.get_mut("error") {
            None => Ok(told["ok"].take()),
            Some(error) => Err(error.as_str().unwrap().to_owned()),
        }
    }

    fn tell(self, wish: &Value) -> Value {
        let mut command = match self {
            Self::Python(code) => {
                let mut python = Command::new(python());
                python.args(["-c", code]);
                python
            }
            Self::Node(code) => {
                let mut node = Command::new(node());
                node.args(["--input-type=module", "--eval", code]);
                // From here an evaluated module finds its packages.
                node.current_dir(node_packages());
                node
            }
        };
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(wish.to_string().as_bytes()).unwrap();
        let told = child.wait_with_output().unwrap();
        assert!(told.status.success(), "{}: {}", told.status, String::from_utf8_lossy(&told.stderr));
        serde_json::from_slice(&told.stdout).unwrap()
    }
}

pub fn python() -> PathBuf {
    from_xtask("LATCHKEY_TEST_PYTHON_CLIENTS").into()
}

pub fn node() -> PathBuf {
    from_xtask("LATCHKEY_TEST_NODE").into()
}

/// The folder in which Node finds packages.
pub fn node_packages() -> PathBuf {
    from_xtask("LATCHKEY_TEST_NODE_CLIENTS").into()
}

/// A port that nobody has, for what must know it before it starts.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
