//! Connections to Postgres.

use diesel::{Connection, QueryResult, connection::SimpleConnection, pg::PgConnection};
use secrecy::{ExposeSecret, SecretString};

/// Added to the address where it does not say otherwise. A server that vanishes without a word is noticed within
/// seconds, so that no thread waits for it longer.
const PARAMETERS: [(&str, &str); 6] = [
    ("connect_timeout", "2"),
    ("tcp_user_timeout", "2000"),
    ("keepalives_idle", "2"),
    ("keepalives_interval", "1"),
    ("keepalives_count", "2"),
    ("application_name", "latchkey"),
];

/// For connections that serve requests. The server gives a statement up before its caller does, and frees the locks of
/// a client that fell asleep in a transaction.
pub(super) const SERVING: &str = "SET statement_timeout = '850ms'; \
     SET idle_in_transaction_session_timeout = '5s'; \
     SET default_transaction_isolation = 'read committed'";

/// For migrations. They may take long, but must not make everybody wait while they wait for a table themselves.
pub(super) const MIGRATING: &str = "SET statement_timeout = 0; \
     SET lock_timeout = '10s'; \
     SET default_transaction_isolation = 'read committed'";

pub(super) fn connect(url: &SecretString, session: &str) -> Result<PgConnection, String> {
    let url = SecretString::from(with_parameters(url.expose_secret()));
    let mut connection = PgConnection::establish(url.expose_secret()).map_err(|error| error.to_string())?;
    connection.batch_execute(session).map_err(|error| error.to_string())?;
    Ok(connection)
}

fn with_parameters(url: &str) -> String {
    let given = url.split_once('?').map_or("", |(_, parameters)| parameters);
    let mut complete = url.to_owned();
    for (name, value) in PARAMETERS {
        if given.split('&').all(|pair| pair.split('=').next() != Some(name)) {
            let joint = if complete.contains('?') { '&' } else { '?' };
            complete.push(joint);
            complete.push_str(name);
            complete.push('=');
            complete.push_str(value);
        }
    }
    complete
}

/// Whether the server has closed the connection, as far as the kernel knows: reads what has arrived and asks nobody.
pub(super) fn look_for_the_end(connection: &mut PgConnection) -> QueryResult<()> {
    // The server's last words come before the end, and one read stops between them.
    for _ in 0..2 {
        for notification in connection.notifications_iter() {
            notification?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_address_says_is_kept() {
        let url = with_parameters("postgres://u@db/x?connect_timeout=9&sslmode=require");
        assert!(url.starts_with("postgres://u@db/x?connect_timeout=9&sslmode=require&tcp_user_timeout=2000&"), "{url}");
        assert_eq!(url.matches("connect_timeout").count(), 1);
        assert!(with_parameters("postgres://db").starts_with("postgres://db?connect_timeout=2&"));
    }
}
