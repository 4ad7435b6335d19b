//! Where log lines go and what they look like.

use std::io;

use tracing_subscriber::{EnvFilter, util::SubscriberInitExt};

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// For reading at a terminal.
    Pretty,
}

/// Sends the log of this process to standard output. A second call changes nothing.
pub fn init(format: Format, filter: EnvFilter) {
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stdout);
    let started = match format {
        Format::Json => lines.json().flatten_event(true).with_span_list(false).finish().try_init(),
        Format::Pretty => lines.with_ansi(false).finish().try_init(),
    };
    if started.is_err() {
        tracing::debug!("the log has been started before");
    }
}
