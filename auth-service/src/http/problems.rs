//! What goes wrong in the use cases, as problem documents. One `match` an error; the cause stays in the log.

use std::time::Duration;

use common::{
    actix::{Refused, bearer, csrf},
    problem::{Problem, Status},
};

use crate::{
    domain::{
        password::{InvalidPassword, WeakPassword},
        user::ADMINISTRATOR,
    },
    ports::StoreError,
    service::{
        Trouble, administrator::AdministratorError, authenticate::AuthenticateError,
        change_password::ChangePasswordError, login::LoginError, logout::LogoutError,
        reauthenticate::ReauthenticateError, refresh::RefreshError, register::RegisterError, rename::RenameError,
    },
};

/// Seconds: stores come back within moments, or not for long.
const RETRY_AFTER: u32 = 1;

const OTHER_SESSION: &str = "The header X-CSRF-Token is another session's";

const NOT_NOW: &str = "This cannot be done right now; try again in a moment";

impl From<Trouble> for Problem {
    fn from(trouble: Trouble) -> Self {
        trouble_as(&trouble, "unavailable")
    }
}

/// The problem for `trouble`; where the request may be sent again, `code` says so.
fn trouble_as(trouble: &Trouble, code: &'static str) -> Problem {
    match trouble {
        Trouble::Store(StoreError::Unavailable(_)) => {
            tracing::warn!(%trouble, "answered 503");
            Problem::unavailable(code, NOT_NOW, RETRY_AFTER)
        }
        Trouble::Throttled { retry_after, .. } => Problem::new(
            Status::TooManyRequests,
            "too_many_attempts",
            "Too many attempts have failed; wait and try again",
        )
        .with_header("Retry-After", whole_seconds(*retry_after).to_string()),
        // Not a line each: a flood would write the log full. There is a counter.
        Trouble::Busy => Problem::unavailable(code, "Too many logins are going on; try again in a moment", RETRY_AFTER),
        Trouble::Contended => {
            tracing::warn!(%trouble, "answered 503");
            Problem::unavailable(code, "Too much is going on right now; try again in a moment", RETRY_AFTER)
        }
        Trouble::Store(StoreError::Inconsistent(_)) | Trouble::Internal(_) => {
            tracing::error!(%trouble, "answered 500");
            Problem::internal()
        }
    }
}

impl From<LoginError> for Problem {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::InvalidCredentials => {
                bearer::unauthenticated("invalid_credentials", "invalid username or password")
            }
            LoginError::UserDisabled => Self::new(Status::Forbidden, "user_disabled", "This account is disabled"),
            LoginError::PasswordChangeRequired => Self::new(
                Status::Forbidden,
                "password_change_required",
                "The password is a temporary one: log in with a new_password beside it",
            ),
            LoginError::PasswordExpired => Self::new(
                Status::Forbidden,
                "password_expired",
                "The temporary password was not replaced in time; ask an administrator for another",
            ),
            LoginError::WeakPassword(weak) => weak_password("new_password", weak),
            LoginError::ReplacedOnly => {
                let detail = "The password has been replaced; log in with the new one in a moment";
                Self::unavailable("password_replaced", detail, RETRY_AFTER)
            }
            LoginError::Trouble(trouble) => trouble.into(),
        }
    }
}

impl From<RefreshError> for Problem {
    /// Says what to do next: try again, or log in again and why.
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::InvalidToken(reason) => bearer::invalid_token("login_required", reason.to_string()),
            RefreshError::LoginRequired => session_over(),
            RefreshError::TokenReused => bearer::invalid_token(
                "token_reused",
                "A used refresh token came back, so the session was ended everywhere".to_owned(),
            ),
            RefreshError::CsrfFailed => csrf::csrf_failed(OTHER_SESSION),
            RefreshError::InCookie => Self::new(Status::BadRequest, "bad_request", error.to_string()),
            RefreshError::InvalidScope => Self::bad_field("scope", "must be words of the scope that the session has"),
            RefreshError::Trouble(trouble) => trouble_as(&trouble, "retry"),
        }
    }
}

