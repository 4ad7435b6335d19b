//! The administrator who asks: an access token of auth-service's own, its session alive, and the role in the record.

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use common::problem::Problem;

use super::signed_in::{Asked, ask};
use crate::{domain::session::Session, service::administrator::administrator};

/// The session of an administrator, as the stores have it now. Anybody else gets 401 or 403 `insufficient_role`.
pub struct Administrator(pub Session);

impl AsRef<Session> for Administrator {
    fn as_ref(&self) -> &Session {
        &self.0
    }
}

impl FromRequest for Administrator {
    type Error = Problem;
    type Future = Asked<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ask(request, async |deps, shown| Ok(Self(administrator(deps, &shown).await?)))
    }
}
