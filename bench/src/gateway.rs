//! A gateway in front of the services, with the configuration that is shipped, on a free port.

use std::{fs, io, path::Path, process::Command};

use tempfile::TempDir;

use crate::{
    failure::Failure,
    stack::{Service, Stack, ports, serve, wait_until_ready},
    stop_request::StopRequest,
};

/// A gateway. It ends with this.
#[derive(Debug)]
pub struct Gateway {
    /// Where it answers.
    pub url: String,
    program: Service,
    _folder: TempDir,
}

/// Whom a gateway passes requests on to: host and port of each.
#[derive(Debug, Clone)]
pub struct Upstreams {
    /// auth-service.
    pub auth: String,
    /// Its internal addresses.
    pub auth_internal: String,
    /// resource-service, or what takes its place.
    pub resource: String,
}

impl Upstreams {
    /// Both services.
    pub fn of(stack: &Stack) -> Self {
        let [auth, auth_internal, resource] =
            [&stack.auth, &stack.auth_internal, &stack.resource].map(|url| place(url));
        Self { auth, auth_internal, resource }
    }
}

/// Whether nginx keeps what auth-service has said of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyCache {
    /// For a second, as it is shipped.
    Shipped,
    /// It asks for every request.
    Off,
}

impl Gateway {
    /// nginx, with the templates of `root`.
    pub fn nginx(
        program: &Path,
        root: &Path,
        upstreams: &Upstreams,
        cache: VerifyCache,
        stop: &StopRequest,
    ) -> Result<Self, Failure> {
        let templates = root.join("nginx");
        Self::start(stop, |folder, port| {
            let values = [
                ("${LATCHKEY_PORT}", port.to_string()),
                ("${AUTH_UPSTREAM}", upstreams.auth.clone()),
                ("${RESOURCE_UPSTREAM}", upstreams.resource.clone()),
                ("${LATCHKEY_RUN}", folder.display().to_string()),
                ("${AUTH_INTERNAL_UPSTREAM}", upstreams.auth_internal.clone()),
                // Nobody asks for these.
                ("${LEGACY_UPSTREAM}", "127.0.0.1:9".to_owned()),
                ("${LATCHKEY_WEB}", folder.display().to_string()),
            ];
            let not_written = || Failure::during("nginx' configuration cannot be written");
            fill_in(&templates, folder, &values).map_err(not_written())?;
            if cache == VerifyCache::Off {
                let path = folder.join("server/verified.conf");
                let text = fs::read_to_string(&path).map_err(not_written())?;
                fs::write(path, text.replace("proxy_cache verified;", "proxy_cache off;")).map_err(not_written())?;
            }
            let mut command = Command::new(program);
            command.arg("-e").arg(folder.join("nginx-error.log")).arg("-c").arg(folder.join("nginx.conf"));
            command.args(["-g", "daemon off;"]);
            Ok(command)
        })
    }

    /// Envoy, by its own script in `root`.
    pub fn envoy(program: &Path, root: &Path, upstreams: &Upstreams, stop: &StopRequest) -> Result<Self, Failure> {
        Self::start(stop, |folder, port| {
            let mut command = Command::new("sh");
            command.arg(root.join("envoy/start.sh"));
            command.env("ENVOY", program).env("LATCHKEY_RUN", folder).env("LATCHKEY_PORT", port.to_string());
            command.env("LATCHKEY_ACCESS_LOG", folder.join("envoy-access.log"));
            command.env("AUTH_UPSTREAM", &upstreams.auth).env("RESOURCE_UPSTREAM", &upstreams.resource);
            command.env("AUTH_INTERNAL_UPSTREAM", &upstreams.auth_internal);
            Ok(command)
        })
    }

    /// Its process.
    pub fn process(&self) -> u32 {
        self.program.process()
    }

    fn start(
        stop: &StopRequest,
        command: impl FnOnce(&Path, u16) -> Result<Command, Failure>,
    ) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new()
            .prefix("latchkey-bench-gateway-")
            .tempdir()
            .map_err(Failure::during("A folder cannot be made"))?;
        let [port] = ports()?;
        let program = serve(command(folder.path(), port)?, &folder.path().join("output.log"))?;
        let gateway = Self { url: format!("http://127.0.0.1:{port}"), program, _folder: folder };
        wait_until_ready(&format!("{}/healthz", gateway.url), stop)?;
        Ok(gateway)
    }
}

/// Host and port of a URL.
fn place(url: &str) -> String {
    url.trim_start_matches("http://").to_owned()
}

/// The configuration as it is shipped, with its placeholders filled in.
fn fill_in(from: &Path, to: &Path, values: &[(&str, String)]) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let Some(name) = path.file_name() else { continue };
        if path.is_dir() {
            fill_in(&path, &to.join(name), values)?;
        } else if path.extension().is_some_and(|extension| extension == "template") {
            let text = values.iter().fold(fs::read_to_string(&path)?, |text, (name, value)| text.replace(name, value));
            fs::write(to.join(path.file_stem().unwrap_or(name)), text)?;
        } else {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}
