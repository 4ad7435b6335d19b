//! What an instance's `env` file holds, and which of it each service is given.

use std::env;
use std::ffi::OsString;
use std::process::Command;

use crate::Failure;
use crate::env_file::EnvFile;
use crate::instance::Instance;
use crate::secrets;

pub const ADMIN_USERNAME: &str = "ADMIN_USERNAME";
pub const ADMIN_PASSWORD: &str = "ADMIN_PASSWORD";

/// resource-service is a client of auth-service, from which it learns what was revoked and who goes by which name, and
/// where it gets tokens to act for users at the next resource service, which is itself.
pub const CLIENT: &str = Service::Resource.name();
pub const CLIENT_SECRET: &str = "SERVICE_CLIENT_SECRET";

/// Where the services are reached from outside: both behind the gateway, or each at its own port.
pub struct Urls {
    pub auth: String,
    pub resource: String,
}

impl Urls {
    pub fn of(instance: &Instance, behind_gateway: bool) -> Self {
        let ports = instance.ports;
        let [auth, resource] = if behind_gateway { [ports.gateway; 2] } else { [ports.auth, ports.resource] };
        Self { auth: format!("http://localhost:{auth}"), resource: format!("http://localhost:{resource}") }
    }
}

/// Reads the file and adds what is missing in it: everything at the first start, nothing later unless a release asks for more.
pub fn ensure(instance: &Instance, urls: &Urls) -> Result<EnvFile, Failure> {
    let path = instance.env_file();
    let mut file = EnvFile::read(&path)?;
    complete(&mut file, instance, urls)?;
    file.write(&path)?;
    Ok(file)
}

fn complete(file: &mut EnvFile, instance: &Instance, urls: &Urls) -> Result<(), Failure> {
    if file.values().next().is_none() {
        file.comment(
            "Made by `cargo xtask up` and kept from then on. Settings may be added; load it with: set -a; . FILE",
        );
    }
    // The one that makes the admin is the one that the shown lines log in with, so these two are taken over into the file.
    let chosen = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let sqlite = |service| format!("sqlite:{}", instance.database(service).display());
    let made_once = [
        ("JWT_SECRET", secrets::key()?),
        ("REFRESH_SECRET", secrets::key()?),
        ("AUTH_MASTER_KEY", secrets::key()?),
        (CLIENT_SECRET, secrets::key()?),
        (ADMIN_USERNAME, chosen(ADMIN_USERNAME).unwrap_or_else(|| "admin".to_owned())),
        (ADMIN_PASSWORD, chosen(ADMIN_PASSWORD).map_or_else(secrets::password, Ok)?),
        ("AUTH_DATABASE_URL", sqlite("auth")),
        ("RESOURCE_DATABASE_URL", sqlite("resource")),
        ("JWT_ISSUER", format!("http://localhost:{}", instance.ports.gateway)),
    ];
    for (name, value) in made_once {
        if file.get(name).is_none() {
            file.set(name, &value);
        }
    }
    for (name, url) in [("AUTH_URL", &urls.auth), ("RESOURCE_URL", &urls.resource)] {
        if file.get(name) != Some(url) {
            file.set(name, url);
        }
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq)]
pub enum Service {
    Auth,
    Resource,
}

impl Service {
    pub const ALL: [Self; 2] = [Self::Auth, Self::Resource];

    /// Of the package, its binary, its log and its process file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth-service",
            Self::Resource => "resource-service",
        }
    }

    pub fn internal_port(self, instance: &Instance) -> u16 {
        match self {
            Self::Auth => instance.ports.auth_internal,
            Self::Resource => instance.ports.resource_internal,
        }
    }

    /// A service is not shown what belongs to the other one or to the reader.
    fn may_see(self, name: &str) -> bool {
        let for_the_reader = name.starts_with("ADMIN_") || ["AUTH_URL", "RESOURCE_URL"].contains(&name);
        let of_the_other = match self {
            Self::Auth => ["RESOURCE_", "REVOCATION_", "SERVICE_"].iter().any(|prefix| name.starts_with(prefix)),
            Self::Resource => name.starts_with("AUTH_") || name.starts_with("REFRESH_") || name.starts_with("REDIS_"),
        };
        !for_the_reader && !of_the_other
    }

    fn binds(self, instance: &Instance) -> [(&'static str, u16); 2] {
        let ports = instance.ports;
        match self {
            Self::Auth => [("AUTH_BIND", ports.auth), ("AUTH_INTERNAL_BIND", ports.auth_internal)],
            Self::Resource => [("RESOURCE_BIND", ports.resource), ("RESOURCE_INTERNAL_BIND", ports.resource_internal)],
        }
    }

    /// Where the service finds its neighbours, unless it is told otherwise.
    fn neighbours(self, instance: &Instance) -> Vec<(&'static str, String)> {
        let ports = instance.ports;
        match self {
            // The gateway.
            Self::Auth => vec![("AUTH_TRUSTED_PROXIES", "127.0.0.1/32".to_owned())],
            Self::Resource => vec![
                ("REVOCATION_FEED_URL", format!("http://127.0.0.1:{}/internal/revocations", ports.auth_internal)),
                ("REVOCATION_STATE_FILE", instance.revocation_state().display().to_string()),
                ("SERVICE_TOKEN_URL", format!("http://127.0.0.1:{}/oauth/token", ports.auth)),
                ("SERVICE_CLIENT_ID", CLIENT.to_owned()),
                ("RESOURCE_PEER_URL", format!("http://127.0.0.1:{}", ports.resource)),
                ("JWT_JWKS_URL", format!("http://127.0.0.1:{}/.well-known/jwks.json", ports.auth)),
            ],
        }
    }
}

