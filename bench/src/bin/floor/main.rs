//! What the services are compared with: the same answers with less, or nothing, of what Latchkey adds. Each runs on one
//! worker at an address of its own, so that nobody's route is looked up later than another's.
//!
//! `floor guard FOLDER` writes tokens there and answers `GET /api/whoami` guarded in every way and not at all;
//! `floor plain` answers it unguarded only; `floor refresh` answers `POST /auth/refresh` with one script of Redis. Each prints a line of JSON with its addresses
//! once it listens, and ends with its standard input.

mod guard;
mod keys;
mod listening;
mod refresh;
mod tokens;
mod whoami;

use std::{env, error::Error, process::ExitCode};

/// What stops a floor, in words.
type Broken = Box<dyn Error>;

#[actix_web::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = match arguments[..] {
        ["guard", folder] => guard::serve(folder.as_ref()).await,
        ["plain"] => guard::serve_plain().await,
        ["refresh"] => refresh::serve().await,
        _ => Err("floor guard FOLDER, floor plain, or floor refresh".into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => listening::complain(&*error),
    }
}
