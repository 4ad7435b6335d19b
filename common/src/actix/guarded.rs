//! Who may reach a handler, said in the types of its arguments.

use std::{
    future::{Future, Ready, ready},
    marker::PhantomData,
    ops::Deref,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};

use super::{
    bearer,
    credential::{Credential, credential},
};
use crate::{
    claims::{AccessClaims, Principal, Service, User},
    clock::Timestamp,
    problem::{Problem, Status},
    verifier::{TokenError, Verifier},
};

/// Who may be behind a token: a user, a service, or either.
pub trait Verified: Sized + 'static {
    /// Takes a principal of the right kind.
    fn from_principal(principal: Principal) -> Result<Self, TokenError>;
}

impl Verified for Principal {
    fn from_principal(principal: Principal) -> Result<Self, TokenError> {
        Ok(principal)
    }
}

impl Verified for User {
    fn from_principal(principal: Principal) -> Result<Self, TokenError> {
        match principal {
            Principal::User(user) => Ok(user),
            Principal::Service(_) => Err(TokenError::NotAUser),
        }
    }
}

impl Verified for Service {
    fn from_principal(principal: Principal) -> Result<Self, TokenError> {
        match principal {
            Principal::Service(service) => Ok(service),
            Principal::User(_) => Err(TokenError::NotAService),
        }
    }
}

macro_rules! extract {
    ($($holder:ty),+) => {
        $(
            impl FromRequest for $holder {
                type Error = Problem;
                type Future = Verification<Self>;

                fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                    Verification::of(request, |holder, _| Ok(holder))
                }
            }
        )+
    };
}

extract!(User, Service, Principal);

/// A verification under way. It is done at once, unless the token's key is not known and has to be looked for.
pub enum Verification<T> {
    /// Done.
    Done(Ready<Result<T, Problem>>),
    /// The keys are read again first.
    Waiting(Pin<Box<dyn Future<Output = Result<T, Problem>>>>),
}

impl<T> Future for Verification<T> {
    type Output = Result<T, Problem>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Done(answer) => Pin::new(answer).poll(context),
            Self::Waiting(answer) => answer.as_mut().poll(context),
        }
    }
}

impl<T: 'static> Verification<T> {
    /// Verifies the request's token; `take` decides on its holder.
    fn of<H: Verified>(request: &HttpRequest, take: fn(H, &Verifier) -> Result<T, Problem>) -> Self {
        match begun(request, take) {
            Ok(verification) => verification,
            Err(problem) => Self::Done(ready(Err(problem))),
        }
    }
}

fn begun<H: Verified, T: 'static>(
    request: &HttpRequest,
    take: fn(H, &Verifier) -> Result<T, Problem>,
) -> Result<Verification<T>, Problem> {
    let verifier = verifier(request)?;
    let Credential { token, proof } = credential(request, verifier)?;
    let decide = move |verifier: &Verifier, (claims, principal): (Arc<AccessClaims>, Principal)| {
        proof.check(&claims)?;
        take(H::from_principal(principal)?, verifier)
    };
    match verifier.verify_holder(token) {
        Err(error) if verifier.may_learn(error) => {
            let (verifier, token) = (verifier.clone(), token.to_owned());
            Ok(Verification::Waiting(Box::pin(async move {
                let believed = verifier.verify_after_a_look(&token).await?;
                decide(&verifier, believed)
            })))
        }
        outcome => Ok(Verification::Done(ready(Ok(decide(verifier, outcome?)?)))),
    }
}

