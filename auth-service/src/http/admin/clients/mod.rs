//! `GET` and `POST /admin/clients`; `GET`, `PATCH` and `DELETE /admin/clients/{id}`; `POST /admin/clients/{id}/secret`

mod answer;
mod request;

use std::time::Duration;

use actix_web::{
    HttpResponse,
    http::header::LOCATION,
    web::{self, Query},
};
use common::{
    actix::{
        answers::OptionalJson,
        refusals::{PayloadTooLarge, UnsupportedMediaType},
    },
    problem::{Problem, Status},
};

use self::{
    answer::{ClientAnswer, ClientList, ClientWithSecret},
    request::{ClientPatch, ClientQuery, ClientRequest, SecretRequest},
};
use crate::{
    domain::{client::ClientId, session::Session},
    http::{
        administrator::Administrator,
        client_address::ClientAddress,
        fresh::Fresh,
        refusals::{
            BadMembers, BadParameters, NoSuchClient, NotAdministrator, NotByAdministrator, NotLately, TwoLogins,
            Unauthenticated, Unavailable,
        },
    },
    service::{
        Deps,
        manage_clients::{ClientOperator, ManageClientError},
    },
};

impl From<ManageClientError> for Problem {
    fn from(error: ManageClientError) -> Self {
        match error {
            ManageClientError::NoSuchClient => Self::not_found(),
            ManageClientError::Taken => {
                Self::new(Status::Conflict, "client_id_taken", "There is such a client already")
                    .with_field("client_id", "is taken")
            }
            ManageClientError::OtherCredential => {
                Self::new(Status::Conflict, "other_credential", "The client proves who it is in another way")
            }
            ManageClientError::Trouble(trouble) => trouble.into(),
        }
    }
}

fn operator(deps: &Deps, session: &Session, address: &ClientAddress) -> ClientOperator {
    ClientOperator::of_administrator(deps, session, address.0)
}

/// A name that none can have is nobody's.
fn id(text: &str) -> Result<ClientId, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}

/// All clients, by name.
#[utoipa::path(
    get, path = "/admin/clients", tag = "admin", params(ClientQuery),
    responses(
        (status = 200, description = "A page", body = ClientList),
        BadParameters, Unauthenticated, NotAdministrator, Unavailable,
    ),
    security(("access_token" = []), ("access_cookie" = []), ("session_cookie" = []))
)]
pub async fn list(
    deps: web::Data<Deps>,
    administrator: Administrator,
    address: ClientAddress,
    query: Query<ClientQuery>,
) -> Result<web::Json<ClientList>, Problem> {
    let (after, limit) = query.read()?;
    let clients = operator(&deps, &administrator.0, &address).list(after.as_ref(), limit + 1).await?;
    Ok(web::Json(ClientList::page(&clients, limit)))
}

/// Adds a client. Its secret is in this answer and nowhere else.
#[utoipa::path(
    post, path = "/admin/clients", tag = "admin", request_body = ClientRequest,
    responses(
        (status = 201, description = "Added", body = ClientWithSecret, headers(("Location" = String, description = "The client's address"))),
        BadMembers, NotLately, NotByAdministrator,
        (status = 409, description = "`client_id_taken`", body = Problem, content_type = "application/problem+json"),
        PayloadTooLarge, UnsupportedMediaType, Unavailable,
    ),
    security(("access_token" = []), ("access_cookie" = []), ("session_cookie" = []))
)]
pub async fn add(
    deps: web::Data<Deps>,
    administrator: Fresh<Administrator>,
    address: ClientAddress,
    body: web::Json<ClientRequest>,
) -> Result<HttpResponse, Problem> {
    let (id, credential, rights) = body.into_inner().read()?;
    let (client, secret) = operator(&deps, &administrator.0.0, &address).add(id, credential, rights).await?;
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, format!("/admin/clients/{}", client.id)))
        .json(ClientWithSecret::new(&client, secret.as_ref())))
}

