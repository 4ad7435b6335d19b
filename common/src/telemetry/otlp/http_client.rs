//! How the exporter, which has a thread but no runtime, uses the HTTP client that everything else uses.

use std::{mem::take, time::Duration};

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use reqwest::Client;
use tokio::runtime::Handle;

use crate::outbound::{self, OutboundError};

/// A longer answer is not read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Sends from the runtime that it was made in.
#[derive(Debug)]
pub(super) struct RuntimeClient {
    client: Client,
    runtime: Handle,
}

impl RuntimeClient {
    /// Each request takes `timeout` at the most.
    pub fn new(timeout: Duration) -> Result<Self, OutboundError> {
        Ok(Self { client: outbound::client(timeout)?, runtime: Handle::current() })
    }
}

#[async_trait]
impl HttpClient for RuntimeClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let exchange = exchange(self.client.clone(), request);
        Ok(self.runtime.spawn(exchange).await??)
    }
}

async fn exchange(client: Client, request: Request<Bytes>) -> Result<Response<Bytes>, OutboundError> {
    let mut response = client.execute(request.try_into()?).await?;
    let (status, headers) = (response.status(), take(response.headers_mut()));
    let mut answer = Response::new(outbound::body(response, MAX_ANSWER_BYTES).await?.into());
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    Ok(answer)
}
