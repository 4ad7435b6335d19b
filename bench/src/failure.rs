//! Why nothing could be measured.

use std::io;

use redis::RedisError;

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line cannot be understood.
    #[error("The command line has a mistake: {0}.")]
    Usage(String),
    /// A service, or the machine, did not do its part.
    #[error("{0}")]
    Other(String),
    /// Somebody wants it to end.
    #[error("Interrupted.")]
    Interrupted,
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        Self::Other(format!("Redis: {error}."))
    }
}

impl Failure {
    /// For `map_err`: what was tried, and why it failed.
    pub fn during(what: &str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Other(format!("{what}: {error}."))
    }

    /// What a shell sees.
    pub fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Other(_) => 1,
            Self::Interrupted => 130,
        }
    }
}
