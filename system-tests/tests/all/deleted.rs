//! What resource-service keeps of users goes with them.

use std::time::Duration;

use common::sql::Sql;
use diesel::connection::SimpleConnection;
use resource_service::{ports::NoteStore, storage::sql::SqlNotes};
use rstest::rstest;

use crate::support::{
    auth::{
        service::{
            Backend::{self, PostgresAndRedis, Sqlite},
            Tokens,
        },
        token::claims,
        wait::until_within,
    },
    system::{System, database},
};

/// Somebody who has a note; their id.
async fn with_a_note(system: &System, username: &str) -> (String, Tokens) {
    let (_, tokens) = system.logged_in(username).await;
    assert_eq!(system.resource.add_note(&tokens.access).await, 201);
    let id = claims(&tokens.access)["sub"].as_str().unwrap().to_owned();
    assert!(has_notes(&system.resource.notes(), &id).await);
    (id, tokens)
}

async fn delete(system: &System, tokens: &Tokens) {
    assert_eq!(system.home.delete_as(&tokens.access, "/auth/me").await.status, 204);
}

async fn forgotten(system: &System, user: &str) {
    let notes = system.resource.notes();
    // resource-service asks every five seconds, and may have just asked.
    until_within(Duration::from_secs(30), "the notes are gone", async || !has_notes(&notes, user).await).await;
}

async fn has_notes(notes: &SqlNotes, user: &str) -> bool {
    !notes.list(user.parse().unwrap(), None, 1).await.unwrap().is_empty()
}

#[rstest]
#[tokio::test]
async fn the_notes_of_a_deleted_user_go_and_nobody_elses(#[values(Sqlite, PostgresAndRedis)] backend: Backend) {
    let system = System::in_touch(backend).await;
    let ((ada, tokens), (bob, _)) = (with_a_note(&system, "ada").await, with_a_note(&system, "bob").await);
    delete(&system, &tokens).await;
    forgotten(&system, &ada).await;
    assert!(has_notes(&system.resource.notes(), &bob).await);
}

#[tokio::test]
async fn whoever_went_while_it_was_down_is_forgotten_when_it_is_back() {
    let mut system = System::in_touch(Sqlite).await;
    let (ada, tokens) = with_a_note(&system, "ada").await;
    let (bob, bobs) = with_a_note(&system, "bob").await;
    delete(&system, &tokens).await;
    forgotten(&system, &ada).await;
    system.resource.stop().await;
    delete(&system, &bobs).await;
    system.resource.start_again().await;
    forgotten(&system, &bob).await;
}

#[tokio::test]
async fn a_token_that_no_feed_has_revoked_makes_no_new_note_and_a_backup_that_is_put_back_gives_it_back() {
    let system = System::in_touch(Sqlite).await;
    let (ada, tokens) = with_a_note(&system, "ada").await;
    let (bob, _) = with_a_note(&system, "bob").await;
    // Nobody applies the outbox here, so the token of somebody who is gone stays good.
    let list = database(&system.home);
    let gone = |number: u32, user: &str| {
        format!(
            "INSERT INTO deleted_users (id, user_id, deleted_at) VALUES ({number}, '{user}', 1800000000000000);
             UPDATE deleted_users_count SET last_id = {number}"
        )
    };
    execute(&list, gone(1, &ada)).await;
    forgotten(&system, &ada).await;
    assert_eq!(system.resource.add_note(&tokens.access).await, 401);

    // Ada's end never happened, and bob's takes its place.
    execute(&list, format!("DELETE FROM deleted_users; {}", gone(1, &bob))).await;
    forgotten(&system, &bob).await;
    assert_eq!(system.resource.add_note(&tokens.access).await, 201, "ada is back");
    assert!(has_notes(&system.resource.notes(), &ada).await);
}

#[tokio::test]
async fn however_many_notes_there_are_they_go() {
    let system = System::in_touch(Sqlite).await;
    let (ada, tokens) = with_a_note(&system, "ada").await;
    for _ in 0..250 {
        assert_eq!(system.resource.add_note(&tokens.access).await, 201);
    }
    delete(&system, &tokens).await;
    forgotten(&system, &ada).await;
}

async fn execute(sql: &Sql, statements: String) {
    sql.write(move |connection| Ok(connection.batch_execute(&statements)?)).await.unwrap();
}