impl From<AuthenticateError> for Problem {
    fn from(error: AuthenticateError) -> Self {
        match error {
            AuthenticateError::InvalidToken(error) => error.into(),
            AuthenticateError::LoginRequired => session_over(),
            AuthenticateError::CsrfFailed => csrf::csrf_failed(OTHER_SESSION),
            AuthenticateError::ClientGone => bearer::invalid_token("invalid_token", error.to_string()),
            AuthenticateError::Delegated => Self::new(Status::Forbidden, "users_only", error.to_string()),
            AuthenticateError::Trouble(trouble) => trouble.into(),
        }
    }
}

impl From<AdministratorError> for Problem {
    fn from(error: AdministratorError) -> Self {
        match error {
            AdministratorError::Unauthenticated(error) => error.into(),
            AdministratorError::NotAdministrator => not_administrator(),
        }
    }
}

impl From<LogoutError> for Problem {
    fn from(error: LogoutError) -> Self {
        match error {
            LogoutError::Unauthenticated(error) => error.into(),
            LogoutError::Trouble(trouble) => trouble.into(),
        }
    }
}

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Closed => {
                Self::new(Status::Forbidden, "registration_closed", "Nobody can register here; ask an administrator")
            }
            RegisterError::InviteRequired => {
                Self::new(Status::Forbidden, "invite_required", "Registering needs an invitation")
                    .with_field("invite", "is missing")
            }
            RegisterError::InviteInvalid => {
                Self::new(Status::Forbidden, "invite_invalid", "The invitation is unknown, has expired or was used")
            }
            RegisterError::WeakPassword(weak) => weak_password("password", weak),
            RegisterError::UsernameTaken => username_taken(),
            RegisterError::EmailTaken => email_taken(),
            RegisterError::Trouble(trouble) => trouble.into(),
        }
    }
}

impl From<RenameError> for Problem {
    fn from(error: RenameError) -> Self {
        match error {
            RenameError::UsernameTaken => username_taken(),
            RenameError::EmailTaken => email_taken(),
            RenameError::LoginRequired => session_over(),
            RenameError::Trouble(trouble) => trouble.into(),
        }
    }
}

impl From<ChangePasswordError> for Problem {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::WrongPassword => wrong_password(),
            ChangePasswordError::WeakPassword(weak) => weak_password("new_password", weak),
            ChangePasswordError::Trouble(trouble) => trouble.into(),
        }
    }
}

impl From<ReauthenticateError> for Problem {
    fn from(error: ReauthenticateError) -> Self {
        match error {
            ReauthenticateError::WrongPassword => wrong_password(),
            ReauthenticateError::LoginRequired => session_over(),
            ReauthenticateError::Trouble(trouble) => trouble.into(),
        }
    }
}

/// 403 for a user without the role.
pub(super) fn not_administrator() -> Problem {
    Refused::LacksRole(ADMINISTRATOR).into()
}

pub(super) fn username_taken() -> Problem {
    Problem::new(Status::Conflict, "username_taken", "The username is taken").with_field("username", "is taken")
}

pub(super) fn email_taken() -> Problem {
    Problem::new(Status::Conflict, "email_taken", "The e-mail address is taken").with_field("email", "is taken")
}

fn session_over() -> Problem {
    bearer::invalid_token("login_required", "The session is over; log in again".to_owned())
}

/// Not 401: the session is fine, and a client must not refresh or log out because of it.
fn wrong_password() -> Problem {
    Problem::new(Status::Forbidden, "wrong_password", "The password is not the current one")
}

pub(super) fn weak_password(field: &'static str, weak: WeakPassword) -> Problem {
    let problem = Problem::new(Status::UnprocessableEntity, "weak_password", "The password is too easy to guess");
    weak.warning.into_iter().chain(weak.suggestions).fold(problem, |problem, advice| problem.with_field(field, advice))
}

/// For `Retry-After`: nobody is told to come back too early, or at once.
pub(super) fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// 503 for what the store has not been asked for yet.
pub(super) fn not_yet() -> Problem {
    Problem::unavailable("unavailable", NOT_NOW, RETRY_AFTER)
}

/// 400 for a password that cannot be one.
pub(super) fn invalid_password(field: &'static str, error: InvalidPassword) -> Problem {
    Problem::bad_field(field, error.to_string())
}
