//! The request at hand, for whatever is called on its account.

use std::future::Future;

use uuid::Uuid;

use crate::rng::Rng;

tokio::task_local! {
    static CONTEXT: RequestContext;
}

/// What the calls that a request leads to have in common with it.
#[derive(Debug, Clone)]
pub struct RequestContext {
    request_id: String,
    traceparent: Option<String>,
}

impl RequestContext {
    /// What the headers of a request say; its id is made here where there is none.
    #[must_use]
    pub fn received(
        request_id: Option<&str>,
        traceparent: Option<&str>,
        _tracestate: Option<&str>,
        rng: &dyn Rng,
    ) -> Self {
        let made = || {
            let mut id = [0; 16];
            rng.fill(&mut id);
            Uuid::from_bytes(id).simple().to_string()
        };
        Self { request_id: request_id.map_or_else(made, str::to_owned), traceparent: traceparent.map(str::to_owned) }
    }

    /// The headers that an outgoing call carries.
    #[must_use]
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let traceparent = self.traceparent.clone().map(|value| ("traceparent", value));
        [("x-request-id", self.request_id.clone())].into_iter().chain(traceparent).collect()
    }
}

/// The context of the request at hand; `None` outside of one.
#[must_use]
pub fn current() -> Option<RequestContext> {
    CONTEXT.try_with(Clone::clone).ok()
}

/// Runs `future` within `context`.
pub async fn within<F: Future>(context: RequestContext, future: F) -> F::Output {
    CONTEXT.scope(context, future).await
}
