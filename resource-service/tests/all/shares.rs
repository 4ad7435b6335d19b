//! Who is shown whose notes, as the store keeps it on both databases.

use std::sync::Arc;

use common::{
    clock::{Clock, Timestamp},
    deletions::ForgetUsers,
    rng::SystemRng,
    sql::Sql,
    testing::ManualClock,
};
use resource_service::{
    domain::{
        note::{Body, Content, Note, NoteId, Title},
        share::{MOST_SHARES, Share},
    },
    ports::{NoteStore, ShareStore, Sharing},
    storage::sql::{SCHEMA, SqlForgotten, SqlNotes, SqlShares},
};
use rstest::rstest;
use uuid::Uuid;

use crate::support::database::{
    Kind::{self, Postgres, Sqlite},
    TestDatabase,
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const ADA: Uuid = Uuid::from_u128(0xada);
const BOB: Uuid = Uuid::from_u128(0xb0b);
const EVE: Uuid = Uuid::from_u128(0xe7e);

struct Stores {
    notes: SqlNotes,
    shares: SqlShares,
    forgotten: SqlForgotten,
    _database: TestDatabase,
}

impl Stores {
    fn on(kind: Kind) -> Self {
        let database = TestDatabase::empty(kind);
        let url = database.url().parse().unwrap();
        SCHEMA.migrate(&url).unwrap();
        let sql = Sql::open(&url, "test").unwrap();
        let clock = Arc::new(ManualClock::at(NOW)) as Arc<dyn Clock>;
        Self {
            notes: SqlNotes::new(sql.clone()),
            shares: SqlShares::new(sql.clone()),
            forgotten: SqlForgotten::new(sql, clock),
            _database: database,
        }
    }

    async fn note_of(&self, owner: Uuid) -> Note {
        let content =
            Content { title: Title::parse("x".to_owned()).unwrap(), body: Body::parse(String::new()).unwrap() };
        let note = Note { id: NoteId::new(NOW, &SystemRng), owner, content, created_at: NOW, updated_at: NOW };
        assert!(self.notes.insert(&note).await.unwrap());
        note
    }

    async fn share(&self, note: &Note, user: Uuid) -> Sharing {
        self.shares.share(note.owner, note.id, &share(user)).await.unwrap()
    }

    async fn shown_to(&self, reader: Uuid, note: &Note) -> bool {
        self.shares.find_shared(reader, note.id).await.unwrap().is_some_and(|found| found == *note)
    }
}

fn share(user: Uuid) -> Share {
    Share { user, username: "somebody".to_owned(), shared_at: NOW }
}

#[rstest]
#[tokio::test]
async fn a_note_is_shown_to_whom_it_is_shared_with_until_it_is_not(#[values(Sqlite, Postgres)] kind: Kind) {
    let stores = Stores::on(kind);
    let (note, other) = (stores.note_of(ADA).await, stores.note_of(ADA).await);
    assert_eq!(stores.share(&note, BOB).await, Sharing::Done { share: share(BOB), new: true });
    assert_eq!(stores.share(&note, BOB).await, Sharing::Done { share: share(BOB), new: false });
    assert!(stores.shown_to(BOB, &note).await && !stores.shown_to(EVE, &note).await);
    assert!(!stores.shown_to(BOB, &other).await);
    // Shared is not owned.
    assert_eq!(stores.notes.find(BOB, note.id).await.unwrap(), None);
    assert_eq!(stores.shares.share(BOB, note.id, &share(EVE)).await.unwrap(), Sharing::NoSuchNote);
    assert_eq!(stores.shares.shares(BOB, note.id).await.unwrap(), None);
    assert_eq!(stores.shares.shares(ADA, note.id).await.unwrap(), Some(vec![share(BOB)]));

    assert!(!stores.shares.unshare(EVE, note.id, BOB).await.unwrap(), "it is none of her business");
    assert!(stores.shares.unshare(ADA, note.id, BOB).await.unwrap());
    assert!(!stores.shares.unshare(ADA, note.id, BOB).await.unwrap());
    assert!(!stores.shown_to(BOB, &note).await);
    stores.share(&note, BOB).await;
    assert!(stores.shares.unshare(BOB, note.id, BOB).await.unwrap(), "he need not look at it");
    assert!(!stores.shown_to(BOB, &note).await);
}

#[rstest]
#[tokio::test]
async fn a_share_goes_with_its_note(#[values(Sqlite, Postgres)] kind: Kind) {
    let stores = Stores::on(kind);
    let note = stores.note_of(ADA).await;
    stores.share(&note, BOB).await;
    assert!(stores.notes.delete(ADA, note.id).await.unwrap());
    assert!(!stores.shown_to(BOB, &note).await);
    assert_eq!(stores.shares.list_shared(BOB, None, 10).await.unwrap(), []);
}

#[rstest]
#[tokio::test]
async fn what_others_show_comes_in_pages_the_newest_first(#[values(Sqlite, Postgres)] kind: Kind) {
    let stores = Stores::on(kind);
    let mut ids = Vec::new();
    for owner in [ADA, EVE, ADA] {
        let note = stores.note_of(owner).await;
        stores.share(&note, BOB).await;
        ids.push(note.id);
    }
    stores.note_of(BOB).await;
    ids.sort_unstable_by(|one, other| other.cmp(one));
    let listed = async |before: Option<NoteId>, limit| {
        let notes = stores.shares.list_shared(BOB, before, limit).await.unwrap();
        notes.into_iter().map(|note| note.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(None, 2).await, ids[..2]);
    assert_eq!(listed(Some(ids[1]), 2).await, ids[2..]);
}

#[rstest]
#[tokio::test]
async fn one_note_is_shown_to_a_hundred_at_most(#[values(Sqlite, Postgres)] kind: Kind) {
    let stores = Stores::on(kind);
    let note = stores.note_of(ADA).await;
    for number in 0..MOST_SHARES {
        let user = Uuid::from_u128(1 + number as u128);
        assert!(matches!(stores.share(&note, user).await, Sharing::Done { new: true, .. }));
    }
    assert_eq!(stores.share(&note, BOB).await, Sharing::TooMany);
    assert!(matches!(stores.share(&note, Uuid::from_u128(1)).await, Sharing::Done { new: false, .. }));
}

#[rstest]
#[tokio::test]
async fn nothing_is_shown_to_or_by_somebody_who_is_gone(#[values(Sqlite, Postgres)] kind: Kind) {
    let stores = Stores::on(kind);
    let (of_ada, of_eve) = (stores.note_of(ADA).await, stores.note_of(EVE).await);
    for note in [&of_ada, &of_eve] {
        stores.share(note, BOB).await;
    }
    stores.forgotten.forget(&[EVE], Some("1")).await.unwrap();
    assert!(stores.shown_to(BOB, &of_ada).await && !stores.shown_to(BOB, &of_eve).await);
    stores.forgotten.forget(&[BOB], Some("2")).await.unwrap();
    assert!(!stores.shown_to(BOB, &of_ada).await);
    assert_eq!(stores.shares.shares(ADA, of_ada.id).await.unwrap(), Some(Vec::new()));
    assert_eq!(stores.share(&of_ada, BOB).await, Sharing::UserGone);
}

#[rstest]
#[tokio::test]
async fn of_many_who_share_at_once_all_succeed_and_one_is_first(#[values(Sqlite, Postgres)] kind: Kind) {
    let stores = Stores::on(kind);
    let note = stores.note_of(ADA).await;
    let ask = || stores.share(&note, BOB);
    let (first, second, third, fourth) = tokio::join!(ask(), ask(), ask(), ask());
    let new = [first, second, third, fourth].map(|it| matches!(it, Sharing::Done { new: true, .. }));
    assert_eq!(new.into_iter().filter(|new| *new).count(), 1);
    assert_eq!(stores.shares.shares(ADA, note.id).await.unwrap().unwrap().len(), 1);
}
