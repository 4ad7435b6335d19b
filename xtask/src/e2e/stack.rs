//! The stack under test: a compose project of its own, on a port of its own, so that it disturbs no other.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::Failure;
use crate::ports;
use crate::process::run_quietly;
use crate::stop_request::StopRequest;

pub struct Stack<'a> {
    pub gateway: Gateway,
    root: &'a Path,
    project: String,
    port: u16,
    stop: &'a StopRequest,
}

/// What stands in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gateway {
    Nginx,
    Envoy,
}

impl Gateway {
    pub const ALL: [Self; 2] = [Self::Nginx, Self::Envoy];

    /// As its service is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Envoy => "envoy",
        }
    }

    /// Together they are the stack.
    const fn compose_files(self) -> &'static [&'static str] {
        match self {
            Self::Nginx => &["docker-compose.yml"],
            Self::Envoy => &["docker-compose.yml", "envoy/compose.yml"],
        }
    }
}

/// How many replicas the steps find.
pub struct Replicas {
    pub auth_replicas: usize,
    pub resource_replicas: usize,
}

pub const UP: Replicas = Replicas { auth_replicas: 2, resource_replicas: 3 };

/// What `docker inspect` says of a container.
pub struct Container {
    pub id: String,
    pub name: String,
    pub service: String,
    /// In the network that the gateway is in; empty for those that are not.
    pub address: String,
    /// The container's ports that can be reached from the machine.
    pub published: Vec<String>,
    /// It writes to no file of its image, has no capability, and gains none.
    pub confined: bool,
    pub running: bool,
    pub restarts: u64,
}

pub fn check_engine() -> Result<(), Failure> {
    let asked = |args: &[&str]| run_quietly("docker", Command::new("docker").args(args), "");
    asked(&["compose", "version"]).map_err(|_| {
        Failure::new("Docker with its Compose plugin is not installed.")
            .remedy("Install both: https://docs.docker.com/engine/install/ (Compose 2.20 or newer).")
    })?;
    asked(&["info"]).map(drop).map_err(|_| {
        Failure::new("The Docker engine does not answer.")
            .remedy("Start it (`systemctl start docker`), and see that this user may use it: `docker info`.")
    })
}

