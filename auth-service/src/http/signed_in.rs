//! The session of the user who asks: an access token of auth-service's own, and its session alive in the store.

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use common::problem::Problem;

use super::shown::shown;
use crate::{
    domain::session::Session,
    service::{
        Deps,
        authenticate::{Delegation, Shown, authenticate},
    },
};

/// The session that the request belongs to, as the store has it now.
pub struct SignedIn {
    /// The session.
    pub session: Session,
    /// What shows it.
    pub shown: Shown,
}

/// The same, where a service may ask that acts for the user.
pub struct ActedFor(pub Session);

/// What [`FromRequest`] promises, where stores are asked.
pub(super) type Asked<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

impl AsRef<Session> for SignedIn {
    fn as_ref(&self) -> &Session {
        &self.session
    }
}

impl FromRequest for SignedIn {
    type Error = Problem;
    type Future = Asked<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ask(request, async |deps, shown| {
            Ok(Self { session: authenticate(deps, &shown, Delegation::Refused).await?, shown })
        })
    }
}

impl FromRequest for ActedFor {
    type Error = Problem;
    type Future = Asked<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ask(request, async |deps, shown| Ok(Self(authenticate(deps, &shown, Delegation::Allowed).await?)))
    }
}

/// What `find` makes of what the request shows.
pub(super) fn ask<T: 'static>(
    request: &HttpRequest,
    find: impl AsyncFnOnce(&Deps, Shown) -> Result<T, Problem> + 'static,
) -> Asked<T> {
    let request = request.clone();
    Box::pin(async move {
        let deps = deps(&request)?;
        find(deps, shown(&request, deps)?).await
    })
}

/// What the handlers share.
pub(super) fn deps(request: &HttpRequest) -> Result<&Deps, Problem> {
    request.app_data::<web::Data<Deps>>().map(web::Data::get_ref).ok_or_else(|| {
        tracing::error!("a route was registered without `web::Data<Deps>`");
        Problem::internal()
    })
}
