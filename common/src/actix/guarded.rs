//! Who may reach a handler, said in the types of its arguments.

use std::{
    future::{Ready, ready},
    marker::PhantomData,
    ops::Deref,
    time::Duration,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};

use super::bearer;
use crate::{
    claims::User,
    clock::Timestamp,
    problem::{Problem, Status},
    verifier::Verifier,
};

impl FromRequest for User {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(verified(request))
    }
}

fn verified(request: &HttpRequest) -> Result<User, Problem> {
    let verifier = verifier(request)?;
    Ok(verifier.verify(bearer::token(request.headers())?)?.into())
}

fn verifier(request: &HttpRequest) -> Result<&Verifier, Problem> {
    request.app_data::<web::Data<Verifier>>().map(web::Data::get_ref).ok_or_else(|| {
        tracing::error!("a guarded route was registered without `web::Data<Verifier>`");
        Problem::internal()
    })
}

/// Why a user who is known may still not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// The token lacks this scope: 403 `insufficient_scope`.
    LacksScope(&'static str),
    /// The user lacks this role: 403 `insufficient_role`.
    LacksRole(&'static str),
    /// The password was given longer ago than this: 401 `reauthentication_required`.
    AuthenticatedTooLongAgo(Duration),
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::LacksScope(scope) => bearer::insufficient_scope(scope),
            Refused::LacksRole(role) => {
                Problem::new(Status::Forbidden, "insufficient_role", format!("This needs the role {role}"))
            }
            Refused::AuthenticatedTooLongAgo(limit) => {
                let challenge = format!(
                    r#"Bearer realm="latchkey", error="insufficient_user_authentication", max_age="{}""#,
                    limit.as_secs()
                );
                Problem::new(Status::Unauthorized, "reauthentication_required", "Give your password again for this")
                    .with_header("WWW-Authenticate", challenge)
            }
        }
    }
}

/// A rule on users. Make one with [`require_scope!`](crate::require_scope), [`require_role!`](crate::require_role),
/// or by hand for anything else a token can show.
pub trait Requirement: 'static {
    /// Whether `user` may pass at `now`.
    fn check(user: &User, now: Timestamp) -> Result<(), Refused>;
}

/// Two rules at once.
impl<A: Requirement, B: Requirement> Requirement for (A, B) {
    fn check(user: &User, now: Timestamp) -> Result<(), Refused> {
        A::check(user, now)?;
        B::check(user, now)
    }
}

/// The password was given at most `SECONDS` ago (`auth_time`; RFC 9470 for the answer otherwise).
#[derive(Debug)]
pub struct AuthenticatedWithin<const SECONDS: u64>;

impl<const SECONDS: u64> Requirement for AuthenticatedWithin<SECONDS> {
    fn check(user: &User, now: Timestamp) -> Result<(), Refused> {
        let limit = Duration::from_secs(SECONDS);
        if now.since(user.authenticated_at) > limit {
            return Err(Refused::AuthenticatedTooLongAgo(limit));
        }
        Ok(())
    }
}

/// A verified user who meets `R`.
#[derive(Debug)]
pub struct Guarded<R>(User, PhantomData<R>);

impl<R> Deref for Guarded<R> {
    type Target = User;

    fn deref(&self) -> &User {
        &self.0
    }
}

impl<R: Requirement> FromRequest for Guarded<R> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(verified(request).and_then(|user| {
            R::check(&user, verifier(request)?.now())?;
            Ok(Self(user, PhantomData))
        }))
    }
}

/// Defines a requirement: the token's scope contains the given word.
#[macro_export]
macro_rules! require_scope {
    ($(#[$attribute:meta])* $visibility:vis $name:ident, $scope:literal) => {
        $(#[$attribute])*
        #[doc = concat!("The token's scope contains `", $scope, "`.")]
        #[derive(Debug)]
        $visibility struct $name;

        impl $crate::actix::Requirement for $name {
            fn check(
                user: &$crate::claims::User,
                _: $crate::clock::Timestamp,
            ) -> Result<(), $crate::actix::Refused> {
                user.scope.contains($scope).then_some(()).ok_or($crate::actix::Refused::LacksScope($scope))
            }
        }
    };
}

/// Defines a requirement: the user has the given role.
#[macro_export]
macro_rules! require_role {
    ($(#[$attribute:meta])* $visibility:vis $name:ident, $role:literal) => {
        $(#[$attribute])*
        #[doc = concat!("The user has the role `", $role, "`.")]
        #[derive(Debug)]
        $visibility struct $name;

        impl $crate::actix::Requirement for $name {
            fn check(
                user: &$crate::claims::User,
                _: $crate::clock::Timestamp,
            ) -> Result<(), $crate::actix::Refused> {
                user.has_role($role).then_some(()).ok_or($crate::actix::Refused::LacksRole($role))
            }
        }
    };
}
