//! Other services that this one asks: implementations of the ports.

mod auth_service;
mod resource_service;

use std::time::Duration;

use common::service_client::{CallError, Limits};

pub use auth_service::AuthService;
pub use resource_service::ResourceService;

use crate::ports::RemoteError;

/// Less than the gateway waits, so that the user is told by this service what has happened.
const LIMITS: Limits =
    Limits { per_try: Duration::from_secs(2), whole_call: Duration::from_secs(6), tries: 2, body: 64 * 1024 };

impl From<CallError> for RemoteError {
    fn from(error: CallError) -> Self {
        if error.refuses_the_user() {
            Self::UserRefused
        } else if error.retry_after().is_some() {
            Self::Away(error.to_string())
        } else {
            Self::Failed(error.to_string())
        }
    }
}
