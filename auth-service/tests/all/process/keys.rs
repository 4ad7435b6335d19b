//! `key …`, beside a service that runs.

use serde_json::{Value, json};

use super::{Variables, run, set, text};
use crate::support::{
    database::{Kind, TestDatabase},
    service::{Backend, TestService, least_variables},
    wait::until,
};

const ALGORITHM: [(&str, &str); 2] = [("AUTH_SIGNING_ALGORITHM", "EdDSA"), ("JWT_ALGORITHMS", "EdDSA")];

fn new_master() -> String {
    text(&run(&Variables::new(), &["key", "new-master"], "").stdout).trim().to_owned()
}

fn list(variables: &Variables) -> Vec<Value> {
    serde_json::from_slice(&run(variables, &["key", "list", "--json"], "").stdout).unwrap()
}

#[tokio::test]
async fn an_operator_rotates_and_retires_keys_and_the_service_follows() {
    let master = new_master();
    let settings = [&ALGORITHM[..], &[("AUTH_MASTER_KEY", &master)]].concat();
    let service = TestService::start_with(Backend::Sqlite, &settings).await;
    let variables = &service.variables;
    until("the next key", async || list(variables).len() == 2).await;
    let before = list(variables);
    assert_eq!((&before[0]["phase"], &before[1]["phase"]), (&json!("active"), &json!("next")));

    let rotated = run(variables, &["key", "rotate", "--json"], "");
    assert!(rotated.status.success(), "{}", text(&rotated.stderr));
    let after = list(variables);
    assert!(after[1]["activates_at"].as_str() < before[1]["activates_at"].as_str(), "{after:?}");
    assert_eq!(after[0]["retires_at"], after[1]["activates_at"]);
    let again = run(variables, &["key", "rotate"], "");
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("as soon as everybody knows it"), "{}", text(&again.stderr));

    let person = service.registered("ada").await;
    let tokens = service.log_in(&person).await;
    assert_eq!(service.get_as(&tokens.access, "/auth/me").await.status, 200);
    let stolen = before[0]["kid"].as_str().unwrap();
    assert!(run(variables, &["key", "retire", stolen], "").status.success());
    until("the key is refused", async || service.get_as(&tokens.access, "/auth/me").await.status == 401).await;
    assert!(!service.get("/.well-known/jwks.json").await.text.contains(stolen));
    let refreshed = service.refresh(&tokens.refresh).await;
    assert_eq!(service.get_as(&refreshed.member("access_token"), "/auth/me").await.status, 200);
    assert_eq!(run(variables, &["key", "retire", stolen], "").status.code(), Some(1));
}

#[tokio::test]
async fn an_operator_changes_the_master_key() {
    let (old, new) = (new_master(), new_master());
    let settings = [&ALGORITHM[..], &[("AUTH_MASTER_KEY", &old)]].concat();
    let service = TestService::start_with(Backend::Sqlite, &settings).await;
    until("the next key", async || list(&service.variables).len() == 2).await;
    let mut variables = service.variables.clone();
    set(&mut variables, "AUTH_MASTER_KEY", new);
    let wrong = run(&variables, &["key", "rewrap"], "");
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong.stderr).starts_with("AUTH_MASTER_KEY is not the one"), "{}", text(&wrong.stderr));
    let refused = run(&variables, &["serve"], "");
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("AUTH_MASTER_KEY is not the one"), "{}", text(&refused.stderr));
    set(&mut variables, "AUTH_MASTER_KEY_PREVIOUS", old.clone());
    assert_eq!(text(&run(&variables, &["key", "rewrap"], "").stdout), "Encrypted 2 keys under AUTH_MASTER_KEY.\n");
    set(&mut variables, "AUTH_MASTER_KEY_PREVIOUS", "");
    assert_eq!(text(&run(&variables, &["key", "rewrap"], "").stdout), "Encrypted 0 keys under AUTH_MASTER_KEY.\n");
    assert!(!list(&variables).is_empty());
}

#[test]
fn commands_on_keys_need_the_master_key() {
    let output = run(&least_variables("sqlite:unused.db"), &["key", "list"], "");
    assert_eq!(output.status.code(), Some(64));
    assert_eq!(text(&output.stderr), "AUTH_MASTER_KEY is not set\n");
}

#[test]
fn a_key_whose_name_begins_with_a_dash_can_be_retired() {
    let database = TestDatabase::migrated(Kind::Sqlite);
    let mut variables = least_variables(&database.address());
    set(&mut variables, "AUTH_MASTER_KEY", new_master());
    let output = run(&variables, &["key", "retire", "-JjjOYqLk0aPPH7A"], "");
    assert_eq!((output.status.code(), text(&output.stderr).contains("unexpected argument")), (Some(1), false));
}
