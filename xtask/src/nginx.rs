//! The gateway outside a container: its configuration filled in, tested, and started.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::getuid;

use crate::Failure;
use crate::instance::Instance;
use crate::process::{self, Launch};

pub const NAME: &str = "nginx";

/// Where nginx keeps auth-service's answers for a second, with the credentials that they are about.
const VERIFIED: &str = "nginx-verified";

pub fn launch(nginx: &Path, root: &Path, instance: &Instance) -> Result<Launch, Failure> {
    let run_dir = instance.nginx_dir();
    let configuration = render(root, &run_dir, instance)?;
    let command = || {
        let mut command = Command::new(nginx);
        command.arg("-e").arg(run_dir.join("nginx-error.log")).arg("-c").arg(&configuration);
        command
    };
    process::run_quietly("The test of the gateway's configuration (nginx -t)", command().arg("-t"), "")?;
    let mut serve = command();
    serve.args(["-g", directives()]);
    Ok(Launch {
        name: NAME,
        command: serve,
        log: instance.log(NAME),
        pid_file: instance.pid_file(NAME),
        mark: configuration.display().to_string(),
    })
}

/// Deletes the credentials that nginx has kept. Once it is gone nobody else does, and a start begins without.
pub fn forget(run_dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(run_dir.join(VERIFIED)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

/// nginx started as root gives its workers another user, who may be unable to read the files that they serve.
fn directives() -> &'static str {
    if getuid().is_root() { "daemon off; user root;" } else { "daemon off;" }
}

/// Writes the whole configuration to `run_dir`, with every template filled in, and returns the main file.
fn render(root: &Path, run_dir: &Path, instance: &Instance) -> Result<PathBuf, Failure> {
    let failed = |error: io::Error| Failure::new(format!("The gateway's configuration could not be made: {error}."));
    let local = |port: u16| format!("127.0.0.1:{port}");
    let values = [
        ("LATCHKEY_PORT", instance.ports.gateway.to_string()),
        ("AUTH_UPSTREAM", local(instance.ports.auth)),
        ("AUTH_INTERNAL_UPSTREAM", local(instance.ports.auth_internal)),
        ("RESOURCE_UPSTREAM", local(instance.ports.resource)),
        ("LEGACY_UPSTREAM", local(instance.ports.legacy_app)),
        ("LATCHKEY_RUN", run_dir.display().to_string()),
        ("LATCHKEY_WEB", root.join("web").display().to_string()),
    ];
    forget(run_dir).map_err(failed)?;
    copy(&root.join("nginx"), run_dir, &values).map_err(failed)?;
    Ok(run_dir.join("nginx.conf"))
}

fn copy(from: &Path, to: &Path, values: &[(&str, String)]) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        if path.is_dir() {
            copy(&path, &to.join(path.file_name().unwrap_or_default()), values)?;
        } else if path.extension().is_some_and(|extension| extension == "template") {
            let text = fill_in(&fs::read_to_string(&path)?, values);
            fs::write(to.join(path.file_stem().unwrap_or_default()), text)?;
        } else {
            fs::copy(&path, to.join(path.file_name().unwrap_or_default()))?;
        }
    }
    Ok(())
}

/// Replaces `${NAME}`. nginx's own variables are written `$name` and stay.
fn fill_in(template: &str, values: &[(&str, String)]) -> String {
    values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(&format!("${{{name}}}"), value))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{fill_in, render};
    use crate::instance::Instance;
    use crate::ports::Ports;

    #[test]
    fn placeholders_are_replaced_and_nginx_keeps_its_variables() {
        let values = [("LATCHKEY_PORT", "8080".to_owned()), ("LATCHKEY_RUN", "/run".to_owned())];
        let text = fill_in("listen ${LATCHKEY_PORT}; pid \"${LATCHKEY_RUN}/pid\"; return 302 $uri;", &values);
        assert_eq!(text, "listen 8080; pid \"/run/pid\"; return 302 $uri;");
    }

    #[test]
    fn a_start_leaves_no_credential_of_the_one_before_and_no_placeholder() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let folder = std::env::temp_dir().join(format!("latchkey-xtask-nginx-{}", std::process::id()));
        let kept = folder.join("nginx-verified/kept");
        fs::create_dir_all(kept.parent().unwrap()).unwrap();
        fs::write(&kept, "a credential").unwrap();
        let instance = Instance::of(root, Ports::plan(9000).unwrap());
        let main = render(root, &folder, &instance).unwrap();
        assert!(!kept.exists());
        for name in ["nginx.conf", "upstreams-static.conf", "sent-on.conf", "server/verified.conf"] {
            let text = fs::read_to_string(folder.join(name)).unwrap();
            assert!(!text.contains("${LATCHKEY_PORT}") && !text.contains("_UPSTREAM}"), "{name}");
        }
        assert!(fs::read_to_string(main).unwrap().contains("listen 127.0.0.1:9000;"));
        fs::remove_dir_all(folder).unwrap();
    }
}
