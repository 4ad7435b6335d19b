//! Whoever gave the password a short while ago: for what a device that was left open must not do.

use std::time::Duration;

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use common::{actix::authenticated_within, problem::Problem};

use super::signed_in::{Asked, deps};
use crate::domain::session::Session;

/// How long ago the password may have been given, at login or to `/auth/reauth`.
const LIMIT: Duration = Duration::from_mins(15);

/// `T`, if the password was given within [`LIMIT`] as the store has it now. Anybody else gets 401
/// `reauthentication_required` (RFC 9470).
pub struct Fresh<T>(pub T);

impl<T: FromRequest<Error = Problem> + AsRef<Session> + 'static> FromRequest for Fresh<T> {
    type Error = Problem;
    type Future = Asked<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, asked) = (request.clone(), T::from_request(request, payload));
        Box::pin(async move {
            let found = asked.await?;
            authenticated_within(LIMIT, found.as_ref().authenticated_at, deps(&request)?.clock.now())?;
            Ok(Self(found))
        })
    }
}
