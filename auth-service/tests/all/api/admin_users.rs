//! `/admin/users`: an administrator looks for users, changes them, and ends what they have.

use std::time::Duration;

use auth_service::{
    domain::{audit::Actor, user::Identifier},
    service::manage_users::{ManageError, Operator, UserPatch},
};
use reqwest::{Method, RequestBuilder};
use rstest::rstest;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    answer::Answer,
    browser::Browser,
    held::Held,
    service::{
        Backend::{self, PostgresAndRedis, Sqlite},
        Person, TestService, Tokens,
    },
    token::claims,
};

/// A service, an administrator's access token, and the administrator's address.
async fn start(backend: Backend) -> (TestService, Tokens, String) {
    let service = TestService::start(backend).await;
    let (_, root) = service.administrator().await;
    let own = address(&root);
    (service, root, own)
}

/// Of the user who holds the tokens.
fn address(tokens: &Tokens) -> String {
    format!("/admin/users/{}", claims(&tokens.access)["sub"].as_str().unwrap())
}

async fn ada(service: &TestService) -> (Person, Tokens, String) {
    let ada = service.registered("ada").await;
    let tokens = service.log_in(&ada).await;
    let address = address(&tokens);
    (ada, tokens, address)
}

async fn names(service: &TestService, root: &Tokens, query: &str) -> (Vec<String>, Value) {
    let answer = service.get_as(&root.access, &format!("/admin/users{query}")).await;
    assert_eq!(answer.status, 200, "{answer}");
    let page = answer.json();
    let items = page["items"].as_array().unwrap().iter();
    (items.map(|item| item["username"].as_str().unwrap().to_owned()).collect(), page["next"].clone())
}

#[rstest]
#[tokio::test]
async fn users_are_found_by_the_beginning_of_a_name_or_an_address(
    #[values(Sqlite, PostgresAndRedis)] backend: Backend,
) {
    let (service, root, _) = start(backend).await;
    for (username, email) in
        [("ada", "countess@example.org"), ("adam", "adam@eden.example"), ("bob", "AdA@example.org")]
    {
        service.clock.advance(Duration::from_millis(1));
        let body = json!({"username": username, "email": email, "password": "plum-anvil-tundra-9"});
        assert_eq!(service.post("/auth/register", body).await.status, 201);
    }
    let found = async |search: &str| names(&service, &root, &format!("?search={search}")).await.0;
    assert_eq!(found("ada").await, ["ada", "adam", "bob"]);
    assert_eq!(found("ADAM").await, ["adam"]);
    assert_eq!(found("Ada%40").await, ["bob"]);
    assert_eq!(found("count").await, ["ada"]);
    assert_eq!(found("dam").await, [] as [&str; 0], "the beginning only");
    assert_eq!(found("ad_").await, [] as [&str; 0], "nothing stands for anything else");
    for nobody in ["%25", "%00", "a%20b", "%F4%8F%BF%BF", &"x".repeat(300)] {
        assert_eq!(found(nobody).await, [] as [&str; 0], "{nobody}");
    }
    assert_eq!(found("").await, ["root", "ada", "adam", "bob"]);
    assert_snapshot!(service.get_as(&root.access, "/admin/users?search=count").await, @r#"
    200
    cache-control: no-store
    content-type: application/json
    {
      "items": [
        {
          "created_at": "[created_at]",
          "disabled": false,
          "email": "countess@example.org",
          "id": "[id]",
          "roles": [],
          "username": "ada"
        }
      ],
      "next": null
    }
    "#);
}

#[rstest]
#[tokio::test]
async fn a_list_comes_in_pages(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let (service, root, _) = start(backend).await;
    for username in ["ada", "bob", "adam", "adele"] {
        service.clock.advance(Duration::from_millis(1));
        service.registered(username).await;
    }
    let (first, next) = names(&service, &root, "?limit=2").await;
    assert_eq!(first, ["root", "ada"]);
    let (second, next) = names(&service, &root, &format!("?limit=2&cursor={}", next.as_str().unwrap())).await;
    assert_eq!(second, ["bob", "adam"]);
    let (third, next) = names(&service, &root, &format!("?limit=2&cursor={}", next.as_str().unwrap())).await;
    assert_eq!((third.as_slice(), next), (&["adele".to_owned()][..], json!(null)));
    let (first, next) = names(&service, &root, "?limit=2&search=ad").await;
    assert_eq!(first, ["ada", "adam"]);
    let (second, next) = names(&service, &root, &format!("?search=ad&cursor={}", next.as_str().unwrap())).await;
    assert_eq!((second.as_slice(), next), (&["adele".to_owned()][..], json!(null)));
    for wrong in ["?limit=0", "?limit=201", "?limit=x", "?cursor=x", "?after=x"] {
        let answer = service.get_as(&root.access, &format!("/admin/users{wrong}")).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "bad_request"), "{wrong}");
    }
}

