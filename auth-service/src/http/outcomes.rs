//! What operators count: logins and refreshes by what came of them.

use common::telemetry::metrics::Metrics;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};

use crate::{
    domain::session::Rotation,
    service::{
        Trouble,
        login::LoginError,
        refresh::{RefreshError, Refreshed},
    },
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

/// The counters.
#[derive(Debug)]
pub struct Outcomes {
    logins: Family<Outcome, Counter>,
    refreshes: Family<Outcome, Counter>,
    rollbacks: Counter,
}

impl Outcomes {
    /// Counters that start at zero, written by `metrics`.
    #[must_use]
    pub fn new(metrics: &Metrics) -> Self {
        let outcomes = Self { logins: Family::default(), refreshes: Family::default(), rollbacks: Counter::default() };
        metrics.register("logins", "Logins by outcome", outcomes.logins.clone());
        metrics.register("refreshes", "Refreshes by outcome", outcomes.refreshes.clone());
        metrics.register(
            "store_rolled_back",
            "Refresh tokens that proved lost writes in the session store",
            outcomes.rollbacks.clone(),
        );
        outcomes
    }

    pub(super) fn login<T>(&self, result: &Result<T, LoginError>) {
        let outcome = match result {
            Ok(_) => "ok",
            Err(LoginError::InvalidCredentials) => "invalid_credentials",
            Err(LoginError::UserDisabled) => "user_disabled",
            Err(LoginError::PasswordChangeRequired | LoginError::PasswordExpired | LoginError::WeakPassword(_)) => {
                "password_change"
            }
            Err(LoginError::Trouble(Trouble::Throttled { .. })) => "throttled",
            Err(LoginError::Trouble(Trouble::Busy)) => "busy",
            Err(LoginError::ReplacedOnly | LoginError::Trouble(_)) => "unavailable",
        };
        self.logins.get_or_create(&Outcome { outcome }).inc();
    }

    pub(super) fn refresh<T>(&self, result: &Result<Refreshed<T>, RefreshError>) {
        let outcome = match result {
            Ok(Refreshed { rotation: Rotation::Child, .. }) => "rotated",
            Ok(Refreshed { rotation: Rotation::Same, .. }) => "same_token",
            Err(RefreshError::InvalidToken(_)) => "invalid_token",
            Err(RefreshError::LoginRequired) => "login_required",
            Err(RefreshError::TokenReused) => "token_reused",
            Err(RefreshError::InvalidScope) => "invalid_scope",
            Err(RefreshError::CsrfFailed) => "csrf_failed",
            Err(RefreshError::InCookie) => "in_cookie",
            Err(RefreshError::Trouble(_)) => "unavailable",
        };
        self.refreshes.get_or_create(&Outcome { outcome }).inc();
        if result.as_ref().is_ok_and(|refreshed| refreshed.rolled_back) {
            self.rollbacks.inc();
        }
    }
}
