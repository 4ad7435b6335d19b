//! What a test in another language may ask of the test around it: an address for each wish.

use std::{collections::HashMap, sync::Arc, time::Duration};

use actix_web::{App, HttpResponse, HttpServer, dev::ServerHandle, web};
use auth_service::{domain::user::Identifier, service::manage_users::Operator};
use common::testing::ManualClock;

use super::system::System;

pub struct Control {
    pub address: String,
    server: ServerHandle,
}

impl Control {
    pub fn of(system: &System) -> Self {
        let clock = web::Data::from(Arc::clone(&system.home.clock));
        let operator = web::Data::new(system.home.operator());
        let app = move || {
            App::new()
                .app_data(clock.clone())
                .app_data(operator.clone())
                .route("/advance", web::post().to(advance))
                .route("/administrators", web::post().to(administrator))
        };
        let server = HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
        let address = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { address, server: handle }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // It goes on by itself; nobody waits for it.
        drop(self.server.stop(false));
    }
}

/// Moves the services' clock by `?seconds=`.
async fn advance(clock: web::Data<ManualClock>, asked: web::Query<HashMap<String, u64>>) -> HttpResponse {
    clock.advance(Duration::from_secs(asked["seconds"]));
    HttpResponse::NoContent().finish()
}

/// Gives `?username=` the role `admin`.
async fn administrator(operator: web::Data<Operator>, asked: web::Query<HashMap<String, String>>) -> HttpResponse {
    let user = Identifier::parse(&asked["username"]).unwrap();
    operator.set_roles(&user, vec!["admin".to_owned()]).await.unwrap();
    HttpResponse::NoContent().finish()
}
