//! `GET /auth/sessions` of a user with as many sessions as there may be, beside many of others.

use std::fmt::Write;

use super::sizes::Grown;
use crate::{
    accounts,
    arguments::Options,
    connection::Connection,
    contest::{self, Contestant, Measured, WARM_UP},
    failure::Failure,
    finding::{Finding, SessionsList},
    load::Period,
    report::{Output, Spread},
    sessions::{Getting, log_in},
    stack::address,
    stop_request::StopRequest,
};

/// As many as auth-service lets a user have.
const LISTED: u32 = 50;

/// Lists under way at once: one user looks at one list, but waiting for one answer at a time would measure the driver.
const CLIENTS: usize = 4;

/// In as many turns as there are rounds.
pub fn measure(
    grown: &Grown,
    options: &Options,
    output: &mut Output,
    stop: &StopRequest,
) -> Result<Vec<SessionsList>, Failure> {
    let connection = Connection::new();
    let login = accounts::own_login(0);
    let sessions = (0..LISTED)
        .map(|number| log_in(&connection, &grown.stack.auth, &login, number))
        .collect::<Result<Vec<_>, _>>()?;
    let last = sessions.last().ok_or_else(|| Failure::Other("Nobody has logged in.".to_owned()))?;
    let askers = (0..CLIENTS).map(|_| Getting::new("/auth/sessions", &last.access_token)).collect();
    let mut listing = Contestant {
        name: format!("the list on {}", grown.title),
        base: None,
        address: address(&grown.stack.auth)?,
        process: grown.stack.auth_process(),
        turn: contest::closed_loop(askers),
    };
    let period = Period { warm_up: WARM_UP, measured: options.phase };
    let mut lists = Vec::new();
    for round in 1..=options.rounds {
        let measured = contest::take_turn(&mut listing, period, stop)?;
        let turn = SessionsList { store: grown.title, sessions: grown.sessions, listed: LISTED, round, measured };
        output.finding(&Finding::GrowthSessionsList(turn.clone()))?;
        lists.push(turn);
    }
    Ok(lists)
}

/// A line for each store that is in `lists`.
pub fn table(lists: &[SessionsList]) -> String {
    let mut text = format!(
        "\nGET /auth/sessions of a user with {LISTED} sessions\n\n| store | sessions of all | lists/s | p50 ms | p99 ms | \
         processor µs a list |\n|---|---:|---:|---:|---:|---:|\n"
    );
    for first in lists.iter().filter(|list| list.round == 1) {
        let turns = || lists.iter().filter(|list| list.store == first.store);
        let of = |number: fn(&Measured) -> f64| Spread::of(turns().map(|list| number(&list.measured)));
        _ = writeln!(
            text,
            "| {} | {} | {:.0} | {} | {} | {} |",
            first.store,
            first.sessions,
            of(|it| it.per_second),
            of(|it| it.p50_ms),
            of(|it| it.p99_ms),
            of(|it| it.processor_us),
        );
    }
    text
}
