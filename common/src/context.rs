//! The request at hand: what its log lines and the calls that are made on its behalf have in common.
//!
//! The server runs every handler [`within`] a context. A task that a handler starts has none of its own, unless it is
//! [`carried`] along:
//!
//! ```
//! use common::{context::{carried, current}, rng::SystemRng};
//! # use common::context::{RequestContext, within};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(within(
//! # RequestContext::received(None, None, None, &SystemRng), async {
//! let headers = tokio::spawn(carried(async { current().map(|context| context.headers()) }));
//! assert!(headers.await.unwrap().unwrap().iter().any(|(name, _)| *name == "traceparent"));
//! # }));
//! ```

mod request_id;
mod trace;
mod trace_state;

use std::future::Future;

pub use request_id::RequestId;
pub use trace::{SpanId, TraceContext, TraceId};
pub use trace_state::TraceState;

use crate::rng::Rng;

tokio::task_local! {
    static CONTEXT: RequestContext;
}

/// What tells a request apart, here and in every service that it leads to.
#[derive(Debug, Clone)]
pub struct RequestContext {
    request_id: RequestId,
    trace: TraceContext,
}

impl RequestContext {
    /// What the headers of a request say, `X-Request-Id`, `traceparent` and `tracestate`; made here where one is missing
    /// or wrong. Several `tracestate` headers are one, divided by commas.
    #[must_use]
    pub fn received(
        request_id: Option<&str>,
        traceparent: Option<&str>,
        tracestate: Option<&str>,
        rng: &dyn Rng,
    ) -> Self {
        Self {
            request_id: request_id.and_then(RequestId::parse).unwrap_or_else(RequestId::generate),
            trace: TraceContext::received(traceparent, tracestate, rng),
        }
    }

    /// The id that clients are told.
    #[must_use]
    pub fn request_id(&self) -> &RequestId {
        &self.request_id
    }

    /// Where the request stands in a trace.
    #[must_use]
    pub fn trace(&self) -> &TraceContext {
        &self.trace
    }

    /// What an outgoing call carries, so that whoever is called belongs to the same trace.
    #[must_use]
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let state = self.trace.state().map(|state| ("tracestate", state.as_str().to_owned()));
        let always = [("x-request-id", self.request_id.as_str().to_owned()), ("traceparent", self.trace.traceparent())];
        always.into_iter().chain(state).collect()
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

/// Runs `future` within the context of whoever calls this, on whatever task it ends up.
pub fn carried<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let context = current();
    async move {
        match context {
            Some(context) => within(context, future).await,
            None => future.await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SystemRng;

    const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn received() -> RequestContext {
        RequestContext::received(Some("the-request"), Some(TRACEPARENT), Some("vendor=opaque"), &SystemRng)
    }

    fn trace_at_hand() -> Option<TraceId> {
        current().map(|context| context.trace().trace_id())
    }

    #[test]
    fn a_call_names_the_span_of_the_request_that_makes_it() {
        let context = received();
        let span = context.trace().span_id();
        let expected = [
            ("x-request-id", "the-request".to_owned()),
            ("traceparent", format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{span}-01")),
            ("tracestate", "vendor=opaque".to_owned()),
        ];
        assert_eq!(context.headers(), expected);
        assert_ne!(span.to_string(), "00f067aa0ba902b7");
    }

    #[test]
    fn without_a_state_no_header_speaks_of_one() {
        let headers = RequestContext::received(None, None, None, &SystemRng).headers();
        assert_eq!(headers.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["x-request-id", "traceparent"]);
    }

    #[tokio::test]
    async fn two_requests_on_one_thread_keep_to_their_own() {
        let (one, other) = (received(), RequestContext::received(None, None, None, &SystemRng));
        let look = || async {
            tokio::task::yield_now().await;
            trace_at_hand().unwrap()
        };
        let seen = tokio::join!(within(one.clone(), look()), within(other.clone(), look()));
        assert_eq!(seen, (one.trace().trace_id(), other.trace().trace_id()));
        assert!(current().is_none());
    }

    #[tokio::test]
    async fn a_task_has_the_context_that_it_is_given_along() {
        let context = received();
        let seen = within(context.clone(), async {
            let plain = tokio::spawn(async { trace_at_hand() });
            let with_it = tokio::spawn(carried(async { trace_at_hand() }));
            (plain.await.unwrap(), with_it.await.unwrap())
        });
        assert_eq!(seen.await, (None, Some(context.trace().trace_id())));
        assert_eq!(carried(async { trace_at_hand() }).await, None);
    }
}
