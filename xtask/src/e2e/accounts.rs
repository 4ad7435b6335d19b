//! What users do.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::text;
use super::person::{Login, Person};
use super::{Scene, ensure};
use crate::Failure;

pub fn a_user_is_known_to_both_services(scene: &Scene) -> Result<(), Failure> {
    let person = Person::register(&scene.client)?;
    let login = person.log_in(&scene.client)?;
    let me = scene.client.get("/auth/me", Some(&login.access_token))?.expect(200)?;
    ensure(me["username"] == person.username.as_str(), || format!("/auth/me says {}", me["username"]))?;
    let identity = scene.client.get("/api/whoami", Some(&login.access_token))?.expect(200)?;
    ensure(identity.to_string().contains(&text(&me, "id")?), || {
        format!("/api/whoami does not name the user {}", me["id"])
    })
}

pub fn notes_belong_to_their_owner(scene: &Scene) -> Result<(), Failure> {
    let client = &scene.client;
    let owner = Person::register(client)?.log_in(client)?;
    let other = Person::register(client)?.log_in(client)?;
    let [owner, other] = [&owner, &other].map(|login| Some(login.access_token.as_str()));

    let created = client.post("/api/notes", owner, &json!({ "title": "shopping", "body": "bread" }))?;
    let note = created.expect(201)?;
    let path = format!("/api/notes/{}", text(&note, "id")?);
    ensure(created.header("Location").is_some_and(|location| location.ends_with(&path)), || {
        format!("Location is {:?} instead of {path}", created.header("Location"))
    })?;

    let listed = |token| -> Result<usize, Failure> {
        let list = client.get("/api/notes?limit=10", token)?.expect(200)?;
        Ok(list["items"].as_array().map_or(0, Vec::len))
    };
    let counts = [listed(owner)?, listed(other)?];
    ensure(counts == [1, 0], || format!("owner and stranger are shown {counts:?} notes"))?;

    client.get(&path, other)?.expect_problem(404, "not_found")?;
    client.send_json("PUT", &path, owner, &json!({ "title": "shopping", "body": "bread and tea" }))?.expect(200)?;
    let changed = client.get(&path, owner)?.expect(200)?;
    ensure(changed["body"] == "bread and tea", || format!("the changed note reads {}", changed["body"]))?;
    let token = owner.unwrap_or_default();
    client.send("DELETE", &path, &[("Authorization", format!("Bearer {token}"))], None)?.expect(204)?;
    client.get(&path, owner)?.expect_problem(404, "not_found").map(drop)
}

pub fn a_refresh_token_is_exchanged(scene: &Scene) -> Result<(), Failure> {
    let client = &scene.client;
    let first = Person::register(client)?.log_in(client)?;
    let second = first.refresh(client)?;
    ensure(first.refresh_token != second.refresh_token, || "the first refresh brought no new token".to_owned())?;
    client.get("/api/whoami", Some(&second.access_token))?.expect(200)?;
    let same = second.refresh(client)?;
    ensure(same.refresh_token == second.refresh_token, || "a young token did not come back as it is".to_owned())?;
    let sibling = first.refresh(client)?;
    ensure(sibling.refresh_token != second.refresh_token, || "two children of one token are the same".to_owned())?;
    _ = scene.growing_old.set(Generations { first, second, since: Instant::now() });
    Ok(())
}

/// Two refresh tokens of one session, the second a child of the first.
pub struct Generations {
    first: Login,
    second: Login,
    since: Instant,
}

/// The second token is old enough by now to be promoted, which makes the first one a used one.
pub fn a_used_refresh_token_ends_the_session(scene: &Scene) -> Result<(), Failure> {
    const HOLD: Duration = Duration::from_secs(61);
    let Some(Generations { first, second, since }) = scene.growing_old.get() else {
        return Err(Failure::new("there is no session, because an earlier step failed"));
    };
    while since.elapsed() < HOLD {
        scene.stack.give_up_if_asked()?;
        thread::sleep(Duration::from_millis(100));
    }
    let third = second.refresh(&scene.client)?;
    first.ask_for_refresh(&scene.client)?.expect_problem(401, "token_reused")?;
    third.ask_for_refresh(&scene.client)?.expect_problem(401, "token_reused").map(drop)
}

/// At every replica of resource-service, within a second.
pub fn logout_ends_the_session(scene: &Scene) -> Result<(), Failure> {
    const SOON: Duration = Duration::from_secs(1);
    const ALL_REPLICAS: usize = 20;
    let client = &scene.client;
    let person = Person::register(client)?;
    let [here, there] = [person.log_in(client)?, person.log_in(client)?];
    let whoami = || client.get("/api/whoami", Some(&here.access_token));
    whoami()?.expect(200)?;
    client.post("/auth/logout", None, &json!({ "refresh_token": here.refresh_token }))?.expect(204)?;
    let ended = Instant::now();
    let mut refused = 0;
    while refused < ALL_REPLICAS {
        refused = if whoami()?.status == 401 { refused + 1 } else { 0 };
        ensure(refused > 0 || ended.elapsed() < SOON, || "an access token outlives its session".to_owned())?;
    }
    here.ask_for_refresh(client)?.expect_problem(401, "login_required")?;
    there.refresh(client).map(drop)
}

pub fn a_wrong_password_and_an_unknown_user_look_alike(scene: &Scene) -> Result<(), Failure> {
    let known = Person::register(&scene.client)?;
    let unknown = Person::invent(&scene.client)?;
    let wrong = Person { username: known.username, password: unknown.password.clone() };
    let answers = [wrong, unknown].map(|person| -> Result<Value, Failure> {
        let answer = person.ask_for_login(&scene.client)?;
        let mut body = answer.expect_problem(401, "invalid_credentials")?;
        body["request_id"].take();
        Ok(body)
    });
    let [wrong, unknown] = answers;
    let (wrong, unknown) = (wrong?, unknown?);
    ensure(wrong == unknown, || format!("{wrong} and {unknown}"))
}

pub fn a_missing_token_is_named(scene: &Scene) -> Result<(), Failure> {
    for path in ["/api/whoami", "/auth/me"] {
        let answer = scene.client.get(path, None)?;
        let problem = answer.expect_problem(401, "missing_token")?;
        ensure(problem["detail"] == "Missing Authorization Header", || format!("{path} says {}", problem["detail"]))?;
        ensure(answer.header("WWW-Authenticate").is_some_and(|scheme| scheme.starts_with("Bearer")), || {
            format!("{path} answers with WWW-Authenticate {:?}", answer.header("WWW-Authenticate"))
        })?;
    }
    Ok(())
}

pub fn an_admin_is_made_on_the_command_line(scene: &Scene) -> Result<(), Failure> {
    let client = &scene.client;
    let admin = Person::invent(client)?;
    let command =
        ["/auth-service", "user", "add", "--username", &admin.username, "--roles", "admin", "--password-stdin"];
    scene.stack.exec("auth-service", &command, &admin.password)?;
    let admin = admin.log_in(client)?;
    let user = Person::register(client)?.log_in(client)?;
    client.get("/api/admin/stats", Some(&admin.access_token))?.expect(200)?;
    let refused = client.get("/api/admin/stats", Some(&user.access_token))?;
    ensure(refused.status == 403, || format!("{refused} instead of 403"))
}