impl<'a> Stack<'a> {
    /// One project a working copy: images that are built once are found again, and two copies do not meet.
    pub fn new(root: &'a Path, gateway: Gateway, stop: &'a StopRequest) -> Result<Self, Failure> {
        let mut hasher = DefaultHasher::new();
        root.hash(&mut hasher);
        Ok(Self {
            gateway,
            root,
            project: format!("latchkey-e2e-{:08x}", hasher.finish() >> 32),
            port: ports::free()?,
            stop,
        })
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn give_up_if_asked(&self) -> Result<(), Failure> {
        self.stop.give_up_if_asked()
    }

    /// One after the other: the next finds the work of the first done. Side by side, Docker's classic builder would
    /// do it twice.
    pub fn build(&self) -> Result<(), Failure> {
        ["auth-service", "resource-service", "legacy-app"].into_iter().try_for_each(|service| self.build_image(service))
    }

    fn build_image(&self, service: &str) -> Result<(), Failure> {
        let mut command = self.compose_command();
        let child = command.args(["build", service]).stdin(Stdio::null()).spawn();
        let mut child = child.map_err(|error| Failure::new(format!("docker could not be started: {error}.")))?;
        loop {
            if let Ok(Some(status)) = child.try_wait() {
                let otherwise = || Failure::new(format!("The image of {service} could not be built."));
                return status.success().then_some(()).ok_or_else(otherwise);
            }
            if let Err(interrupted) = self.stop.give_up_if_asked() {
                if let Some(pid) = Pid::from_raw(child.id().cast_signed()) {
                    // It may have ended just now, which is as well.
                    _ = kill_process(pid, Signal::INT);
                }
                _ = child.wait();
                return Err(interrupted);
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Until everything is healthy.
    pub fn up(&self) -> Result<(), Failure> {
        self.scale(UP.auth_replicas, UP.resource_replicas)
    }

    pub fn scale(&self, auth_replicas: usize, resource_replicas: usize) -> Result<(), Failure> {
        let [auth, resource] =
            [format!("auth-service={auth_replicas}"), format!("resource-service={resource_replicas}")];
        let args =
            ["up", "--detach", "--no-build", "--wait", "--wait-timeout", "180", "--scale", &auth, "--scale", &resource];
        self.compose(&args).map(drop)
    }

    /// With its volumes. In a process group of its own: a Ctrl-C must not reach it.
    pub fn remove(&self) -> Result<(), Failure> {
        let mut command = self.compose_command();
        command.args(["down", "--volumes", "--remove-orphans", "--timeout", "5"]).process_group(0);
        run_quietly("docker compose down", &mut command, "").map(drop)
    }

    pub fn how_to_remove(&self) -> String {
        format!("docker compose -p {} down --volumes", self.project)
    }

    pub fn compose(&self, args: &[&str]) -> Result<String, Failure> {
        let what = format!("docker compose {}", args.join(" "));
        run_quietly(&what, self.compose_command().args(args), "")
    }

    /// Runs a command in a container of the service, with this on its standard input.
    pub fn exec(&self, service: &str, command: &[&str], input: &str) -> Result<String, Failure> {
        let mut exec = self.compose_command();
        exec.args(["exec", "-T", service]).args(command);
        run_quietly(&format!("{} in {service}", command.join(" ")), &mut exec, input)
    }

    pub fn docker(&self, args: &[&str]) -> Result<String, Failure> {
        run_quietly(&format!("docker {}", args.join(" ")), Command::new("docker").args(args).current_dir(self.root), "")
    }

    /// Gracefully, and waits until it is healthy again.
    pub fn restart(&self, container: &Container) -> Result<(), Failure> {
        self.docker(&["restart", "--timeout", "30", &container.id])?;
        self.wait_until_healthy(container)
    }

    pub fn wait_until_healthy(&self, container: &Container) -> Result<(), Failure> {
        const PATIENCE: Duration = Duration::from_mins(1);
        let begun = Instant::now();
        loop {
            let health = self.docker(&["inspect", "--format", "{{.State.Health.Status}}", &container.id])?;
            if health == "healthy" {
                return Ok(());
            }
            self.stop.give_up_if_asked()?;
            if begun.elapsed() > PATIENCE {
                return Err(Failure::new(format!("{} is {health} for a minute", container.name)));
            }
            thread::sleep(Duration::from_millis(200));
        }
    }

    pub fn containers(&self, service: &str) -> Result<Vec<Container>, Failure> {
        Ok(self.every_container()?.into_iter().filter(|container| container.service == service).collect())
    }

    pub fn every_container(&self) -> Result<Vec<Container>, Failure> {
        let inspection = self.inspection()?;
        let containers: Vec<Value> = serde_json::from_str(&inspection)
            .map_err(|error| Failure::new(format!("docker inspect cannot be understood: {error}.")))?;
        Ok(containers.iter().map(|container| read_container(container, &self.project)).collect())
    }

    /// All that `docker inspect` has to say about the containers.
    pub fn inspection(&self) -> Result<String, Failure> {
        let ids = self.compose(&["ps", "--all", "--quiet"])?;
        let mut args = vec!["inspect"];
        args.extend(ids.lines());
        self.docker(&args)
    }

    /// Of all replicas, as they were printed.
    pub fn logs(&self, service: &str) -> Result<String, Failure> {
        let mut logs = self.compose_command();
        logs.args(["logs", "--no-color", "--no-log-prefix", service]);
        run_quietly("docker compose logs", &mut logs, "")
    }

    /// Every random secret in the volumes.
    pub fn secrets(&self) -> Result<BTreeSet<String>, Failure> {
        let read = ["run", "--rm", "--no-deps", "-T", "--entrypoint", "/bin/sh", "secrets", "-c", "cat /secrets/*/*"];
        Ok(secrets_in(&self.compose(&read)?))
    }

    /// The end of every log, for somebody who has to find out what went wrong.
    pub fn last_words(&self) -> String {
        self.compose(&["logs", "--no-color", "--tail", "15"]).unwrap_or_else(|failure| failure.to_string())
    }

    fn compose_command(&self) -> Command {
        let mut command = Command::new("docker");
        command
            .current_dir(self.root)
            .args(["compose", "--progress", "quiet", "--project-name", &self.project])
            .args(self.gateway.compose_files().iter().flat_map(|file| ["--file", file]))
            // What the person at the terminal has set for their own stack is not for this one.
            .args(["--env-file", "/dev/null"])
            .env("LATCHKEY_PORT", self.port.to_string());
        for name in ["LATCHKEY_URL", "AUTH_REGISTRATION", "LOG_LEVEL", "COMPOSE_FILE", "COMPOSE_PROFILES"] {
            command.env_remove(name);
        }
        command
    }
}

fn read_container(inspected: &Value, project: &str) -> Container {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let published = inspected["NetworkSettings"]["Ports"].as_object().into_iter().flatten();
    Container {
        id: text(&inspected["Id"]),
        name: text(&inspected["Name"]).trim_start_matches('/').to_owned(),
        service: text(&inspected["Config"]["Labels"]["com.docker.compose.service"]),
        address: text(&inspected["NetworkSettings"]["Networks"][format!("{project}_gateway")]["IPAddress"]),
        published: published
            .filter(|(_, on_machine)| on_machine.as_array().is_some_and(|ports| !ports.is_empty()))
            .map(|(port, _)| port.clone())
            .collect(),
        confined: inspected["HostConfig"]["ReadonlyRootfs"] == true
            && inspected["HostConfig"]["CapDrop"] == json!(["ALL"])
            && inspected["HostConfig"]["SecurityOpt"] == json!(["no-new-privileges:true"]),
        running: inspected["State"]["Running"] == true,
        restarts: inspected["RestartCount"].as_u64().unwrap_or_default(),
    }
}

/// The files hold 32 bytes each, in hexadecimal or base64url, some of them inside URLs.
fn secrets_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_')));
    words.filter(|word| matches!(word.len(), 64 | 43)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{read_container, secrets_in};

    #[test]
    fn a_container_is_read_from_what_docker_inspect_says() {
        let container = read_container(
            &json!({
                "Id": "abc",
                "Name": "/p-nginx-1",
                "RestartCount": 2,
                "State": { "Running": true },
                "HostConfig": {
                    "ReadonlyRootfs": true, "CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges:true"],
                },
                "Config": { "Labels": { "com.docker.compose.service": "nginx" } },
                "NetworkSettings": {
                    "Ports": { "80/tcp": null, "81/tcp": [], "8080/tcp": [{ "HostIp": "0.0.0.0", "HostPort": "9000" }] },
                    "Networks": { "p_gateway": { "IPAddress": "172.18.0.2" } },
                },
            }),
            "p",
        );
        assert_eq!(
            (container.id.as_str(), container.name.as_str(), container.service.as_str()),
            ("abc", "p-nginx-1", "nginx")
        );
        assert_eq!((container.address.as_str(), container.running, container.restarts), ("172.18.0.2", true, 2));
        assert!(container.confined);
        assert_eq!(container.published, ["8080/tcp"]);
    }

    #[test]
    fn secrets_are_found_inside_urls() {
        let [one, other] = ["0123456789abcdef".repeat(4), "fedcba9876543210".repeat(4)];
        let found = secrets_in(&format!("{one}\npostgres://auth:{other}@postgres:5432/auth\nrequirepass {one}\n"));
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [one, other]);
    }
}
