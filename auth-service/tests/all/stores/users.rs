//! The contract of the user store.

use std::{sync::Arc, time::Duration};

use auth_service::{
    domain::{
        audit::{Actor, AuditEvent, AuditKind},
        effect::{Effect, EndReason},
        ids::UserId,
        invite::{HashedInvite, Invite, InviteCode},
        name_prefix::NamePrefix,
        password::PasswordHash,
        user::{DeletedUser, DeletionPlace, Email, Identifier, NewEmail, Renaming, User, Username},
    },
    ports::{Administered, Change, Insertion, NewAccount, Renamed, Rng, StoreError, UserStore},
};
use common::clock::Timestamp;
use rstest::rstest;
use tokio::task::JoinSet;

use crate::support::database::{
    Kind::{self, Postgres, Sqlite},
    TestDatabase,
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

struct Random;

impl Rng for Random {
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).unwrap();
    }
}

fn account(username: &str) -> NewAccount {
    NewAccount {
        user: User {
            id: UserId::new(NOW, &Random),
            username: Username::parse(username).unwrap(),
            email: None,
            roles: Vec::new(),
            disabled: false,
            created_at: NOW,
        },
        password: PasswordHash::new(format!("hash of {username}")),
        invite: None,
    }
}

fn with_email(username: &str, email: &str) -> NewAccount {
    let mut account = account(username);
    account.user.email = Some(Email::parse(email).unwrap());
    account
}

fn with_invite(username: &str, code: &HashedInvite) -> NewAccount {
    NewAccount { invite: Some(code.clone()), ..account(username) }
}

fn invite() -> Invite {
    let code = InviteCode::new(&Random).hashed();
    Invite { code, created_at: NOW, expires_at: NOW + Duration::from_mins(1) }
}

fn named(text: &str) -> Identifier {
    Identifier::parse(text).unwrap()
}

fn end_sessions() -> Effect {
    Effect::EndSessions { reason: EndReason::LogoutAll, except: None }
}

fn event() -> AuditEvent {
    AuditEvent::new(AuditKind::UserAdded, Actor::Operator, NOW, &Random)
}

/// Also where so many at once keep the store busy for longer than a second.
async fn insert(store: &impl UserStore, account: &NewAccount) -> Insertion {
    loop {
        match store.insert(account, &event(), NOW).await {
            Err(StoreError::Unavailable(_)) => {}
            other => return other.unwrap(),
        }
    }
}

async fn stored(store: &impl UserStore, username: &str) -> UserId {
    let account = account(username);
    assert_eq!(store.insert(&account, &event(), NOW).await, Ok(Insertion::Done));
    account.user.id
}

#[rstest]
#[tokio::test]
async fn what_was_stored_is_found_by_id_name_and_address(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = database.users();
    let mut ada = with_email("ada", "ada@example.org");
    ada.user.roles = vec!["admin".to_owned(), "on-call".to_owned()];
    assert_eq!(store.insert(&ada, &event(), NOW).await, Ok(Insertion::Done));
    for found in [
        store.find_by_id(ada.user.id).await.unwrap().unwrap(),
        store.find(&named("ada")).await.unwrap().unwrap(),
        store.find(&named("ada@example.org")).await.unwrap().unwrap(),
    ] {
        assert_eq!(found.user, ada.user);
        assert_eq!(found.password.expose(), "hash of ada");
        assert_eq!(found.epoch, 0);
    }
}

#[rstest]
#[tokio::test]
async fn who_was_not_stored_is_not_found(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = database.users();
    assert!(store.find(&named("nobody")).await.unwrap().is_none());
    assert!(store.find(&named("nobody@example.org")).await.unwrap().is_none());
    assert!(store.find_by_id(UserId::new(NOW, &Random)).await.unwrap().is_none());
}

