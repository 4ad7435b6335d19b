//! `user import`: users from elsewhere, all of a file or nothing.

use std::{fs, io, path::PathBuf};

use clap::Args;
use common::clock::{Clock, SystemClock};

use super::{Failure, output, variables};
use crate::{
    config,
    ports::SystemRng,
    service::{Trouble, import_users, manage_users::ManageError},
    storage::sql::{SCHEMA, import_users as store},
};

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// A file of JSON objects, one a line: `username`, `password_hash` (bcrypt), and perhaps `email`, `roles`, `disabled`; `-` for
    /// standard input
    file: PathBuf,
}

pub(super) fn run(args: &ImportArgs) -> Result<(), Failure> {
    let url = config::database(variables())?;
    SCHEMA.check(&url)?;
    let text =
        if args.file.as_os_str() == "-" { io::read_to_string(io::stdin()) } else { fs::read_to_string(&args.file) };
    let text = text.map_err(|error| Failure::Input(format!("{} cannot be read: {error}", args.file.display())))?;
    let now = SystemClock.now();
    let users = import_users::read(&text, now, &SystemRng).map_err(|lines| refused(&lines))?;
    let taken = store(&url, &users.accounts, now).map_err(|error| ManageError::from(Trouble::from(error)))?;
    if !taken.is_empty() {
        return Err(refused(&users.taken(&taken)));
    }
    output::line(&format!("Imported {} users.", users.accounts.len()));
    Ok(())
}

fn refused(lines: &[import_users::BadLine]) -> Failure {
    let lines: Vec<_> = lines.iter().map(ToString::to_string).collect();
    Failure::Input(format!("{}\nNothing was imported.", lines.join("\n")))
}
