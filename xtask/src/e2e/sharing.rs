//! What services do together.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::client::text;
use super::person::Person;
use super::{Scene, ensure};
use crate::Failure;

/// Logs arrive soon, not at once.
const PATIENCE: Duration = Duration::from_secs(10);

pub fn a_note_is_shared_by_name_in_one_trace(scene: &Scene) -> Result<(), Failure> {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let client = &scene.client;
    let owner = Person::register(client)?.log_in(client)?;
    let reader = Person::register(client)?;
    let reading = reader.log_in(client)?;
    let note = client.post("/api/notes", Some(&owner.access_token), &json!({ "title": "Sums", "body": "1 + 1" }))?;
    let path = format!("/api/notes/{}", text(&note.expect(201)?, "id")?);
    client.get(&path, Some(&reading.access_token))?.expect_problem(404, "not_found")?;

    let headers = [
        ("Authorization", format!("Bearer {}", owner.access_token)),
        ("Content-Type", "application/json".to_owned()),
        ("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01")),
    ];
    let body = json!({ "username": reader.username }).to_string().into_bytes();
    client.send("POST", &format!("{path}/shares"), &headers, Some(body))?.expect(201)?;
    client.get(&path, Some(&reading.access_token))?.expect(200)?;

    let asked = Instant::now();
    for service in [scene.stack.gateway.name(), "resource-service", "auth-service"] {
        while !scene.stack.logs(service)?.contains(TRACE) {
            ensure(asked.elapsed() < PATIENCE, || format!("the log of {service} does not name the trace"))?;
            thread::sleep(Duration::from_millis(200));
        }
    }
    Ok(())
}

pub fn a_service_acts_for_a_user_at_the_next_one(scene: &Scene) -> Result<(), Failure> {
    let client = &scene.client;
    let login = Person::register(client)?.log_in(client)?;
    let activity = client.get("/api/activity", Some(&login.access_token))?.expect(200)?;
    ensure(activity["actors"] == json!([]) && activity["peer"]["actors"] == json!(["resource-service"]), || {
        format!("/api/activity says {activity}")
    })
}

pub fn the_metadata_says_where_tokens_are(scene: &Scene) -> Result<(), Failure> {
    let metadata = scene.client.get("/.well-known/oauth-authorization-server", None)?.expect(200)?;
    let issuer = text(&metadata, "issuer")?;
    let port = scene.stack.url().rsplit(':').next().unwrap_or_default().to_owned();
    let is_right = issuer.ends_with(&port) && metadata["token_endpoint"] == format!("{issuer}/oauth/token");
    ensure(is_right, || format!("the metadata says {metadata}"))?;
    let form = [("Content-Type", "application/x-www-form-urlencoded".to_owned())];
    let refused = scene.client.send("POST", "/oauth/token", &form, Some(b"grant_type=client_credentials".to_vec()))?;
    let refused = refused.expect(401)?;
    ensure(refused["error"] == "invalid_client", || format!("/oauth/token says {refused}"))
}
