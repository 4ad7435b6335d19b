//! Building the services and learning where cargo has put them.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::Failure;
use crate::legacy_app;
use crate::project::{EVERY_PACKAGE, cargo};
use crate::settings::Service;

pub struct Binaries {
    auth: PathBuf,
    resource: PathBuf,
    legacy_app: PathBuf,
}

impl Binaries {
    pub fn of(&self, service: Service) -> &Path {
        match service {
            Service::Auth => &self.auth,
            Service::Resource => &self.resource,
        }
    }

    pub fn legacy_app(&self) -> &Path {
        &self.legacy_app
    }

    pub fn build(root: &Path) -> Result<Self, Failure> {
        // No package has an example, but with `--examples` cargo takes the features that the tests' dependencies ask for
        // into account, so that `test` compiles no dependency once more.
        let messages = build(root, &[EVERY_PACKAGE, "--bins", "--examples"])?;
        Self::among(&messages)
    }

    /// As they are shipped, image and all: by themselves, so that no other package has a say in the features of theirs.
    pub fn build_release(root: &Path) -> Result<Self, Failure> {
        let packages = Service::ALL.map(Service::name);
        let messages =
            build(root, &["--release", "--locked", "-p", packages[0], "-p", packages[1], "-p", legacy_app::NAME])?;
        Self::among(&messages)
    }

    fn among(messages: &str) -> Result<Self, Failure> {
        let made = |name| made(messages, name);
        Ok(Self {
            auth: made(Service::Auth.name())?,
            resource: made(Service::Resource.name())?,
            legacy_app: made(legacy_app::NAME)?,
        })
    }
}

/// Programs of a package that nothing is shipped of, as fast as those that are.
pub fn build_release_of<const N: usize>(
    root: &Path,
    package: &str,
    programs: [&str; N],
) -> Result<[PathBuf; N], Failure> {
    let messages = build(root, &["--release", "--locked", "-p", package])?;
    let made: Result<Vec<_>, _> = programs.iter().map(|program| made(&messages, program)).collect();
    made?.try_into().map_err(|_| Failure::new("cargo has built another number of programs than it was asked for."))
}

/// cargo's own words go to the terminal as usual; only the list of what it made is read here.
fn build(root: &Path, what: &[&str]) -> Result<String, Failure> {
    let told = cargo(root)
        .args(["build", "--message-format", "json-render-diagnostics"])
        .args(what)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| Failure::new(format!("cargo could not be started: {error}.")))?;
    if !told.status.success() {
        return Err(Failure::new("It could not be built; cargo says why above."));
    }
    Ok(String::from_utf8_lossy(&told.stdout).into_owned())
}

fn made(messages: &str, name: &str) -> Result<PathBuf, Failure> {
    executable(messages, name).ok_or_else(|| Failure::new(format!("cargo has built no program named {name}.")))
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
