//! jose for Node and jwcrypto for Python: the tests exchange encrypted tokens with them. Each is installed once, in the
//! version that the lists beside those tests pin by hash. Node itself comes as a package of Python: what distributions
//! have of it is often too old for jose.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::process::run_quietly;
use crate::say;

/// Where the lists are.
const LISTS: &str = "common/tests/interop";

/// Written last, so that it says that the rest is complete.
const STAMP: &str = "installed";

const REMEDY: &str = "The tests need it once from the package registry: look at the network, or at the registry in the settings of npm and pip.";

/// What the tests start.
pub struct TokenLibraries {
    pub node: PathBuf,
    /// The folder in which Node finds jose.
    pub jose: PathBuf,
    /// The Python that has jwcrypto.
    pub python: PathBuf,
}

pub fn find_or_install(root: &Path, python: &Path) -> Result<TokenLibraries, Failure> {
    let tools = root.join("target/tools");
    let programs = jwcrypto_and_node(root, &tools.join("jwcrypto"), python)?;
    let jose = jose(root, &tools.join("jose"), &programs)?;
    Ok(TokenLibraries { node: programs.join("node"), jose, python: programs.join("python") })
}

/// `programs` is where npm is, and the Node that it runs on.
fn jose(root: &Path, folder: &Path, programs: &Path) -> Result<PathBuf, Failure> {
    let lists = ["package.json", "package-lock.json"].map(|name| root.join(LISTS).join(name));
    install("jose", folder, &lists, || {
        let mut npm = Command::new(programs.join("npm"));
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder);
        // As pip does: a company's own certificate authority is known to the machine and not to Node.
        npm.env("NODE_USE_SYSTEM_CA", "1");
        run_quietly("npm ci", &mut npm, "").map(drop)
    })?;
    Ok(folder.to_path_buf())
}

/// The folder with the programs of the two.
fn jwcrypto_and_node(root: &Path, folder: &Path, python: &Path) -> Result<PathBuf, Failure> {
    let programs = folder.join("bin");
    let own_python = programs.join("python");
    // A copy of Python that was taken away leaves a folder that looks complete.
    if folder.exists() && !imports(&own_python) {
        fs::remove_dir_all(folder).map_err(|error| cannot_be_written(folder, &error))?;
    }
    install("jwcrypto, with Node,", folder, &[root.join(LISTS).join("requirements.txt")], || {
        run_quietly("python3 -m venv", Command::new(python).args(["-m", "venv", "--clear"]).arg(folder), "")?;
        let mut pip = Command::new(&own_python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]);
        pip.args(["--only-binary", ":all:", "-r"]).arg(root.join(LISTS).join("requirements.txt"));
        run_quietly("pip install", &mut pip, "").map(drop)
    })?;
    Ok(programs)
}

fn imports(python: &Path) -> bool {
    run_quietly("python", Command::new(python).args(["-c", "import jwcrypto.jwe"]), "").is_ok()
}

/// Installs into `folder`, unless that was done from the same `lists`, which the folder gets copies of.
fn install(
    name: &str,
    folder: &Path,
    lists: &[PathBuf],
    work: impl FnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let texts: Result<Vec<_>, _> = lists.iter().map(|list| fs::read_to_string(list).map(|text| (list, text))).collect();
    let texts = texts.map_err(|error| Failure::new(format!("The list of packages cannot be read: {error}.")))?;
    let stamp: String = texts.iter().map(|(_, text)| text.as_str()).collect();
    if fs::read_to_string(folder.join(STAMP)).is_ok_and(|installed| installed == stamp) {
        return Ok(());
    }
    say::line(format!("    {name} is installed into {}.", folder.display()));
    let failed = |error| cannot_be_written(folder, &error);
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(failed)?;
    }
    fs::create_dir_all(folder).map_err(failed)?;
    for (list, text) in &texts {
        fs::write(folder.join(list.file_name().unwrap_or_default()), text).map_err(failed)?;
    }
    work().map_err(|failure| failure.remedy(REMEDY))?;
    fs::write(folder.join(STAMP), stamp).map_err(failed)
}

fn cannot_be_written(folder: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{} cannot be written: {error}.", folder.display()))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::fs;

    use super::install;
    use crate::Failure;

    #[test]
    fn what_is_complete_is_not_installed_again_until_its_list_changes() {
        let dir = std::env::temp_dir().join(format!("latchkey-xtask-libraries-{}", std::process::id()));
        let (list, folder) = (dir.join("list"), dir.join("installed"));
        fs::create_dir_all(&dir).unwrap();
        fs::write(&list, "one").unwrap();
        let times = Cell::new(0);
        let once_more = |works: bool| {
            let count = || {
                times.set(times.get() + 1);
                if works { Ok(()) } else { Err(Failure::new("no network")) }
            };
            install("it", &folder, std::slice::from_ref(&list), count)
        };
        assert!(once_more(false).is_err(), "what has failed is tried again");
        assert!(once_more(true).is_ok() && once_more(true).is_ok());
        assert_eq!(times.get(), 2);
        fs::write(&list, "two").unwrap();
        assert!(once_more(true).is_ok());
        assert_eq!(times.get(), 3);
        assert_eq!(fs::read_to_string(folder.join("list")).unwrap(), "two");
        fs::remove_dir_all(dir).unwrap();
    }
}