/// One client.
#[utoipa::path(
    get, path = "/admin/clients/{id}", tag = "admin", params(("id" = String, Path, description = "The client's id")),
    responses(
        (status = 200, description = "The client", body = ClientAnswer),
        TwoLogins, Unauthenticated, NotAdministrator, NoSuchClient, Unavailable,
    ),
    security(("access_token" = []), ("access_cookie" = []), ("session_cookie" = []))
)]
pub async fn read(
    deps: web::Data<Deps>,
    administrator: Administrator,
    address: ClientAddress,
    path: web::Path<String>,
) -> Result<web::Json<ClientAnswer>, Problem> {
    let client = operator(&deps, &administrator.0, &address).find(&id(&path)?).await?;
    Ok(web::Json((&client).into()))
}

/// Changes a client: a member that is missing stays as it is. A disabled client gets no tokens, and those it has are
/// refused.
#[utoipa::path(
    patch, path = "/admin/clients/{id}", tag = "admin", params(("id" = String, Path, description = "The client's id")),
    request_body = ClientPatch,
    responses(
        (status = 200, description = "The client as it is now", body = ClientAnswer),
        BadMembers, NotLately, NotByAdministrator, NoSuchClient,
        (status = 409, description = "`other_credential`: keys for a client that has a secret", body = Problem, content_type = "application/problem+json"),
        PayloadTooLarge, UnsupportedMediaType, Unavailable,
    ),
    security(("access_token" = []), ("access_cookie" = []), ("session_cookie" = []))
)]
pub async fn change(
    deps: web::Data<Deps>,
    administrator: Fresh<Administrator>,
    address: ClientAddress,
    path: web::Path<String>,
    body: web::Json<ClientPatch>,
) -> Result<web::Json<ClientAnswer>, Problem> {
    let id = id(&path)?;
    let (change, disabled) = body.into_inner().read()?;
    let operator = operator(&deps, &administrator.0.0, &address);
    // What is taken away goes first: nothing is done in between that would have to be undone.
    if disabled == Some(true) {
        operator.set_disabled(&id, true).await?;
    }
    let mut client = operator.change(&id, &change).await?;
    if disabled == Some(false) && client.disabled {
        client = operator.set_disabled(&id, false).await?;
    }
    Ok(web::Json((&client).into()))
}

/// Removes a client. The tokens it has are refused.
#[utoipa::path(
    delete, path = "/admin/clients/{id}", tag = "admin", params(("id" = String, Path, description = "The client's id")),
    responses(
        (status = 204, description = "Removed"),
        TwoLogins, NotLately, NotByAdministrator, NoSuchClient, Unavailable,
    ),
    security(("access_token" = []), ("access_cookie" = []), ("session_cookie" = []))
)]
pub async fn remove(
    deps: web::Data<Deps>,
    administrator: Fresh<Administrator>,
    address: ClientAddress,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    operator(&deps, &administrator.0.0, &address).remove(&id(&path)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Gives a client another secret. The one before is good for a while still, so that its holders can change over.
#[utoipa::path(
    post, path = "/admin/clients/{id}/secret", tag = "admin",
    params(("id" = String, Path, description = "The client's id")), request_body = Option<SecretRequest>,
    responses(
        (status = 200, description = "The client with its new secret, which is not shown again", body = ClientWithSecret),
        BadMembers, NotLately, NotByAdministrator, NoSuchClient,
        (status = 409, description = "`other_credential`: the client signs with keys of its own", body = Problem, content_type = "application/problem+json"),
        PayloadTooLarge, UnsupportedMediaType, Unavailable,
    ),
    security(("access_token" = []), ("access_cookie" = []), ("session_cookie" = []))
)]
pub async fn new_secret(
    deps: web::Data<Deps>,
    administrator: Fresh<Administrator>,
    address: ClientAddress,
    path: web::Path<String>,
    body: OptionalJson<SecretRequest>,
) -> Result<web::Json<ClientWithSecret>, Problem> {
    let id = id(&path)?;
    let overlap = body.0.map_or(Ok(SecretRequest::DEFAULT_OVERLAP), |body| body.read())?;
    let (client, secret) = operator(&deps, &administrator.0.0, &address).rotate(&id, overlap).await?;
    Ok(web::Json(ClientWithSecret::new(&client, Some(&secret))))
}

/// The longest time for which a secret is good beside its successor.
const LONGEST_OVERLAP: Duration = Duration::from_hours(30 * 24);
