//! `migrate`, `user …`, and exit codes.

use rstest::rstest;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{Variables, run, set, text};
use crate::support::{
    answer::Answer,
    database::{Kind, TestDatabase},
    redis::PrivateRedis,
    service::{Backend, Person, TestService, least_variables},
    token::claims,
    wait::until,
};

const PASSWORD: &str = "plum-anvil-tundra-9";

fn add(variables: &Variables, arguments: &[&str]) -> std::process::Output {
    let arguments: Vec<_> = ["user", "add", "--password-stdin", "--json"].iter().chain(arguments).copied().collect();
    run(variables, &arguments, &format!("{PASSWORD}\n"))
}

#[test]
fn help_is_printed_and_wrong_usage_is_code_2() {
    let help = run(&Variables::new(), &["--help"], "");
    assert!(help.status.success());
    for command in ["serve", "migrate", "healthcheck", "user", "session", "audit"] {
        assert!(text(&help.stdout).contains(command), "{}", text(&help.stdout));
    }
    assert_eq!(run(&Variables::new(), &["fly"], "").status.code(), Some(2));
}

#[test]
fn wrong_settings_are_code_64_with_a_line_a_variable() {
    let output = run(&vec![("JWT_SECRET".to_owned(), "hunter2".to_owned())], &["serve"], "");
    assert_eq!(output.status.code(), Some(64));
    assert_snapshot!(text(&output.stderr), @"
    JWT_SECRET must have at least 32 bytes
    REFRESH_SECRET is not set
    AUTH_DATABASE_URL is not set
    ");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn sessions_from_before_an_instant_are_ended_wherever_they_are(#[values(false, true)] in_redis: bool) {
    let database = TestDatabase::empty(Kind::Sqlite);
    // Of its own: on the shared one it would end the sessions of other tests.
    let redis = in_redis.then(PrivateRedis::start);
    let mut variables = least_variables(&database.address());
    if let Some(redis) = &redis {
        set(&mut variables, "REDIS_URL", redis.url().expose_secret());
    }
    let service = TestService::start_on(variables.clone()).await;
    let ada = service.registered("ada").await;
    let tokens = service.log_in(&ada).await;
    for (instant, ended, refreshed) in [("2020-01-01T00:00:00Z", 0, 200), ("2999-01-01T00:00:00Z", 1, 401)] {
        let output = run(&variables, &["session", "revoke", "--json", "--issued-before", instant], "");
        assert!(output.status.success(), "{}", text(&output.stderr));
        let answer: Value = serde_json::from_str(&text(&output.stdout)).unwrap();
        assert_eq!(answer, json!({"ended": ended}));
        assert_eq!(service.refresh(&tokens.refresh).await.status, refreshed);
    }
    let wrong = run(&variables, &["session", "revoke", "--issued-before", "yesterday"], "");
    assert_eq!(wrong.status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_operators_change_while_redis_is_away_reaches_the_sessions_when_it_is_back() {
    let (database, mut redis) = (TestDatabase::empty(Kind::Sqlite), PrivateRedis::start());
    let mut variables = least_variables(&database.address());
    set(&mut variables, "REDIS_URL", redis.url().expose_secret());
    let service = TestService::start_on(variables.clone()).await;
    let ada = service.registered("ada").await;
    let tokens = service.log_in(&ada).await;

    redis.stop();
    assert!(run(&variables, &["user", "set-roles", "ada", "auditor"], "").status.success());
    redis.start_again();
    until("the new role", async || {
        let answer = service.refresh(&tokens.refresh).await;
        answer.status == 200 && service.get_as(&answer.tokens().access, "/auth/me").await.text.contains("auditor")
    })
    .await;

    redis.stop();
    assert!(run(&variables, &["user", "disable", "ada"], "").status.success());
    redis.start_again();
    until("the end of the session", async || service.refresh(&tokens.refresh).await.status == 401).await;
}

#[test]
fn the_audit_trail_shows_what_operators_did() {
    let database = TestDatabase::migrated(Kind::Sqlite);
    let variables = least_variables(&database.address());
    assert!(add(&variables, &["--username", "ada", "--roles", "editor"]).status.success());
    for arguments in
        [&["user", "set-roles", "ada", "admin"][..], &["user", "disable", "ada"], &["user", "enable", "ada"]]
    {
        assert!(run(&variables, arguments, "").status.success());
    }
    let shown = |arguments: &[&str]| text(&run(&variables, &[&["audit"], arguments].concat(), "").stdout);
    let events: Value = serde_json::from_str(&shown(&["--json", "--user", "ada"])).unwrap();
    let kinds: Vec<_> = events.as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["user_enabled", "user_disabled", "roles_changed", "user_added"]);
    let roles = &events[2];
    assert_eq!(
        (&roles["actor"], &roles["detail"]),
        (&json!("operator"), &json!({"roles": "admin", "roles_before": "editor"}))
    );
    let line = shown(&["--kind", "roles_changed"]);
    assert!(line.contains("roles_changed  by operator  to ") && line.lines().count() == 1, "{line}");
    assert_eq!(shown(&["--until", "2020-01-01"]), "");
    let wrong = run(&variables, &["audit", "--kind", "whim"], "");
    assert!(text(&wrong.stderr).contains("login_failed"), "{}", text(&wrong.stderr));
}

#[test]
fn a_database_that_was_not_migrated_is_said_so() {
    let database = TestDatabase::empty(Kind::Sqlite);
    let variables = least_variables(&database.address());
    let output = run(&variables, &["user", "list"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("migrate"), "{}", text(&output.stderr));
    assert!(run(&variables, &["migrate"], "").status.success());
    assert_eq!(text(&run(&variables, &["migrate"], "").stdout), "The database is up to date.\n");
    assert!(run(&variables, &["user", "list"], "").status.success());
}

#[tokio::test]
async fn an_operator_adds_lists_and_changes_users_and_a_running_service_follows() {
    let service = TestService::start(Backend::Sqlite).await;
    let variables = &service.variables;
    let added = add(variables, &["--username", "Ada", "--roles", "admin,editor"]);
    assert!(added.status.success(), "{}", text(&added.stderr));
    let user: Value = serde_json::from_slice(&added.stdout).unwrap();
    assert_eq!((&user["username"], &user["roles"]), (&json!("ada"), &json!(["admin", "editor"])));
    assert_eq!(add(variables, &["--username", "ada"]).status.code(), Some(1), "the name is taken");
    assert!(add(variables, &["--username", "ada", "--if-missing"]).status.success());
    let list: Value = serde_json::from_slice(&run(variables, &["user", "list", "--json"], "").stdout).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 1);

    let ada = Person { username: "ada".to_owned(), password: PASSWORD.to_owned() };
    let tokens = service.log_in(&ada).await;
    assert!(run(variables, &["user", "set-roles", "ada", "reader"], "").status.success());
    let roles = async || {
        let answer = service.refresh(&tokens.refresh).await;
        claims(&answer.member("access_token"))["roles"].clone()
    };
    until("the new role", async || roles().await == json!(["reader"])).await;

    assert!(run(variables, &["user", "disable", "ada"], "").status.success());
    until("the end of the session", async || service.refresh(&tokens.refresh).await.status == 401).await;
    let refused: Answer = service.try_log_in(&ada, Value::Null).await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "user_disabled"));
    let wrong = service.try_log_in(&Person { password: "wrong".to_owned(), ..ada.clone() }, Value::Null).await;
    assert_eq!(wrong.code(), "invalid_credentials", "only who knows the password learns that it is disabled");
    assert!(run(variables, &["user", "enable", "ada"], "").status.success());
    service.log_in(&ada).await;
    assert_eq!(run(variables, &["user", "disable", "nobody"], "").status.code(), Some(1));
}

