//! Installing what is missing where that is allowed, and naming it where it is not.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rustix::process::getuid;

use crate::Failure;
use crate::say;
use crate::tools::program;

/// The same thing as each package manager calls it; several names are separated by a space.
pub struct Packages {
    pub apt: &'static str,
    pub dnf: &'static str,
    pub brew: &'static str,
}

type NameOf = fn(&Packages) -> &'static str;

pub fn install(packages: &[&Packages]) -> Result<(), Failure> {
    let Some(apt_get) = AptGet::where_allowed() else {
        return Err(Failure::new(
            "It cannot be installed from here: that takes apt-get, and root or a sudo that asks nothing.",
        )
        .remedy(how_to_install(packages)));
    };
    let names = names(packages, |packages| packages.apt);
    say::line(format!("Installing with apt-get: {}", names.join(" ")));
    if Path::new("/run/systemd/system").exists() {
        say::note(
            "apt may also start a system service from these packages. Latchkey starts its own and does not use it.",
        );
    }
    let mut told = apt_get.install(&names)?;
    if !told.status.success() {
        say::line("The lists of packages may be old or absent: apt-get update, then once more.");
        apt_get.run(&["update"])?;
        told = apt_get.install(&names)?;
    }
    if told.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&told.stderr);
    Err(Failure::new(format!("apt-get could not install {}:\n{}", names.join(" "), words.trim()))
        .remedy(how_to_install(packages)))
}

/// The line for this system's package manager; all of them where none is known.
pub fn how_to_install(packages: &[&Packages]) -> String {
    let managers: [(&str, &str, NameOf); 3] = [
        ("apt-get", "sudo apt-get install", |packages| packages.apt),
        ("dnf", "sudo dnf install", |packages| packages.dnf),
        ("brew", "brew install", |packages| packages.brew),
    ];
    let line =
        |(_, command, name_of): &(&str, &str, NameOf)| format!("    {command} {}", names(packages, *name_of).join(" "));
    let here = managers.iter().find(|(manager, ..)| program(&[manager]).is_some());
    let lines = here.map_or_else(|| managers.iter().map(line).collect(), |manager| vec![line(manager)]);
    format!("Install it, then try again:\n{}", lines.join("\n"))
}

fn names(packages: &[&Packages], name_of: NameOf) -> Vec<&'static str> {
    packages.iter().flat_map(|packages| name_of(packages).split(' ')).collect()
}

struct AptGet {
    with_sudo: bool,
}

impl AptGet {
    fn where_allowed() -> Option<Self> {
        program(&["apt-get"])?;
        if getuid().is_root() {
            return Some(Self { with_sudo: false });
        }
        let sudo_asks_nothing = Command::new("sudo")
            .args(["-n", "true"])
            .stdin(Stdio::null())
            .output()
            .is_ok_and(|told| told.status.success());
        sudo_asks_nothing.then_some(Self { with_sudo: true })
    }

    fn install(&self, names: &[&str]) -> Result<Output, Failure> {
        if !has_lists() {
            self.run(&["update"])?;
        }
        self.run(&[&["install", "-y", "--no-install-recommends"], names].concat())
    }

    fn run(&self, args: &[&str]) -> Result<Output, Failure> {
        const QUIETLY: [&str; 3] = ["-qq", "-o", "DPkg::Lock::Timeout=120"];
        // Not `Command::env`: sudo drops the variables it does not know.
        let asks_nothing = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"];
        let words = if self.with_sudo { &["sudo", "-n"][..] } else { &[] };
        let words = [words, &asks_nothing, &QUIETLY, args].concat();
        Command::new(words[0])
            .args(&words[1..])
            .stdin(Stdio::null())
            .output()
            .map_err(|error| Failure::new(format!("{} could not be started: {error}.", words.join(" "))))
    }
}

/// A container's image comes without them.
fn has_lists() -> bool {
    let lists = fs::read_dir("/var/lib/apt/lists").into_iter().flatten().filter_map(Result::ok);
    lists.into_iter().any(|entry| entry.file_name().to_string_lossy().contains("_Packages"))
}

#[cfg(test)]
mod tests {
    use super::{Packages, how_to_install, names};

    const PACKAGES: [&Packages; 2] = [
        &Packages { apt: "gcc libc6-dev", dnf: "gcc", brew: "gcc" },
        &Packages { apt: "make", dnf: "make", brew: "make" },
    ];

    #[test]
    fn one_line_installs_everything_that_is_missing() {
        assert_eq!(names(&PACKAGES, |packages| packages.apt), ["gcc", "libc6-dev", "make"]);
        assert!(how_to_install(&PACKAGES).contains(" make"));
    }
}
