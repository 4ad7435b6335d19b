//! Somebody else is changing a user, so that a change waits between asking who wants it and the end.

use diesel::{Connection, PgConnection, RunQueryDsl, connection::SimpleConnection, dsl::sql, sql_types::BigInt};

use super::service::TestService;

/// A user's row that nobody else can change, until this is dropped. In Postgres.
pub struct Held(PgConnection);

impl Held {
    pub fn user(service: &TestService, username: &str) -> Self {
        let mut connection = PgConnection::establish(service.database_url()).unwrap();
        connection
            .batch_execute(&format!("BEGIN; UPDATE users SET epoch = epoch WHERE username = '{username}'"))
            .unwrap();
        Self(connection)
    }

    /// Waits until somebody waits for it.
    pub async fn wanted(&mut self) {
        while !self.is_wanted() {
            tokio::task::yield_now().await;
        }
    }

    /// Lets go of it with this done, all in one moment.
    pub fn commit(mut self, statement: &str) {
        self.0.batch_execute(&format!("{statement}; COMMIT")).unwrap();
    }

    fn is_wanted(&mut self) -> bool {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
                       AND datname = current_database()";
        let count = sql::<BigInt>(&format!("({waiting})"));
        diesel::select(count).get_result::<i64>(&mut self.0).unwrap() > 0
    }
}
