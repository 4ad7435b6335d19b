//! Two replicas and 32 clients on one session, over HTTP: what comes out is what some order of the requests gives. 503
//! `retry` is sent again, as clients do.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};
use std::time::Duration;

use rstest::rstest;
use tokio::{sync::Barrier, task::JoinSet};

use crate::support::{
    answer::Answer,
    database::{Kind, TestDatabase},
    service::{Backend, TestService, Tokens, least_variables},
    token::claims,
};

const CLIENTS: usize = 32;
const ROUNDS: usize = 4;
const LONGER_THAN_HOLD: Duration = Duration::from_secs(62);

#[derive(Debug, Clone, Copy)]
enum Sessions {
    InPostgres,
    InRedis,
}

struct Race {
    replicas: [Arc<TestService>; 2],
    retries: Arc<AtomicU32>,
    _database: Option<TestDatabase>,
}

impl Race {
    async fn start(sessions: Sessions) -> Self {
        let (service, database) = match sessions {
            Sessions::InRedis => (TestService::start(Backend::PostgresAndRedis).await, None),
            Sessions::InPostgres => {
                let database = TestDatabase::empty(Kind::Postgres);
                (TestService::start_on(least_variables(&database.address())).await, Some(database))
            }
        };
        let other = Arc::new(service.replica().await);
        Self { replicas: [Arc::new(service), other], retries: Arc::default(), _database: database }
    }

    async fn refresh(&self, token: &str) -> Answer {
        self.replicas[0].refresh(token).await
    }

    fn wait_for_hold(&self) {
        self.replicas[0].clock.advance(LONGER_THAN_HOLD);
    }

    /// Each of the tokens by turns, from 32 clients at once.
    async fn run(&self, tokens: &[&str]) -> Vec<Answer> {
        let (start, mut clients) = (Arc::new(Barrier::new(CLIENTS)), JoinSet::new());
        for number in 0..CLIENTS {
            let (service, token) =
                (Arc::clone(&self.replicas[number / 2 % 2]), tokens[number % tokens.len()].to_owned());
            let (start, retries) = (Arc::clone(&start), Arc::clone(&self.retries));
            clients.spawn(async move {
                start.wait().await;
                loop {
                    let answer = service.refresh(&token).await;
                    if answer.status != 503 {
                        return answer;
                    }
                    assert_eq!(answer.code(), "retry");
                    retries.fetch_add(1, Relaxed);
                }
            });
        }
        let answers = clients.join_all().await;
        for answer in &answers {
            let settled = answer.status == 200 || (answer.status == 401 && answer.code() == "token_reused");
            assert!(settled, "{answer}");
        }
        answers
    }
}

fn id(token: &str) -> String {
    claims(token)["jti"].as_str().unwrap().to_owned()
}

/// The parents of the refresh tokens that were given out.
fn parents(answers: &[Answer]) -> Vec<String> {
    let granted = answers.iter().filter(|answer| answer.status == 200);
    granted.map(|answer| claims(&answer.tokens().refresh)["parent"].as_str().unwrap().to_owned()).collect()
}

async fn logged_in(race: &Race, name: &str) -> Tokens {
    let person = race.replicas[0].registered(name).await;
    race.replicas[1].log_in(&person).await
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_and_32_clients_come_to_what_some_order_gives(
    #[values(Sessions::InPostgres, Sessions::InRedis)] sessions: Sessions,
) {
    let race = Race::start(sessions).await;
    for round in 0..ROUNDS {
        let first = logged_in(&race, &format!("ada-{round}")).await.refresh;
        let one = race.refresh(&first).await.tokens().refresh;
        race.wait_for_hold();
        // One token from all sides.
        let answers = race.run(&[&one]).await;
        assert_eq!(parents(&answers), vec![id(&one); CLIENTS], "all of them get a child of it");

        // Its children, by now old enough: one is promoted, and the first of any other ends the session.
        let siblings: Vec<_> = answers[..2].iter().map(|answer| answer.tokens().refresh).collect();
        race.wait_for_hold();
        let answers = race.run(&[&siblings[0], &siblings[1]]).await;
        let parents = parents(&answers);
        let winner = parents.first().expect("whoever comes first is granted");
        assert!(siblings.iter().any(|sibling| id(sibling) == *winner));
        assert!(parents.iter().all(|parent| parent == winner), "{parents:?}");
        assert!(parents.len() <= CLIENTS / 2, "nobody who holds the other is granted");
        for sibling in &siblings {
            assert_eq!(race.refresh(sibling).await.code(), "token_reused");
        }

        // A parent and its child: the parent is as good as ever until the child is promoted.
        let first = logged_in(&race, &format!("bob-{round}")).await.refresh;
        let child = race.refresh(&first).await.tokens().refresh;
        race.wait_for_hold();
        let answers = race.run(&[&first, &child]).await;
        let refused = answers.iter().filter(|answer| answer.status == 401).count();
        let alive = race.refresh(&child).await.status == 200;
        assert_eq!(alive, refused == 0);
        let granted_to_parent = self::parents(&answers).iter().filter(|parent| **parent == id(&first)).count();
        assert_eq!(granted_to_parent == CLIENTS / 2, alive, "a refused parent is reuse, and nothing else is");
    }
    let retries = race.retries.load(Relaxed);
    println!("{sessions:?}: {} refreshes at once, {retries} sent again", 3 * ROUNDS * CLIENTS);
}
