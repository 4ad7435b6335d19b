//! What belongs to one gateway port: its folder with settings, data, logs and process files, and its other ports.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::Failure;
use crate::ports::{self, Ports};

pub struct Instance {
    pub ports: Ports,
    home: PathBuf,
}

impl Instance {
    pub fn of(root: &Path, ports: Ports) -> Self {
        let shared = root.join(".latchkey");
        let home = if ports.gateway == ports::DEFAULT { shared } else { shared.join(ports.gateway.to_string()) };
        Self { ports, home }
    }

    /// Makes the folders, open to the owner alone.
    pub fn prepare(&self) -> Result<(), Failure> {
        for folder in [self.home.clone(), self.log_dir(), self.run_dir()] {
            make_private(&folder).map_err(|error| {
                Failure::new(format!("{} cannot be written: {error}.", folder.display())).remedy(format!(
                    "Make {} and the folder it lies in writable for this user (they may belong to another one, or be mounted read-only).",
                    folder.display()
                ))
            })?;
        }
        Ok(())
    }

    pub fn env_file(&self) -> PathBuf {
        self.home.join("env")
    }

    pub fn database(&self, service: &str) -> PathBuf {
        self.home.join(format!("{service}.db"))
    }

    /// What resource-service knows of revocations when it starts before auth-service.
    pub fn revocation_state(&self) -> PathBuf {
        self.home.join("resource-revocations.json")
    }

    pub fn log_dir(&self) -> PathBuf {
        self.home.join("log")
    }

    pub fn log(&self, program: &str) -> PathBuf {
        self.log_dir().join(format!("{program}.log"))
    }

    fn run_dir(&self) -> PathBuf {
        self.home.join("run")
    }

    /// Held while the instance is being started, and as long as it runs in the foreground.
    pub fn lock(&self) -> PathBuf {
        self.run_dir().join("lock")
    }

    pub fn pid_file(&self, program: &str) -> PathBuf {
        self.run_dir().join(format!("{program}.pid"))
    }

    /// Where nginx finds its configuration and puts its temporary files.
    pub fn nginx_dir(&self) -> PathBuf {
        self.run_dir().join("nginx")
    }

    /// `cargo xtask <task>` for this instance, as the reader would type it.
    pub fn command(&self, task: &str) -> String {
        match self.ports.gateway {
            ports::DEFAULT => format!("cargo xtask {task}"),
            port => format!("cargo xtask {task} --port {port}"),
        }
    }
}

fn make_private(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    let probe = folder.join(".writable");
    fs::write(&probe, "")?;
    fs::remove_file(probe)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::{Path, PathBuf};

    use super::{Instance, make_private};
    use crate::ports::Ports;

    fn instance(port: u16) -> Instance {
        Instance::of(Path::new("/src"), Ports::plan(port).unwrap())
    }

    #[test]
    fn another_port_is_another_folder() {
        assert_eq!(instance(8080).env_file(), PathBuf::from("/src/.latchkey/env"));
        assert_eq!(instance(9000).env_file(), PathBuf::from("/src/.latchkey/9000/env"));
        assert_eq!(instance(8080).command("down"), "cargo xtask down");
        assert_eq!(instance(9000).command("down"), "cargo xtask down --port 9000");
    }

    #[test]
    fn a_folder_is_made_for_the_owner_alone_and_what_cannot_be_made_is_an_error() {
        let folder = std::env::temp_dir().join(format!("latchkey-xtask-home-{}", std::process::id()));
        make_private(&folder).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        fs::write(folder.join("file"), "").unwrap();
        assert!(make_private(&folder.join("file/below")).is_err());
        fs::remove_dir_all(&folder).unwrap();
    }
}
