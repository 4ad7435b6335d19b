//! Whether a call is tried again, and when. Pure: chance is an argument.

use std::time::Duration;

use reqwest::{Method, StatusCode, header::HeaderValue};

/// The first pause; each further one is twice as long. Chance takes up to half of it.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// A peer that asks for a longer pause is not asked again by the same call.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(2);

/// A try that has failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failed {
    /// How many tries there have been.
    pub tries: u32,
    /// Whether the peer may have read the request.
    pub may_have_been_sent: bool,
    /// What the peer wants.
    pub retry_after: Option<Duration>,
}

/// What a call allows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowed {
    /// So many tries.
    pub tries: u32,
    /// Whether doing it twice is as good as once (RFC 9110, section 9.2.2).
    pub is_idempotent: bool,
    /// The time that is left.
    pub left: Duration,
}

/// The pause before the next try; `None`: there is none.
pub(super) fn pause(failed: Failed, allowed: Allowed, chance: u8) -> Option<Duration> {
    if failed.tries >= allowed.tries || (failed.may_have_been_sent && !allowed.is_idempotent) {
        return None;
    }
    let longest = FIRST_PAUSE.saturating_mul(1 << failed.tries.saturating_sub(1).min(10));
    let own = longest / 2 + longest * u32::from(chance) / 512;
    let pause = match failed.retry_after {
        Some(wanted) if wanted > LONGEST_RETRY_AFTER => return None,
        Some(wanted) => wanted + own,
        None => own,
    };
    (pause < allowed.left).then_some(pause)
}

pub(super) fn is_idempotent(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::PUT | Method::DELETE | Method::OPTIONS)
}

/// Whether a peer says that it, or what is behind it, cannot answer at present.
pub(super) fn is_away(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
}

/// `Retry-After` in seconds (RFC 9110, section 10.2.3). A date is passed over.
pub(super) fn retry_after(value: Option<&HeaderValue>) -> Option<Duration> {
    value?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use proptest::{option, prelude::*};

    use super::*;

    const FAILED: Failed = Failed { tries: 1, may_have_been_sent: true, retry_after: None };
    const ALLOWED: Allowed = Allowed { tries: 3, is_idempotent: true, left: Duration::from_secs(10) };

    #[test]
    fn what_may_have_been_done_is_not_done_again() {
        assert!(pause(FAILED, ALLOWED, 0).is_some());
        let once = Allowed { is_idempotent: false, ..ALLOWED };
        assert_eq!(pause(FAILED, once, 0), None);
        assert!(pause(Failed { may_have_been_sent: false, ..FAILED }, once, 0).is_some());
        for method in [Method::POST, Method::PATCH, Method::CONNECT] {
            assert!(!is_idempotent(&method), "{method}");
        }
    }

    #[test]
    fn pauses_grow_and_follow_the_peer_for_a_short_while() {
        let after = |tries, retry_after| pause(Failed { tries, retry_after, ..FAILED }, ALLOWED, 0);
        assert_eq!(after(1, None), Some(Duration::from_millis(50)));
        assert_eq!(after(2, None), Some(Duration::from_millis(100)));
        assert_eq!(after(3, None), None);
        assert_eq!(after(1, Some(Duration::from_secs(1))), Some(Duration::from_millis(1_050)));
        assert_eq!(after(1, Some(Duration::from_secs(3))), None);
    }

    #[test]
    fn a_date_or_nonsense_is_no_number_of_seconds() {
        let read = |text| retry_after(Some(&HeaderValue::from_static(text)));
        assert_eq!(read(" 2 "), Some(Duration::from_secs(2)));
        for text in ["", "-1", "1.5", "Fri, 31 Dec 2027 23:59:59 GMT", "99999999999999999999"] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_pause_ends_before_the_call_has_to(
            tries in 0..10_u32, allowed in 0..10_u32, left in 0..20_000_u64, wanted in option::of(0..100_u64), chance: u8,
        ) {
            let failed = Failed { tries, retry_after: wanted.map(Duration::from_secs), ..FAILED };
            let left = Duration::from_millis(left);
            if let Some(pause) = pause(failed, Allowed { tries: allowed, left, ..ALLOWED }, chance) {
                prop_assert!(tries < allowed && pause < left);
                prop_assert!(wanted.is_none_or(|wanted| pause >= Duration::from_secs(wanted)));
            }
        }
    }
}