/// Gives the command this process's environment, and below it the file's values.
pub fn give(command: &mut Command, service: Service, file: &EnvFile, instance: &Instance) {
    let present = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    command.env("LOG_FORMAT", present("LOG_FORMAT").unwrap_or_else(|| "pretty".into()));
    for (name, value) in service.neighbours(instance).into_iter().filter(|(name, _)| present(name).is_none()) {
        command.env(name, value);
    }
    for (name, value) in from_file(file, service, present) {
        command.env(name, value);
    }
    for (name, port) in service.binds(instance) {
        command.env(name, format!("127.0.0.1:{port}"));
    }
}

/// The values of the file that the service may see and the environment does not set, be it as NAME or as `NAME_FILE`.
fn from_file(
    file: &EnvFile,
    service: Service,
    present: impl Fn(&str) -> Option<OsString>,
) -> impl Iterator<Item = (&str, &str)> {
    file.values().filter(move |(name, _)| {
        service.may_see(name) && present(name).is_none() && present(&format!("{name}_FILE")).is_none()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::{Service, Urls, complete, from_file};
    use crate::env_file::EnvFile;
    use crate::instance::Instance;
    use crate::ports::Ports;

    fn first_start() -> (Instance, EnvFile) {
        let instance = Instance::of(Path::new("/src"), Ports::plan(9000).unwrap());
        let mut file = EnvFile::default();
        complete(&mut file, &instance, &Urls::of(&instance, true)).unwrap();
        (instance, file)
    }

    fn seen_by(service: Service, file: &EnvFile, environment: &[&str]) -> BTreeSet<String> {
        let present = |name: &str| environment.contains(&name).then(|| "x".into());
        from_file(file, service, present).map(|(name, _)| name.to_owned()).collect()
    }

    #[test]
    fn the_first_start_makes_everything_and_the_next_ones_keep_it() {
        let (instance, file) = first_start();
        assert_eq!(file.get("AUTH_DATABASE_URL"), Some("sqlite:/src/.latchkey/9000/auth.db"));
        assert_eq!(file.get("JWT_ISSUER"), Some("http://localhost:9000"));
        assert_eq!(file.get("RESOURCE_URL"), Some("http://localhost:9000"));
        assert_ne!(file.get("JWT_SECRET"), file.get("REFRESH_SECRET"));

        let (_, mut again) = first_start();
        assert_ne!(again, file);
        let before = again.values().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
        complete(&mut again, &instance, &Urls::of(&instance, true)).unwrap();
        assert_eq!(again.values().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>(), before);
    }

    #[test]
    fn without_a_gateway_the_urls_are_the_services_own() {
        let (instance, mut file) = first_start();
        complete(&mut file, &instance, &Urls::of(&instance, false)).unwrap();
        assert_eq!(file.get("AUTH_URL"), Some("http://localhost:9001"));
        assert_eq!(file.get("RESOURCE_URL"), Some("http://localhost:9002"));
    }

    #[test]
    fn a_service_sees_its_own_settings_and_the_shared_ones() {
        let (_, file) = first_start();
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let auth = names(&["AUTH_DATABASE_URL", "AUTH_MASTER_KEY", "JWT_ISSUER", "JWT_SECRET", "REFRESH_SECRET"]);
        assert_eq!(seen_by(Service::Auth, &file, &[]), auth);
        let resource = names(&["JWT_ISSUER", "JWT_SECRET", "RESOURCE_DATABASE_URL", "SERVICE_CLIENT_SECRET"]);
        assert_eq!(seen_by(Service::Resource, &file, &[]), resource);
    }

    #[test]
    fn the_environment_wins_also_when_it_names_a_file() {
        let (_, file) = first_start();
        let seen = seen_by(Service::Auth, &file, &["JWT_SECRET_FILE", "REFRESH_SECRET"]);
        assert!(!seen.contains("JWT_SECRET") && !seen.contains("REFRESH_SECRET"), "{seen:?}");
    }
}