pub(super) fn verifier(request: &HttpRequest) -> Result<&web::Data<Verifier>, Problem> {
    request.app_data::<web::Data<Verifier>>().ok_or_else(|| {
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

/// A rule on who holds a token: on users, unless it says otherwise. Make one with [`require_scope!`](crate::require_scope), [`require_role!`](crate::require_role),
/// or by hand for anything else a token can show.
pub trait Requirement<H = User>: 'static {
    /// Whether `holder` may pass at `now`.
    fn check(holder: &H, now: Timestamp) -> Result<(), Refused>;
}

/// Two rules at once.
impl<H, A: Requirement<H>, B: Requirement<H>> Requirement<H> for (A, B) {
    fn check(holder: &H, now: Timestamp) -> Result<(), Refused> {
        A::check(holder, now)?;
        B::check(holder, now)
    }
}

/// Whether the password was given at most `limit` ago.
pub fn authenticated_within(limit: Duration, authenticated_at: Timestamp, now: Timestamp) -> Result<(), Refused> {
    if now.since(authenticated_at) > limit { Err(Refused::AuthenticatedTooLongAgo(limit)) } else { Ok(()) }
}

/// The password was given at most `SECONDS` ago (`auth_time`; RFC 9470 for the answer otherwise).
#[derive(Debug)]
pub struct AuthenticatedWithin<const SECONDS: u64>;

impl<const SECONDS: u64> Requirement for AuthenticatedWithin<SECONDS> {
    fn check(user: &User, now: Timestamp) -> Result<(), Refused> {
        authenticated_within(Duration::from_secs(SECONDS), user.authenticated_at, now)
    }
}

/// A verified user, or another holder of a token, who meets `R`.
#[derive(Debug)]
pub struct Guarded<R, H = User>(H, PhantomData<R>);

impl<R, H> Deref for Guarded<R, H> {
    type Target = H;

    fn deref(&self) -> &H {
        &self.0
    }
}

impl<H: Verified, R: Requirement<H>> FromRequest for Guarded<R, H> {
    type Error = Problem;
    type Future = Verification<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        Verification::of(request, |holder: H, verifier| {
            R::check(&holder, verifier.now())?;
            Ok(Self(holder, PhantomData))
        })
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

        impl<H: $crate::claims::Holder> $crate::actix::Requirement<H> for $name {
            fn check(holder: &H, _: $crate::clock::Timestamp) -> Result<(), $crate::actix::Refused> {
                holder.scope().contains($scope).then_some(()).ok_or($crate::actix::Refused::LacksScope($scope))
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

#[cfg(test)]
mod tests {
    use actix_web::{
        App,
        test::{TestRequest, call_service, init_service},
    };
    use std::sync::Arc;
    use uuid::Uuid;

    use super::*;
    use crate::{
        secret::{SecretSet, SigningSecret},
        testing::{ManualClock, TestToken},
    };

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    crate::require_scope!(Read, "x:read");

    async fn users(_: User) -> &'static str {
        ""
    }
    async fn services(_: Service) -> &'static str {
        ""
    }
    async fn either(_: Principal) -> &'static str {
        ""
    }
    async fn readers(_: Guarded<Read, Principal>) -> &'static str {
        ""
    }

    /// The statuses of the four routes above.
    async fn statuses(token: &str) -> Vec<u16> {
        let secret = SecretSet::only(secret());
        let verifier = web::Data::new(Verifier::new("issuer", "here", &secret, Arc::new(ManualClock::at(NOW))));
        let routes = App::new()
            .app_data(verifier)
            .route("/users", web::get().to(users))
            .route("/services", web::get().to(services))
            .route("/either", web::get().to(either))
            .route("/readers", web::get().to(readers));
        let service = init_service(routes).await;
        let mut statuses = Vec::new();
        for path in ["/users", "/services", "/either", "/readers"] {
            let request = TestRequest::get().uri(path).insert_header(("Authorization", format!("Bearer {token}")));
            statuses.push(call_service(&service, request.to_request()).await.status().as_u16());
        }
        statuses
    }

    fn secret() -> SigningSecret {
        SigningSecret::new("x".repeat(32).into()).unwrap()
    }

    #[actix_web::test]
    async fn a_user_passes_where_users_or_anybody_may() {
        let mut token = TestToken::new(&secret(), "issuer", "here", Uuid::from_u128(7), NOW);
        assert_eq!(statuses(&token.sign()).await, [200, 403, 200, 403]);
        token.claims.scope = "x:read".parse().unwrap();
        assert_eq!(statuses(&token.sign()).await, [200, 403, 200, 200]);
    }

    #[actix_web::test]
    async fn a_service_passes_where_services_or_anybody_may() {
        let mut token = TestToken::service(&secret(), "issuer", "here", "reports", NOW);
        assert_eq!(statuses(&token.sign()).await, [403, 200, 200, 403]);
        token.claims.scope = "x:read".parse().unwrap();
        assert_eq!(statuses(&token.sign()).await, [403, 200, 200, 200]);
    }
}
