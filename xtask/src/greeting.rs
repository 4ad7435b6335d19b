//! What is shown once everything answers.

use crate::env_file::quoted;
use crate::instance::Instance;
use crate::settings::{ADMIN_PASSWORD, ADMIN_USERNAME, Urls};

pub fn text(instance: &Instance, urls: &Urls, foreground: bool) -> String {
    let env = instance.env_file();
    let stop =
        if foreground { "Ctrl-C stops it.".to_owned() } else { format!("`{}` stops it.", instance.command("down")) };
    let (where_it_is, own_addresses) = if urls.auth == urls.resource {
        (format!("Latchkey is ready at {}.", urls.auth), String::new())
    } else {
        let own = format!("  auth-service      {}\n  resource-service  {}\n", urls.auth, urls.resource);
        ("Latchkey is ready, without a gateway.".to_owned(), own)
    };
    format!(
        "
{where_it_is} {stop}
{own_addresses}  documentation     {docs}/docs
  admin             {ADMIN_USERNAME} and {ADMIN_PASSWORD} in {env}
  logs              {logs}

Try it:

{curl}
",
        docs = urls.auth,
        env = env.display(),
        logs = instance.log_dir().display(),
        curl = curl_lines(&quoted(&env.display().to_string()), urls),
    )
}

/// Two lines for a shell, in any folder: log in as the admin, then call the other service with the access token.
fn curl_lines(env: &str, urls: &Urls) -> String {
    let log_in = r#"curl -fsS "$AUTH_URL/auth/login" -H 'Content-Type: application/json' -d "{\"username\":\"$ADMIN_USERNAME\",\"password\":\"$ADMIN_PASSWORD\"}""#;
    let take_token = r#"sed 's/.*"access_token":"\([^"]*\)".*/\1/'"#;
    let whoami = format!(r#"curl {}/api/whoami -H "Authorization: Bearer $TOKEN""#, urls.resource);
    format!("TOKEN=$(. {env}; {log_in} | {take_token})\n{whoami}")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::text;
    use crate::instance::Instance;
    use crate::ports::Ports;
    use crate::settings::Urls;

    fn shown(port: u16, behind_gateway: bool, foreground: bool) -> String {
        let instance = Instance::of(Path::new("/my src"), Ports::plan(port).unwrap());
        text(&instance, &Urls::of(&instance, behind_gateway), foreground)
    }

    #[test]
    fn it_says_where_how_to_stop_and_what_to_paste() {
        let shown = shown(8080, true, true);
        assert!(shown.contains("ready at http://localhost:8080. Ctrl-C stops it."), "{shown}");
        assert!(shown.contains("TOKEN=$(. '/my src/.latchkey/env'; curl "), "{shown}");
        assert!(shown.contains("curl http://localhost:8080/api/whoami -H \"Authorization: Bearer $TOKEN\""), "{shown}");
    }

    #[test]
    fn a_detached_one_is_stopped_by_down_on_its_port() {
        assert!(shown(9000, true, false).contains("`cargo xtask down --port 9000` stops it."));
    }

    #[test]
    fn without_a_gateway_each_service_has_its_own_address() {
        let shown = shown(8080, false, true);
        assert!(
            shown.contains("http://localhost:8081/docs") && shown.contains("curl http://localhost:8082/api/whoami"),
            "{shown}"
        );
    }
}
