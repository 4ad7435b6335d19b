//! What operators count: logins and refreshes by what came of them.

use std::collections::BTreeMap;

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

macro_rules! outcomes {
    ($(#[$attribute:meta])* $name:ident: $($variant:ident = $word:literal,)+) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy)]
        enum $name {
            $($variant,)+
        }

        impl $name {
            const ALL: &[&'static str] = &[$($word,)+];

            fn label(self) -> Outcome {
                let outcome = match self { $(Self::$variant => $word,)+ };
                Outcome { outcome }
            }
        }
    };
}

outcomes! {
    /// What comes of a login.
    LoginOutcome:
    Ok = "ok",
    InvalidCredentials = "invalid_credentials",
    UserDisabled = "user_disabled",
    PasswordChange = "password_change",
    Throttled = "throttled",
    Busy = "busy",
    Unavailable = "unavailable",
}

outcomes! {
    /// What comes of a refresh.
    RefreshOutcome:
    Rotated = "rotated",
    SameToken = "same_token",
    InvalidToken = "invalid_token",
    LoginRequired = "login_required",
    TokenReused = "token_reused",
    InvalidScope = "invalid_scope",
    CsrfFailed = "csrf_failed",
    InCookie = "in_cookie",
    Unavailable = "unavailable",
}

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
        let rollbacks =
            metrics.counter("store_rolled_back", "Refresh tokens that proved lost writes in the session store");
        let outcomes = Self { logins: Family::default(), refreshes: Family::default(), rollbacks };
        metrics.register("logins", "Logins by outcome", outcomes.logins.clone());
        metrics.register("refreshes", "Refreshes by outcome", outcomes.refreshes.clone());
        outcomes
    }

    /// Logins so far by outcome.
    pub(super) fn logins(&self) -> BTreeMap<&'static str, u64> {
        counts(&self.logins, LoginOutcome::ALL)
    }

    /// Refreshes so far by outcome.
    pub(super) fn refreshes(&self) -> BTreeMap<&'static str, u64> {
        counts(&self.refreshes, RefreshOutcome::ALL)
    }

    pub(super) fn login<T>(&self, result: &Result<T, LoginError>) {
        let outcome = match result {
            Ok(_) => LoginOutcome::Ok,
            Err(LoginError::InvalidCredentials) => LoginOutcome::InvalidCredentials,
            Err(LoginError::UserDisabled) => LoginOutcome::UserDisabled,
            Err(LoginError::PasswordChangeRequired | LoginError::PasswordExpired | LoginError::WeakPassword(_)) => {
                LoginOutcome::PasswordChange
            }
            Err(LoginError::Trouble(Trouble::Throttled { .. })) => LoginOutcome::Throttled,
            Err(LoginError::Trouble(Trouble::Busy)) => LoginOutcome::Busy,
            Err(LoginError::ReplacedOnly | LoginError::Trouble(_)) => LoginOutcome::Unavailable,
        };
        self.logins.get_or_create(&outcome.label()).inc();
    }

    pub(super) fn refresh<T>(&self, result: &Result<Refreshed<T>, RefreshError>) {
        let outcome = match result {
            Ok(Refreshed { rotation: Rotation::Child, .. }) => RefreshOutcome::Rotated,
            Ok(Refreshed { rotation: Rotation::Same, .. }) => RefreshOutcome::SameToken,
            Err(RefreshError::InvalidToken(_)) => RefreshOutcome::InvalidToken,
            Err(RefreshError::LoginRequired) => RefreshOutcome::LoginRequired,
            Err(RefreshError::TokenReused) => RefreshOutcome::TokenReused,
            Err(RefreshError::InvalidScope) => RefreshOutcome::InvalidScope,
            Err(RefreshError::CsrfFailed) => RefreshOutcome::CsrfFailed,
            Err(RefreshError::InCookie) => RefreshOutcome::InCookie,
            Err(RefreshError::Trouble(_)) => RefreshOutcome::Unavailable,
        };
        self.refreshes.get_or_create(&outcome.label()).inc();
        if result.as_ref().is_ok_and(|refreshed| refreshed.rolled_back) {
            self.rollbacks.inc();
        }
    }
}

/// One that has not come about yet is there with zero.
fn counts(family: &Family<Outcome, Counter>, outcomes: &[&'static str]) -> BTreeMap<&'static str, u64> {
    let count = |outcome| family.get(&Outcome { outcome }).map_or(0, |counter| counter.get());
    outcomes.iter().map(|outcome| (*outcome, count(outcome))).collect()
}