#[rstest]
#[tokio::test]
async fn a_name_and_an_address_belong_to_one_user(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = database.users();
    assert_eq!(store.insert(&with_email("ada", "ada@example.org"), &event(), NOW).await, Ok(Insertion::Done));
    assert_eq!(store.insert(&with_email("ada", "bob@example.org"), &event(), NOW).await, Ok(Insertion::UsernameTaken));
    assert_eq!(store.insert(&with_email("bob", "ada@example.org"), &event(), NOW).await, Ok(Insertion::EmailTaken));
    assert_eq!(store.insert(&with_email("ada", "ada@example.org"), &event(), NOW).await, Ok(Insertion::UsernameTaken));
    assert_eq!(store.insert(&account("carol"), &event(), NOW).await, Ok(Insertion::Done));
    assert_eq!(store.insert(&account("dave"), &event(), NOW).await, Ok(Insertion::Done), "no address is nobody's");
}

#[rstest]
#[tokio::test]
async fn of_registrations_that_race_for_a_name_one_succeeds(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let replicas = [database.users(), database.users()];
    for round in 0..10 {
        let name = format!("racer{round}");
        let accounts: Vec<_> = (0..6).map(|_| account(&name)).collect();
        let racing: Vec<_> = accounts
            .into_iter()
            .enumerate()
            .map(|(number, account)| {
                let store = replicas[number % 2].clone();
                tokio::spawn(async move { insert(&store, &account).await })
            })
            .collect();
        let mut outcomes = Vec::new();
        for race in racing {
            outcomes.push(race.await.unwrap());
        }
        let done = outcomes.iter().filter(|outcome| **outcome == Insertion::Done).count();
        let taken = outcomes.iter().filter(|outcome| **outcome == Insertion::UsernameTaken).count();
        assert_eq!((done, taken), (1, 5), "{outcomes:?}");
    }
}

#[rstest]
#[tokio::test]
async fn an_invitation_lets_one_of_many_in(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let replicas = [database.users(), database.users()];
    let invite = invite();
    replicas[0].insert_invite(&invite).await.unwrap();
    let racing: Vec<_> = (0..6)
        .map(|number| {
            let (store, account) = (replicas[number % 2].clone(), with_invite(&format!("guest{number}"), &invite.code));
            tokio::spawn(async move { insert(&store, &account).await })
        })
        .collect();
    let mut outcomes = Vec::new();
    for race in racing {
        outcomes.push(race.await.unwrap());
    }
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Insertion::Done).count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Insertion::InviteInvalid).count(), 5, "{outcomes:?}");
    assert_eq!(replicas[0].list(None, 10).await.unwrap().len(), 1);
}

#[rstest]
#[tokio::test]
async fn an_invitation_is_not_used_up_by_a_registration_that_fails(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = database.users();
    let invite = invite();
    store.insert_invite(&invite).await.unwrap();
    stored(&store, "ada").await;
    assert_eq!(store.insert(&with_invite("ada", &invite.code), &event(), NOW).await, Ok(Insertion::UsernameTaken));
    assert_eq!(store.insert(&with_invite("bob", &invite.code), &event(), NOW).await, Ok(Insertion::Done));
}

#[rstest]
#[tokio::test]
async fn an_invitation_that_is_over_or_unknown_lets_nobody_in(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = database.users();
    let invite = invite();
    store.insert_invite(&invite).await.unwrap();
    let guest = with_invite("guest", &invite.code);
    assert_eq!(store.insert(&guest, &event(), invite.expires_at).await, Ok(Insertion::InviteInvalid));
    let unknown = InviteCode::new(&Random).hashed();
    assert_eq!(store.insert(&with_invite("guest", &unknown), &event(), NOW).await, Ok(Insertion::InviteInvalid));
    assert!(store.find(&named("guest")).await.unwrap().is_none());
}

