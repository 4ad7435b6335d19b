//! The addresses for operators, on a listener that the gateway does not reach: `/livez`, `/readyz`, `/metrics`.

use std::{collections::BTreeMap, sync::Arc};

use actix_web::{HttpResponse, web};
use async_trait::async_trait;
use serde::Serialize;

use super::metrics::Metrics;
use crate::actix::resource::{get, resource};

/// The state of one thing that the service depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// It answers.
    Up,
    /// It does not.
    Down,
}

/// Says what the service depends on and whether it answers. Bounded in time by the implementation.
#[async_trait]
pub trait Dependencies: Send + Sync {
    /// The state of each dependency by name.
    async fn health(&self) -> BTreeMap<&'static str, Health>;
}

/// The answer of `/readyz`.
#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    dependencies: BTreeMap<&'static str, Health>,
}

/// Registers the addresses.
pub fn routes(dependencies: Arc<dyn Dependencies>) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        config
            .app_data(web::Data::from(dependencies))
            .service(resource("/livez", [get(livez)]))
            .service(resource("/readyz", [get(readyz)]))
            .service(resource("/metrics", [get(metrics)]));
    }
}

/// The process answers: restarting it would not help whatever is wrong elsewhere.
async fn livez() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({ "alive": true }))
}

async fn readyz(dependencies: web::Data<dyn Dependencies>) -> HttpResponse {
    let dependencies = dependencies.health().await;
    let ready = dependencies.values().all(|health| *health == Health::Up);
    let mut answer = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    answer.json(Readiness { ready, dependencies })
}

async fn metrics(metrics: web::Data<Metrics>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/openmetrics-text; version=1.0.0; charset=utf-8").body(metrics.encode())
}
