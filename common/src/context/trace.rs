//! Where a request stands in a trace (W3C Trace Context): read from `traceparent`, written to the next one.

use std::{
    fmt,
    num::{NonZeroU64, NonZeroU128},
};

use super::trace_state::TraceState;
use crate::rng::Rng;

/// Names a trace: what one request of a client has led to, in all services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(NonZeroU128);

/// Names one step of a trace, such as a request to one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId(NonZeroU64);

impl TraceId {
    fn generate(rng: &dyn Rng) -> Self {
        let mut bytes = [0; 16];
        rng.fill(&mut bytes);
        Self(NonZeroU128::new(u128::from_be_bytes(bytes)).unwrap_or(NonZeroU128::MIN))
    }

    /// The id as a number.
    #[must_use]
    pub const fn get(self) -> u128 {
        self.0.get()
    }
}

impl SpanId {
    fn generate(rng: &dyn Rng) -> Self {
        let mut bytes = [0; 8];
        rng.fill(&mut bytes);
        Self(NonZeroU64::new(u64::from_be_bytes(bytes)).unwrap_or(NonZeroU64::MIN))
    }

    /// The id as a number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Somebody collects this trace.
const SAMPLED: u8 = 0b01;

/// The trace id is random in the places that samplers look at (level 2).
const RANDOM: u8 = 0b10;

/// A request's place in its trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: TraceId,
    span_id: SpanId,
    parent_id: Option<SpanId>,
    flags: u8,
    state: Option<TraceState>,
}

/// What a `traceparent` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Parent {
    trace_id: TraceId,
    span_id: SpanId,
    flags: u8,
}

impl TraceContext {
    /// The trace that the headers name, or a new one where there is no `traceparent` or a wrong one: a `tracestate` then
    /// means nothing.
    #[must_use]
    pub fn received(traceparent: Option<&str>, tracestate: Option<&str>, rng: &dyn Rng) -> Self {
        let Some(parent) = traceparent.and_then(Parent::parse) else { return Self::begin(rng) };
        Self {
            trace_id: parent.trace_id,
            span_id: SpanId::generate(rng),
            parent_id: Some(parent.span_id),
            flags: parent.flags,
            state: tracestate.and_then(TraceState::parse),
        }
    }

    /// A trace that begins here.
    #[must_use]
    pub fn begin(rng: &dyn Rng) -> Self {
        Self {
            trace_id: TraceId::generate(rng),
            span_id: SpanId::generate(rng),
            parent_id: None,
            flags: SAMPLED | RANDOM,
            state: None,
        }
    }

    /// The trace.
    #[must_use]
    pub const fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// This request in it.
    #[must_use]
    pub const fn span_id(&self) -> SpanId {
        self.span_id
    }

    /// What led to this request; `None` where the trace begins with it.
    #[must_use]
    pub const fn parent_id(&self) -> Option<SpanId> {
        self.parent_id
    }

    /// `trace-flags`, as far as they are known here.
    #[must_use]
    pub const fn flags(&self) -> u8 {
        self.flags
    }

    /// Whether somebody collects this trace.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// What tracing systems have noted along the way.
    #[must_use]
    pub const fn state(&self) -> Option<&TraceState> {
        self.state.as_ref()
    }

    /// The header of calls that this request makes.
    #[must_use]
    pub fn traceparent(&self) -> String {
        format!("00-{}-{}-{:02x}", self.trace_id, self.span_id, self.flags)
    }
}

impl Parent {
    /// Version 00 is all that is known. What a later version may have added to it is passed over, flags included.
    fn parse(text: &str) -> Option<Self> {
        let (known, added) = text.split_at_checked("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".len())?;
        let (version, rest) = known.split_once('-')?;
        let (trace_id, rest) = rest.split_once('-')?;
        let (span_id, flags) = rest.split_once('-')?;
        let whole = match lower_hex(version, 2)? {
            0 => added.is_empty(),
            0xff => false,
            _ => added.is_empty() || added.starts_with('-'),
        };
        let flags = u8::try_from(lower_hex(flags, 2)?).ok()? & (SAMPLED | RANDOM);
        let trace_id = TraceId(NonZeroU128::new(lower_hex(trace_id, 32)?)?);
        let span_id = SpanId(NonZeroU64::new(u64::try_from(lower_hex(span_id, 16)?).ok()?)?);
        whole.then_some(Self { trace_id, span_id, flags })
    }
}

