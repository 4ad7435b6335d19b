//! What the gateway does on its own.

use serde_json::json;

use super::{Scene, ensure};
use crate::Failure;

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
    let paths =
        ["/internal/revocations", "/auth/verify", "/auth/%76erify", "/livez", "/readyz", "/metrics", "/nowhere"];
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
