//! `GET` and `POST /api/notes`; `GET`, `PUT` and `DELETE /api/notes/{id}`

use actix_web::{HttpResponse, http::header::LOCATION, web};
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
    page_query::PageQuery,
    refusals::{BadRequest, InsufficientScope, NotFound, Unauthenticated, Unavailable, bad_request},
};
use crate::{
    domain::{
        note::{Body, Content, Note, NoteId, Title},
        page::Page,
    },
    service::{NoteError, Notes, Shares},
};

/// What a note shall say.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteRequest {
    /// 1 to 200 characters.
    #[schema(example = "Groceries", min_length = 1, max_length = 200)]
    title: String,
    /// At most 64 KiB in UTF-8; may be empty.
    #[schema(example = "Bread, olives")]
    body: String,
}

impl TryFrom<NoteRequest> for Content {
    type Error = Problem;

    fn try_from(request: NoteRequest) -> Result<Self, Problem> {
        match (Title::parse(request.title), Body::parse(request.body)) {
            (Ok(title), Ok(body)) => Ok(Self { title, body }),
            (title, body) => {
                let wrong_title = title.err().map(|error| ("title", error.to_string()));
                let wrong_body = body.err().map(|error| ("body", error.to_string()));
                Err(bad_request(wrong_title.into_iter().chain(wrong_body)))
            }
        }
    }
}

/// A note.
#[derive(Serialize, ToSchema)]
pub struct NoteAnswer {
    id: Uuid,
    /// Whose it is.
    owner: Uuid,
    title: String,
    body: String,
    /// RFC 3339, in UTC.
    created_at: String,
    /// RFC 3339, in UTC.
    updated_at: String,
}

impl From<Note> for NoteAnswer {
    fn from(note: Note) -> Self {
        Self {
            id: note.id.0,
            owner: note.owner,
            title: note.content.title.into_string(),
            body: note.content.body.into_string(),
            created_at: note.created_at.rfc3339(),
            updated_at: note.updated_at.rfc3339(),
        }
    }
}

/// A part of the user's notes.
#[derive(Serialize, ToSchema)]
pub struct NoteList {
    /// The newest first.
    items: Vec<NoteAnswer>,
    /// Give it as `after` to get the next page; null on the last one.
    next: Option<String>,
}

impl From<Page> for NoteList {
    fn from(page: Page) -> Self {
        Self {
            items: page.notes.into_iter().map(NoteAnswer::from).collect(),
            next: page.next.map(|cursor| cursor.to_string()),
        }
    }
}

/// The user's notes, a page at a time, the newest first.
#[utoipa::path(
    get, path = "/api/notes", tag = "notes", params(PageQuery),
    responses(
        (status = 200, description = "A page", body = NoteList),
        BadRequest, Unauthenticated, InsufficientScope, Unavailable,
    ),
    security(("access_token" = ["notes:read"]))
)]
pub async fn list(
    user: Guarded<ReadNotes>,
    notes: web::Data<Notes>,
    query: web::Query<PageQuery>,
) -> Result<web::Json<NoteList>, Problem> {
    Ok(web::Json(notes.list(user.id, query.into_inner().try_into()?).await?.into()))
}

/// Makes a note.
#[utoipa::path(
    post, path = "/api/notes", tag = "notes", request_body = NoteRequest,
    responses(
        (status = 201, description = "Made", body = NoteAnswer, headers(("Location" = String, description = "The note's address"))),
        BadRequest, Unauthenticated, InsufficientScope, PayloadTooLarge, UnsupportedMediaType, Unavailable,
    ),
    security(("access_token" = ["notes:write"]))
)]
pub async fn create(
    user: Guarded<WriteNotes>,
    notes: web::Data<Notes>,
    body: web::Json<NoteRequest>,
) -> Result<HttpResponse, Problem> {
    let note = notes.create(user.id, body.into_inner().try_into()?).await?;
    let address = format!("/api/notes/{}", note.id);
    Ok(HttpResponse::Created().insert_header((LOCATION, address)).json(NoteAnswer::from(note)))
}

/// One of the user's notes, or one that somebody shows to the user.
#[utoipa::path(
    get, path = "/api/notes/{id}", tag = "notes", params(("id" = Uuid, Path, description = "The note's id")),
    responses(
        (status = 200, description = "The note", body = NoteAnswer),
        Unauthenticated, InsufficientScope, NotFound, Unavailable,
    ),
    security(("access_token" = ["notes:read"]))
)]
pub async fn read(
    user: Guarded<ReadNotes>,
    notes: web::Data<Notes>,
    shares: web::Data<Shares>,
    id: web::Path<Uuid>,
) -> Result<web::Json<NoteAnswer>, Problem> {
    let note = match notes.read(user.id, NoteId(*id)).await {
        Err(NoteError::NotFound) => shares.read(user.id, NoteId(*id)).await?,
        note => note?,
    };
    Ok(web::Json(note.into()))
}

/// Replaces all that one of the user's notes says.
#[utoipa::path(
    put, path = "/api/notes/{id}", tag = "notes", params(("id" = Uuid, Path, description = "The note's id")), request_body = NoteRequest,
    responses(
        (status = 200, description = "The note as it is now", body = NoteAnswer),
        BadRequest, Unauthenticated, InsufficientScope, NotFound, PayloadTooLarge, UnsupportedMediaType, Unavailable,
    ),
    security(("access_token" = ["notes:write"]))
)]
pub async fn replace(
    user: Guarded<WriteNotes>,
    notes: web::Data<Notes>,
    id: web::Path<Uuid>,
    body: web::Json<NoteRequest>,
) -> Result<web::Json<NoteAnswer>, Problem> {
    let content = body.into_inner().try_into()?;
    Ok(web::Json(notes.replace(user.id, NoteId(*id), content).await?.into()))
}

/// Deletes one of the user's notes.
#[utoipa::path(
    delete, path = "/api/notes/{id}", tag = "notes", params(("id" = Uuid, Path, description = "The note's id")),
    responses(
        (status = 204, description = "Deleted"),
        Unauthenticated, InsufficientScope, NotFound, Unavailable,
    ),
    security(("access_token" = ["notes:write"]))
)]
pub async fn delete(
    user: Guarded<WriteNotes>,
    notes: web::Data<Notes>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    notes.delete(user.id, NoteId(*id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
