//! Other services that this one asks: implementations of the ports.

mod auth_service;
mod resource_service;

use common::service_client::CallError;

pub use auth_service::AuthService;
pub use resource_service::ResourceService;

use crate::ports::RemoteError;

impl From<CallError> for RemoteError {
    fn from(error: CallError) -> Self {
        Self(error.to_string())
    }
}
