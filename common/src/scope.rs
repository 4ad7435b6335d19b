//! `scope`: what a token allows (RFC 6749, section 3.3). One space-separated text outside, a set inside.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
};

/// A set of scope tokens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope(BTreeSet<String>);

/// The text is not a list of scope tokens divided by single spaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a scope is made of printable ASCII words without quotes and backslashes, divided by single spaces")]
pub struct InvalidScope;

impl Scope {
    /// Whether `token` is allowed.
    #[must_use]
    pub fn contains(&self, token: &str) -> bool {
        self.0.contains(token)
    }

    /// Whether everything that this allows, `other` allows too.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    /// What both allow.
    #[must_use]
    pub fn common_with(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// What either allows.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// The tokens, in the order of their letters.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether nothing is allowed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`
fn is_scope_token(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

impl FromStr for Scope {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        // One by one: `collect` would first put all into a list and sort it.
        let mut tokens = BTreeSet::new();
        for token in text.split(' ') {
            if !is_scope_token(token) {
                return Err(InvalidScope);
            }
            tokens.insert(token.to_owned());
        }
        Ok(Self(tokens))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, token) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(" ")?;
            }
            f.write_str(token)?;
        }
        Ok(())
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(ScopeVisitor)
    }
}

struct ScopeVisitor;

impl Visitor<'_> for ScopeVisitor {
    type Value = Scope;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a scope")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Scope, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn a_scope_has_the_words_of_its_text_and_no_others(text in prop_oneof!["[a-c:\"\\\\ ]{0,12}", ".{0,30}"]) {
            if let Ok(scope) = text.parse::<Scope>() {
                let words: BTreeSet<_> = text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
                prop_assert_eq!(&scope.0, &words);
                prop_assert_eq!(scope.to_string().parse::<Scope>(), Ok(scope));
            }
        }
    }

    #[test]
    fn order_and_repetition_do_not_matter() {
        let scope: Scope = "notes:write notes:read notes:write".parse().unwrap();
        assert_eq!(scope.to_string(), "notes:read notes:write");
        assert!(scope.contains("notes:read") && !scope.contains("notes"));
    }

    #[test]
    fn scopes_compare_as_sets() {
        let scope = |text: &str| text.parse::<Scope>().unwrap();
        assert!(scope("a").is_within(&scope("b a")) && scope("").is_within(&scope("")));
        assert!(!scope("a c").is_within(&scope("b a")));
        assert_eq!(scope("a c").common_with(&scope("c d")), scope("c"));
    }

    #[test]
    fn the_empty_text_allows_nothing() {
        assert!("".parse::<Scope>().unwrap().is_empty());
    }

    #[test]
    fn quotes_backslashes_and_double_spaces_are_refused() {
        for text in ["a\"b", "a\\b", "a  b", " a", "a ", "ä", "a\tb"] {
            assert_eq!(text.parse::<Scope>(), Err(InvalidScope), "{text:?}");
        }
    }
}
