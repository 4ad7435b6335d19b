//! jose (npm) and jwcrypto (`PyPI`), each in a process of its own: they seal tokens for us and open ours.

use std::{
    env,
    io::Write,
    process::{Command, Stdio},
};

use serde::Deserialize;
use serde_json::{Value, json};

/// Somebody else's reading of RFC 7516.
#[derive(Debug, Clone, Copy)]
pub enum Peer {
    Jose,
    Jwcrypto,
}

/// What both sides know.
pub struct Shared<'a> {
    pub issuer: &'a str,
    pub audience: &'a str,
    pub secret: &'a str,
    /// Seconds since the epoch.
    pub now: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Told {
    Ok(Value),
    Error(String),
}

impl Peer {
    pub const ALL: [Self; 2] = [Self::Jose, Self::Jwcrypto];

    /// `claims` signed with the shared secret under `header`, then encrypted as `outer` says.
    pub fn seal(
        self,
        shared: &Shared,
        header: &Value,
        claims: &Value,
        outer: &Value,
        key: &str,
    ) -> Result<String, String> {
        let wish = json!({
            "wish": "seal", "header": header, "claims": claims, "secret": shared.secret, "outer": outer, "key": key,
        });
        self.ask(&wish).map(|token| token.as_str().unwrap().to_owned())
    }

    /// The claims in `token`, if the peer believes it.
    pub fn open(self, shared: &Shared, token: &str, key: &str, kid: &str) -> Result<Value, String> {
        let Shared { issuer, audience, secret, now } = shared;
        self.ask(&json!({
            "wish": "open", "token": token, "key": key, "kid": kid, "secret": secret, "issuer": issuer,
            "audience": audience, "now": now,
        }))
    }

    fn ask(self, wish: &Value) -> Result<Value, String> {
        let mut peer = self.command().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        peer.stdin.take().unwrap().write_all(wish.to_string().as_bytes()).unwrap();
        let told = peer.wait_with_output().unwrap();
        assert!(told.status.success(), "{self:?}: {}", told.status);
        match serde_json::from_slice(&told.stdout).unwrap() {
            Told::Ok(answer) => Ok(answer),
            Told::Error(why) => Err(why),
        }
    }

    fn command(self) -> Command {
        match self {
            Self::Jose => {
                let mut node = Command::new(from_xtask("LATCHKEY_TEST_NODE"));
                node.args(["--input-type=module", "--eval", include_str!("jose.js")]);
                // From here an evaluated module finds its packages.
                node.current_dir(from_xtask("LATCHKEY_TEST_JOSE"));
                node
            }
            Self::Jwcrypto => {
                let mut python = Command::new(from_xtask("LATCHKEY_TEST_JWCRYPTO_PYTHON"));
                python.args(["-c", include_str!("jwcrypto_peer.py")]);
                python
            }
        }
    }
}

fn from_xtask(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run the tests with `cargo xtask test`"))
}
