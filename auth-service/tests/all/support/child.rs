//! Server processes that cannot outlive the test, however it ends.

use std::{
    env,
    ffi::OsStr,
    process::{Child, Command, Stdio},
};

/// A process behind a shell that ends it as soon as our end of a pipe closes: when this is dropped, and also when
/// the test is killed.
pub struct ServerProcess(Child);

impl ServerProcess {
    /// Starts `program` with `arguments`; its output goes nowhere.
    pub fn start<A: AsRef<OsStr>>(program: impl AsRef<OsStr>, arguments: impl IntoIterator<Item = A>) -> Self {
        let script = r#""$@" & pid=$!; cat >/dev/null; kill -TERM $pid 2>/dev/null; wait $pid"#;
        let child = Command::new("sh")
            .args(["-c", script, "server"])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}

/// A variable that `cargo xtask test` sets.
pub fn from_xtask(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run the tests with `cargo xtask test`"))
}
