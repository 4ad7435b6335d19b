//! What the gateway does on its own.

use serde_json::json;

use super::client::text;
use super::person::Person;
use super::stack::Gateway;
use super::{Scene, ensure};
use crate::Failure;

/// The headers of a script in the front end, whose user is logged in with a session.
fn front_end(scene: &Scene) -> Result<[(&'static str, String); 3], Failure> {
    let Person { username, password } = Person::register(&scene.client)?;
    let login = json!({ "username": username, "password": password, "mode": "session" });
    let answer = scene.client.post("/auth/login", None, &login)?;
    let csrf_token = text(&answer.expect(200)?, "csrf_token")?;
    let cookies = answer.cookies();
    cookies.split("; ").filter_map(|pair| pair.split_once('=')).for_each(|(_, value)| scene.client.remember(value));
    Ok([("Cookie", cookies), ("X-CSRF-Token", csrf_token), ("Sec-Fetch-Site", "same-origin".to_owned())])
}

pub fn a_session_is_a_token_for_services(scene: &Scene) -> Result<(), Failure> {
    let headers = front_end(scene)?;
    let with_body = [&headers[..], &[("Content-Type", "application/json".to_owned())]].concat();
    let ask = |method: &str, path: &str| scene.client.send(method, path, &headers, None);
    ask("GET", "/api/whoami")?.expect(200)?;
    let note = json!({ "title": "from a browser", "body": "" }).to_string().into_bytes();
    scene.client.send("POST", "/api/notes", &with_body, Some(note.clone()))?.expect(201)?;
    let without = [("Cookie", headers[0].1.clone()), ("Content-Type", "application/json".to_owned())];
    scene.client.send("POST", "/api/notes", &without, Some(note))?.expect_problem(403, "csrf_failed")?;
    ask("POST", "/auth/logout")?.expect(204)?;
    ask("DELETE", "/api/notes/none")?.expect_problem(401, "login_required").map(drop)
}

pub fn a_folder_and_an_app_are_behind_the_login(scene: &Scene) -> Result<(), Failure> {
    let headers = front_end(scene)?;
    for path in ["/protected/", "/legacy/"] {
        scene.client.get(path, None)?.expect_problem(401, "missing_token")?;
        let page = scene.client.send("GET", path, &headers, None)?;
        ensure(page.status == 200, || format!("{page} instead of 200"))?;
        let person = [("Accept", "text/html".to_owned())];
        let sent = scene.client.send("GET", path, &person, None)?;
        let (to, login) = (sent.header("Location"), format!("/?next={path}"));
        match scene.stack.gateway {
            Gateway::Nginx => {
                ensure(sent.status == 302 && to == Some(&*login), || format!("{sent} and leads to {to:?}"))?;
            }
            Gateway::Envoy => sent.expect_problem(401, "missing_token").map(drop)?,
        }
    }
    Ok(())
}

pub fn a_request_keeps_its_id(scene: &Scene) -> Result<(), Failure> {
    let with_id = |path: &str, id: &str| scene.client.send("GET", path, &[("X-Request-Id", id.to_owned())], None);
    for path in ["/api/whoami", "/auth/me", "/nowhere"] {
        let answer = with_id(path, "e2e.Request_1-a")?;
        let id = answer.header("X-Request-Id");
        ensure(id == Some("e2e.Request_1-a"), || format!("{answer} with the id {id:?}"))?;
        let replaced = with_id(path, "not an id")?;
        let id = replaced.header("X-Request-Id").unwrap_or_default();
        ensure(id.len() == 32, || format!("{replaced} with the id {id:?}"))?;
    }
    Ok(())
}

pub fn internal_addresses_do_not_exist(scene: &Scene) -> Result<(), Failure> {
    let paths = [
        "/internal/revocations",
        "/auth/verify",
        "/auth/%76erify",
        "/_verify",
        "/livez",
        "/readyz",
        "/metrics",
        "/nowhere",
    ];
    for path in paths {
        scene.client.get(path, None)?.expect_problem(404, "not_found")?;
    }
    scene.client.get("/healthz", None)?.expect(200).map(drop)
}

pub fn a_body_that_is_too_large_is_refused(scene: &Scene) -> Result<(), Failure> {
    for (path, size) in [("/auth/login", 17 << 10), ("/api/notes", (1 << 20) + 1)] {
        let headers = [("Content-Type", "application/json".to_owned())];
        scene.client.send("POST", path, &headers, Some(vec![b' '; size]))?.expect_problem(413, "payload_too_large")?;
    }
    Ok(())
}

/// With bodies that cost no password hash, so that they come faster than the limit allows.
pub fn too_many_logins_are_refused(scene: &Scene) -> Result<(), Failure> {
    const ENOUGH: usize = 100;
    for _ in 0..ENOUGH {
        let answer = scene.client.post("/auth/login", None, &json!({}))?;
        if answer.status == 429 {
            return answer.expect_problem(429, "rate_limited").map(drop);
        }
        ensure(answer.status == 400, || format!("{answer} instead of 400 or 429"))?;
    }
    Err(Failure::new(format!("{ENOUGH} logins in a row were let through")))
}