#[rstest]
#[tokio::test]
async fn roles_change_and_the_sessions_follow(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let (service, root, _) = start(backend).await;
    let (_, tokens, ada) = ada(&service).await;
    let body = json!({"roles": ["editor", "on-call", "editor"]});
    assert_snapshot!(service.patch_as(&root.access, &ada, body.clone()).await, @r#"
    200
    cache-control: no-store
    content-type: application/json
    {
      "created_at": "[created_at]",
      "disabled": false,
      "email": null,
      "id": "[id]",
      "roles": [
        "editor",
        "on-call"
      ],
      "username": "ada"
    }
    "#);
    let refreshed = service.refresh(&tokens.refresh).await.tokens();
    assert_eq!(claims(&refreshed.access)["roles"], json!(["editor", "on-call"]));
    let read = service.get_as(&root.access, &ada).await.json();
    assert_eq!((&read["roles"], &read["disabled"]), (&json!(["editor", "on-call"]), &json!(false)));

    assert_eq!(service.patch_as(&root.access, &ada, body).await.status, 200);
    assert_eq!(service.patch_as(&root.access, &ada, json!({})).await.json(), read);
    service.audit_written().await;
    let events = service.audit_events("roles_changed").await;
    let details: Vec<_> = events.iter().map(|event| event.detail["roles"].as_str()).collect();
    assert_eq!(details.len(), 2, "one for root, and one for ada: what is so already is no change");
    assert!(details.contains(&"editor,on-call"), "{details:?}");
}

#[rstest]
#[tokio::test]
async fn whoever_is_disabled_is_out_until_enabled(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let (service, root, _) = start(backend).await;
    let (person, tokens, ada) = ada(&service).await;
    let disabled = service.patch_as(&root.access, &ada, json!({"disabled": true, "roles": ["editor"]})).await;
    assert_eq!(
        (disabled.status, &disabled.json()["disabled"], &disabled.json()["roles"]),
        (200, &json!(true), &json!(["editor"]))
    );
    assert_eq!(service.refresh(&tokens.refresh).await.code(), "login_required");
    assert_eq!(service.get_as(&tokens.access, "/auth/me").await.code(), "login_required");
    assert_eq!(service.try_log_in(&person, json!(null)).await.code(), "user_disabled");
    let enabled = service.patch_as(&root.access, &ada, json!({"disabled": false})).await;
    assert_eq!((enabled.status, &enabled.json()["disabled"]), (200, &json!(false)));
    service.log_in(&person).await;
}

#[rstest]
#[tokio::test]
async fn a_user_is_deleted_for_good(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let (service, root, _) = start(backend).await;
    let (person, tokens, ada) = ada(&service).await;
    let deleted = service.delete_as(&root.access, &ada).await;
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    assert_eq!(service.refresh(&tokens.refresh).await.code(), "login_required");
    assert_eq!(service.try_log_in(&person, json!(null)).await.code(), "invalid_credentials");
    for answer in [
        service.get_as(&root.access, &ada).await,
        service.patch_as(&root.access, &ada, json!({"disabled": true})).await,
        service.delete_as(&root.access, &ada).await,
        service.get_as(&root.access, &format!("{ada}/sessions")).await,
        service.delete_as(&root.access, &format!("{ada}/sessions")).await,
        service.get_as(&root.access, "/admin/users/ada").await,
    ] {
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"));
    }
}

#[rstest]
#[tokio::test]
async fn a_users_sessions_are_seen_and_ended(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let (service, root, own) = start(backend).await;
    let (person, tokens, ada) = ada(&service).await;
    let sessions = format!("{ada}/sessions");
    let sid = claims(&tokens.access)["sid"].clone();
    let list = service.get_as(&root.access, &sessions).await;
    assert_eq!((list.status, &list.json()["items"][0]["id"], &list.json()["items"][1]), (200, &sid, &json!(null)));
    assert_snapshot!(list, @r#"
    200
    cache-control: no-store
    content-type: application/json
    {
      "items": [
        {
          "address": "127.0.0.1",
          "created_at": "[created_at]",
          "current": false,
          "device": "Unknown device",
          "expires_at": "[expires_at]",
          "id": "[id]",
          "last_seen_at": "[last_seen_at]",
          "mode": "bearer"
        }
      ],
      "next": null
    }
    "#);
    assert_eq!(service.delete_as(&root.access, &sessions).await.status, 204);
    assert_eq!(service.get_as(&root.access, &sessions).await.json()["items"], json!([]));
    assert_eq!(service.refresh(&tokens.refresh).await.code(), "login_required");
    service.log_in(&person).await;

    let mine = service.get_as(&root.access, &format!("{own}/sessions")).await.json();
    assert_eq!(mine["items"][0]["current"], json!(true));
    assert_eq!(service.delete_as(&root.access, &format!("{own}/sessions")).await.status, 204);
    assert_eq!(service.get_as(&root.access, "/admin/users").await.code(), "login_required");
}

#[tokio::test]
async fn nobody_takes_the_role_from_themselves() {
    let (service, root, own) = start(Sqlite).await;
    for body in [
        json!({"roles": []}),
        json!({"roles": ["editor"]}),
        json!({"disabled": true}),
        json!({"disabled": true, "roles": ["admin"]}),
        json!({"roles": [], "disabled": false}),
    ] {
        let answer = service.patch_as(&root.access, &own, body.clone()).await;
        assert_eq!((answer.status, answer.code().as_str()), (409, "own_account"), "{body}");
    }
    assert_snapshot!(service.delete_as(&root.access, &own).await, @r#"
    409
    cache-control: no-store
    content-type: application/problem+json
    {
      "code": "own_account",
      "detail": "Another administrator has to do this to your account",
      "request_id": "[request_id]",
      "status": 409,
      "title": "Conflict",
      "type": "about:blank"
    }
    "#);
    let more = service.patch_as(&root.access, &own, json!({"roles": ["admin", "editor"], "disabled": false})).await;
    assert_eq!((more.status, &more.json()["roles"]), (200, &json!(["admin", "editor"])));

    // Another one may.
    let (second, _, ada) = ada(&service).await;
    assert_eq!(service.patch_as(&root.access, &ada, json!({"roles": ["admin"]})).await.status, 200);
    let second = service.log_in(&second).await;
    assert_eq!(service.patch_as(&second.access, &own, json!({"roles": ["editor"]})).await.status, 200);
    assert_eq!(service.get_as(&root.access, "/admin/users").await.code(), "insufficient_role");
    assert_eq!(service.delete_as(&second.access, &own).await.status, 204);
}

#[tokio::test]
async fn what_cannot_be_meant_changes_nothing() {
    let (service, root, _) = start(Sqlite).await;
    let (_, _, ada) = ada(&service).await;
    let many: Vec<_> = (0..33).map(|number| format!("role{number}")).collect();
    let long: Vec<_> = (0..22).map(|number| format!("{:x<32}", format!("role{number}"))).collect();
    for body in [
        json!({"roles": ["Editor"]}),
        json!({"roles": [""]}),
        json!({"roles": many}),
        json!({"roles": long}),
        json!({"roles": "editor"}),
        json!({"disabled": "yes"}),
        json!({"username": "countess"}),
        json!([]),
    ] {
        let answer = service.patch_as(&root.access, &ada, body.clone()).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "bad_request"), "{body}");
    }
    assert_eq!(service.patch_as(&root.access, &ada, json!({"roles": null, "disabled": null})).await.status, 200);
    assert_eq!(service.get_as(&root.access, &ada).await.json()["roles"], json!([]));
}

#[tokio::test]
async fn it_is_said_which_bound_the_roles_exceed_and_each_counts_once() {
    let (service, root, _) = start(Sqlite).await;
    let (_, _, ada) = ada(&service).await;
    let patch = async |roles: &[String]| service.patch_as(&root.access, &ada, json!({"roles": roles})).await;
    let detail = async |roles: &[String]| patch(roles).await.json()["errors"][0]["detail"].as_str().unwrap().to_owned();
    let long = |number: usize| format!("{:x<32}", format!("role{number}"));
    let short: Vec<_> = (0..33).map(|number| format!("role{number}")).collect();
    let fitting: Vec<_> = (0..21).map(long).collect();
    assert_eq!(detail(&short).await, "must be at most 32");
    let too_long = [&fitting[..], &[long(21)]].concat();
    assert_eq!(detail(&too_long).await, "must be at most 768 bytes together, as a list in JSON");
    assert!(detail(&["Editor".to_owned()]).await.starts_with("must begin with a-z"));
    for (given, kept) in
        [([&fitting[..], &fitting[..]].concat(), &fitting[..]), ([&short[1..], &short[1..]].concat(), &short[1..])]
    {
        let answer = patch(&given).await;
        assert_eq!((answer.status, &answer.json()["roles"]), (200, &json!(kept)), "{answer}");
    }
}

#[tokio::test]
async fn whoever_was_disabled_does_not_let_themselves_in() {
    let (service, root, _) = start(Sqlite).await;
    service.operator().disable(&Identifier::parse("root").unwrap()).await.unwrap();
    // As a request goes on that was let in before.
    let operator = Operator { actor: Actor::User(root.user()), ..service.operator() };
    let enable = UserPatch { disabled: Some(false), roles: None };
    assert_eq!(operator.patch(root.user(), enable).await, Err(ManageError::OwnAccount));
    assert!(operator.found(root.user()).await.unwrap().disabled);
}

#[tokio::test]
async fn whoever_loses_the_role_meanwhile_does_nothing_with_it() {
    let service = TestService::start(PostgresAndRedis).await;
    // Registered first, and so the one of the two who is waited for first.
    let (person, _, ada) = ada(&service).await;
    service.clock.advance(Duration::from_millis(1));
    let (_, root) = service.administrator().await;
    let operator = service.operator();
    let disabled = service.patch_as(&root.access, &ada, json!({"disabled": true})).await;
    assert_eq!(disabled.status, 200, "{disabled}");
    for (method, path, body) in [
        (Method::PATCH, ada.clone(), json!({"disabled": false})),
        (Method::PATCH, ada.clone(), json!({"roles": ["editor"]})),
        (Method::POST, format!("{ada}/password"), json!({"password": "granite-falcon-letter-7"})),
        (Method::DELETE, ada.clone(), json!({})),
    ] {
        operator.set_roles(&Identifier::parse("root").unwrap(), vec!["admin".to_owned()]).await.unwrap();
        let mut held = Held::user(&service, "ada");
        let change = Answer::of(service.request(method.clone(), &path).bearer_auth(&root.access).json(&body));
        let demotion = async {
            held.wanted().await;
            held.commit("UPDATE users SET roles = '[]' WHERE username = 'root'");
        };
        let (answer, ()) = tokio::join!(change, demotion);
        let told = (answer.status, answer.code());
        assert_eq!(told, (403, "insufficient_role".to_owned()), "{method} {path} {body}");
    }
    let found = operator.find(&Identifier::parse("ada").unwrap()).await.unwrap();
    assert_eq!((found.disabled, found.roles), (true, Vec::new()));
    assert_eq!(service.try_log_in(&person, json!(null)).await.code(), "user_disabled", "the password is the old one");
}

/// Each address with a method that it has, in an order in which all of them succeed where there is such a user.
fn everything(id: &str) -> [(Method, String); 15] {
    let (user, client) = (format!("/admin/users/{id}"), "/admin/clients/billing");
    let (sessions, password) = (format!("{user}/sessions"), format!("{user}/password"));
    [
        (Method::GET, "/admin/users".to_owned()),
        (Method::GET, user.clone()),
        (Method::GET, sessions.clone()),
        (Method::GET, "/admin/keys".to_owned()),
        (Method::GET, "/admin/metrics".to_owned()),
        (Method::GET, "/admin/audit".to_owned()),
        (Method::GET, "/admin/clients".to_owned()),
        (Method::POST, "/admin/clients".to_owned()),
        (Method::PATCH, client.to_owned()),
        (Method::POST, format!("{client}/secret")),
        (Method::DELETE, client.to_owned()),
        (Method::PATCH, user.clone()),
        (Method::POST, password),
        (Method::DELETE, sessions),
        (Method::DELETE, user),
    ]
}

/// `request` with the body that its address needs.
fn filled_in(request: RequestBuilder, method: &Method, path: &str) -> RequestBuilder {
    let body = match (method.as_str(), path) {
        ("PATCH", "/admin/clients/billing") => json!({"roles": ["clerk"]}),
        ("PATCH", _) => json!({"roles": ["editor"]}),
        ("POST", "/admin/clients") => json!({"client_id": "billing", "grants": ["client_credentials"]}),
        ("POST", path) if path.ends_with("/password") => json!({"password": "granite-falcon-letter-7"}),
        _ => return request,
    };
    request.json(&body)
}

async fn asked(service: &TestService, token: Option<&str>, method: &Method, path: &str) -> Answer {
    let request = filled_in(service.request(method.clone(), path), method, path);
    Answer::of(token.into_iter().fold(request, RequestBuilder::bearer_auth)).await
}

#[rstest]
#[tokio::test]
async fn of_a_browsers_requests_only_those_of_the_sites_own_pages_write(#[values("cookie", "session")] mode: &str) {
    let service = TestService::start(Sqlite).await;
    let (root, _) = service.administrator().await;
    let (person, tokens, ada) = ada(&service).await;
    let mut browser = Browser::logged_in(&service, &root, mode).await;
    let id = tokens.user().to_string();
    for (method, path) in everything(&id) {
        if method == Method::GET {
            let answer = Answer::of(browser.bare(&service, method, &path)).await;
            assert_eq!(answer.status, 200, "{path}: {answer}");
            continue;
        }
        for forged in browser.forged(&service, &method, &path) {
            let answer = Answer::of(filled_in(forged, &method, &path)).await;
            assert_eq!((answer.status, answer.code().as_str()), (403, "csrf_failed"), "{method} {path}");
        }
    }
    let user = browser.send(&service, Method::GET, &ada).await.json();
    assert_eq!((&user["roles"], &user["disabled"]), (&json!([]), &json!(false)));
    assert_eq!(browser.send(&service, Method::GET, "/admin/clients").await.json()["items"], json!([]));
    assert_eq!(service.refresh(&tokens.refresh).await.status, 200);
    service.log_in(&person).await;

    for (method, path) in everything(&id) {
        let request = filled_in(browser.request(&service, method.clone(), &path), &method, &path);
        let answer = browser.answered(request).await;
        assert!((200..=204).contains(&answer.status), "{method} {path}: {answer}");
    }
    assert_eq!(browser.send(&service, Method::GET, &ada).await.code(), "not_found");
}

#[tokio::test]
async fn only_administrators_come_in_and_writing_needs_a_recent_password() {
    let (service, root, _) = start(Sqlite).await;
    let (_, tokens, _) = ada(&service).await;
    let unknown = Uuid::nil().to_string();
    for (method, path) in everything(&unknown) {
        let nobody = asked(&service, None, &method, &path).await;
        assert_eq!((nobody.status, nobody.code().as_str()), (401, "missing_token"), "{method} {path}");
        let user = asked(&service, Some(&tokens.access), &method, &path).await;
        assert_eq!((user.status, user.code().as_str()), (403, "insufficient_role"), "{method} {path}");
    }
    service.clock.advance(Duration::from_mins(14));
    let later = service.refresh(&root.refresh).await.tokens();
    service.clock.advance(Duration::from_mins(2));
    for (method, path) in everything(&unknown) {
        let answer = asked(&service, Some(&later.access), &method, &path).await;
        if method == Method::GET {
            assert!([200, 404].contains(&answer.status), "{path}: {answer}");
        } else {
            let told = (answer.status, answer.code());
            assert_eq!(told, (401, "reauthentication_required".to_owned()), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_trail_says_who_did_what_to_whom() {
    let (service, root, own) = start(Sqlite).await;
    let (_, _, ada) = ada(&service).await;
    service.patch_as(&root.access, &ada, json!({"roles": ["editor"]})).await;
    service.patch_as(&root.access, &ada, json!({"disabled": true})).await;
    service.patch_as(&root.access, &ada, json!({"disabled": false})).await;
    service.delete_as(&root.access, &format!("{ada}/sessions")).await;
    service.delete_as(&root.access, &ada).await;
    service.audit_written().await;
    let id = |address: &str| address.rsplit('/').next().unwrap().to_owned();
    for kind in ["roles_changed", "user_disabled", "user_enabled", "sessions_ended", "user_deleted"] {
        let events = service.audit_events(kind).await;
        let event = events.iter().find(|event| event.subject.unwrap().to_string() == id(&ada)).expect(kind);
        assert_eq!(event.actor.to_string(), format!("user:{}", id(&own)), "{kind}");
        assert_eq!(event.address.unwrap().to_string(), "127.0.0.1", "{kind}");
    }
}
