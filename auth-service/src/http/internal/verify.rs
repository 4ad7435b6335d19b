//! `/auth/verify`: whether a gateway may let a request through. nginx asks with a request of its own that tells of the client's
//! (`auth_request`); Envoy repeats the client's method and path behind `/auth/verify` (`ext_authz` with `path_prefix`).

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::{
        Method,
        header::{AUTHORIZATION, CACHE_CONTROL, HeaderName, HeaderValue},
    },
    web,
};
use common::{
    actix::bearer,
    claims::{Holder, Principal},
    context::RequestId,
    problem::{Problem, Status},
};
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::super::shown::shown_in;
use crate::service::{
    Deps,
    verify::{self as service, Required, Verified, VerifyError},
};

const REQUEST_ID: &str = "x-request-id";
const ORIGINAL_METHOD: &str = "x-original-method";
const ORIGINAL_URI: &str = "x-original-uri";
const REQUIRED_SCOPE: &str = "x-required-scope";
const REQUIRED_ROLE: &str = "x-required-role";

const UNREADABLE: &str = "What the gateway requires cannot be read";

const SUBJECT: HeaderName = HeaderName::from_static("x-auth-subject");
const SESSION: HeaderName = HeaderName::from_static("x-auth-session");
const CLIENT: HeaderName = HeaderName::from_static("x-auth-client");
const SCOPE: HeaderName = HeaderName::from_static("x-auth-scope");
const ROLES: HeaderName = HeaderName::from_static("x-auth-roles");
/// `code` and `detail` of the problem, for gateways that cannot pass its body on.
const ERROR: HeaderName = HeaderName::from_static("x-auth-error");
const ERROR_DETAIL: HeaderName = HeaderName::from_static("x-auth-error-detail");

/// What a request must be allowed, words divided by spaces.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequiredQuery {
    scope: Option<String>,
    role: Option<String>,
}

/// For `auth_request`: the client's method and address are in headers.
pub async fn told(deps: web::Data<Deps>, request: HttpRequest) -> HttpResponse {
    let told = told_method(&request).and_then(|method| Ok((method, required_by_query(&request)?)));
    let answer = match told {
        Ok((method, query)) => verify(&deps, &request, &method, query).await,
        Err(problem) => Err(problem),
    };
    answer.unwrap_or_else(|problem| refused(&request, problem))
}

/// For `ext_authz`: method, path and query are the client's. The requirement is in headers alone, because the query is the client's.
pub async fn repeated(deps: web::Data<Deps>, request: HttpRequest) -> HttpResponse {
    let nothing = RequiredQuery { scope: None, role: None };
    let answer = verify(&deps, &request, request.method(), nothing).await;
    answer.unwrap_or_else(|problem| refused(&request, problem))
}

/// What cannot be told apart from a safe method must not pass for one: without the headers nothing does.
fn told_method(request: &HttpRequest) -> Result<Method, Problem> {
    let one = |name: &str| {
        let mut values = request.headers().get_all(name);
        values.next().filter(|_| values.next().is_none())
    };
    let missing = || {
        let detail = "The gateway must send X-Original-Method and X-Original-URI, each once";
        Problem::new(Status::BadRequest, "bad_request", detail)
    };
    one(ORIGINAL_URI).ok_or_else(missing)?;
    let method = one(ORIGINAL_METHOD).ok_or_else(missing)?;
    Method::from_bytes(method.as_bytes()).map_err(|_| missing())
}

async fn verify(
    deps: &Deps,
    request: &HttpRequest,
    method: &Method,
    query: RequiredQuery,
) -> Result<HttpResponse, Problem> {
    let required = required(request, query)?;
    let shown = shown_in(request.headers(), method, deps.policy.site.as_ref())?;
    let Verified { token, principal } =
        service::verify(deps, &shown, &required).await.map_err(|error| problem(error, &required))?;
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((AUTHORIZATION, format!("Bearer {}", token.expose_secret())))
        .insert_header((SCOPE, principal.scope().to_string()));
    match &principal {
        Principal::User(user) => response
            .insert_header((SUBJECT, user.id.to_string()))
            .insert_header((SESSION, user.session.to_string()))
            .insert_header((CLIENT, user.client_id.as_str()))
            .insert_header((ROLES, user.roles.join(" "))),
        Principal::Service(service) => response
            .insert_header((SUBJECT, service.client_id.as_str()))
            .insert_header((SESSION, ""))
            .insert_header((CLIENT, service.client_id.as_str()))
            .insert_header((ROLES, "")),
    };
    Ok(response.finish())
}

fn problem(error: VerifyError, required: &Required) -> Problem {
    match error {
        VerifyError::Unauthenticated(error) => error.into(),
        VerifyError::InsufficientScope => bearer::insufficient_scope(&required.scope.to_string()),
        VerifyError::InsufficientRole(role) => {
            Problem::new(Status::Forbidden, "insufficient_role", format!("This needs the role {role}"))
        }
    }
}

/// A requirement that cannot be read must not be passed over.
fn required_by_query(request: &HttpRequest) -> Result<RequiredQuery, Problem> {
    let query = web::Query::from_query(request.query_string());
    query.map(web::Query::into_inner).map_err(|_| Problem::bad_request())
}

/// From the query or from headers, which the gateway's configuration sets. All of it counts.
fn required(request: &HttpRequest, query: RequiredQuery) -> Result<Required, Problem> {
    let words = |query: Option<String>, name: &str| {
        let mut words = query.unwrap_or_default();
        for value in request.headers().get_all(name) {
            let value = value.to_str().map_err(|_| Problem::new(Status::BadRequest, "bad_request", UNREADABLE))?;
            words = format!("{words} {value}");
        }
        Ok::<_, Problem>(words.split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>())
    };
    let scope = words(query.scope, REQUIRED_SCOPE)?.join(" ");
    Ok(Required {
        scope: scope.parse().map_err(|_| Problem::bad_field("scope", "must be words of a scope"))?,
        roles: words(query.role, REQUIRED_ROLE)?,
    })
}

/// Envoy passes the body on as it is, so it names the request that the client has made.
fn refused(request: &HttpRequest, problem: Problem) -> HttpResponse {
    let id = request.headers().get(REQUEST_ID).and_then(|id| RequestId::parse(id.to_str().ok()?));
    let problem = problem.with_request_id(id.unwrap_or_else(RequestId::generate).as_str());
    let mut response = problem.error_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, value) in [(ERROR, problem.code()), (ERROR_DETAIL, problem.detail())] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    response
}
