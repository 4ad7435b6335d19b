//! The administrator who asks: an access token of auth-service's own, its session alive, and the role in the record.

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use common::{actix::bearer, problem::Problem};

use super::signed_in::deps;
use crate::{domain::session::Session, service::administrator::administrator};

/// The session of an administrator, as the stores have it now. Anybody else gets 401 or 403 `insufficient_role`.
pub struct Administrator(pub Session);

impl FromRequest for Administrator {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let deps = deps(&request)?;
            Ok(Self(administrator(deps, bearer::token(request.headers())?).await?))
        })
    }
}