#[tokio::test]
async fn an_operator_renames_a_user_gives_a_temporary_password_and_deletes_them() {
    let service = TestService::start(Backend::Sqlite).await;
    let variables = &service.variables;
    let ada = service.registered("ada").await;
    let tokens = service.log_in(&ada).await;
    let rename = |arguments: &[&str]| run(variables, &[&["user", "rename", "--json", "ada"], arguments].concat(), "");
    for wrong in [&[][..], &["--email", "a@b.org", "--no-email"]] {
        assert_eq!(rename(wrong).status.code(), Some(2));
    }
    assert_eq!(rename(&["--email", "no address"]).status.code(), Some(1));
    let renamed = rename(&["--username", "Countess", "--email", "ada@example.org"]);
    let user: Value = serde_json::from_slice(&renamed.stdout).unwrap();
    assert_eq!((&user["username"], &user["email"]), (&json!("countess"), &json!("ada@example.org")));
    let ada = Person { username: "countess".to_owned(), ..ada };
    service.log_in(&ada).await;

    let set_password = |password| run(variables, &["user", "set-password", "countess", "--password-stdin"], password);
    assert_eq!(set_password("password1\n").status.code(), Some(1));
    let set = set_password("granite-falcon-letter-7\n");
    assert!(text(&set.stdout).starts_with("Gave a temporary password to "), "{}", text(&set.stderr));
    until("the end of the session", async || service.refresh(&tokens.refresh).await.status == 401).await;
    let temporary = Person { password: "granite-falcon-letter-7".to_owned(), ..ada };
    assert_eq!(service.try_log_in(&temporary, Value::Null).await.code(), "password_change_required");

    let login = json!({"username": "countess", "password": temporary.password, "new_password": PASSWORD});
    let tokens = service.post("/auth/login", login).await.tokens();
    let delete = || run(variables, &["user", "delete", "countess"], "");
    assert!(text(&delete().stdout).starts_with("Deleted "));
    until("the end of the session", async || service.refresh(&tokens.refresh).await.status == 401).await;
    assert_eq!(delete().status.code(), Some(1), "there is no such user any more");
    assert_eq!(text(&run(variables, &["user", "list"], "").stdout), "");
}

