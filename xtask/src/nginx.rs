//! The gateway outside a container: its configuration filled in, tested, and started.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::instance::Instance;
use crate::process::{self, Launch};

pub const NAME: &str = "nginx";

pub fn launch(nginx: &Path, root: &Path, instance: &Instance) -> Result<Launch, Failure> {
    let run_dir = instance.nginx_dir();
    let configuration = render(&root.join("nginx"), &run_dir, instance)?;
    let command = || {
        let mut command = Command::new(nginx);
        command.arg("-e").arg(run_dir.join("nginx-error.log")).arg("-c").arg(&configuration);
        command
    };
    process::run_quietly("The test of the gateway's configuration (nginx -t)", command().arg("-t"), "")?;
    let mut serve = command();
    serve.args(["-g", "daemon off;"]);
    Ok(Launch {
        name: NAME,
        command: serve,
        log: instance.log(NAME),
        pid_file: instance.pid_file(NAME),
        mark: configuration.display().to_string(),
    })
}

/// Fills in every template of `templates` and returns the main file.
fn render(templates: &Path, run_dir: &Path, instance: &Instance) -> Result<PathBuf, Failure> {
    let failed =
        |error: std::io::Error| Failure::new(format!("The gateway's configuration could not be made: {error}."));
    let values = [
        ("LATCHKEY_PORT", instance.ports.gateway.to_string()),
        ("AUTH_UPSTREAM", format!("127.0.0.1:{}", instance.ports.auth)),
        ("RESOURCE_UPSTREAM", format!("127.0.0.1:{}", instance.ports.resource)),
        ("LATCHKEY_RUN", run_dir.display().to_string()),
        ("LATCHKEY_NGINX", templates.display().to_string()),
    ];
    fs::create_dir_all(run_dir).map_err(failed)?;
    for entry in fs::read_dir(templates).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "template") {
            let text = fill_in(&fs::read_to_string(&path).map_err(failed)?, &values);
            let rendered = path.file_stem().unwrap_or_default();
            fs::write(run_dir.join(rendered), text).map_err(failed)?;
        }
    }
    Ok(run_dir.join("nginx.conf"))
}

/// Replaces `${NAME}`. nginx's own variables are written `$name` and stay.
fn fill_in(template: &str, values: &[(&str, String)]) -> String {
    values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(&format!("${{{name}}}"), value))
}

#[cfg(test)]
mod tests {
    use super::fill_in;

    #[test]
    fn placeholders_are_replaced_and_nginx_keeps_its_variables() {
        let values = [("LATCHKEY_PORT", "8080".to_owned()), ("LATCHKEY_RUN", "/run".to_owned())];
        let text = fill_in("listen ${LATCHKEY_PORT}; pid \"${LATCHKEY_RUN}/pid\"; return 302 $uri;", &values);
        assert_eq!(text, "listen 8080; pid \"/run/pid\"; return 302 $uri;");
    }
}