#[rstest]
#[tokio::test]
async fn storing_an_invitation_twice_does_no_harm(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = database.users();
    let invite = invite();
    store.insert_invite(&invite).await.unwrap();
    store.insert_invite(&invite).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn a_list_goes_on_where_it_ended_in_the_order_of_registration(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = database.users();
    let mut ids = Vec::new();
    for number in 0..5 {
        let mut account = account(&format!("user{number}"));
        account.user.id = UserId::new(NOW + Duration::from_millis(number), &Random);
        store.insert(&account, &event(), NOW).await.unwrap();
        ids.push(account.user.id);
    }
    let page = |users: Vec<User>| users.into_iter().map(|user| user.id).collect::<Vec<_>>();
    assert_eq!(page(store.list(None, 2).await.unwrap()), ids[..2]);
    assert_eq!(page(store.list(Some(ids[1]), 2).await.unwrap()), ids[2..4]);
    assert_eq!(page(store.list(Some(ids[3]), 2).await.unwrap()), ids[4..]);
    assert!(store.list(Some(ids[4]), 2).await.unwrap().is_empty());
}

#[rstest]
#[tokio::test]
async fn a_search_finds_the_beginnings_of_names_and_addresses(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = database.users();
    let people = [
        with_email("ada", "zoe@example.org"),
        with_email("bob", "ada@example.org"),
        with_email("carol", "ad\u{e0}@example.org"),
        account("adb"),
        account("acc"),
    ];
    let mut ids = Vec::new();
    for (number, mut person) in (0..).zip(people) {
        person.user.id = UserId::new(NOW + Duration::from_millis(number), &Random);
        person.user.username = Username::parse(&format!("{}.x", person.user.username)).unwrap();
        assert_eq!(store.insert(&person, &event(), NOW).await, Ok(Insertion::Done));
        ids.push(person.user.id);
    }
    let found = async |prefix: &str, after, limit| {
        let users = store.search(&NamePrefix::parse(prefix).unwrap(), after, limit).await.unwrap();
        users.into_iter().map(|user| user.id).collect::<Vec<_>>()
    };
    assert_eq!(found("ada", None, 9).await, ids[..2]);
    assert_eq!(found("ad", None, 9).await, ids[..4]);
    assert_eq!(found("ad", Some(ids[0]), 2).await, ids[1..3]);
    assert_eq!(found("ad\u{e0}", None, 9).await, ids[2..3]);
    assert_eq!(found("bob.x", None, 9).await, ids[1..2]);
    assert_eq!(found("bob.xy", None, 9).await, []);
    assert_eq!(found("a_", None, 9).await, []);
}

/// The administrators among these.
async fn administrators(store: &impl UserStore, ids: &[UserId]) -> usize {
    let mut count = 0;
    for id in ids {
        count += usize::from(store.find_by_id(*id).await.unwrap().is_some_and(|found| found.user.is_administrator()));
    }
    count
}

#[rstest]
#[tokio::test]
async fn of_administrators_who_take_the_role_from_each_other_one_stays(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let replicas = [database.users(), database.users()];
    for (round, change) in
        [Change::Roles(Vec::new()), Change::Disable, Change::Delete].into_iter().cycle().take(12).enumerate()
    {
        let mut ids = Vec::new();
        for side in ["a", "b"] {
            let mut person = account(&format!("root.{side}{round}"));
            person.user.roles = vec!["admin".to_owned()];
            assert_eq!(insert(&replicas[0], &person).await, Insertion::Done);
            ids.push(person.user.id);
        }
        let mut racing = JoinSet::new();
        for (store, (by, id)) in replicas.iter().zip([(ids[0], ids[1]), (ids[1], ids[0])]) {
            let (store, change) = (store.clone(), change.clone());
            racing.spawn(async move {
                loop {
                    match store.change_as(by, id, &change, &end_sessions(), &event(), NOW).await {
                        Err(StoreError::Unavailable(_)) => {}
                        other => return other.unwrap(),
                    }
                }
            });
        }
        let outcomes = racing.join_all().await;
        let refused = outcomes.iter().filter(|outcome| **outcome == Administered::NotAdministrator).count();
        assert_eq!((refused, administrators(&replicas[0], &ids).await), (1, 1), "{change:?}: {outcomes:?}");
    }
}

#[rstest]
#[tokio::test]
async fn only_an_administrator_changes_in_an_administrators_name(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = database.users();
    let (ada, bob) = (stored(&store, "ada").await, stored(&store, "bob").await);
    let disable =
        async |by, id| store.change_as(by, id, &Change::Disable, &end_sessions(), &event(), NOW).await.unwrap();
    assert_eq!(disable(ada, bob).await, Administered::NotAdministrator);
    assert_eq!(disable(UserId::new(NOW, &Random), bob).await, Administered::NotAdministrator);
    assert_eq!(store.find_by_id(bob).await.unwrap().unwrap().epoch, 0);
    assert!(store.pending_effects(10).await.unwrap().is_empty());

    let roles = vec!["admin".to_owned()];
    let set_roles = Effect::SetRoles { roles: roles.clone() };
    store.change(ada, &Change::Roles(roles), &set_roles, &event(), NOW).await.unwrap().unwrap();
    assert_eq!(disable(ada, UserId::new(NOW, &Random)).await, Administered::NoSuchUser);
    let Administered::Done(effect) = disable(ada, bob).await else { panic!("ada may") };
    assert_eq!((effect.user, effect.epoch), (bob, 1));
    assert_eq!(store.pending_effects_of(bob).await.unwrap(), [effect]);
}

#[rstest]
#[tokio::test]
async fn a_change_raises_the_epoch_and_leaves_its_effect(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = database.users();
    let ada = stored(&store, "ada").await;
    let roles = vec!["admin".to_owned()];
    let set_roles = Effect::SetRoles { roles: roles.clone() };
    let first = store.change(ada, &Change::Roles(roles.clone()), &set_roles, &event(), NOW).await.unwrap().unwrap();
    let second = store.change(ada, &Change::Disable, &end_sessions(), &event(), NOW).await.unwrap().unwrap();
    let third = store.change(ada, &Change::SessionsOnly, &end_sessions(), &event(), NOW).await.unwrap().unwrap();
    assert_eq!((first.user, first.epoch, &first.effect), (ada, 1, &set_roles));
    assert_eq!((second.epoch, third.epoch), (2, 3));
    let found = store.find_by_id(ada).await.unwrap().unwrap();
    assert_eq!((found.epoch, found.user.roles, found.user.disabled), (3, roles, true));
    assert_eq!(store.pending_effects(10).await.unwrap(), [first, second, third]);
}

#[rstest]
#[tokio::test]
async fn a_disabled_user_is_enabled_again_and_an_unknown_one_is_not(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = database.users();
    let ada = stored(&store, "ada").await;
    store.change(ada, &Change::Disable, &end_sessions(), &event(), NOW).await.unwrap().unwrap();
    assert_eq!(store.enable(ada, &event()).await, Ok(true));
    assert!(!store.find_by_id(ada).await.unwrap().unwrap().user.disabled);
    assert_eq!(store.enable(UserId::new(NOW, &Random), &event()).await, Ok(false));
}

#[rstest]
#[tokio::test]
async fn only_an_administrator_enables_in_an_administrators_name(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = database.users();
    let (ada, bob, unknown) = (stored(&store, "ada").await, stored(&store, "bob").await, UserId::new(NOW, &Random));
    store.change(bob, &Change::Disable, &end_sessions(), &event(), NOW).await.unwrap().unwrap();
    let disabled = async || store.find_by_id(bob).await.unwrap().unwrap().user.disabled;
    for nobody in [ada, bob, unknown] {
        assert_eq!(store.enable_as(nobody, bob, &event()).await, Ok(Administered::NotAdministrator));
    }
    assert!(disabled().await);
    let roles = vec!["admin".to_owned()];
    let set_roles = Effect::SetRoles { roles: roles.clone() };
    store.change(ada, &Change::Roles(roles), &set_roles, &event(), NOW).await.unwrap().unwrap();
    assert_eq!(store.enable_as(ada, unknown, &event()).await, Ok(Administered::NoSuchUser));
    assert_eq!(store.enable_as(ada, bob, &event()).await, Ok(Administered::Done(())));
    assert!(!disabled().await);
}

#[rstest]
#[tokio::test]
async fn a_password_changes_only_from_the_one_that_was_verified(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = database.users();
    let ada = stored(&store, "ada").await;
    let to = |expected: &str, new: &str| Change::Password {
        expected: PasswordHash::new(expected.to_owned()),
        new: PasswordHash::new(new.to_owned()),
    };
    let refused = store.change(ada, &to("another", "new"), &end_sessions(), &event(), NOW).await.unwrap();
    assert_eq!(refused, None);
    let found = store.find_by_id(ada).await.unwrap().unwrap();
    assert_eq!((found.password.expose(), found.epoch), ("hash of ada", 0));
    assert!(store.pending_effects(10).await.unwrap().is_empty(), "no effect without its change");

    assert!(store.change(ada, &to("hash of ada", "new"), &end_sessions(), &event(), NOW).await.unwrap().is_some());
    let found = store.find_by_id(ada).await.unwrap().unwrap();
    assert_eq!((found.password.expose(), found.epoch), ("new", 1));
}

#[rstest]
#[tokio::test]
async fn nobody_is_changed_where_there_is_nobody(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = database.users();
    let unknown = UserId::new(NOW, &Random);
    assert_eq!(store.change(unknown, &Change::Disable, &end_sessions(), &event(), NOW).await, Ok(None));
    assert!(store.pending_effects(10).await.unwrap().is_empty());
}

#[rstest]
#[tokio::test]
async fn a_change_without_room_for_its_effect_does_not_happen(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = database.users();
    let ada = stored(&store, "ada").await;
    database.execute("DROP TABLE outbox").await;
    assert!(store.change(ada, &Change::Disable, &end_sessions(), &event(), NOW).await.is_err());
    let found = store.find_by_id(ada).await.unwrap().unwrap();
    assert_eq!((found.user.disabled, found.epoch), (false, 0));
}

#[rstest]
#[tokio::test]
async fn changes_that_race_get_epochs_and_places_in_the_same_order(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let replicas = [database.users(), database.users()];
    let ada = stored(&replicas[0], "ada").await;
    let racing: Vec<_> = (0..12)
        .map(|number| {
            let store = replicas[number % 2].clone();
            tokio::spawn(async move {
                store.change(ada, &Change::SessionsOnly, &end_sessions(), &event(), NOW).await.unwrap()
            })
        })
        .collect();
    for race in racing {
        assert!(race.await.unwrap().is_some());
    }
    let epochs: Vec<_> = replicas[0].pending_effects(20).await.unwrap().iter().map(|effect| effect.epoch).collect();
    assert_eq!(epochs, (1..=12).collect::<Vec<_>>());
}

#[rstest]
#[tokio::test]
async fn an_effect_that_was_applied_is_gone_and_the_others_stay(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = database.users();
    let (ada, bob) = (stored(&store, "ada").await, stored(&store, "bob").await);
    let first = store.change(ada, &Change::SessionsOnly, &end_sessions(), &event(), NOW).await.unwrap().unwrap();
    let second = store.change(bob, &Change::SessionsOnly, &end_sessions(), &event(), NOW).await.unwrap().unwrap();
    let third = store.change(ada, &Change::SessionsOnly, &end_sessions(), &event(), NOW).await.unwrap().unwrap();
    assert_eq!(store.pending_effects(1).await.unwrap(), std::slice::from_ref(&first));
    assert_eq!(store.pending_effects_of(ada).await.unwrap(), [first.clone(), third.clone()]);
    store.effect_applied(first.id).await.unwrap();
    store.effect_applied(first.id).await.unwrap();
    assert_eq!(store.pending_effects(10).await.unwrap(), [second, third.clone()]);
    store.effect_applied(third.id).await.unwrap();
    let fourth = store.change(ada, &Change::SessionsOnly, &end_sessions(), &event(), NOW).await.unwrap().unwrap();
    assert!(fourth.id > third.id, "a place is never given twice");
}

#[rstest]
#[case::roles("UPDATE users SET roles = 'admin'", "users.roles")]
#[case::an_unknown_kind_of_role(r#"UPDATE users SET roles = '["Ad min"]'"#, "users.roles")]
#[case::username("UPDATE users SET username = 'A D A'", "users.username")]
#[case::email("UPDATE users SET email = 'nowhere'", "users.email")]
#[tokio::test]
async fn a_row_that_cannot_be_understood_is_named(
    #[case] damage: &str,
    #[case] place: &str,
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let database = TestDatabase::migrated(kind);
    let store = database.users();
    let ada = stored(&store, "ada").await;
    database.execute(damage).await;
    let error = store.find_by_id(ada).await.unwrap_err();
    assert_eq!(error, StoreError::Inconsistent(format!("{place} of {ada}")));
}

#[rstest]
#[tokio::test]
async fn an_effect_that_cannot_be_understood_is_named(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = database.users();
    let ada = stored(&store, "ada").await;
    let pending = store.change(ada, &Change::SessionsOnly, &end_sessions(), &event(), NOW).await.unwrap().unwrap();
    database.execute(r#"UPDATE outbox SET effect = '{"kind":"promote"}'"#).await;
    let error = store.pending_effects(1).await.unwrap_err();
    assert_eq!(error, StoreError::Inconsistent(format!("outbox.effect of {}", pending.id)));
}

#[rstest]
#[tokio::test]
async fn a_database_that_was_never_migrated_does_not_answer(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::empty(kind);
    assert!(database.users().ping().await.is_err());
    auth_service::storage::sql::SCHEMA.migrate(&database.url).unwrap();
    assert_eq!(database.users().ping().await, Ok(()));
}

fn renaming(username: Option<&str>, email: Option<&str>) -> Renaming {
    let address = |text: &str| match text {
        "" => NewEmail::None,
        text => NewEmail::Address(Email::parse(text).unwrap()),
    };
    Renaming { username: username.map(|name| Username::parse(name).unwrap()), email: email.map(address) }
}

#[rstest]
#[tokio::test]
async fn a_new_name_or_address_replaces_the_old_one_alone(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = database.users();
    let ada = with_email("ada", "ada@example.org");
    store.insert(&ada, &event(), NOW).await.unwrap();
    stored(&store, "bob").await;
    let id = ada.user.id;
    let rename = async |username, email| store.rename(id, &renaming(username, email), &event()).await.unwrap();
    let names = async || {
        let user = store.find_by_id(id).await.unwrap().unwrap().user;
        (user.username.to_string(), user.email.map(|email| email.as_str().to_owned()))
    };
    assert_eq!(rename(Some("countess"), None).await, Renamed::Done);
    assert_eq!(names().await, ("countess".to_owned(), Some("ada@example.org".to_owned())));
    assert_eq!(rename(None, Some("")).await, Renamed::Done);
    assert_eq!(names().await, ("countess".to_owned(), None));
    assert_eq!(rename(Some("bob"), Some("ada@example.org")).await, Renamed::UsernameTaken);
    assert_eq!(names().await, ("countess".to_owned(), None));
    assert_eq!(store.find_by_id(id).await.unwrap().unwrap().epoch, 0, "sessions go on");
    let nobody = UserId::new(NOW, &Random);
    let renamed = store.rename(nobody, &renaming(Some("nobody"), None), &event()).await;
    assert_eq!(renamed, Ok(Renamed::NoSuchUser));
}

#[rstest]
#[tokio::test]
async fn a_temporary_password_is_replaced_by_one_of_the_users_own(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = database.users();
    let ada = stored(&store, "ada").await;
    let until = NOW + Duration::from_hours(1);
    let temporary = PasswordHash::new("temporary".to_owned());
    let change = Change::TemporaryPassword { new: temporary.clone(), until };
    assert_eq!(store.change(ada, &change, &end_sessions(), &event(), NOW).await.unwrap().unwrap().epoch, 1);
    let account = store.find_by_id(ada).await.unwrap().unwrap();
    assert_eq!((account.password.expose(), account.temporary_until), ("temporary", Some(until)));
    let change = Change::Password { expected: temporary, new: PasswordHash::new("own".to_owned()) };
    assert_eq!(store.change(ada, &change, &end_sessions(), &event(), NOW).await.unwrap().unwrap().epoch, 2);
    let account = store.find_by_id(ada).await.unwrap().unwrap();
    assert_eq!((account.password.expose(), account.temporary_until), ("own", None));
}

#[rstest]
#[tokio::test]
async fn who_is_deleted_is_gone_and_told_of(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = database.users();
    let (ada, bob) = (stored(&store, "ada").await, stored(&store, "bob").await);
    assert_eq!(store.deleted_after(None, 10).await, Ok(Some(Vec::new())));
    for (user, at) in [(bob, NOW), (ada, NOW + Duration::from_secs(1))] {
        let effect = store.change(user, &Change::Delete, &end_sessions(), &event(), at).await.unwrap().unwrap();
        assert_eq!((effect.user, effect.epoch), (user, 1), "its sessions are older");
        assert!(store.change(user, &Change::Delete, &end_sessions(), &event(), at).await.unwrap().is_none());
        assert!(store.find_by_id(user).await.unwrap().is_none());
    }
    let place = |number, user| DeletionPlace { number, user };
    let gone = |place: DeletionPlace| DeletedUser {
        place,
        deleted_at: NOW + Duration::from_secs(u64::try_from(place.number - 1).unwrap()),
    };
    let (first, second) = (place(1, bob), place(2, ada));
    assert_eq!(store.deleted_after(None, 10).await, Ok(Some(vec![gone(first), gone(second)])));
    assert_eq!(store.deleted_after(None, 1).await, Ok(Some(vec![gone(first)])));
    assert_eq!(store.deleted_after(Some(first), 10).await, Ok(Some(vec![gone(second)])));
    assert_eq!(store.deleted_after(Some(second), 10).await, Ok(Some(Vec::new())));
    // After the list was put back, they may have gone in another order, or not at all.
    for wrong in [place(1, ada), place(2, bob), place(3, ada)] {
        assert_eq!(store.deleted_after(Some(wrong), 10).await, Ok(None));
    }
    assert_eq!(store.pending_effects(10).await.unwrap().len(), 2);
}

/// Whoever reads along never finds anybody before a place that was read already.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_go_at_once_none_is_missed(#[values(Sqlite, Postgres)] kind: Kind) {
    let database = TestDatabase::migrated(kind);
    let store = Arc::new(database.users());
    let mut users = Vec::new();
    for number in 0..24 {
        users.push(stored(&*store, &format!("user{number}")).await);
    }
    let mut deletions = JoinSet::new();
    for id in users.clone() {
        let store = Arc::clone(&store);
        deletions.spawn(async move {
            while let Err(error) = store.change(id, &Change::Delete, &end_sessions(), &event(), NOW).await {
                assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
            }
        });
    }
    let (mut told, mut after) = (Vec::new(), None);
    let mut ended = false;
    loop {
        let page = store.deleted_after(after, 3).await.unwrap().unwrap();
        told.extend(page.iter().map(|user| user.place.user));
        after = page.last().map(|user| user.place).or(after);
        if page.is_empty() && ended {
            break;
        }
        while let Some(done) = deletions.try_join_next() {
            done.unwrap();
        }
        ended = deletions.is_empty();
    }
    users.sort_by_key(ToString::to_string);
    told.sort_by_key(ToString::to_string);
    assert_eq!(told, users);
}