#[test]
fn a_client_that_is_there_already_gets_what_it_lacks() {
    let database = TestDatabase::migrated(Kind::Sqlite);
    let variables = least_variables(&database.address());
    let add = |scope| run(&variables, &["client", "add", "billing", "--scope", scope, "--if-missing", "--json"], "");
    let scope = |output: std::process::Output| {
        let client: Value = serde_json::from_slice(&output.stdout).unwrap();
        client["scope"].as_str().unwrap().to_owned()
    };
    assert_eq!(scope(add("a b")), "a b");
    assert_eq!(scope(add("b c")), "a b c");
    assert_eq!(scope(add("a")), "a b c", "and loses nothing");
    assert!(run(&variables, &["client", "change", "billing", "--scope", "c"], "").status.success());
    assert_eq!(scope(add("")), "c");
    assert_eq!(run(&variables, &["client", "change", "nobody", "--scope", "c"], "").status.code(), Some(1));
    let events = text(&run(&variables, &["audit", "--kind", "client_changed"], "").stdout);
    assert_eq!(events.lines().count(), 2, "{events}");
}

#[tokio::test]
async fn an_invitation_registers_one_user() {
    let service = TestService::start_with(Backend::Sqlite, &[("AUTH_REGISTRATION", "invite")]).await;
    let output = run(&service.variables, &["user", "invite", "--json"], "");
    let invite: Value = serde_json::from_slice(&output.stdout).unwrap();
    let body = |name: &str| json!({"username": name, "password": PASSWORD, "invite": invite["code"]});
    assert_eq!(service.post("/auth/register", body("ada")).await.status, 201);
    assert_eq!(service.post("/auth/register", body("eve")).await.code(), "invite_invalid");
}

#[test]
fn a_password_is_not_taken_from_the_command_line() {
    let variables = least_variables("sqlite:unused.db");
    assert_eq!(
        run(&variables, &["user", "add", "--username", "ada", "--password", PASSWORD], "").status.code(),
        Some(2)
    );
    let mut variables = variables;
    set(&mut variables, "AUTH_DATABASE_URL", "");
    assert_eq!(run(&variables, &["migrate"], "").status.code(), Some(64));
}
