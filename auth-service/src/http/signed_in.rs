//! The session of the user who asks: an access token of auth-service's own, and its session alive in the store.

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use common::{actix::bearer, problem::Problem};

use crate::{
    domain::session::Session,
    service::{
        Deps,
        authenticate::{Delegation, authenticate, authenticate_as},
    },
};

/// The session behind the request's access token, as the store has it now.
pub struct SignedIn(pub Session);

/// The same, where a service may ask that acts for the user.
pub struct ActedFor(pub Session);

/// What [`FromRequest`] promises, where stores are asked.
pub(super) type Asked<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

impl AsRef<Session> for SignedIn {
    fn as_ref(&self) -> &Session {
        &self.0
    }
}

impl FromRequest for SignedIn {
    type Error = Problem;
    type Future = Asked<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        by_token(request, async |deps, token| Ok(Self(authenticate(deps, token).await?)))
    }
}

impl FromRequest for ActedFor {
    type Error = Problem;
    type Future = Asked<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        by_token(request, async |deps, token| Ok(Self(authenticate_as(deps, token, Delegation::Allowed).await?)))
    }
}

/// What `ask` makes of the request's access token.
pub(super) fn by_token<T: 'static>(
    request: &HttpRequest,
    ask: impl AsyncFnOnce(&Deps, &str) -> Result<T, Problem> + 'static,
) -> Asked<T> {
    let request = request.clone();
    Box::pin(async move { ask(deps(&request)?, bearer::token(request.headers())?).await })
}

/// What the handlers share.
pub(super) fn deps(request: &HttpRequest) -> Result<&Deps, Problem> {
    request.app_data::<web::Data<Deps>>().map(web::Data::get_ref).ok_or_else(|| {
        tracing::error!("a route was registered without `web::Data<Deps>`");
        Problem::internal()
    })
}
