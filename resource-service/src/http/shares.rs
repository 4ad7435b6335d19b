//! `GET` and `POST /api/notes/{id}/shares`; `DELETE /api/notes/{id}/shares/{user_id}`; `GET /api/shared-notes`

use actix_web::{
    HttpResponse,
    http::{StatusCode, header::LOCATION},
    web,
};
use common::{
    actix::{
        Guarded,
        refusals::{PayloadTooLarge, UnsupportedMediaType},
    },
    problem::Problem,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    access::{ReadNotes, WriteNotes},
    notes::NoteList,
    page_query::PageQuery,
    refusals::{
        BadGateway, BadRequest, InsufficientScope, NotFound, Unauthenticated, Unavailable, UnprocessableShare,
        bad_request,
    },
};
use crate::{
    domain::{
        note::NoteId,
        share::{Share, Username},
    },
    service::Shares,
};

/// Whom a note shall be shown to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareRequest {
    /// The name of a user.
    #[schema(example = "ada", min_length = 1, max_length = 64)]
    username: String,
}

/// Somebody who may read a note.
#[derive(Serialize, ToSchema)]
pub struct ShareAnswer {
    user_id: Uuid,
    /// As the user went by it when the note was shared.
    username: String,
    /// RFC 3339, in UTC.
    shared_at: String,
}

impl From<Share> for ShareAnswer {
    fn from(share: Share) -> Self {
        Self { user_id: share.user, username: share.username, shared_at: share.shared_at.rfc3339() }
    }
}

/// All who may read a note.
#[derive(Serialize, ToSchema)]
pub struct ShareList {
    /// In the order in which it was shared with them.
    items: Vec<ShareAnswer>,
    /// Always null: there are never more than a hundred.
    #[schema(value_type = Option<String>)]
    next: Option<()>,
}

/// Shows one of the user's notes to another user, who may read it from now on. auth-service is asked who that is.
#[utoipa::path(
    post, path = "/api/notes/{id}/shares", tag = "notes",
    params(("id" = Uuid, Path, description = "The note's id")), request_body = ShareRequest,
    responses(
        (status = 200, description = "It was shown to that user before", body = ShareAnswer),
        (status = 201, description = "Shown", body = ShareAnswer, headers(("Location" = String, description = "The share's address"))),
        BadRequest, Unauthenticated, InsufficientScope, NotFound, PayloadTooLarge, UnsupportedMediaType,
        UnprocessableShare, BadGateway, Unavailable,
    ),
    security(("access_token" = ["notes:write"]))
)]
pub async fn share(
    user: Guarded<WriteNotes>,
    shares: web::Data<Shares>,
    id: web::Path<Uuid>,
    body: web::Json<ShareRequest>,
) -> Result<HttpResponse, Problem> {
    let username = Username::parse(body.into_inner().username);
    let username = username.map_err(|error| bad_request([("username", error.to_string())].into_iter()))?;
    let (share, new) = shares.share(user.id, NoteId(*id), &username).await?;
    let address = format!("/api/notes/{}/shares/{}", *id, share.user);
    let mut answer = HttpResponse::build(if new { StatusCode::CREATED } else { StatusCode::OK });
    if new {
        answer.insert_header((LOCATION, address));
    }
    Ok(answer.json(ShareAnswer::from(share)))
}

/// Whom one of the user's notes is shown to.
#[utoipa::path(
    get, path = "/api/notes/{id}/shares", tag = "notes", params(("id" = Uuid, Path, description = "The note's id")),
    responses(
        (status = 200, description = "All of them", body = ShareList),
        Unauthenticated, InsufficientScope, NotFound, Unavailable,
    ),
    security(("access_token" = ["notes:read"]))
)]
pub async fn list(
    user: Guarded<ReadNotes>,
    shares: web::Data<Shares>,
    id: web::Path<Uuid>,
) -> Result<web::Json<ShareList>, Problem> {
    let shares = shares.of_note(user.id, NoteId(*id)).await?;
    Ok(web::Json(ShareList { items: shares.into_iter().map(ShareAnswer::from).collect(), next: None }))
}

/// Shows a note to somebody no more: one of the user's own to anybody, or somebody else's to the user.
#[utoipa::path(
    delete, path = "/api/notes/{id}/shares/{user_id}", tag = "notes",
    params(("id" = Uuid, Path, description = "The note's id"), ("user_id" = Uuid, Path, description = "The user's id")),
    responses(
        (status = 204, description = "Shown no more"),
        Unauthenticated, InsufficientScope, NotFound, Unavailable,
    ),
    security(("access_token" = ["notes:write"]))
)]
pub async fn unshare(
    user: Guarded<WriteNotes>,
    shares: web::Data<Shares>,
    path: web::Path<(Uuid, Uuid)>,
) -> Result<HttpResponse, Problem> {
    let (id, reader) = path.into_inner();
    shares.unshare(user.id, NoteId(id), reader).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The notes that others show to the user, a page at a time, the newest first.
#[utoipa::path(
    get, path = "/api/shared-notes", tag = "notes", params(PageQuery),
    responses(
        (status = 200, description = "A page", body = NoteList),
        BadRequest, Unauthenticated, InsufficientScope, Unavailable,
    ),
    security(("access_token" = ["notes:read"]))
)]
pub async fn shared_with_me(
    user: Guarded<ReadNotes>,
    shares: web::Data<Shares>,
    query: web::Query<PageQuery>,
) -> Result<web::Json<NoteList>, Problem> {
    Ok(web::Json(shares.list(user.id, query.into_inner().try_into()?).await?.into()))
}
