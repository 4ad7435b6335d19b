//! `user …`: what an operator does with users. Needs the database only; a running service ends or changes the
//! sessions of a changed user within a second.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use clap::{Args, Subcommand};
use common::{sql::Sql, telemetry::metrics::Metrics};
use secrecy::SecretString;
use serde::Serialize;

use super::{
    Failure,
    import::{self, ImportArgs},
    input::{secret_from_file, without_newline},
    output, variables,
};
use crate::{
    config,
    crypto::bcrypt_pool::{BcryptOptions, BcryptPool},
    domain::{
        password::Password,
        user::{Email, Identifier, NewEmail, Renaming, User, Username, checked_roles},
    },
    ports::{HashTurn, PasswordHasher, SystemClock, SystemRng},
    service::{
        Trouble,
        invite::invite,
        manage_users::{Addition, ManageError, Operator},
    },
    storage::sql::{SCHEMA, SqlUsers},
};

/// Users asked for at a time.
const PAGE: u32 = 500;

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Add a user, whatever registration allows
    Add(AddArgs),
    /// Take over users with their bcrypt hashes from a file: all of them, or none and what is wrong with each line
    Import(ImportArgs),
    /// List all users, in the order of their registration
    List {
        #[command(flatten)]
        format: Format,
    },
    /// End all sessions of a user and let them log in no more
    Disable(UserArgs),
    /// Let a disabled user log in again
    Enable(UserArgs),
    /// Give a user another username, another e-mail address, or both
    Rename(RenameArgs),
    /// Delete a user for good, with all sessions; services that follow deletions forget what they keep of them
    Delete(UserArgs),
    /// Give a user a temporary password, which has to be replaced at the next login within 72 hours
    SetPassword {
        /// Username or e-mail address
        user: String,
        #[command(flatten)]
        password: PasswordSource,
        #[command(flatten)]
        format: Format,
    },
    /// Give a user these roles and no others; their sessions follow
    SetRoles {
        /// Username or e-mail address
        user: String,
        /// Roles divided by commas; none at all for ""
        roles: String,
        #[command(flatten)]
        format: Format,
    },
    /// Make an invitation, which registers one user
    Invite {
        /// How long it may be used
        #[arg(long, default_value = "7d", value_parser = humantime::parse_duration)]
        ttl: Duration,
        #[command(flatten)]
        format: Format,
    },
}

#[derive(Debug, Args)]
pub(super) struct Format {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct UserArgs {
    /// Username or e-mail address
    user: String,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Args)]
#[group(skip)]
pub(super) struct RenameArgs {
    /// Username or e-mail address as it is
    user: String,
    /// The new username
    #[arg(long, required_unless_present_any = ["email", "no_email"])]
    username: Option<String>,
    /// The new e-mail address
    #[arg(long)]
    email: Option<String>,
    /// No e-mail address any more
    #[arg(long, conflicts_with = "email")]
    no_email: bool,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// 3 to 32 letters a-z, digits, dots, dashes, underscores
    #[arg(long)]
    username: String,
    /// An address to log in with as well
    #[arg(long)]
    email: Option<String>,
    /// Roles divided by commas
    #[arg(long, value_delimiter = ',')]
    roles: Vec<String>,
    #[command(flatten)]
    password: PasswordSource,
    /// Do nothing, successfully, when there is a user of that name
    #[arg(long)]
    if_missing: bool,
    #[command(flatten)]
    format: Format,
}

/// Not as an argument: every user of the machine can see those.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct PasswordSource {
    /// Read the password from standard input, less one trailing newline
    #[arg(long)]
    password_stdin: bool,
    /// Read the password from a file, less one trailing newline
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

#[derive(Serialize)]
struct UserLine {
    id: String,
    username: String,
    email: Option<String>,
    roles: Vec<String>,
    disabled: bool,
    created_at: String,
}

impl From<&User> for UserLine {
    fn from(user: &User) -> Self {
        Self {
            id: user.id.to_string(),
            username: user.username.to_string(),
            email: user.email.as_ref().map(|email| email.as_str().to_owned()),
            roles: user.roles.clone(),
            disabled: user.disabled,
            created_at: user.created_at.rfc3339(),
        }
    }
}

#[derive(Serialize)]
struct InviteLine {
    code: String,
    expires_at: String,
}

pub(super) async fn run(command: UserCommand) -> Result<(), Failure> {
    let operator = operator()?;
    match command {
        UserCommand::Import(args) => import::run(&args),
        UserCommand::Add(args) => add(&operator, args).await,
        UserCommand::List { format } => list(&operator, &format).await,
        UserCommand::Disable(args) => {
            changed(&operator.disable(&identifier(&args.user)?).await?, "Disabled", &args.format)
        }
        UserCommand::Enable(args) => {
            changed(&operator.enable(&identifier(&args.user)?).await?, "Enabled", &args.format)
        }
        UserCommand::Rename(args) => rename(&operator, args).await,
        UserCommand::Delete(args) => {
            changed(&operator.delete(&identifier(&args.user)?).await?, "Deleted", &args.format)
        }
        UserCommand::SetPassword { user, password, format } => set_password(&operator, &user, &password, &format).await,
        UserCommand::SetRoles { user, roles: names, format } => {
            let names = names.split(',').filter(|role| !role.is_empty()).map(str::to_owned).collect();
            let user = operator.set_roles(&identifier(&user)?, roles(names)?).await?;
            changed(&user, "Changed", &format)
        }
        UserCommand::Invite { ttl, format } => make_invite(&operator, ttl, &format).await,
    }
}

