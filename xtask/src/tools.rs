//! The programs the tasks need: where each is found, what it is for, and in which package it comes.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Failure;
use crate::packages::{self, Packages};
use crate::say;

pub struct Tool {
    /// As a sentence names it.
    pub name: &'static str,
    pub purpose: &'static str,
    packages: Packages,
    find: fn() -> Option<PathBuf>,
}

pub const C_COMPILER: Tool = Tool {
    name: "a C compiler",
    purpose: "builds SQLite, libpq, OpenSSL and AWS-LC from source, and links",
    packages: Packages { apt: "gcc libc6-dev", dnf: "gcc", brew: "gcc" },
    find: || program(&["cc", "gcc", "clang"]),
};

pub const MAKE: Tool = Tool {
    name: "make",
    purpose: "builds OpenSSL from source",
    packages: Packages { apt: "make", dnf: "make", brew: "make" },
    find: || program(&["make", "gmake"]),
};

pub const PERL: Tool = Tool {
    name: "perl with its standard modules",
    purpose: "configures OpenSSL's build",
    packages: Packages { apt: "perl", dnf: "perl", brew: "perl" },
    // Debian's `perl-base` has the program, but not the modules that OpenSSL's Configure loads.
    find: || program(&["perl"]).filter(|perl| succeeds(perl, &["-MIPC::Cmd", "-MFindBin", "-MTime::Piece", "-e1"])),
};

pub const NGINX: Tool = Tool {
    name: "nginx",
    purpose: "the gateway in front of the services",
    packages: Packages { apt: "nginx", dnf: "nginx", brew: "nginx" },
    find: || program(&["nginx"]),
};

pub const REDIS: Tool = Tool {
    name: "redis-server",
    purpose: "the tests' session store",
    packages: Packages { apt: "redis-server", dnf: "valkey", brew: "redis" },
    find: || program(&["redis-server", "valkey-server"]),
};

pub const POSTGRES: Tool = Tool {
    name: "the PostgreSQL server",
    purpose: "the tests' database",
    packages: Packages { apt: "postgresql", dnf: "postgresql-server", brew: "postgresql@17" },
    find: postgres_bin,
};

pub const CHROMIUM: Tool = Tool {
    name: "Chromium",
    purpose: "the browser in which the tests open pages",
    packages: Packages { apt: "chromium", dnf: "chromium", brew: "--cask chromium" },
    find: chromium,
};

pub const PYTHON: Tool = Tool {
    name: "Python 3.11 or newer with its modules venv and ensurepip",
    purpose: "runs the libraries of others that the tests talk to, and installs Node for the rest of them",
    packages: Packages { apt: "python3 python3-venv", dnf: "python3", brew: "python" },
    find: || program(&["python3"]).filter(|python| succeeds(python, &["-c", IS_PYTHON_311])),
};

const IS_PYTHON_311: &str = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))";

/// What compiling the dependencies takes beside Rust.
pub const TO_BUILD: [&Tool; 3] = [&C_COMPILER, &MAKE, &PERL];

impl Tool {
    /// Where it is, if it is there. For Postgres the folder of its programs.
    pub fn find(&self) -> Option<PathBuf> {
        (self.find)()
    }

    pub fn find_or_install(&self) -> Result<PathBuf, Failure> {
        ensure(&[self])?;
        self.find().ok_or_else(|| {
            Failure::new(format!("{} is still missing after its package was installed.", self.name))
                .remedy(packages::how_to_install(&[&self.packages]))
        })
    }
}

/// Installs those that are missing, all in one go.
pub fn ensure(tools: &[&Tool]) -> Result<(), Failure> {
    let missing = tools.iter().filter(|tool| tool.find().is_none()).collect::<Vec<_>>();
    if missing.is_empty() {
        return Ok(());
    }
    for tool in &missing {
        say::line(format!("{} is missing: it {}.", tool.name, it_is_what(tool.purpose)));
    }
    let packages = missing.iter().map(|tool| &tool.packages).collect::<Vec<_>>();
    packages::install(&packages)?;
    match missing.iter().find(|tool| tool.find().is_none()) {
        None => Ok(()),
        Some(tool) => Err(Failure::new(format!("{} is still missing after its package was installed.", tool.name))
            .remedy(packages::how_to_install(&[&tool.packages]))),
    }
}

fn it_is_what(purpose: &str) -> String {
    if purpose.starts_with("the ") { format!("is {purpose}") } else { purpose.to_owned() }
}

/// The first of `names` on the PATH or in the folders of system programs, which an ordinary user's PATH leaves out.
pub fn program(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path)
        .chain(["/usr/local/sbin", "/usr/sbin", "/sbin", "/opt/homebrew/bin", "/opt/homebrew/sbin"].map(PathBuf::from))
        .collect::<Vec<_>>();
    names.iter().find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|path| is_executable(path)))
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

fn succeeds(program: &Path, args: &[&str]) -> bool {
    Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Some distributions have a script of that name which only says how to install it.
fn chromium() -> Option<PathBuf> {
    let on_path = ["chromium", "google-chrome", "chromium-browser"].into_iter().filter_map(|name| program(&[name]));
    let applications = ["Chromium", "Google Chrome"].into_iter();
    let applications =
        applications.map(|name| PathBuf::from(format!("/Applications/{name}.app/Contents/MacOS/{name}")));
    on_path.chain(applications).find(|path| succeeds(path, &["--version"]))
}

/// Postgres' server programs lie in a folder a version, off the PATH, on most systems.
fn postgres_bin() -> Option<PathBuf> {
    let mut folders = [
        ("/usr/lib/postgresql", ""),
        ("/usr", "pgsql-"),
        ("/opt/homebrew/opt", "postgresql@"),
        ("/usr/local/opt", "postgresql@"),
    ]
    .iter()
    .flat_map(|(folder, prefix)| versions(Path::new(folder), prefix))
    .collect::<Vec<_>>();
    folders.sort_by_key(|(version, _)| *version);
    let versioned = folders.into_iter().rev().map(|(_, folder)| folder.join("bin"));
    let on_path = program(&["postgres"]).and_then(|postgres| postgres.parent().map(Path::to_path_buf));
    versioned.chain(on_path).find(|bin| ["initdb", "postgres"].iter().all(|name| is_executable(&bin.join(name))))
}

fn versions(folder: &Path, prefix: &str) -> Vec<(u32, PathBuf)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let version = |path: PathBuf| {
        let name = path.file_name()?.to_str()?;
        Some((name.strip_prefix(prefix)?.parse().ok()?, path))
    };
    entries.filter_map(Result::ok).filter_map(|entry| version(entry.path())).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::{program, versions};

    #[test]
    fn a_program_is_found_by_any_of_its_names() {
        let sh = program(&["latchkey-has-no-such-program", "sh"]).unwrap();
        assert_eq!(sh.file_name().unwrap(), "sh");
        assert_eq!(program(&["latchkey-has-no-such-program"]), None);
    }

    #[test]
    fn only_folders_named_by_a_version_count() {
        let folder = std::env::temp_dir().join(format!("latchkey-xtask-versions-{}", std::process::id()));
        for name in ["pgsql-9", "pgsql-17", "pgsql-beta", "share"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        let mut found = versions(&folder, "pgsql-");
        found.sort();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(found, [(9, folder.join("pgsql-9")), (17, folder.join("pgsql-17"))] as [(u32, PathBuf); 2]);
    }
}
