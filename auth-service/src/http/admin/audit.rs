//! `GET /admin/audit`

use std::{collections::BTreeMap, net::IpAddr};

use actix_web::web::{self, Query};
use common::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::audit_query::AuditQuery;
use crate::{
    domain::audit::AuditEvent,
    http::{
        administrator::Administrator,
        refusals::{BadParameters, NotAdministrator, Unauthenticated, Unavailable},
    },
    service::{
        Deps,
        audit::{AuditPage, audit_page},
    },
};

/// Something that happened.
#[derive(Serialize, ToSchema)]
pub struct AuditAnswer {
    id: Uuid,
    /// RFC 3339, in UTC.
    at: String,
    kind: &'static str,
    /// `user:<id>`, `client:<id>`, `anonymous`, `operator` or `system`.
    actor: String,
    /// The user it happened to.
    subject: Option<Uuid>,
    session: Option<Uuid>,
    client: Option<String>,
    /// Where the request came from, if known and not erased yet.
    #[schema(value_type = Option<String>)]
    address: Option<IpAddr>,
    detail: BTreeMap<String, String>,
}

impl From<AuditEvent> for AuditAnswer {
    fn from(event: AuditEvent) -> Self {
        Self {
            id: event.id,
            at: event.at.rfc3339(),
            kind: event.kind.as_str(),
            actor: event.actor.to_string(),
            subject: event.subject.map(|user| user.0),
            session: event.session.map(|session| session.0),
            client: event.client,
            address: event.address,
            detail: event.detail,
        }
    }
}

/// Some events, and where the older ones begin.
#[derive(Serialize, ToSchema)]
pub struct AuditList {
    items: Vec<AuditAnswer>,
    /// For `after`; null when these were the oldest.
    next: Option<Uuid>,
}

impl From<AuditPage> for AuditList {
    fn from(page: AuditPage) -> Self {
        Self { items: page.events.into_iter().map(Into::into).collect(), next: page.next }
    }
}

/// What happened that matters to security, the newest first.
#[utoipa::path(
    get, path = "/admin/audit", tag = "admin", params(AuditQuery),
    responses(
        (status = 200, description = "The events", body = AuditList),
        BadParameters, Unauthenticated, NotAdministrator, Unavailable,
    ),
    security(("access_token" = []), ("access_cookie" = []), ("session_cookie" = []))
)]
pub async fn list(
    deps: web::Data<Deps>,
    administrator: Administrator,
    query: Query<AuditQuery>,
) -> Result<web::Json<AuditList>, Problem> {
    let (filter, limit) = query.read()?;
    tracing::info!(user = %administrator.0.user, "reads the audit trail");
    Ok(web::Json(audit_page(&*deps.audit_store, &filter, limit).await?.into()))
}
