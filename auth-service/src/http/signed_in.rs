//! The session of the user who asks: an access token of auth-service's own, and its session alive in the store.

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use common::{actix::bearer, problem::Problem};

use crate::{
    domain::session::Session,
    service::{Deps, authenticate::authenticate},
};

/// The session behind the request's access token, as the store has it now.
pub struct SignedIn(pub Session);

impl FromRequest for SignedIn {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let deps = deps(&request)?;
            let token = bearer::token(request.headers())?;
            Ok(Self(authenticate(deps, token).await?))
        })
    }
}

/// What the handlers share.
pub(super) fn deps(request: &HttpRequest) -> Result<&Deps, Problem> {
    request.app_data::<web::Data<Deps>>().map(web::Data::get_ref).ok_or_else(|| {
        tracing::error!("a route was registered without `web::Data<Deps>`");
        Problem::internal()
    })
}
