//! Where the workspace is, and how cargo is called in it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;

/// The workspace's folder: cargo tells where this package lies, and the workspace is the folder above.
pub fn root() -> Result<PathBuf, Failure> {
    let package =
        env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    let root = package.parent().filter(|root| root.join("Cargo.lock").exists());
    root.map(Path::to_path_buf).ok_or_else(|| {
        Failure::new(format!("{} is not in the workspace any more.", package.display()))
            .remedy("Call it as `cargo xtask …` inside the workspace.")
    })
}

/// The selection of packages that `up`, `test` and `lint` all build with. Cargo unites the features of the packages it is
/// asked to build, so with `-p auth-service` here and `--workspace` there the dependencies would be compiled twice.
pub const EVERY_PACKAGE: &str = "--workspace";

/// `cargo` as the person at the terminal would call it. What `cargo run` has set for this program is taken out again:
/// build scripts that watch those variables would see a change and build anew.
pub fn cargo(root: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_set_by_cargo_run) {
            command.env_remove(name);
        }
    }
    command
}

fn is_set_by_cargo_run(name: &str) -> bool {
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

#[cfg(test)]
mod tests {
    use super::{cargo, is_set_by_cargo_run, root};

    #[test]
    fn the_root_holds_this_package() {
        assert!(root().unwrap().join("xtask/Cargo.toml").exists());
    }

    #[test]
    fn only_what_cargo_run_sets_is_taken_out() {
        assert!(is_set_by_cargo_run("CARGO_PKG_NAME") && is_set_by_cargo_run("CARGO_MANIFEST_DIR"));
        assert!(!is_set_by_cargo_run("CARGO_TARGET_DIR") && !is_set_by_cargo_run("CARGO_HOME"));
        assert_eq!(cargo(&root().unwrap()).get_current_dir(), Some(root().unwrap().as_path()));
    }
}
