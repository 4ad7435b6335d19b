//! The two services: prepared by their own commands, then started.

use std::process::Command;

use crate::Failure;
use crate::binaries::Binaries;
use crate::env_file::EnvFile;
use crate::instance::Instance;
use crate::process::{self, Launch};
use crate::settings::{self, ADMIN_PASSWORD, ADMIN_USERNAME, CLIENT, CLIENT_SECRET, Service};

/// The services' programs together with the settings they get.
pub struct Services<'a> {
    pub binaries: &'a Binaries,
    pub settings: &'a EnvFile,
    pub instance: &'a Instance,
}

impl Services<'_> {
    fn command(&self, service: Service, args: &[&str]) -> Command {
        let mut command = Command::new(self.binaries.of(service));
        command.args(args);
        settings::give(&mut command, service, self.settings, self.instance);
        command
    }

    fn run(&self, service: Service, args: &[&str], input: &str) -> Result<(), Failure> {
        let what = format!("`{} {}`", service.name(), args.join(" "));
        process::run_quietly(&what, &mut self.command(service, args), input).map(drop)
    }

    /// Brings both databases to the schema of these programs, and makes the admin and the client, unless there are such.
    pub fn migrate(&self) -> Result<(), Failure> {
        self.run(Service::Auth, &["migrate"], "")?;
        self.run(Service::Resource, &["migrate"], "")?;
        let (username, password) = (self.settings.get(ADMIN_USERNAME), self.settings.get(ADMIN_PASSWORD));
        let add = [
            "user",
            "add",
            "--username",
            username.unwrap_or_default(),
            "--roles",
            "admin",
            "--password-stdin",
            "--if-missing",
        ];
        self.run(Service::Auth, &add, password.unwrap_or_default())?;
        let add = [
            "client",
            "add",
            CLIENT,
            "--grants",
            "client_credentials,token_exchange",
            "--scope",
            "revocations:read users:deleted users:read notes:read",
            "--audiences",
            CLIENT,
            "--secret-file",
            "/dev/stdin",
            "--if-missing",
        ];
        self.run(Service::Auth, &add, self.settings.get(CLIENT_SECRET).unwrap_or_default())
    }

    pub fn launch(&self, service: Service) -> Launch {
        let name = service.name();
        Launch {
            name,
            command: self.command(service, &["serve"]),
            log: self.instance.log(name),
            pid_file: self.instance.pid_file(name),
            mark: format!("{} serve", self.binaries.of(service).display()),
        }
    }
}
