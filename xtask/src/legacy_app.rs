//! The guestbook behind the gateway, which is what asks for logins on its behalf.

use std::path::Path;
use std::process::Command;

use crate::instance::Instance;
use crate::process::Launch;

pub const NAME: &str = "legacy-app";

pub fn launch(program: &Path, instance: &Instance) -> Launch {
    let address = format!("127.0.0.1:{}", instance.ports.legacy_app);
    let mark = format!("{} {address}", program.display());
    let mut command = Command::new(program);
    command.arg(address);
    Launch { name: NAME, command, log: instance.log(NAME), pid_file: instance.pid_file(NAME), mark }
}

/// It answers there to anybody.
pub fn probe(instance: &Instance) -> String {
    format!("http://127.0.0.1:{}/legacy/guestbook.js", instance.ports.legacy_app)
}
