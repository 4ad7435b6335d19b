//! `legacy-app 127.0.0.1:8083` serves the guestbook there.

use std::{env, io, net::TcpListener};

#[actix_web::main]
async fn main() -> io::Result<()> {
    let address = env::args().nth(1).ok_or_else(|| io::Error::other("usage: legacy-app ADDRESS:PORT"))?;
    legacy_app::serve(TcpListener::bind(address)?)?.await
}