fn lower_hex(text: &str, digits: usize) -> Option<u128> {
    let well_formed = text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if well_formed { u128::from_str_radix(text, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::{option, prelude::*, string::string_regex};

    use super::*;
    use crate::rng::{self, SystemRng};

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    /// A generator that has run dry.
    struct Zeros;

    impl rng::Rng for Zeros {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    fn parse(text: &str) -> Option<(String, String, u8)> {
        Parent::parse(text).map(|parent| (parent.trace_id.to_string(), parent.span_id.to_string(), parent.flags))
    }

    #[test]
    fn the_example_of_the_standard_is_read() {
        let known = |flags| Some((TRACE.to_owned(), SPAN.to_owned(), flags));
        assert_eq!(parse(&format!("00-{TRACE}-{SPAN}-01")), known(1));
        assert_eq!(parse(&format!("00-{TRACE}-{SPAN}-00")), known(0));
        // Flags that nobody has named yet are not passed on.
        assert_eq!(parse(&format!("00-{TRACE}-{SPAN}-ff")), known(3));
    }

    #[test]
    fn a_later_version_is_read_as_far_as_this_one_goes() {
        for text in [format!("01-{TRACE}-{SPAN}-01"), format!("fe-{TRACE}-{SPAN}-09-what-comes-then")] {
            assert_eq!(parse(&text), Some((TRACE.to_owned(), SPAN.to_owned(), 1)), "{text}");
        }
    }

    #[test]
    fn what_is_not_well_formed_is_nothing() {
        let wrong = [
            String::new(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}-01-"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("00-{TRACE}-{SPAN}-011"),
            format!("01-{TRACE}-{SPAN}-01more"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("0-{TRACE}0-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{}-01", SPAN.to_uppercase()),
            format!("FE-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-0A"),
            format!("00-{}-{SPAN}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00_{TRACE}_{SPAN}_01"),
            format!("00-+{}-{SPAN}-01", &TRACE[1..]),
            format!(" 00-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-01, 00-{TRACE}-{SPAN}-01"),
            format!("00-{}é-{SPAN}-01", &TRACE[2..]),
        ];
        for text in wrong {
            assert_eq!(parse(&text), None, "{text:?}");
        }
    }

    #[test]
    fn a_wrong_parent_begins_a_new_trace_and_its_state_is_dropped() {
        let sent = format!("00-{TRACE}-{SPAN}-01-");
        let context = TraceContext::received(Some(&sent), Some("vendor=opaque"), &SystemRng);
        assert_eq!((context.parent_id(), context.state(), context.is_sampled()), (None, None, true));
        assert_ne!(context.trace_id().to_string(), TRACE);
    }

    #[test]
    fn ids_are_never_zero_whatever_the_generator_gives() {
        let traceparent = TraceContext::begin(&Zeros).traceparent();
        assert!(Parent::parse(&traceparent).is_some(), "{traceparent}");
    }

    /// Texts that are a `traceparent`, or nearly.
    fn nearly() -> impl Strategy<Value = String> {
        let piece = |digits: usize| {
            let right = string_regex(&format!("[0-9a-f]{{{digits}}}")).unwrap();
            let about = string_regex(&format!("[0-9a-fA-F]{{{},{}}}", digits - 1, digits + 1)).unwrap();
            prop_oneof![8 => right, 1 => about, 1 => Just("0".repeat(digits))]
        };
        let version = prop_oneof![4 => Just("00".to_owned()), 1 => Just("ff".to_owned()), 1 => piece(2)];
        let rest = option::weighted(0.3, "-?[ -~]{0,12}");
        (version, piece(32), piece(16), piece(2), rest).prop_map(|(version, trace, span, flags, rest)| {
            format!("{version}-{trace}-{span}-{flags}{}", rest.unwrap_or_default())
        })
    }

    /// What the standard says, read off the text piece by piece.
    fn is_right(text: &str) -> bool {
        let pieces: Vec<_> = text.split('-').collect();
        let [version, trace, span, flags, more @ ..] = &pieces[..] else { return false };
        let hex = |piece: &str, digits| {
            piece.len() == digits && piece.chars().all(|digit| "0123456789abcdef".contains(digit))
        };
        let some = |piece: &str| piece.contains(|digit| digit != '0');
        hex(version, 2)
            && *version != "ff"
            && (*version != "00" || more.is_empty())
            && hex(trace, 32)
            && some(trace)
            && hex(span, 16)
            && some(span)
            && hex(flags, 2)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn what_is_read_is_what_the_standard_allows(text in prop_oneof![9 => nearly(), 1 => ".{0,80}"]) {
            let read = parse(&text);
            prop_assert_eq!(read.is_some(), is_right(&text), "{:?}", text);
            if let Some((trace, span, _)) = read {
                prop_assert_eq!((&text[3..35], &text[36..52]), (trace.as_str(), span.as_str()));
            }
        }

        #[test]
        fn the_next_service_reads_what_this_one_writes(flags in 0..4_u8, sent in "00-[0-9a-f]{31}1-[0-9a-f]{15}1") {
            let context = TraceContext::received(Some(&format!("{sent}-{flags:02x}")), None, &SystemRng);
            let next = TraceContext::received(Some(&context.traceparent()), None, &SystemRng);
            prop_assert_eq!((next.trace_id(), next.flags()), (context.trace_id(), flags));
            prop_assert_eq!(next.parent_id(), Some(context.span_id()));
            prop_assert_ne!(next.span_id(), context.span_id());
        }
    }
}
