//! `serve` and `healthcheck`

use std::sync::Arc;

use common::{
    server::Signals,
    telemetry::{healthcheck::is_ready, log},
};

use super::{Failure, variables};
use crate::{
    app::App,
    config::{self, Config},
    ports::{SystemClock, SystemRng},
};

/// All settings are read before anything is opened.
pub(super) async fn serve() -> Result<(), Failure> {
    let config = Config::read(variables())?;
    let log = config::log(variables())?;
    log::init(log.format, log.filter);
    let signals = Signals::take()?;
    let app = App::start(config, Arc::new(SystemClock), Arc::new(SystemRng)).await?;
    Ok(app.until(signals).await?)
}

pub(super) fn healthcheck() -> Result<(), Failure> {
    if is_ready(config::internal_bind(variables())?)? { Ok(()) } else { Err(Failure::NotReady) }
}
