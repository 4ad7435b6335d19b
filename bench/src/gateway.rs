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
    _program: Service,
    _folder: TempDir,
}

impl Gateway {
    /// nginx, with the templates of `root`.
    pub fn nginx(program: &Path, root: &Path, stack: &Stack, stop: &StopRequest) -> Result<Self, Failure> {
        let templates = root.join("nginx");
        Self::start(stop, |folder, port| {
            let values = [
                ("${LATCHKEY_PORT}", port.to_string()),
                ("${AUTH_UPSTREAM}", place(&stack.auth)),
                ("${RESOURCE_UPSTREAM}", place(&stack.resource)),
                ("${LATCHKEY_RUN}", folder.display().to_string()),
                ("${AUTH_INTERNAL_UPSTREAM}", place(&stack.auth_internal)),
                // Nobody asks for these.
                ("${LEGACY_UPSTREAM}", "127.0.0.1:9".to_owned()),
                ("${LATCHKEY_WEB}", folder.display().to_string()),
            ];
            fill_in(&templates, folder, &values).map_err(Failure::during("nginx' configuration cannot be written"))?;
            let mut command = Command::new(program);
            command.arg("-e").arg(folder.join("nginx-error.log")).arg("-c").arg(folder.join("nginx.conf"));
            command.args(["-g", "daemon off;"]);
            Ok(command)
        })
    }

    /// Envoy, by its own script in `root`.
    pub fn envoy(program: &Path, root: &Path, stack: &Stack, stop: &StopRequest) -> Result<Self, Failure> {
        Self::start(stop, |folder, port| {
            let mut command = Command::new("sh");
            command.arg(root.join("envoy/start.sh"));
            command.env("ENVOY", program).env("LATCHKEY_RUN", folder).env("LATCHKEY_PORT", port.to_string());
            command.env("LATCHKEY_ACCESS_LOG", folder.join("envoy-access.log"));
            command.env("AUTH_UPSTREAM", place(&stack.auth)).env("RESOURCE_UPSTREAM", place(&stack.resource));
            command.env("AUTH_INTERNAL_UPSTREAM", place(&stack.auth_internal));
            Ok(command)
        })
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
        let gateway = Self { url: format!("http://127.0.0.1:{port}"), _program: program, _folder: folder };
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
