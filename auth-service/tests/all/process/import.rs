//! `user import`

use rstest::rstest;
use serde_json::json;

use super::{run, text};
use crate::support::{
    database::{
        Kind::{self, Postgres, Sqlite},
        TestDatabase,
    },
    service::{Person, TestService, least_variables},
};

/// Of "plum-anvil-tundra-9", by three programs that call the version differently.
fn hash(version: &str) -> String {
    let hash = bcrypt::hash_with_salt("plum-anvil-tundra-9", 4, [7; 16]).unwrap();
    hash.to_string().replace("$2b$", &format!("${version}$"))
}

fn line(username: &str, hash: &str) -> serde_json::Value {
    json!({"username": username, "password_hash": hash})
}

fn file(lines: &[serde_json::Value]) -> String {
    lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[rstest]
#[tokio::test]
async fn imported_users_log_in_with_the_passwords_they_had(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let variables = least_variables(&database.address());
    let mut lines: Vec<_> = ["2a", "2b", "2y"].iter().map(|it| line(&format!("Ada.{it}"), &hash(it))).collect();
    lines[0]["email"] = json!("ada@example.org");
    lines[1]["roles"] = json!(["admin"]);
    lines[2]["disabled"] = json!(true);
    let output = run(&variables, &["user", "import", "-"], &format!("\n{}\n", file(&lines)));
    assert_eq!(text(&output.stdout), "Imported 3 users.\n", "{}", text(&output.stderr));

    let service = TestService::start_on(variables.clone()).await;
    let log_in = async |username: &str| {
        let person = Person { username: username.to_owned(), password: "plum-anvil-tundra-9".to_owned() };
        service.try_log_in(&person, json!("bearer")).await
    };
    for name in ["ada.2a", "ada@example.org", "ada.2b"] {
        assert_eq!(log_in(name).await.status, 200, "{name}");
    }
    assert_eq!(log_in("ada.2y").await.status, 403, "she is disabled");
    assert_eq!(database.count("audit_events WHERE kind = 'user_imported'").await, 3);
}

#[rstest]
#[tokio::test]
async fn with_anything_wrong_nothing_is_imported_and_each_bad_line_is_told(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let variables = least_variables(&database.address());
    let import = |lines: &[serde_json::Value]| {
        let output = run(&variables, &["user", "import", "-"], &file(lines));
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
        text(&output.stderr)
    };
    let good = hash("2b");
    let with = |name: &str, value: serde_json::Value| {
        let mut line = line("eve", &good);
        line[name] = value;
        line
    };
    let error = import(&[
        line("ada", &good),
        line("a", &good),
        with("email", json!("nobody")),
        line("bob", "$2b$04$too-short"),
        line("bea", &good.replace("$04$", "$31$")),
        line("ben", &good.replace("$2b$", "$2x$")),
        with("roles", json!(["Admin"])),
        with("shoe_size", json!(39)),
        json!({"username": "zoe"}),
        json!("ada"),
        line("ADA", &good),
    ]);
    let numbers: Vec<_> = error.lines().filter_map(|line| line.strip_prefix("line ")?.split(':').next()).collect();
    assert_eq!(numbers, ["2", "3", "4", "5", "6", "7", "8", "9", "10", "11"], "{error}");
    assert!(error.contains("ada is in line 1 already") && error.ends_with("Nothing was imported.\n"), "{error}");
    assert!(!error.contains(&good), "a hash is quoted: {error}");
    assert_eq!(database.count("users").await, 0);

    let taken = [with("username", json!("ada")), with("email", json!("eve@example.org"))];
    assert!(run(&variables, &["user", "import", "-"], &file(&taken)).status.success());
    let mut again = with("email", json!("eve@example.org"));
    again["username"] = json!("other");
    let error = import(&[line("new", &good), line("ada", &good), again]);
    assert_eq!(error, "line 2: the username is taken\nline 3: the e-mail address is taken\nNothing was imported.\n");
    assert_eq!(database.count("users").await, 2);
}

#[test]
fn ten_thousand_users_are_one_step() {
    let database = TestDatabase::migrated(Sqlite);
    let hash = hash("2b");
    let lines: Vec<_> = (0..10_000).map(|number| line(&format!("user-{number}"), &hash)).collect();
    let output = run(&least_variables(&database.address()), &["user", "import", "-"], &file(&lines));
    assert_eq!(text(&output.stdout), "Imported 10000 users.\n", "{}", text(&output.stderr));
}
