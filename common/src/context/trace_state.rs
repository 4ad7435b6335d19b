//! What tracing systems note for themselves in `tracestate` (W3C Trace Context, section 3.3): passed on, and not read.

use std::{collections::HashSet, sync::Arc};

/// All that a tracing system may rely on.
const MAX_BYTES: usize = 512;

const MAX_MEMBERS: usize = 32;
const MAX_PART: usize = 256;

/// A `tracestate` that is well formed and not too long to pass on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceState(Arc<str>);

impl TraceState {
    /// `text`, if it may be passed on. Nothing is left out of one that may not: it is dropped.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let members =
            text.split(',').map(|member| member.trim_matches([' ', '\t'])).filter(|member| !member.is_empty());
        let mut keys = HashSet::new();
        for member in members {
            let (key, value) = member.split_once('=')?;
            if !is_key(key) || !is_value(value) || !keys.insert(key) {
                return None;
            }
        }
        (1..=MAX_MEMBERS).contains(&keys.len()).then(|| Self(text.into()))
    }

    /// As it was sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_key(key: &str) -> bool {
    let inner = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@');
    key.len() <= MAX_PART
        && key.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
        && key.bytes().all(inner)
}

/// Spaces at its end have been taken for those between members.
fn is_value(value: &str) -> bool {
    (1..=MAX_PART).contains(&value.len()) && value.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'=')
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn is_kept(text: &str) -> bool {
        TraceState::parse(text).is_some_and(|state| state.as_str() == text)
    }

    #[test]
    fn what_the_standard_allows_is_kept_as_it_is() {
        for text in [
            "rojo=00f067aa0ba902b7",
            "rojo=1,congo=t61rcWkgMzE",
            "a=1 ,\t b= 2,,",
            "fw529a3039@dt=FfAAA!",
            "1a=~",
            "k/*_-=:",
        ] {
            assert!(is_kept(text), "{text:?}");
        }
    }

    #[test]
    fn what_it_does_not_is_dropped() {
        let long_key = format!("{}=1", "k".repeat(257));
        let long_value = format!("k={}", "v".repeat(257));
        for text in [
            "",
            ",",
            " ",
            "rojo",
            "=1",
            "a=",
            "A=1",
            "@a=1",
            "-a=1",
            "a b=1",
            "a=1=2",
            "a=1,a=2",
            "a=é",
            "a=\u{7f}",
            "a=1;b=\n",
            &long_key,
            &long_value,
        ] {
            assert!(!is_kept(text), "{text:?}");
        }
    }

    #[test]
    fn neither_its_length_nor_its_members_are_without_bound() {
        let of = |members: usize| (0..members).map(|number| format!("k{number}=v")).collect::<Vec<_>>().join(",");
        assert!(is_kept(&of(32)) && !is_kept(&of(33)));
        let padded = |bytes: usize| format!("{:bytes$}", "k=v");
        assert!(is_kept(&padded(512)) && !is_kept(&padded(513)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn what_is_kept_can_be_a_header_and_does_not_change(
            text in prop_oneof![
                vec("[a-z0-9@*/_-]{0,6}=?[ -~]{0,6}", 0..6).prop_map(|members| members.join(",")),
                "\\PC{0,40}",
            ],
        ) {
            let Some(state) = TraceState::parse(&text) else { return Ok(()) };
            prop_assert_eq!(state.as_str(), &text);
            prop_assert!(text.len() <= 512 && text.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)));
            prop_assert!(text.split(',').all(|member| member.trim().is_empty() || member.matches('=').count() == 1));
        }

        #[test]
        fn well_formed_members_are_kept(values in vec("[!-+\\--<>-~]{1,10}", 1..20)) {
            let members: Vec<_> = values.iter().enumerate().map(|(at, value)| format!("k{at}@v={value}")).collect();
            prop_assert!(is_kept(&members.join(", ")));
        }
    }
}