fn operator() -> Result<Operator, Failure> {
    let url = config::database(variables())?;
    SCHEMA.check(&url)?;
    let users = SqlUsers::new(Sql::open(&url, "sql")?);
    Ok(Operator::at_the_machine(Arc::new(users), Arc::new(SystemClock), Arc::new(SystemRng)))
}

async fn add(operator: &Operator, args: AddArgs) -> Result<(), Failure> {
    let username = Username::parse(&args.username).map_err(|error| wrong("--username", error))?;
    if args.if_missing {
        match operator.find(&Identifier::Username(username.clone())).await {
            Ok(user) => return changed(&user, "There is already", &args.format),
            Err(ManageError::NoSuchUser) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let email = args.email.map(|email| Email::parse(&email)).transpose().map_err(|error| wrong("--email", error))?;
    let addition = Addition { username, email, roles: roles(args.roles)?, password: args.password.password()? };
    changed(&operator.add(addition, &*hash_turn(operator)?).await?, "Added", &args.format)
}

async fn rename(operator: &Operator, args: RenameArgs) -> Result<(), Failure> {
    let RenameArgs { user, username, email, no_email, format } = args;
    let username =
        username.map(|name| Username::parse(&name)).transpose().map_err(|error| wrong("--username", error))?;
    let email = email.map(|email| Email::parse(&email)).transpose().map_err(|error| wrong("--email", error))?;
    let email = email.map(NewEmail::Address).or(no_email.then_some(NewEmail::None));
    changed(&operator.rename(&identifier(&user)?, Renaming { username, email }).await?, "Renamed", &format)
}

async fn set_password(
    operator: &Operator,
    user: &str,
    password: &PasswordSource,
    format: &Format,
) -> Result<(), Failure> {
    let (identifier, password) = (identifier(user)?, password.password()?);
    let user = operator.set_password(&identifier, password, &*hash_turn(operator)?).await?;
    changed(&user, "Gave a temporary password to", format)
}

fn hash_turn(operator: &Operator) -> Result<Box<dyn HashTurn>, Failure> {
    let options = BcryptOptions { threads: 1, ..config::bcrypt(variables())? };
    let hasher = BcryptPool::start(options, Arc::clone(&operator.rng), &Metrics::new("auth"))?;
    hasher.admit(None).map_err(|error| ManageError::from(Trouble::from(error)).into())
}

impl PasswordSource {
    fn password(&self) -> Result<Password, Failure> {
        Password::new(self.read()?).map_err(|error| wrong("the password", error))
    }

    fn read(&self) -> Result<SecretString, Failure> {
        match &self.password_file {
            Some(path) => secret_from_file(path),
            None => Ok(without_newline(io::read_to_string(io::stdin())?)),
        }
    }
}

async fn list(operator: &Operator, format: &Format) -> Result<(), Failure> {
    let mut users: Vec<User> = Vec::new();
    loop {
        let page = operator.list(None, users.last().map(|user| user.id), PAGE).await?;
        if page.is_empty() {
            break;
        }
        users.extend(page);
    }
    if format.json {
        return output::json(&users.iter().map(UserLine::from).collect::<Vec<_>>());
    }
    for user in &users {
        output::line(&described(user));
    }
    Ok(())
}

async fn make_invite(operator: &Operator, ttl: Duration, format: &Format) -> Result<(), Failure> {
    let made = invite(&*operator.users, &*operator.clock, &*operator.rng, ttl).await;
    let (code, invite) = made.map_err(|error| ManageError::from(Trouble::from(error)))?;
    let expires_at = invite.expires_at.rfc3339();
    if format.json {
        return output::json(&InviteLine { code: code.expose().to_owned(), expires_at });
    }
    output::line(&format!("{}  until {expires_at}", code.expose()));
    Ok(())
}

fn changed(user: &User, what: &str, format: &Format) -> Result<(), Failure> {
    if format.json {
        return output::json(&UserLine::from(user));
    }
    output::line(&format!("{what} {}", described(user)));
    Ok(())
}

fn described(user: &User) -> String {
    let email = user.email.as_ref().map_or("", Email::as_str);
    let state = if user.disabled { "  disabled" } else { "" };
    format!("{}  {}  {email}  [{}]{state}", user.id, user.username, user.roles.join(","))
}

fn identifier(text: &str) -> Result<Identifier, Failure> {
    Identifier::parse(text).ok_or_else(|| ManageError::NoSuchUser.into())
}

fn roles(names: Vec<String>) -> Result<Vec<String>, Failure> {
    checked_roles(names).map_err(|error| Failure::Input(error.to_string()))
}

fn wrong(what: &str, why: impl std::fmt::Display) -> Failure {
    Failure::Input(format!("{what} {why}"))
}
