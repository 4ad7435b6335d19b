//! Building the services and learning where cargo has put them.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::Failure;
use crate::project::{EVERY_PACKAGE, cargo};
use crate::settings::Service;

pub struct Binaries {
    auth: PathBuf,
    resource: PathBuf,
}

impl Binaries {
    pub fn of(&self, service: Service) -> &Path {
        match service {
            Service::Auth => &self.auth,
            Service::Resource => &self.resource,
        }
    }

    pub fn build(root: &Path) -> Result<Self, Failure> {
        // No package has an example, but with `--examples` cargo takes the features that the tests' dependencies ask for
        // into account, so that `test` compiles no dependency once more.
        //
        // cargo's own words go to the terminal as usual; only the list of what it made is read here.
        let told = cargo(root)
            .args(["build", EVERY_PACKAGE, "--bins", "--examples", "--message-format", "json-render-diagnostics"])
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| Failure::new(format!("cargo could not be started: {error}.")))?;
        if !told.status.success() {
            return Err(Failure::new("The services could not be built; cargo says why above."));
        }
        let messages = String::from_utf8_lossy(&told.stdout);
        let made = |service: Service| {
            executable(&messages, service.name())
                .ok_or_else(|| Failure::new(format!("cargo has built no program named {}.", service.name())))
        };
        Ok(Self { auth: made(Service::Auth)?, resource: made(Service::Resource)? })
    }
}

/// From cargo's messages, one JSON object a line, the path of the program with this name.
fn executable(messages: &str, name: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let made = messages.filter(|message| message["reason"] == "compiler-artifact" && message["target"]["name"] == name);
    made.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).next_back()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::executable;

    const MESSAGES: &str = r#"
{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"auth_service"},"executable":null}
{"reason":"compiler-artifact","target":{"kind":["bin"],"name":"auth-service"},"executable":"/t/debug/auth-service"}
{"reason":"build-finished","success":true}"#;

    #[test]
    fn a_program_is_found_by_its_name() {
        assert_eq!(executable(MESSAGES, "auth-service"), Some(PathBuf::from("/t/debug/auth-service")));
        assert_eq!(executable(MESSAGES, "resource-service"), None);
    }
}
