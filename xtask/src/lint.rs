//! `cargo xtask lint`: everything that can be checked without running the services.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::Failure;
use crate::cargo_deny;
use crate::project::{EVERY_PACKAGE, cargo};
use crate::say;
use crate::tools;

pub fn run(root: &Path) -> Result<(), Failure> {
    tools::ensure(&tools::TO_BUILD)?;
    say::step("cargo fmt", || {
        check(cargo(root).args(["fmt", "--all", "--check"]), "The formatting", "Run `cargo fmt --all`.")
    })?;
    say::step("cargo clippy", || {
        let mut clippy = cargo(root);
        clippy.args(["clippy", EVERY_PACKAGE, "--all-targets", "--", "-D", "warnings"]);
        check(&mut clippy, "clippy", "Its words are above.")
    })?;
    say::step("cargo doc", || {
        let mut doc = cargo(root);
        // The targets cargo would choose by itself; naming them with `--examples` lets clippy's work be used again.
        doc.args(["doc", EVERY_PACKAGE, "--no-deps", "--quiet", "--lib", "--bin", "xtask", "--examples"])
            .env("RUSTDOCFLAGS", "-D warnings");
        check(&mut doc, "The documentation", "rustdoc's words are above.")
    })?;
    let cargo_deny = say::step("Looking for cargo-deny", || cargo_deny::find_or_install(root))?;
    let deny = || {
        let mut deny = Command::new(&cargo_deny);
        deny.current_dir(root);
        deny
    };
    say::step("cargo deny: bans, licences, sources", || {
        check(
            deny().args(["check", "--hide-inclusion-graph", "bans", "licenses", "sources"]),
            "cargo deny",
            "deny.toml says what is allowed, and why.",
        )
    })?;
    say::step("cargo deny: advisories", || {
        let fetched =
            deny().args(["fetch", "db"]).stdin(Stdio::null()).output().is_ok_and(|told| told.status.success());
        if fetched {
            return check(
                deny().args(["check", "advisories"]),
                "cargo deny",
                "An advisory names the version to move to.",
            );
        }
        say::note("the advisory database cannot be fetched from here, so the dependencies are NOT checked against it.");
        Ok(())
    })
}

fn check(command: &mut Command, what: &str, remedy: &str) -> Result<(), Failure> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| Failure::new(format!("{} could not be started: {error}.", command.get_program().display())))?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("{what} did not pass.")).remedy(remedy)) }
}
